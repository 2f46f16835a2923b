/**
 * Sessions: [first, last], both in it; a record joins every session that is `gap` or less away from
 * it, and so may make one of several (S19 to S21).
 */
import type { Window, Windowing } from './window-rows.ts';

export function sessionWindows(gapMs: number, graceMs: number): Windowing {
  /** A session still takes a record at stream time `end + gap + grace`. */
  const closeMs = ({ end }: Window) => end + gapMs + graceMs + 1;
  return {
    isListed: true,
    hasBounds: true,
    changes(rows, group, atMs, streamMs, maker) {
      const near: Window[] = [];
      // Sessions of a group are apart, so their ends are in the order of their starts.
      for (const start of rows.starts(group).toReversed()) {
        if (start > atMs + gapMs) continue;
        const session = rows.get(group, start)!;
        if (session.end < atMs - gapMs) break;
        near.unshift(session);
      }
      const [first, ...others] = near;
      const all = first === undefined ? undefined : others.reduce(maker.merged, first);
      const before = all ?? maker.empty(atMs, atMs);
      const start = Math.min(before.start, atMs);
      const end = Math.max(before.end, atMs);
      // Judged after merging: an old record may ride on a session that is open.
      if (streamMs >= closeMs({ ...before, end })) return { puts: [], merged: [], late: 1 };
      const merged = near.filter((one) => one.start !== start || one.end !== end);
      return { puts: [maker.with({ ...before, start, end })], merged, late: 0 };
    },
    closeMs,
    forgetMs: closeMs,
  };
}
