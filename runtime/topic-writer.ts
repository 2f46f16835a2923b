/**
 * The last node of a stream that writes to topics: encodes by the topic's schema, or passes bytes
 * on.
 */
import type { TopicTarget } from '../compiler/plan.ts';
import type { Record } from '../core/record.ts';
import type { Schemas } from '../core/schema.ts';
import { newStepCounts, type StepCounts } from '../core/verdict.ts';
import type { Collector } from './collector.ts';

export const OUTPUT_STEP = 'to';

export interface TopicHost {
  readonly collector: Collector;
  readonly schemas: Schemas;
  deadLetter(record: Record, code: string, why: string, step: string): void;
}

export class TopicWriter {
  readonly counts: StepCounts = newStepCounts();
  readonly #to: TopicTarget;
  readonly #host: TopicHost;

  constructor(to: TopicTarget, host: TopicHost) {
    this.#to = to;
    this.#host = host;
  }

  write(record: Record): void {
    this.counts.in++;
    const target = this.#to.topics[record.output];
    if (target === undefined) throw new Error(`no output ${record.output}`);
    const { collector, schemas } = this.#host;
    const builder =
      record.key === null
        ? collector.builder(target.topic, record.partition % collector.partitions)
        : collector.forKey(target.topic, record.key);
    if (record.valueStart < 0 && record.value === null) {
      builder.append(record.timestamp, record.key, null, record.headers);
    } else if (record.valueStart >= 0) {
      // Nothing has changed the value: its bytes say the same as a new encoding would.
      const value = record.valueBytes.subarray(record.valueStart, record.valueEnd);
      builder.append(record.timestamp, record.key, value, record.headers);
    } else {
      const encoder = schemas.encoder(target.schema ?? '');
      try {
        builder.appendEncoded(record.timestamp, record.key, encoder, record.value, record.headers);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.counts.deadLettered.set('CAR511', (this.counts.deadLettered.get('CAR511') ?? 0) + 1);
        this.#host.deadLetter(record, 'CAR511', why, OUTPUT_STEP);
        return;
      }
    }
    this.counts.passed++;
    this.counts.out++;
  }
}
