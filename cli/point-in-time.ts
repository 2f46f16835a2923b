/** Points in time as people write them on a command line. */
import { parseDuration } from '../core/duration.ts';
import { CarillonError } from '../core/error.ts';

/** `start`, `end`, an ISO time, epoch milliseconds, or how long ago (`10m`). Throws CAR910. */
export function pointInTime(
  text: string,
  nowMs: number,
  option = '--from',
): 'start' | 'end' | number {
  if (text === 'start' || text === 'end') return text;
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return nowMs - agoMs;
  if (/^\d{12,14}$/.test(text)) return Number(text);
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  throw new CarillonError('CAR910', `"${text}" is not a point in time.`, {
    where: { at: option },
  });
}
