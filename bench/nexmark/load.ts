/** NEXMark's events as they lie in a log: record batches of what a consumer is given at once. */
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import type { LoadRecord } from '../peer/loader.ts';
import {
  type EventKind,
  type EventOptions,
  type NexmarkEvent,
  nexmarkEvents,
  START_MS,
} from './events.ts';
import { inputTopic, nexmarkSchemas, planOf, QUERIES } from './queries.ts';

/** Events of a round: what each kind has of them is one batch, and comes at once. */
const ROUND_EVENTS = 1_000;
const SCHEMAS: { readonly [K in EventKind]: string } = {
  person: 'Person',
  auction: 'Auction',
  bid: 'Bid',
};
export const KINDS = Object.keys(SCHEMAS) as EventKind[];

export interface LoadBatch {
  readonly topic: string;
  readonly bytes: Buffer;
  readonly count: number;
}

export interface Round {
  /** Event time of its last one. */
  readonly atMs: number;
  readonly batches: readonly LoadBatch[];
}

export interface Load {
  readonly schemas: AvroSchemas;
  readonly rounds: readonly Round[];
}

/** With the ids of all schemas that the queries write. */
export async function openSchemas(): Promise<AvroSchemas> {
  const schemas = new AvroSchemas(nexmarkSchemas(), new MemoryRegistry(), new HandClock(START_MS));
  const inputs = KINDS.map((kind) => ({ topic: inputTopic(kind), schema: SCHEMAS[kind] }));
  const ofPlans = QUERIES.flatMap((query) => planOf(query).topics).flatMap(({ name, schema }) =>
    schema === undefined ? [] : [{ topic: name, schema }],
  );
  await schemas.open([...inputs, ...ofPlans]);
  return schemas;
}

export function makeLoad(schemas: AvroSchemas, options: EventOptions): Load {
  const rounds: Round[] = [];
  const builders = new Map(KINDS.map((kind) => [kind, new BatchBuilder(inputTopic(kind), 0)]));
  const cut = (atMs: number) => {
    const batches = [...builders.values()]
      .filter(({ count }) => count > 0)
      .map((builder) => {
        const { topic, bytes, count } = builder.finish();
        return { topic, count, bytes: Buffer.from(bytes) };
      });
    rounds.push({ atMs, batches });
  };
  let n = 0;
  let lastMs = START_MS;
  for (const { kind, key, atMs, value } of nexmarkEvents(options)) {
    builders.get(kind)!.appendEncoded(atMs, key, schemas.encoder(SCHEMAS[kind]), value);
    lastMs = atMs;
    if (++n % ROUND_EVENTS === 0) cut(atMs);
  }
  if (n % ROUND_EVENTS > 0) cut(lastMs);
  return { schemas, rounds };
}

/** The same, for what Kafka's own producer sends. */
export function* loadRecords(
  schemas: Pick<AvroSchemas, 'encoder'>,
  events: Iterable<NexmarkEvent>,
): Generator<LoadRecord> {
  for (const { kind, key, atMs, value } of events) {
    const bytes = schemas.encoder(SCHEMAS[kind]).toBuffer(value);
    yield { topic: inputTopic(kind), timestamp: atMs, key, value: bytes };
  }
}
