/**
 * When to try a provider again. The jitter comes from the notification's id and the attempt, so
 * that a replay waits as long as the first run did, and a burst of refusals still spreads.
 */
const JITTER_SHARE = 0.25;
/** No provider's pause is taken for longer than this; the runner's own limits end it earlier. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * `baseMs · 2^(attempt − 1)`, at most `capMs`, plus up to a quarter. Never below `baseMs`.
 * `attempt` is 1 after the first try.
 */
export function backoffMs(baseMs: number, capMs: number, attempt: number, id: string): number {
  const doubled = baseMs * 2 ** Math.min(30, Math.max(0, attempt - 1));
  const ms = Math.max(baseMs, Math.min(capMs, doubled));
  return Math.round(ms * (1 + JITTER_SHARE * share(`${id}/${attempt}`)));
}

/** FNV-1a over UTF-16 units, as a number from 0 to below 1: only spreads, protects nothing. */
function share(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}

/** The three forms of an HTTP date (RFC 9110, 5.6.7), and nothing that `Date.parse` guesses. */
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const TIME = '\\d{2}:\\d{2}:\\d{2}';
const HTTP_DATE = new RegExp(
  `^(?:${DAY}, \\d{2} ${MONTH} \\d{4} ${TIME} GMT` +
    `|${DAY}[a-z]*, \\d{2}-${MONTH}-\\d{2} ${TIME} GMT` +
    `|${DAY} ${MONTH} [ \\d]\\d ${TIME} \\d{4})$`,
);

function httpDateMs(text: string): number | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  // The third form says no zone, and means GMT as the others do.
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * `Retry-After` as seconds or an HTTP date (RFC 9110, 10.2.3), in ms. A date is compared with the
 * answer's own `Date` where there is one, so that two clocks that differ do not matter. Undefined
 * when it is absent, neither of the two, or not in the future: then the sender's own pause holds.
 */
export function retryAfterOf(
  headers: Readonly<Record<string, unknown>>,
  nowMs: number,
): number | undefined {
  const header = headers['retry-after'];
  if (typeof header !== 'string') return undefined;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : untilMs(text, headers.date, nowMs);
  if (waitMs === undefined || waitMs <= 0) return undefined;
  return Math.min(RETRY_AFTER_MAX_MS, waitMs);
}

function untilMs(text: string, date: unknown, nowMs: number): number | undefined {
  const atMs = httpDateMs(text);
  const saidMs = typeof date === 'string' ? httpDateMs(date.trim()) : undefined;
  return atMs === undefined ? undefined : atMs - (saidMs ?? nowMs);
}
