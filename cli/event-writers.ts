/**
 * Where `carillon produce` writes to: a gateway over HTTP, or Kafka in the Confluent wire format.
 */

import { BatchBuilder } from '../core/batch-builder.ts';
import { systemClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { Log, Producer } from '../core/log.ts';
import { nearest } from '../core/nearest.ts';
import { partitionOfText } from '../core/partition.ts';
import { mintToken } from '../gateway/auth.ts';
import { keyOf } from '../gateway/event-key.ts';
import type { EventType } from '../gateway/ingest.ts';
import type { AvroSchemas } from '../schemas/avro-schemas.ts';
import { type FieldProblem, jsonEventReader } from '../schemas/json-events.ts';
import { type Deployment, gatewayUrlOf } from './deployment.ts';
import type { GivenEvent } from './event-sources.ts';
import { GatewayClient } from './gateway-client.ts';
import { kafkaOptionsOf } from './kafka-options.ts';
import type { LoadedTopology } from './load-topology.ts';
import { registryOptionsOf } from './registry-options.ts';
import { secretsOf } from './secrets.ts';

export interface EventWriter {
  /**
   * Resolves when all of them are in the log; `written` is called with the number of each part that
   * is, so that what stands there is known when the next part fails.
   */
  write(events: readonly GivenEvent[], written: (events: number) => void): Promise<void>;
  close(): Promise<void>;
  /** For the closing sentence. */
  readonly to: string;
}

const TOKEN_TTL_MS = 10 * 60_000;
const TRIES = 8;
const WAIT_FIRST_MS = 250;

export function httpWriter(deployment: Deployment, url = gatewayUrlOf(deployment)): EventWriter {
  const { secret } = secretsOf(deployment);
  const tokenFor = (type: string) => () =>
    mintToken({
      secret,
      subject: 'carillon-produce',
      scope: 'producer',
      events: [type],
      clock: systemClock,
      ttlMs: TOKEN_TTL_MS,
    });
  return {
    to: url,
    async write(events, written) {
      for (const some of byTypeAndKey(events)) {
        const { type, key } = some[0]!;
        const client = new GatewayClient(url, tokenFor(type));
        const values = some.map(({ value }) => value);
        const placeOf = (n: number) =>
          some[n]?.line === undefined ? undefined : `line ${some[n].line}`;
        await tried(() => client.postEvents(type, values, placeOf, key));
        written(some.length);
      }
    },
    close: async () => {},
  };
}

/** An event that was written though the answer was lost comes twice; dedup is there for that. */
async function tried(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof CarillonError && error.retryable;
      if (!mayPass || error.code === 'CAR907' || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_FIRST_MS * 2 ** (attempt - 1)));
    }
  }
}

/** As they can be sent together, never empty. */
export function byTypeAndKey(events: readonly GivenEvent[]): Iterable<GivenEvent[]> {
  return Map.groupBy(events, ({ type, key }) => JSON.stringify([type, key])).values();
}

/** An event topic of the topology, and how its values are read and keyed. */
interface EventTopic {
  readonly topic: string;
  readonly schema: string;
  readonly type: EventType;
  readonly partitions: number;
  readonly reader: ReturnType<typeof jsonEventReader>;
}

/** Throws what Kafka and the registry say when they are away. */
export async function kafkaWriter(
  deployment: Deployment,
  topology: LoadedTopology,
): Promise<EventWriter> {
  const { log: settings, registry: asked } = deployment;
  if (settings.kind !== 'kafka' || asked === null) throw new Error('the log is not Kafka');
  const [{ openKafkaLog }, { ConfluentRegistry }, { AvroSchemas }, { eventTypesOf }] =
    await Promise.all([
      import('../connectors/kafka/log.ts'),
      import('../schemas/confluent-registry.ts'),
      import('../schemas/avro-schemas.ts'),
      import('./run/topology.ts'),
    ]);
  const registry = new ConfluentRegistry(registryOptionsOf(asked));
  const log = await openKafkaLog(kafkaOptionsOf(settings));
  return new KafkaWriter({
    to: settings.brokers.join(','),
    types: eventTypesOf(topology),
    schemas: new AvroSchemas(topology.schemas, registry, systemClock),
    log,
    producer: await log.producer(),
  });
}

