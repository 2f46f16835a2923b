import { CarillonError } from '../core/error.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';

/**
 * What a push carries. An outcome where there is nothing to push: it has expired, or the payload
 * cannot be read, for now (the registry is away) or never (the record is at fault).
 */
export async function payloadOrOutcome(
  notification: DeviceNotification,
  nowMs: number,
  read: (notification: DeviceNotification) => Promise<unknown>,
): Promise<{ readonly payload: unknown } | Outcome> {
  const { deadline } = notification;
  if (deadline > 0 && deadline <= nowMs) return { kind: 'rejected', reason: 'expired' };
  try {
    return { payload: await read(notification) };
  } catch (error) {
    if (error instanceof CarillonError && error.retryable) {
      return { kind: 'retry', why: `payload_unavailable: ${error.code}`, scope: 'lane' };
    }
    return { kind: 'rejected', reason: 'payload_unreadable', deadLetter: true };
  }
}
