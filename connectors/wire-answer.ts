/** How a request to a push provider ended, told apart for rule D7. */
import type { IncomingHttpHeaders } from 'node:http2';
import type { Outcome } from '../core/outcome.ts';

export type LostWhy = 'timeout' | 'cut' | 'unreachable' | 'crowded' | 'closed';

export type WireAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      /** Cut off at 64 KiB. */
      readonly body: string;
    }
  | {
      readonly kind: 'lost';
      readonly why: LostWhy;
      /** True: the provider may have acted on it. */
      readonly ambiguous: boolean;
      /** A code of Node's or OpenSSL's, e.g. `ECONNREFUSED`; empty when there is none. */
      readonly detail: string;
    };

export function lost(why: LostWhy, ambiguous: boolean, detail = ''): WireAnswer {
  return { kind: 'lost', why, ambiguous, detail };
}

/** Nobody answered, so the lane is in trouble: when to try again is the runner's matter. */
export function lostOutcome(answer: Extract<WireAnswer, { kind: 'lost' }>): Outcome {
  const { why, ambiguous, detail } = answer;
  return {
    kind: 'retry',
    why: detail === '' ? why : `${why}: ${detail}`,
    ambiguous,
    scope: 'lane',
  };
}
