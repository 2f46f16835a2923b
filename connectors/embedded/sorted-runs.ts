/** Keys with their rows, added in any order in pieces, and given back in the order of the keys. */
export interface SortedEntry {
  readonly key: Buffer;
  readonly row: number;
}

interface SortedRun {
  readonly entries: readonly SortedEntry[];
  at: number;
}

export class SortedRuns {
  readonly #runs: SortedRun[] = [];
  size = 0;

  /** A piece: it is sorted for itself, so that no call takes long. */
  add(entries: readonly SortedEntry[]): void {
    if (entries.length === 0) return;
    const sorted = [...entries].sort((a, b) => Buffer.compare(a.key, b.key) || a.row - b.row);
    this.#runs.push({ entries: sorted, at: 0 });
    this.size += entries.length;
  }

  /** The least that is left; of one key the lowest row. Undefined: nothing is. */
  next(): SortedEntry | undefined {
    let least: SortedRun | undefined;
    for (const run of this.#runs) {
      if (least === undefined || isLess(run.entries[run.at]!, least.entries[least.at]!)) {
        least = run;
      }
    }
    if (least === undefined) return undefined;
    this.size--;
    const entry = least.entries[least.at++]!;
    if (least.at === least.entries.length) this.#runs.splice(this.#runs.indexOf(least), 1);
    return entry;
  }
}

function isLess(a: SortedEntry, b: SortedEntry): boolean {
  const order = Buffer.compare(a.key, b.key);
  return order === 0 ? a.row < b.row : order < 0;
}
