/**
 * One input of a task: takes batches from the log when it can use more, and gives them to the
 * streams that read the topic, a slice at a time. Each stream has columns of its own, as it sets
 * time and slots.
 */
import type { LogBatch, TaskPort } from '../../core/log.ts';
import { BatchCursor } from '../../core/record-batch.ts';
import type { Stream } from './stream.ts';

export class Input {
  readonly topic: string;
  readonly #port: TaskPort;
  readonly #readers: { readonly stream: Stream; readonly cursor: BatchCursor }[];
  #next: LogBatch | undefined;
  readonly #to: number;
  #open = false;

  /** `to`: what lies from there on is not read. */
  constructor(
    topic: string,
    port: TaskPort,
    streams: readonly Stream[],
    to = Number.POSITIVE_INFINITY,
  ) {
    this.topic = topic;
    this.#to = to;
    this.#port = port;
    this.#readers = streams.map((stream) => ({ stream, cursor: new BatchCursor() }));
  }

  /** True when something waits here or in the log. */
  get ready(): boolean {
    if (this.#open) return true;
    this.#next ??= this.#port.take(this.topic);
    return this.#next !== undefined && this.#next.from < this.#to;
  }

  /**
   * Runs the next slice through its streams; gives how many records it had and what to commit
   * after it, or undefined when nothing can be taken. `need` is told of writer schemas that are
   * missing: what stands before the first such record is run.
   */
  run(
    clockMs: number,
    need: (schemaId: number) => void,
  ): { readonly records: number; readonly nextOffset: number } | undefined {
    if (!this.ready) return undefined;
    if (!this.#open) this.#begin(this.#next!);
    const [first, ...others] = this.#readers;
    const { stream, cursor } = first!;
    if (cursor.done) return this.#end(0);
    const records = readNext(stream, cursor, need);
    if (records === undefined) return undefined;
    stream.run(clockMs);
    for (const other of others) {
      // Nothing was left of the batch behind the position: then nothing is for the others too.
      other.cursor.read(other.stream.slice, records === 0 ? undefined : records);
      other.stream.run(clockMs);
    }
    return this.#end(records);
  }

  #begin(batch: LogBatch): void {
    this.#open = true;
    this.#next = undefined;
    for (const { cursor } of this.#readers) cursor.open(batch);
  }

  #end(records: number): { records: number; nextOffset: number } {
    const { cursor } = this.#readers[0]!;
    if (cursor.done) this.#open = false;
    return { records, nextOffset: cursor.nextOffset };
  }
}

/** Reads what can be read of the next records; undefined: nothing, as a schema is missing. */
function readNext(
  { slice, reading }: Stream,
  cursor: BatchCursor,
  need: (schemaId: number) => void,
): number | undefined {
  const place = cursor.place();
  cursor.read(slice);
  for (let i = 0; i < slice.n; i++) {
    const missing = reading.missingSchema(slice, i);
    if (missing < 0) continue;
    need(missing);
    cursor.goBack(place);
    if (i === 0) return undefined;
    cursor.read(slice, i);
  }
  return slice.n;
}
