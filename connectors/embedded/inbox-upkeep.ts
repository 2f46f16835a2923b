/**
 * Keeps the inbox sorted and small, in pieces:
 *
 *   idle ──enough is new──▶ collecting keys ──▶ merging them into `inbox_keys` ──▶ idle
 *   idle ──enough has expired, or all was looked at──▶ removing rows and keys ──▶ idle
 *
 * Keys are merged many at a time and in their order, so that a page of `inbox_keys` is written once
 * for many of them.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { asBuffer } from './database.ts';
import type { Chore } from './housekeeping.ts';
import { type SortedEntry, SortedRuns } from './sorted-runs.ts';

/**
 * Sorted at once: an eighth of what is there, so that about every page of the keys gets some of
 * them; never so many that a reader, who keeps in memory what is not sorted yet, needs more than
 * some 10 MB for it.
 */
const SORT_SHARE = 1 / 8;
const SORT_ROWS_MIN = 4_096;
const SORT_ROWS_MAX = 65_536;
/** In one step: a millisecond or two. */
const COLLECT_ROWS = 1_024;
const MERGE_ROWS = 256;
/** Rows that one tick looks at, beside twice those that came since the last. */
const LOOK_ROWS_MIN = 500;

export class InboxUpkeep implements Chore {
  /** Rows written since the last tick; counted by the writer. */
  written = 0;
  /** The number of the newest row when the file was opened. */
  readonly lastId: number;
  readonly #edges: StatementSync;
  readonly #mark: StatementSync;
  readonly #setMark: StatementSync;
  readonly #keys: StatementSync;
  readonly #look: StatementSync;
  readonly #addKey: StatementSync;
  readonly #removeKey: StatementSync;
  readonly #removeRow: StatementSync;
  #phase: 'idle' | 'collecting' | 'merging' | 'removing' = 'idle';
  /** Keys that are to be merged. */
  #fresh = new SortedRuns();
  /** The rows up to here are sorted. */
  #sortedTo: number;
  #collectedTo = 0;
  #collectTo = 0;
  /** Expired rows that are to be removed. */
  #expired = new SortedRuns();
  /** Looking for what has expired goes round and round; it has seen the rows up to this one. */
  #lookedTo = 0;

  constructor(db: DatabaseSync) {
    this.#edges = db.prepare(
      'SELECT coalesce((SELECT min(id) FROM inbox), 1) AS first, ' +
        'coalesce((SELECT max(id) FROM inbox), 0) AS last',
    );
    this.#mark = db.prepare("SELECT value FROM marks WHERE name = 'inbox'");
    this.#setMark = db.prepare(
      "INSERT INTO marks(name, value) VALUES ('inbox', ?) " +
        'ON CONFLICT DO UPDATE SET value = excluded.value',
    );
    this.#keys = db.prepare(
      'SELECT id, key FROM inbox WHERE id > ? AND id <= ? ORDER BY id LIMIT ?',
    );
    this.#look = db.prepare(
      'SELECT id, key, expires_at FROM inbox WHERE id > ? ORDER BY id LIMIT ?',
    );
    this.#addKey = db.prepare(
      'INSERT INTO inbox_keys(key, row) VALUES (?, ?) ' +
        'ON CONFLICT DO UPDATE SET row = excluded.row WHERE excluded.row > row',
    );
    // A key that was written again leads to the newer row, which stays.
    this.#removeKey = db.prepare('DELETE FROM inbox_keys WHERE key = ? AND row = ?');
    this.#removeRow = db.prepare('DELETE FROM inbox WHERE id = ?');
    this.#sortedTo = Number(this.#mark.get()?.value ?? 0);
    this.lastId = Math.max(this.#sortedTo, Number(this.#edges.get()!.last));
  }

  get isDue(): boolean {
    return this.#phase !== 'idle';
  }

  tick(nowMs: number): void {
    if (this.#phase !== 'idle') return;
    const { first, last } = this.#edges.get()!;
    const rows = Number(last) - Number(first) + 1;
    const many = Math.min(SORT_ROWS_MAX, Math.max(SORT_ROWS_MIN, rows * SORT_SHARE));
    const hasSeenAll = this.#lookForExpired(nowMs, Number(last));
    if (this.#expired.size >= many || (hasSeenAll && this.#expired.size > 0)) {
      this.#phase = 'removing';
    } else if (Number(last) - this.#sortedTo >= many) {
      this.#collectedTo = this.#sortedTo;
      this.#collectTo = Number(last);
      this.#phase = 'collecting';
    }
  }

  step(): void {
    if (this.#phase === 'collecting') this.#collect();
    else if (this.#phase === 'merging') this.#merge();
    else if (this.#phase === 'removing') this.#remove();
  }

  reset(): void {
    this.#phase = 'idle';
    this.#fresh = new SortedRuns();
    this.#expired = new SortedRuns();
    this.#lookedTo = 0;
    this.#sortedTo = Number(this.#mark.get()?.value ?? 0);
  }

  #collect(): void {
    const rows = this.#keys.all(this.#collectedTo, this.#collectTo, COLLECT_ROWS);
    const entries = rows.map((row) => ({ row: Number(row.id), key: asBuffer(row.key) }));
    this.#fresh.add(entries);
    this.#collectedTo = entries.at(-1)?.row ?? this.#collectTo;
    if (rows.length < COLLECT_ROWS || this.#fresh.size >= SORT_ROWS_MAX) this.#phase = 'merging';
  }

  #merge(): void {
    for (const { key, row } of this.#take(this.#fresh)) this.#addKey.run(key, row);
    if (this.#fresh.size > 0) return;
    this.#sortedTo = this.#collectedTo;
    this.#setMark.run(this.#sortedTo);
    this.#phase = 'idle';
  }

  #remove(): void {
    for (const { key, row } of this.#take(this.#expired)) {
      this.#removeKey.run(key, row);
      this.#removeRow.run(row);
    }
    if (this.#expired.size === 0) this.#phase = 'idle';
  }

  #take(runs: SortedRuns): SortedEntry[] {
    const taken: SortedEntry[] = [];
    while (taken.length < MERGE_ROWS && runs.size > 0) taken.push(runs.next()!);
    return taken;
  }

  /** True: the end was reached, and it begins anew. */
  #lookForExpired(nowMs: number, lastId: number): boolean {
    const limit = LOOK_ROWS_MIN + 2 * this.written;
    this.written = 0;
    const rows = this.#look.all(this.#lookedTo, limit);
    const expired = rows.filter((row) => Number(row.expires_at) <= nowMs);
    this.#expired.add(expired.map((row) => ({ row: Number(row.id), key: asBuffer(row.key) })));
    this.#lookedTo = Number(rows.at(-1)?.id ?? lastId);
    if (this.#lookedTo < lastId) return false;
    this.#lookedTo = 0;
    return true;
  }
}