interface KafkaParts {
  readonly to: string;
  readonly types: ReadonlyMap<string, EventType>;
  readonly schemas: AvroSchemas;
  readonly log: Log;
  readonly producer: Producer;
}

class KafkaWriter implements EventWriter {
  readonly to: string;
  readonly #parts: KafkaParts;
  readonly #opened = new Map<string, EventTopic>();

  constructor(parts: KafkaParts) {
    this.to = parts.to;
    this.#parts = parts;
  }

  async write(events: readonly GivenEvent[], written: (events: number) => void): Promise<void> {
    const { schemas, producer } = this.#parts;
    const builders = new Map<string, BatchBuilder>();
    for (const event of events) {
      const of = this.#opened.get(event.type) ?? (await this.#open(event.type));
      const value = checked(event, of);
      const key = keyOfEvent(event, of, value);
      const partition = partitionOfText(key, of.partitions);
      const at = `${of.topic}/${partition}`;
      const builder = builders.get(at) ?? new BatchBuilder(of.topic, partition);
      builders.set(at, builder);
      builder.appendEncoded(systemClock.now(), key, schemas.encoder(of.schema), value);
    }
    await producer.send([...builders.values()].map((builder) => builder.finish()));
    written(events.length);
  }

  async close(): Promise<void> {
    await this.#parts.producer.close();
    await this.#parts.log.close();
  }

  /** Throws CAR706 for a type that no stream reads, CAR642 when its topic is not there. */
  async #open(type: string): Promise<EventTopic> {
    const { types, schemas, log } = this.#parts;
    const known = types.get(type);
    if (known === undefined) throw unknownType(type, types.keys());
    const { topic, schema, avro } = known;
    // Whether what others wrote can be read is not for who writes.
    await schemas.open([{ topic, schema, reads: [] }]);
    const partitions = await log.partitionsOf(topic);
    if (partitions === undefined) {
      throw new CarillonError('CAR642', `topic ${topic} is not there.`, { where: { at: topic } });
    }
    const opened = { topic, schema, type: known, partitions, reader: jsonEventReader(avro) };
    this.#opened.set(type, opened);
    return opened;
  }
}

/** Throws CAR909 with all fields that are wrong. */
function checked(event: GivenEvent, { reader, schema }: EventTopic): { [field: string]: unknown } {
  const problems: FieldProblem[] = [];
  const value = reader.read(event.value, '', problems) as { [field: string]: unknown };
  if (problems.length === 0) return value;
  const fields = problems.map(({ path, what }) => `\n    ${path}: ${what}`).join('');
  throw new CarillonError('CAR909', `it is not of schema ${schema}.${fields}`, {
    where: event.line === undefined ? { at: event.type } : { at: `line ${event.line}` },
  });
}

/** Throws CAR909 when there is none, or it is no key. */
function keyOfEvent(event: GivenEvent, { type, schema }: EventTopic, value: unknown): string {
  const found = keyOf(type, value, event.key);
  if ('key' in found) return found.key;
  const place = found.path === '' ? '' : ` at ${found.path}`;
  throw new CarillonError('CAR909', `the ${schema}${place} ${found.what}.`, {
    where: event.line === undefined ? { at: event.type } : { at: `line ${event.line}` },
    ...(type.key === null ? { mend: 'write {"type": …, "key": "…", "value": {…}}.' } : {}),
  });
}

function unknownType(type: string, known: Iterable<string>): CarillonError {
  const names = [...known];
  // A type is the last part of its topic's name, which is what one has at hand.
  const near = nearest(type.replace(/^events\./, ''), names);
  return new CarillonError('CAR706', `there is no event type "${type}".`, {
    where: { at: '--type' },
    mend: near === undefined ? `types: ${names.join(', ')}` : `did you mean "${near}"?`,
  });
}
