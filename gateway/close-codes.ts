/**
 * Why the gateway closes a socket. The range tells the client whether to come back (Centrifuge's
 * rule): 3000–3499 and 4000–4499 reconnect, 3500–3999 and 4500–4999 terminal. Ours are in the
 * 3000s; the 4000s are left to who builds on it. docs/close-codes.md lists the same, and a test
 * compares.
 */
export interface CloseCode {
  readonly code: number;
  readonly reason: string;
  readonly what: string;
}

export const CLOSE_CODES = {
  goingAway: { code: 3001, reason: 'going-away', what: 'The gateway stops or is drained.' },
  heartbeatLost: { code: 3002, reason: 'heartbeat-lost', what: 'No pong came to the last ping.' },
  slow: {
    code: 3003,
    reason: 'slow',
    what: 'The device reads more slowly than is sent; the inbox keeps the rest.',
  },
  moved: {
    code: 3004,
    reason: 'moved',
    what: 'The device was registered anew: a new epoch begins.',
  },
  inboxAway: { code: 3005, reason: 'inbox-away', what: 'The inbox cannot be read now.' },
  tokenExpired: {
    code: 3006,
    reason: 'token-expired',
    what: 'The token has expired: get a new one first.',
  },
  notRegistered: {
    code: 3007,
    reason: 'not-registered',
    what: 'The device is not registered, or not known here yet.',
  },
  tokenNotYetValid: {
    code: 3008,
    reason: 'token-not-yet-valid',
    what: 'The token is good later: look at the clocks, or get a new one.',
  },
  tooMuch: {
    code: 3009,
    reason: 'too-much',
    what: 'The device sends more than its budget: come back more slowly.',
  },
  replaced: {
    code: 3501,
    reason: 'replaced',
    what: 'The device has opened another connection; one of the two would always lose.',
  },
  deleted: { code: 3502, reason: 'deleted', what: 'The device was deleted; register it first.' },
  badFrame: { code: 3503, reason: 'bad-frame', what: 'The device sent what is no frame (CAR720).' },
  noToken: { code: 3504, reason: 'no-token', what: 'No token came with the handshake (CAR701).' },
  badToken: {
    code: 3505,
    reason: 'bad-token',
    what: 'The token is none that is trusted here (CAR702).',
  },
  notAllowed: {
    code: 3506,
    reason: 'not-allowed',
    what: 'Token or page is good, but not for this (CAR704, CAR729, CAR776).',
  },
  badCursor: {
    code: 3507,
    reason: 'bad-cursor',
    what: 'The cursor was never given: come without it (CAR714).',
  },
  unknownPath: {
    code: 3508,
    reason: 'unknown-path',
    what: 'No WebSocket is at this address (CAR705).',
  },
  tokenRevoked: {
    code: 3509,
    reason: 'token-revoked',
    what: 'The token was given before the device was deleted (CAR727).',
  },
} as const satisfies globalThis.Record<string, CloseCode>;

/** True: reconnect with backoff and the last cursor. Other codes than ours: 1000 is final. */
export function mayReconnect(code: number): boolean {
  if (code < 3000) return code !== 1000 && code !== 1008 && code !== 1009;
  return code % 1000 < 500;
}
