import { CarillonError } from '../core/error.ts';
import type { Outcome } from '../core/outcome.ts';

/**
 * The payload could not be read: for now (the registry is away), or never (the record is at fault).
 */
export function payloadOutcome(error: unknown): Outcome {
  if (error instanceof CarillonError && error.retryable) {
    return { kind: 'retry', why: `payload_unavailable: ${error.code}`, scope: 'lane' };
  }
  return { kind: 'rejected', reason: 'payload_unreadable', deadLetter: true };
}
