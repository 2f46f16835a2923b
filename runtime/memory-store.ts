/**
 * A keyed store in memory: the rows of one step in one task, which of them changed since the last
 * commit, and which are due when. What is written is `firstPut | due | row`, so that the order of
 * first puts and the timers come back with the rows (rule D11).
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { CarillonError } from '../core/error.ts';
import type { StateRow } from '../core/log.ts';
import { type KeyedStore, NEVER, type RowCodec } from '../core/store.ts';
import { DueHeap } from './due-heap.ts';

interface Entry<Row> {
  row: Row;
  /** Counts up with every first put; tells who has been in longest. */
  readonly firstPut: number;
  dueMs: number;
  /** How many held records the row stands for; 0 in a store that holds none. */
  held: number;
}

export class MemoryStore<Row> implements KeyedStore<Row> {
  readonly name: string;
  readonly #codec: RowCodec<Row>;
  #entries = new Map<string, Entry<Row>>();
  #keys = this.#entries.keys();
  /** The oldest key when it was last looked for; `firstPut` tells whether it is still that one. */
  #head = { key: '', firstPut: -1 };
  readonly #changed = new Set<string>();
  readonly #dues = new DueHeap();
  #puts = 0;
  #sorted = true;
  readonly #heldBy: ((row: Row) => number) | null;
  #held = 0;

  /** `heldBy`: how many held records a row stands for, in the stores of timed steps. */
  constructor(name: string, codec: RowCodec<Row>, heldBy: ((row: Row) => number) | null = null) {
    this.name = name;
    this.#codec = codec;
    this.#heldBy = heldBy;
  }

  /** The held records that the rows stand for; what the step has counted must say the same. */
  get held(): number {
    return this.#held;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Row | undefined {
    return this.#entries.get(key)?.row;
  }

  put(key: string, row: Row, dueMs: number = NEVER): void {
    const entry = this.#entries.get(key);
    const held = this.#heldBy === null ? 0 : this.#heldBy(row);
    if (entry === undefined) this.#entries.set(key, { row, firstPut: this.#puts++, dueMs, held });
    else {
      this.#held -= entry.held;
      entry.row = row;
      entry.dueMs = dueMs;
      entry.held = held;
    }
    this.#held += held;
    if (dueMs !== NEVER) this.#dues.add(dueMs, key);
    this.#changed.add(key);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#held -= entry.held;
    this.#changed.add(key);
    return true;
  }

  oldest(): string | undefined {
    // A new iterator would walk over every slot that was deleted since the map last grew: 330 µs a
    // call with 200,000 keys. One that lives on is always behind them.
    for (;;) {
      const { key, firstPut } = this.#head;
      if (this.#entries.get(key)?.firstPut === firstPut) return key;
      if (this.#entries.size === 0) return undefined;
      let next = this.#keys.next();
      if (next.done === true) {
        this.#keys = this.#entries.keys();
        next = this.#keys.next();
      }
      const oldest = next.value!;
      this.#head = { key: oldest, firstPut: this.#entries.get(oldest)!.firstPut };
    }
  }

  *rows(): IterableIterator<[string, Row, number]> {
    for (const [key, entry] of this.#entries) yield [key, entry.row, entry.dueMs];
  }

  /** When the next row is due, or NEVER. */
  nextDueMs(): number {
    for (;;) {
      const top = this.#dues.top();
      if (top === undefined) return NEVER;
      // A row that was put again or deleted leaves its old due time behind in the heap.
      if (this.#entries.get(top.key)?.dueMs === top.dueMs) return top.dueMs;
      this.#dues.pop();
    }
  }

  /** Takes the due time off the next row that is due by `nowMs`, and gives its key. */
  takeDue(nowMs: number): string | undefined {
    if (this.nextDueMs() > nowMs) return undefined;
    const key = this.#dues.pop()!.key;
    this.#entries.get(key)!.dueMs = NEVER;
    this.#changed.add(key);
    return key;
  }

  /** The rows that changed since the last call, for the commit. */
  takeChanged(): StateRow[] {
    const rows: StateRow[] = [];
    for (const key of this.#changed) {
      const entry = this.#entries.get(key);
      const value = entry === undefined ? null : this.#encode(entry);
      rows.push({ store: this.name, key: Buffer.from(key, 'utf8'), value });
    }
    this.#changed.clear();
    return rows;
  }

  get changedCount(): number {
    return this.#changed.size;
  }

  /** One row of the changelog or state table, in any order; `restored` puts them in theirs. */
  restore(key: Buffer, value: Buffer | null): void {
    const text = key.toString('utf8');
    this.#held -= this.#entries.get(text)?.held ?? 0;
    if (value === null) {
      this.#entries.delete(text);
      return;
    }
    try {
      const reader = new ByteReader(value);
      const firstPut = reader.int();
      const due = reader.int();
      const row = this.#codec.decode(reader.blob()!);
      const held = this.#heldBy === null ? 0 : this.#heldBy(row);
      this.#entries.set(text, { row, firstPut, dueMs: due < 0 ? NEVER : due, held });
      this.#held += held;
    } catch (cause) {
      throw new CarillonError('CAR802', `store ${this.name}: a row cannot be read.`, {
        where: { at: this.name },
        cause,
      });
    }
    this.#sorted = false;
  }

  /** All rows are back: orders them by first put, and sets the timers. */
  restored(): void {
    if (this.#sorted) return;
    const entries = [...this.#entries].sort((a, b) => a[1].firstPut - b[1].firstPut);
    this.#entries = new Map(entries);
    this.#keys = this.#entries.keys();
    this.#head = { key: '', firstPut: -1 };
    this.#puts = (entries.at(-1)?.[1].firstPut ?? -1) + 1;
    for (const [key, entry] of entries) {
      if (entry.dueMs !== NEVER) this.#dues.add(entry.dueMs, key);
    }
    this.#sorted = true;
  }

  #encode(entry: Entry<Row>): Buffer {
    const row = this.#codec.encode(entry.row);
    return new ByteWriter(row.length + 24)
      .int(entry.firstPut)
      .int(entry.dueMs === NEVER ? -1 : entry.dueMs)
      .blob(row)
      .done();
  }
}
