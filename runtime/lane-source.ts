/** The first node of a sink: reads lane records; what is not one is dead-lettered. */
import type { Record } from '../core/record.ts';
import { type Schemas, schemaIdOf } from '../core/schema.ts';
import { newStepCounts, type StepCounts } from '../core/verdict.ts';
import { DecoderCache } from './decoder-cache.ts';
import { readValue } from './read-value.ts';
import type { SchemaLoader } from './schema-loader.ts';

export class LaneSource {
  readonly counts: StepCounts = newStepCounts();
  readonly #decoders: DecoderCache;
  readonly #loader: SchemaLoader;
  readonly #refused: (record: Record, code: string, why: string) => void;

  constructor(
    schema: string,
    schemas: Schemas,
    loader: SchemaLoader,
    refused: (record: Record, code: string, why: string) => void,
  ) {
    this.#decoders = new DecoderCache(schemas, { schema });
    this.#loader = loader;
    this.#refused = refused;
  }

  /** False: its schema must be fetched first; that has been asked for. */
  isReadable(record: Record): boolean {
    if (record.valueStart < 0) return true;
    const id = schemaIdOf(record.valueBytes, record.valueStart, record.valueEnd);
    if (id < 0 || this.#decoders.get(id) !== undefined) return true;
    this.#loader.need([id]);
    return false;
  }

  /** True: the value can be read; else the record has gone to the dead letters. */
  admit(record: Record): boolean {
    this.counts.in++;
    const refusal = readValue(record, this.#decoders);
    if (refusal === null) {
      this.counts.passed++;
      this.counts.out++;
      return true;
    }
    const { deadLettered } = this.counts;
    deadLettered.set(refusal.code, (deadLettered.get(refusal.code) ?? 0) + 1);
    this.#refused(record, refusal.code, refusal.why);
    return false;
  }
}
