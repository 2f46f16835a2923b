/**
 * One input of a task: takes batches from the log when it can use more, and gives them to those who
 * read the topic, a slice at a time, or a part of one where inputs take turns.
 */
import type { LogBatch, TaskPort } from '../../core/log.ts';
import { BatchCursor } from '../../core/record-batch.ts';
import type { InputReader } from './input-reader.ts';

/** What was run: how many records, and what to commit after them. */
export interface Done {
  readonly topic: string;
  readonly records: number;
  readonly nextOffset: number;
}

interface InputLimits {
  readonly to?: number | undefined;
  readonly isOneByOne?: boolean;
}

export class Input {
  readonly topic: string;
  readonly #port: TaskPort;
  readonly #readers: { readonly reader: InputReader; readonly cursor: BatchCursor }[];
  readonly #need: (schemaId: number) => void;
  #next: LogBatch | undefined;
  readonly #to: number;
  readonly #isOneByOne: boolean;
  #open = false;
  /** Of what was read into the slices: the next record, and how many there are. */
  #at = 0;
  #n = 0;

  /**
   * `need` is told of writer schemas that are missing: what stands before the first such record is
   * run. `to`: what lies from there on is not read. `isOneByOne`: a slice has one record.
   */
  constructor(
    topic: string,
    port: TaskPort,
    readers: readonly InputReader[],
    need: (schemaId: number) => void,
    { to = Number.POSITIVE_INFINITY, isOneByOne = false }: InputLimits = {},
  ) {
    this.topic = topic;
    this.#to = to;
    this.#isOneByOne = isOneByOne;
    this.#port = port;
    this.#need = need;
    this.#readers = readers.map((reader) => ({ reader, cursor: new BatchCursor() }));
  }

  /** True when something waits here or in the log. */
  get ready(): boolean {
    if (this.#open) return true;
    this.#next ??= this.#port.take(this.topic);
    return this.#next !== undefined && this.#next.from < this.#to;
  }

  /** Nothing waits here, and nothing is in the log as far as is known. */
  get isAtEnd(): boolean {
    if (this.ready) return false;
    return this.#next !== undefined || this.#port.isAtEnd(this.topic);
  }

  /**
   * When the next record takes its turn; -Infinity: at once. Undefined: there is none, or its
   * schema is missing.
   */
  headMs(clockMs: number): number | undefined {
    if (!this.ready || !this.#fill()) return undefined;
    return this.#at < this.#n ? this.#timeOf(this.#at, clockMs) : Number.NEGATIVE_INFINITY;
  }

  /**
   * Runs the next slice through its readers, or as much of it as is not later than `untilMs`, and
   * one record at least; undefined when nothing can be taken.
   */
  run(clockMs: number, untilMs = Number.POSITIVE_INFINITY): Done | undefined {
    if (!this.ready || !this.#fill()) return undefined;
    const from = this.#at;
    let to = this.#n;
    if (this.#isOneByOne) to = Math.min(to, from + 1);
    else if (untilMs !== Number.POSITIVE_INFINITY && from < to) {
      to = from + 1;
      while (to < this.#n && this.#timeOf(to, clockMs) <= untilMs) to++;
    }
    this.#at = to;
    for (const { reader } of from < to ? this.#readers : []) {
      if (from > 0 || to < this.#n) reader.slice.select(from, to);
      reader.run(clockMs);
    }
    const { reader, cursor } = this.#readers[0]!;
    const isRead = to === this.#n;
    if (isRead && cursor.done) this.#open = false;
    const nextOffset = isRead ? cursor.nextOffset : reader.slice.offset[to]!;
    return { topic: this.topic, records: to - from, nextOffset };
  }

  /** The earliest that a reader gives it: what one would take now may not wait for another. */
  #timeOf(i: number, clockMs: number): number {
    let timeMs = Number.POSITIVE_INFINITY;
    for (const { reader } of this.#readers) timeMs = Math.min(timeMs, reader.timeOf(i, clockMs));
    return timeMs;
  }

  /** Reads on when all that was read has run; false: a schema is missing. */
  #fill(): boolean {
    if (!this.#open) {
      this.#open = true;
      const batch = this.#next!;
      this.#next = undefined;
      this.#at = 0;
      this.#n = 0;
      for (const { cursor } of this.#readers) cursor.open(batch);
    } else if (this.#at < this.#n) return true;
    const [first, ...others] = this.#readers;
    const { reader, cursor } = first!;
    const records = readNext(reader, cursor, this.#need);
    if (records === undefined) return false;
    this.#at = 0;
    this.#n = records;
    for (const other of others) {
      // Nothing was left of the batch behind the position: then nothing is for the others too.
      other.cursor.read(other.reader.slice, records === 0 ? undefined : records);
    }
    return true;
  }
}

/** Reads what can be read of the next records; undefined: nothing, as a schema is missing. */
function readNext(
  reader: InputReader,
  cursor: BatchCursor,
  need: (schemaId: number) => void,
): number | undefined {
  const { slice } = reader;
  const place = cursor.place();
  cursor.read(slice);
  for (let i = 0; i < slice.n; i++) {
    const missing = reader.missingSchema(i);
    if (missing < 0) continue;
    need(missing);
    cursor.goBack(place);
    if (i === 0) return undefined;
    cursor.read(slice, i);
  }
  return slice.n;
}
