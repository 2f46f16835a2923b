/**
 * The last node of a stream that writes to topics: encodes by the topic's schema, or passes bytes
 * on.
 */
import type { TopicTarget } from '../../compiler/plan.ts';
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
    const collector = this.#collector;
    const { key } = record;
    const builder =
      key === null
        ? collector.builder(target.topic, record.partition % collector.partitions)
        : collector.forKey(target.topic, key);
    const start = slice.valueStart[i]!;
    if (start === GIVEN) {
      const encoder = this.#schemas.encoder(target.schema ?? '');
      return isEncoded(this.node, record, () =>
        builder.appendEncoded(
          record.timestamp,
          key,
          encoder,
          record.value,
          this.#headersOf(record),
        ),
      );
    }
    // Nothing has changed the value: its bytes say the same as a new encoding would.
    const { bytes } = slice;
    const value = start === NONE ? null : bytes.subarray(start, slice.valueEnd[i]!);
    const headersAt = slice.headersAt[i]!;
    if (headersAt < 0 || this.#isRekeyed) {
      builder.append(record.timestamp, key, value, this.#headersOf(record));
      return true;
    }
    const end = headersEnd(bytes, headersAt);
    builder.appendWith(record.timestamp, key, value, bytes, headersAt, end);
    return true;
  }

  /** What the engine has written for itself is no matter of who reads the topic. */
  #headersOf({ headers }: Record): readonly Header[] | null {
    return this.#isRekeyed ? withoutHop(headers) : headers;
  }
}
