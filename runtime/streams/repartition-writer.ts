/**
 * The last node of a part of a stream: each record goes to the partition of its new key, with what
 * is known of it in a header. It is seen when the transaction is, by whoever has that partition.
 */
import { nodeName, type RepartitionTarget, type StreamPlan } from '../../compiler/plan.ts';
import { Record } from '../../core/record.ts';
import { GIVEN, type Slice } from '../../core/slice.ts';
import { Node } from '../node.ts';
import { hopHeaders } from './hop-form.ts';
import type { TaskParts } from './task-parts.ts';

export class RepartitionWriter {
  readonly node: Node;
  readonly #to: RepartitionTarget;
  readonly #parts: TaskParts;

  constructor({ name }: StreamPlan, to: RepartitionTarget, parts: TaskParts) {
    this.node = new Node(name, nodeName(to.step, 'to'), parts);
    this.#to = to;
    this.#parts = parts;
  }

  write(slice: Slice): void {
    const { counts } = this.node;
    const record = new Record(slice, 0);
    for (let j = 0; j < slice.selected; j++) {
      record.i = slice.selection[j]!;
      counts.in++;
      if (!this.#write(record)) continue;
      counts.passed++;
      counts.out++;
    }
  }

  #write(record: Record): boolean {
    const { collector, schemas } = this.#parts;
    const { slice, key } = record;
    if (key === null) throw new Error(`${this.node.name}: a record without a key`);
    const builder = collector.forKey(this.#to.topic, key);
    const headers = hopHeaders(record);
    if (slice.valueStart[record.i] !== GIVEN) {
      // Nothing has changed the value: its bytes say the same as a new encoding would.
      builder.append(slice.clockMs, key, record.valueBytes, headers);
      return true;
    }
    const encoder = schemas.encoder(this.#to.schema ?? '');
    try {
      builder.appendEncoded(slice.clockMs, key, encoder, record.value, headers);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.node.refuse(record, { code: 'CAR511', why });
      return false;
    }
  }
}
