/**
 * The load of the engine's benchmarks: reno.yaml's six event types in fixed shares, pre-encoded in
 * record batches of one topic each, and the devices of the members. Chance comes from the seed.
 */

import { BatchBuilder } from '../core/batch-builder.ts';
import { HandClock } from '../core/clock.ts';
import { partitionOfText } from '../core/partition.ts';
import type { ValueEncoder } from '../core/schema.ts';
import { AvroSchemas } from '../schemas/avro-schemas.ts';
import type { SchemaFolder } from '../schemas/folder.ts';
import { MemoryRegistry } from '../schemas/memory-registry.ts';
import { random } from './random.ts';

export const START_MS = Date.UTC(2026, 0, 1);
const BATCH_RECORDS = 500;
/** Event time: 20,000 events a second. */
const EVENTS_PER_MS = 20;
/** One event in so many is a repeat of the one before. */
const REPEAT_EVERY = 20;

export interface LoadBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly count: number;
  /** Where the clock stands when it arrives. */
  readonly clockMs: number;
}

export interface Load {
  readonly schemas: AvroSchemas;
  readonly batches: readonly LoadBatch[];
  /** `tables.devices`, one batch. */
  readonly devices: Buffer;
  readonly events: number;
}

type Make = (n: number, member: string, at: number, chance: () => number) => object;

const pick = <T>(from: readonly T[], chance: () => number): T =>
  from[Math.floor(chance() * from.length)]!;

const SHARES: readonly { topic: string; schema: string; share: number; make: Make }[] = [
  {
    topic: 'events.viewing-activity',
    schema: 'ViewingActivity',
    share: 10,
    make: (n, memberId, occurredAt, chance) => ({
      eventId: `va-${n}`,
      memberId,
      profileId: `${memberId}-p${Math.floor(chance() * 3)}`,
      titleId: `t-${Math.floor(chance() * 40)}`,
      deviceId: `${memberId}-d0`,
      kind: 'PROGRESSED',
      positionSeconds: Math.floor(chance() * 7_000),
      occurredAt,
    }),
  },
  {
    topic: 'events.my-list-update',
    schema: 'MyListUpdate',
    share: 4,
    make: (n, memberId, changedAt, chance) => ({
      eventId: `ml-${n}`,
      memberId,
      profileId: `${memberId}-p${Math.floor(chance() * 3)}`,
      titleId: `t-${Math.floor(chance() * 1_000)}`,
      action: pick(['ADDED', 'REMOVED'], chance),
      deviceId: `${memberId}-d0`,
      changedAt,
    }),
  },
  {
    topic: 'events.recommendation-refresh',
    schema: 'RecommendationRefresh',
    share: 3,
    make: (n, memberId, computedAt) => ({
      eventId: `rr-${n}`,
      memberId,
      profileId: `${memberId}-p0`,
      listId: 'home',
      reason: 'SCHEDULED',
      computedAt,
    }),
  },
  {
    topic: 'events.plan-change',
    schema: 'PlanChange',
    share: 1,
    make: (n, memberId, changedAt) => ({
      eventId: `pl-${n}`,
      memberId,
      planFrom: 'basic',
      planTo: 'premium',
      streamsMax: 4,
      changedAt,
    }),
  },
  {
    topic: 'events.profile-change',
    schema: 'ProfileChange',
    share: 1,
    make: (n, memberId, changedAt, chance) => ({
      eventId: `pf-${n}`,
      memberId,
      profileId: `${memberId}-p0`,
      kind: pick(['RENAMED', 'MATURITY_LEVEL_CHANGED'], chance),
      name: 'Kim',
      maturityLevel: 12,
      deviceId: null,
      changedAt,
    }),
  },
  {
    topic: 'events.diagnostic-signal',
    schema: 'DiagnosticSignal',
    share: 1,
    make: (n, memberId, issuedAt, chance) => ({
      eventId: `ds-${n}`,
      memberId,
      command: 'COLLECT_LOGS',
      urgent: chance() < 0.1,
      issuedAt,
    }),
  },
];

const CLASSES = ['tv', 'mobile', 'tablet', 'web', 'stick'] as const;
const TRANSPORTS = ['websocket', 'fcm', 'apns', 'inbox'] as const;

export interface LoadOptions {
  readonly events: number;
  readonly members: number;
  readonly seed: number;
  /** 1 by default. */
  readonly partitions?: number;
  /** Event time of the first; START_MS by default. */
  readonly startMs?: number;
  /** Event types to leave out. */
  readonly without?: readonly string[];
}

