/**
 * The last node of a part of a stream: each record goes to the partition of its new key, with what
 * is known of it in a header. It is seen when the transaction is, by whoever has that partition.
 */
import { nodeName, type RepartitionTarget, type StreamPlan } from '../../compiler/plan.ts';
import type { Record } from '../../core/record.ts';
import { GIVEN, type Slice } from '../../core/slice.ts';
import { Node } from '../node.ts';
import { hopHeaders } from './hop-form.ts';
import type { TaskParts } from './task-parts.ts';
import { isEncoded, writeEach } from './writing.ts';

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
    writeEach(this.node, slice, (record) => this.#write(record));
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
    return isEncoded(this.node, record, () =>
      builder.appendEncoded(slice.clockMs, key, encoder, record.value, headers),
    );
  }
}
