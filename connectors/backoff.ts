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

/**
 * `Retry-After` as seconds or an HTTP date (RFC 9110, 10.2.3), in ms; undefined when it is neither.
 */
export function retryAfterMs(header: unknown, nowMs: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  const text = header.trim();
  const atMs = /^\d+$/.test(text) ? nowMs + Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(atMs)) return undefined;
  return Math.min(RETRY_AFTER_MAX_MS, Math.max(0, atMs - nowMs));
}