export interface RenoEvent {
  readonly topic: string;
  readonly schema: string;
  readonly member: string;
  /** Event time. */
  readonly atMs: number;
  readonly value: object;
}

/** The events, before anything encodes them; `from` goes on behind an earlier load. */
export function* renoEvents(options: {
  readonly events: number;
  readonly members: number;
  readonly chance: () => number;
  readonly startMs: number;
  /** Number of the first; 0 by default. */
  readonly from?: number;
  readonly without?: readonly string[];
}): Generator<RenoEvent> {
  const { events, members, chance, startMs, from = 0, without = [] } = options;
  const kinds = SHARES.filter(({ topic }) => !without.includes(topic));
  const slots = kinds.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
  for (let n = from; n < from + events; n++) {
    const { topic, schema, make } = slots[n % slots.length]!;
    const atMs = startMs + Math.floor((n - from) / EVENTS_PER_MS);
    const member = `m-${Math.floor(chance() * members)}`;
    // A repeat is the same event once more; it is of the same type because the slots go round.
    const id = n % (slots.length * REPEAT_EVERY) === 0 && n > 0 ? n - slots.length : n;
    yield { topic, schema, member, atMs, value: make(id, member, atMs, chance) };
  }
}

/** `topics`: those of the topology with their schemas, so that its lanes can be written too. */
export async function makeLoad(
  folder: SchemaFolder,
  topics: readonly { topic: string; schema: string }[],
  options: LoadOptions,
): Promise<Load> {
  const { events, members, seed, partitions = 1, startMs = START_MS, without = [] } = options;
  const schemas = new AvroSchemas(folder, new MemoryRegistry(), new HandClock(startMs));
  await schemas.open(topics);
  const chance = random(seed);
  const collector = new BatchCollector(partitions);
  for (const event of renoEvents({ events, members, chance, startMs, without })) {
    const { topic, member, atMs, schema, value } = event;
    collector.add(topic, member, atMs, schemas.encoder(schema), value);
  }
  collector.finish(startMs + Math.floor(events / EVENTS_PER_MS));
  return {
    schemas,
    batches: collector.batches,
    devices: devicesOf(schemas, members, chance),
    events,
  };
}

/** Cuts batches of one topic partition each, as they fill. */
class BatchCollector {
  readonly batches: LoadBatch[] = [];
  readonly #partitions: number;
  readonly #builders = new Map<string, BatchBuilder>();
  readonly #ends = new Map<string, number>();

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  add(topic: string, key: string, at: number, encoder: ValueEncoder, value: object): void {
    const partition = partitionOfText(key, this.#partitions);
    const place = `${topic}/${partition}`;
    const builder = this.#builders.get(place) ?? new BatchBuilder(topic, partition);
    this.#builders.set(place, builder);
    builder.appendEncoded(at, key, encoder, value);
    if (builder.count === BATCH_RECORDS) this.#cut(place, builder, at);
  }

  finish(clockMs: number): void {
    for (const [place, builder] of this.#builders) {
      if (builder.count > 0) this.#cut(place, builder, clockMs);
    }
  }

  #cut(place: string, builder: BatchBuilder, clockMs: number): void {
    const { topic, partition, bytes, count } = builder.finish();
    const baseOffset = this.#ends.get(place) ?? 0;
    this.#ends.set(place, baseOffset + count);
    this.batches.push({
      topic,
      partition,
      bytes: Buffer.from(bytes),
      baseOffset,
      count,
      clockMs,
    });
  }
}

/** One to four devices a member. */
export function sampleDevices(member: string, chance: () => number) {
  return Array.from({ length: 1 + Math.floor(chance() * 4) }, (_, d) => ({
    deviceId: `${member}-d${d}`,
    epoch: 1,
    class: CLASSES[d % CLASSES.length]!,
    transports: [TRANSPORTS[d % TRANSPORTS.length]!],
    updatedAt: START_MS,
  }));
}

function devicesOf(schemas: AvroSchemas, members: number, chance: () => number): Buffer {
  const builder = new BatchBuilder('tables.devices', 0);
  for (let m = 0; m < members; m++) {
    const memberId = `m-${m}`;
    const devices = sampleDevices(memberId, chance);
    const encoder = schemas.encoder('MemberDevices');
    builder.appendEncoded(START_MS, memberId, encoder, { memberId, devices });
  }
  return Buffer.from(builder.finish().bytes);
}
