/**
 * One lane topic of a sink's task: takes batches and reads them into slices that the sink keeps
 * until their records are told; what is not a notification is dead-lettered.
 */
import type { SinkPlan } from '../../compiler/plan.ts';
import type { TaskPort } from '../../core/log.ts';
import { Record } from '../../core/record.ts';
import { BatchCursor, batchCount } from '../../core/record-batch.ts';
import type { Schemas } from '../../core/schema.ts';
import { Slice } from '../../core/slice.ts';
import type { Node } from '../node.ts';
import { Reading } from '../streams/reading.ts';

const SLICE_RECORDS_MAX = 200;

export class LaneInput {
  readonly topic: string;
  readonly reading: Reading;
  readonly #port: TaskPort;
  readonly #node: Node;
  readonly #cursor = new BatchCursor();
  /** Of the batch that is read. */
  #count = 0;
  #open = false;

  constructor(topic: string, port: TaskPort, sink: SinkPlan, schemas: Schemas, node: Node) {
    this.topic = topic;
    this.#port = port;
    this.#node = node;
    this.reading = new Reading(schemas, { schema: sink.lane.schema }, [], sink.readsEvent);
  }

  /** True when something waits here or in the log. */
  get ready(): boolean {
    if (this.#open) return true;
    const batch = this.#port.take(this.topic);
    if (batch === undefined) return false;
    this.#cursor.open(batch);
    this.#count = batchCount(batch.bytes);
    this.#open = true;
    return true;
  }

  /** What to commit when all that `next` gave is done. */
  get nextOffset(): number {
    return this.#cursor.nextOffset;
  }

  /** The next records; undefined: none, or the schema of the first is missing and asked for. */
  next(need: (schemaId: number) => void): Slice | undefined {
    if (!this.ready) return undefined;
    const slice = new Slice(0, Math.max(1, Math.min(SLICE_RECORDS_MAX, this.#count)));
    if (!this.#cursor.done) {
      const place = this.#cursor.place();
      this.#cursor.read(slice);
      for (let i = 0; i < slice.n; i++) {
        const missing = this.reading.missingSchema(slice, i);
        if (missing < 0) continue;
        need(missing);
        this.#cursor.goBack(place);
        if (i === 0) return undefined;
        this.#cursor.read(slice, i);
      }
    }
    this.#open = !this.#cursor.done;
    return slice;
  }

  /** Leaves those selected whose values are notifications. */
  admit(slice: Slice): void {
    const { selection, selected } = slice;
    const record = new Record(slice, 0);
    slice.decode = this.reading.decode;
    let kept = 0;
    for (let j = 0; j < selected; j++) {
      const i = selection[j]!;
      record.i = i;
      const refusal = this.reading.read(slice, i);
      if (refusal === null) selection[kept++] = i;
      else this.#node.refuse(record, refusal);
    }
    slice.selected = kept;
    const { counts } = this.#node;
    counts.in += selected;
    counts.passed += kept;
    counts.out += kept;
  }
}
