/**
 * The state that a step is handed. It lives in memory; the rows that changed are written in the
 * same transaction as the outputs, and read back when the task opens elsewhere (rule D11). A step
 * keeps nothing in closures.
 */

/** How a row is written; one pair per processor, versioned by its first byte if it ever changes. */
export interface RowCodec<Row> {
  encode(row: Row): Buffer;
  decode(bytes: Buffer): Row;
}

/** No timer. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * A keyed store of one step in one task. Rows keep the order in which their keys were first put, so
 * `oldest` is the first-in. A row may carry a due time on the task's clock: when it comes, the
 * engine calls the step's `due` for it. A row that is due again must be put again with a new time.
 */
export interface KeyedStore<Row> {
  readonly size: number;
  get(key: string): Row | undefined;
  /**
   * `dueMs`: task-clock milliseconds, NEVER by default. Replaces an earlier due time of the key.
   */
  put(key: string, row: Row, dueMs?: number): void;
  delete(key: string): boolean;
  /** The key that has been in the store longest, or undefined when it is empty. */
  oldest(): string | undefined;
}

/** The current rows of a compacted topic, for the keys of this task's partition. Read-only. */
export interface TableView<Row = unknown> {
  readonly size: number;
  get(key: string): Row | undefined;
}
