/**
 * Windows by the clock: [start, end), starts at multiples of `advance` from the epoch on (S8, S9).
 */
import { NEVER } from '../core/store.ts';
import type { Window, Windowing } from './window-rows.ts';

/** Tumbling where `advanceMs` is `sizeMs`; 0 < advanceMs <= sizeMs. */
export function timeWindows(sizeMs: number, advanceMs: number, graceMs: number): Windowing {
  const closeMs = ({ end }: Window) => end + graceMs;
  return {
    isListed: false,
    hasBounds: true,
    changes(rows, group, atMs, streamMs, maker) {
      const puts: Window[] = [];
      let late = 0;
      const first = Math.max(0, atMs - sizeMs + advanceMs);
      for (let start = first - (first % advanceMs); start <= atMs; start += advanceMs) {
        const end = start + sizeMs;
        // S10, S11: each window for itself, and stream time has the record in it.
        if (streamMs >= end + graceMs) late++;
        else puts.push(maker.with(rows.get(group, start) ?? maker.empty(start, end)));
      }
      return { puts, merged: [], late };
    },
    closeMs,
    forgetMs: closeMs,
  };
}

/** No windows: one row a group, for ever. */
export const NO_WINDOWS: Windowing = {
  isListed: false,
  hasBounds: false,
  changes(rows, group, _atMs, _streamMs, maker) {
    const known = rows.get(group, 0) ?? maker.empty(0, NEVER);
    return { puts: [maker.with(known)], merged: [], late: 0 };
  },
  closeMs: () => NEVER,
  forgetMs: () => NEVER,
};
