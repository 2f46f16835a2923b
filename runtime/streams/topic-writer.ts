/**
 * The last node of a stream that writes to topics: encodes by the topic's schema, or passes bytes
 * on.
 */
import type { TopicTarget } from '../../compiler/plan.ts';
import type { BatchBuilder } from '../../core/batch-builder.ts';
import { type Header, headersEnd } from '../../core/headers.ts';
import type { Record } from '../../core/record.ts';
import type { Schemas } from '../../core/schema.ts';
import { GIVEN, NONE, type Slice } from '../../core/slice.ts';
import type { Collector } from '../collector.ts';
import { Node, type NodeHost } from '../node.ts';
import { withoutHop } from './hop-form.ts';
import { isEncoded, writeEach } from './writing.ts';

export const OUTPUT_STEP = 'to';

export class TopicWriter {
  readonly node: Node;
  readonly #to: TopicTarget;
  readonly #collector: Collector;
  readonly #schemas: Schemas;
  readonly #isRekeyed: boolean;

  /** `isRekeyed`: its records may have come through a repartition topic. */
  constructor(
    stream: string,
    to: TopicTarget,
    collector: Collector,
    schemas: Schemas,
    host: NodeHost,
    isRekeyed = false,
  ) {
    this.node = new Node(stream, OUTPUT_STEP, host);
    this.#to = to;
    this.#collector = collector;
    this.#schemas = schemas;
    this.#isRekeyed = isRekeyed;
  }

  write(slice: Slice): void {
    writeEach(this.node, slice, (record) => this.#write(slice, record));
  }

  #write(slice: Slice, record: Record): boolean {
    const { i } = record;
    const target = this.#to.topics[record.output];
    if (target === undefined) throw new Error(`no output ${record.output}`);
    const builder = this.#builderOf(target.topic, record);
    const valueAt = slice.valueStart[i]!;
    if (valueAt === GIVEN) {
      const encoder = this.#schemas.encoder(target.schema ?? '');
      const headers = this.#headersOf(record);
      return isEncoded(this.node, record, () => {
        this.#begin(builder, record, 0);
        builder.encoded(encoder, record.value);
        builder.end(headers);
      });
    }
    // Nothing has changed the value: its bytes say the same as a new encoding would.
    const { bytes } = slice;
    if (valueAt === NONE) {
      this.#begin(builder, record, 0);
      builder.int(-1);
    } else {
      const end = slice.valueEnd[i]!;
      this.#begin(builder, record, end - valueAt);
      builder.blob(bytes, valueAt, end);
    }
    const headersAt = slice.headersAt[i]!;
    if (headersAt < 0 || this.#isRekeyed) builder.end(this.#headersOf(record));
    else builder.endWith(bytes, headersAt, headersEnd(bytes, headersAt));
    return true;
  }

  #builderOf(topic: string, record: Record): BatchBuilder {
    const { slice, i } = record;
    const collector = this.#collector;
    const at = slice.keyStart[i]!;
    if (at >= 0) return collector.forKeyIn(topic, slice.bytes, at, slice.keyEnd[i]!);
    if (at === GIVEN) return collector.forKey(topic, record.key!);
    return collector.builder(topic, record.partition % collector.partitions);
  }

  /** Begins a record, and writes its key: as it lies in the bytes, where nobody has given it. */
  #begin(builder: BatchBuilder, record: Record, valueBytes: number): void {
    const { slice, i, timestamp } = record;
    const at = slice.keyStart[i]!;
    if (at >= 0) {
      const end = slice.keyEnd[i]!;
      builder.open(timestamp, end - at + valueBytes);
      builder.blob(slice.bytes, at, end);
      return;
    }
    const { key } = record;
    builder.open(timestamp, (key?.length ?? 0) * 3 + valueBytes);
    if (key === null) builder.int(-1);
    else builder.text(key);
  }

  /** What the engine has written for itself is no matter of who reads the topic. */
  #headersOf({ headers }: Record): readonly Header[] | null {
    return this.#isRekeyed ? withoutHop(headers) : headers;
  }
}
