/**
 * The state that a step is handed. It lives in memory as bytes and numbers; the rows that changed
 * are written to the store's changelog in the same transaction as the outputs, and read back when
 * the task opens elsewhere (rule D11). A step keeps nothing in closures.
 *
 * A row is declared as columns (`columns`), from which its form in memory and in the changelog, its
 * restore and what a query shows all follow; or by a codec, where it is a whole object.
 */
import type { DeviceLines } from './device-lines.ts';
import type { Record } from './record.ts';
import type { Slice } from './slice.ts';

/** No timer. */
export const NEVER = Number.POSITIVE_INFINITY;

/** A key as bytes, with its hash; used again for the next key, so never kept. */
export interface Key {
  readonly bytes: Buffer;
  /** The same bytes, for numbers. */
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

/**
 * `int`: a whole number, written as a varint. `double`: any number, 8 bytes. `name`: one of few
 * texts (topics), kept once. `record`: a held record with its bytes, origin and slots, or none; at
 * most one column. `value`: any value, kept as it is and made bytes when it is committed; at
 * most one column, and in no row that holds a record. It is never changed in place: a step puts
 * another.
 */
export type ColumnKind = 'int' | 'double' | 'name' | 'record' | 'value';

export type ColumnKinds = { readonly [column: string]: ColumnKind };

export interface Columns<C extends ColumnKinds = ColumnKinds> {
  /** In the order in which the changelog has them. */
  readonly columns: C;
  /** `step`: its due times are on a time that the step itself has, as stream time is. */
  readonly timers: 'clock' | 'step';
}

export function columns<const C extends ColumnKinds>(
  of: C,
  timers: 'clock' | 'step' = 'clock',
): Columns<C> {
  return { columns: of, timers };
}

/**
 * A held record, as a view on its row. A row whose record was never put in holds none, and its
 * numbers mean nothing.
 */
export interface HeldRecord {
  readonly offset: number;
  readonly timestamp: number;
  /** How many events it stands for. */
  count: number;
  /** Puts a record in its place: its bytes are copied, its slots too. */
  hold(record: Record): void;
}

/**
 * A row as a view on the store: reads and writes go to its columns. One view serves all rows of the
 * store: it is good until the store is asked for another.
 */
export type RowView<C extends ColumnKinds> = {
  -readonly [K in keyof C]: C[K] extends 'name'
    ? string
    : C[K] extends 'record'
      ? HeldRecord
      : C[K] extends 'value'
        ? unknown
        : number;
};

/**
 * A keyed store of one step in one task. Rows keep the order in which their keys were first put, so
 * `oldest` is the first-in. A row may carry a due time on the task's clock: when it comes, the
 * engine calls the step's `due` for it. A row that is due again must be given a new time.
 */
export interface ColumnStore<C extends ColumnKinds> {
  readonly size: number;
  /**
   * There is no memory for another row (`state.memory_max`): do as if the most rows that the step
   * keeps were there. A row that is put all the same has room, but when nothing is left its task
   * stands still.
   */
  readonly isFull: boolean;
  /** All that is held is let go at once: an edit has taken the step out, and drains it. */
  readonly isReleased: boolean;
  /** A key of the step's own, as text; good until the next call. */
  key(text: string): Key;
  /**
   * The nth key below another: its bytes, NUL, and `n` (0 to 2^53-1) as 14 digits, so that the
   * parts of a key are ordered by their numbers. No two keys share a part; a step that keeps parts
   * keeps nothing under the bare keys. Good until the next call.
   */
  part(of: Key, n: number): Key;
  /** The row last got, put or due: the current one. Throws when there is none. */
  row(): RowView<C>;
  /** The key whose part the row last got, put or due stands under; good until the next call. */
  wholeKey(): Key;
  get(key: Key): RowView<C> | undefined;
  /** The row of a key, made if it is not there (numbers 0, names ''); it counts as changed. */
  put(key: Key): RowView<C>;
  /** Says that the row last got or put was changed. */
  changed(): void;
  /** When the row last got or put is due; task-clock milliseconds, NEVER for none. */
  setDue(dueMs: number): void;
  /**
   * Goes to the next row that is due by then and takes its due time off: earlier ones first, of
   * equal ones by key. Undefined: there is none. Only where `timers` are the step's.
   */
  takeDueBy(untilMs: number): RowView<C> | undefined;
  /** When the next row is due, or NEVER. Only where `timers` are the step's. */
  firstDueMs(): number;
  /** Deletes the row last got, put or asked for as the oldest. */
  delete(): void;
  /** Puts the row last got behind all others: `oldest` goes by the first put. */
  renew(): void;
  /** The row that has been in longest, or undefined when there is none. */
  oldest(): RowView<C> | undefined;
  /** Whether the row last got is that of `key`. */
  isAt(key: Key): boolean;
}

/** How a row that is an object is written; one pair per processor, versioned by its first byte. */
export interface RowCodec<Row> {
  encode(row: Row): Buffer;
  decode(bytes: Buffer): Row;
}

/** As ColumnStore, for rows that are objects: encoded when they are put, decoded when asked for. */
export interface ObjectStore<Row> {
  readonly size: number;
  get(key: string): Row | undefined;
  put(key: string, row: Row): void;
  delete(key: string): boolean;
}

export type StoreOf<R> =
  R extends Columns<infer C>
    ? ColumnStore<C>
    : R extends RowCodec<infer Row>
      ? ObjectStore<Row>
      : never;

/** The current rows of a compacted topic, for the keys of this task's partition. Read-only. */
export interface TableView<Row = unknown> {
  readonly size: number;
  get(key: string): Row | undefined;
  /** In no order that means anything. */
  keys(): Iterable<string>;
}

/** A table of devices by member, as lines: what `fan_out` joins with. */
export interface DevicesView {
  readonly lines: DeviceLines;
  /**
   * Reads what `find` will read for the members of a slice, so that the cache misses overlap;
   * `column`: the field column that names the member, -1: none does.
   */
  warm(slice: Slice, column: number): void;
  /** How many members have a row. */
  readonly size: number;
  /**
   * Looks a member up by the key's bytes; true when there is a row with devices, whose lines are
   * then [first, end).
   */
  find(bytes: Buffer, start: number, end: number): boolean;
  readonly first: number;
  readonly end: number;
}
