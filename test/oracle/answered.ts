/**
 * Two sets of answers, compared: as multisets, and as the last answer for each thing that is
 * answered (a key, or a key's window).
 */

export interface Compared {
  /** What is answered: `a [0,10]`. */
  readonly of: string;
  /** The whole answer as text; null: it is gone. */
  readonly says: string | null;
}

/** Answers that only one of the two has, as often as it has more of them. */
export function surplus(ours: readonly Compared[], theirs: readonly Compared[]): string[] {
  const counts = new Map<string, number>();
  for (const [all, by] of [
    [ours, 1],
    [theirs, -1],
  ] as const) {
    for (const { of, says } of all) {
      const text = `${of} ${says}`;
      counts.set(text, (counts.get(text) ?? 0) + by);
    }
  }
  return [...counts]
    .filter(([, count]) => count !== 0)
    .map(([text, count]) => `${count > 0 ? 'ours' : 'theirs'} only: ${text}`)
    .sort();
}

/** The last answer for each, without those that are gone. */
export function lastOf(all: readonly Compared[]): ReadonlyMap<string, string> {
  const last = new Map<string, string>();
  for (const { of, says } of all) {
    if (says === null) last.delete(of);
    else last.set(of, says);
  }
  return last;
}
