/**
 * The airline, the bank and the game of test/golden on Kafka and Cassandra, each once, in one
 * process with all roles: what devices are told is what they are told on one file.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { compile } from '../../compiler/compile.ts';
import { withPriorities } from '../../compiler/notification-priorities.ts';
import type { Plan } from '../../compiler/plan.ts';
import { topicSchemas } from '../../compiler/topic-schemas.ts';
import { sinks } from '../../connectors/index.ts';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import { steps } from '../../processors/index.ts';
import { inputsOf } from '../../runtime/group-specs.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { ConfluentRegistry } from '../../schemas/confluent-registry.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { House, until } from '../e2e/embedded-run.ts';
import { bankScene, gameScene } from '../golden/scenes.ts';
import { type CassandraServer, startCassandra, startKafka } from '../kit/servers.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { ROOT } from '../rings.ts';
import { RegistryStandIn } from './chaos/registry-stand-in.ts';

const PARTITIONS = 2;

interface Scene {
  readonly house: House;
  readonly plan: Plan;
  readonly log: EditableLog;
  readonly schemas: AvroSchemas;
}

describe('whole pipelines on Kafka', { skip: await clusterSkip() }, () => {
  let cassandra: CassandraServer;
  before(async () => {
    cassandra = await startCassandra();
  });
  after(async () => cassandra?.stop());

  const start = async (t: TestContext, name: string): Promise<Scene> => {
    const registry = await RegistryStandIn.start();
    t.after(() => registry.stop());
    const kafka = await startKafka();
    t.after(() => kafka.stop());
    const folder = join(ROOT, 'test/golden', name);
    const { contactPoints, port, localDataCenter } = cassandra;
    const house = new House({
      topology: join(folder, 'topology', `${name}.yaml`),
      schemas: [join(folder, 'schemas')],
      ...(name === 'bank' ? { words: { member: 'customerId', class: 'phone' } } : {}),
      servers: {
        partitions: PARTITIONS,
        log: { kind: 'kafka', brokers: kafka.brokers, replication: 1 },
        registry: { url: registry.url },
        inbox: {
          ...{ kind: 'cassandra', contact_points: contactPoints, port, replication: 1 },
          ...{ local_data_center: localDataCenter, keyspace: `golden_${name}` },
        },
      },
    });
    t.after(() => house.close());
    await house.start();
    const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'golden' });
    t.after(() => log.close());
    const known = readSchemaFolder(join(ROOT, 'schemas'), join(folder, 'schemas'));
    const text = readFileSync(join(folder, 'topology', `${name}.yaml`), 'utf8');
    const catalog = { steps, sinks };
    const { plan } = compile(text, { file: `${name}.yaml`, catalog, schemas: known, env: {} });
    const asked = new ConfluentRegistry({ url: registry.url });
    const own = withPriorities(known, plan!.priorities.names);
    const schemas = new AvroSchemas(own, asked, systemClock);
    await schemas.open(topicSchemas(plan!));
    return { house, plan: plan!, log, schemas };
  };

  test('the bank', { timeout: 240_000 }, async (t) => {
    const scene = await start(t, 'bank');
    await bankScene(scene.house, () => settled(scene, 'tables.card-account'));
  });

  test('the game', { timeout: 240_000 }, async (t) => {
    const scene = await start(t, 'game');
    await gameScene(scene.house, () => settled(scene, 'tables.devices'));
  });

  test('the airline', { timeout: 240_000 }, async (t) => {
    const scene = await start(t, 'airline');
    const { house } = scene;
    const registrar = await house.client('registrar');
    const transports = [{ kind: 'inbox' }];
    await registrar.register('ph-1', { passengerId: 'p-1', class: 'phone', transports });
    const row = (topic: string, key: string, value: object) => written(scene, topic, key, value);
    await row('tables.passenger', 'p-1', { passengerId: 'p-1', name: 'Ada', zone: 'UTC' });
    const booking = { bookingRef: 'B-1', passengerId: 'p-1', flightId: 'LH-1' };
    const departsAt = Date.now() + 7 * 86_400_000;
    await row('tables.booking', 'B-1', { ...booking, departsAt, checkedIn: false });
    await settled(scene, 'tables.trip');
    await settled(scene, 'tables.devices');

    const producer = await house.client('producer');
    const change = { flightId: 'LH-1', delayMinutes: 0, gate: null, minutesToDeparture: 600 };
    const event = { eventId: 'e-1', kind: 'CANCELLED', bookings: ['B-1'], occurredAt: Date.now() };
    // Again: what is told once is told once.
    await producer.postEvents('flight-change', [
      { ...change, ...event },
      { ...change, ...event },
    ]);
    await until('it is told', async () => (await house.inboxOf('ph-1')).length > 0);
    await settled(scene, 'notifications.gate.inbox');
    const told = (await house.inboxOf('ph-1')).map(({ useCase, value }) => [useCase, value]);
    const of = { bookingRef: 'B-1', flightId: 'LH-1', passengerId: 'p-1', zone: 'UTC' };
    assert.deepEqual(told, [['ca', { ...of, kind: 'CANCELLED', delayMinutes: 0, gate: null }]]);
  });
});

/** Something stands in the topic, and every group is through with what it reads. */
async function settled({ log, plan }: Scene, topic: string): Promise<void> {
  const { positions } = log;
  await until(`${topic} has rows`, async () => {
    return ((await positions.bounds(topic)) ?? []).some(({ start, end }) => end > start);
  });
  await until('all groups are through', async () => {
    for (const sub of plan.subTopologies) {
      for (const input of inputsOf(sub)) {
        const committed = await positions.committed(sub.group, [input]);
        for (const [p, { start, end }] of ((await positions.bounds(input)) ?? []).entries()) {
          const at = committed.find(({ partition }) => partition === p)?.offset ?? -1;
          if (end > Math.max(start, at)) return false;
        }
      }
    }
    return true;
  });
}

async function written(
  { log, plan, schemas }: Scene,
  topic: string,
  key: string,
  value: object,
): Promise<void> {
  const { schema } = plan.topics.find(({ name }) => name === topic)!;
  const builder = new BatchBuilder(topic, partitionOfText(key, PARTITIONS));
  builder.append(systemClock.now(), key, schemas.encoder(schema!).toBuffer(value));
  const producer = await log.producer();
  await producer.send([builder.finish()]);
  await producer.close();
}
