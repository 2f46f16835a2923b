/**
 * On Kafka, with Cassandra, by roles in five processes: milliseconds from before the producer's
 * send until the frame is at the device, at 1,000 events/s. Producer (kafkajs, acks all) and
 * devices are this process; the servers are as in operation, with the optimising compiler, and are
 * warmed up for half a minute. `--per-second 300` is another load. The floor is the same producer
 * and a consumer of the same topic: a raw round trip. `more` has the way in two (until the
 * notification can be read in its lane, read committed) and what each process costs an event; the
 * reader of the lane is not counted there.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import avsc from 'avsc';
import kafkajs, { type Producer } from 'kafkajs';
import { producedEvent } from '../test/cluster/produced-events.ts';
import { kafkaOf } from '../test/cluster/stored.ts';
import { EVENT_SCHEMA, EVENTS, World } from '../test/cluster/world.ts';
import { startAll } from '../test/kit/servers.ts';
import { printFigure } from './figure.ts';
import {
  type Latency,
  LOAD,
  type Load,
  type LoadEvent,
  listen,
  runLoad,
  Stopwatch,
} from './latency-load.ts';
import { cpuSeconds, treeOf } from './peer/process-tree.ts';

const MEMBERS = 120;
const PARTITIONS = 4;
const FLOOR_TOPIC = 'latency-floor';
/** Where all that is measured passes by. */
const LANE = 'notifications.critical.websocket';
const LANE_READER = 'latency-lane-reader';
const WIRE_HEADER_BYTES = 5;
/** kafkajs waits no longer than this for records: as the pipeline's own consumers do. */
const FETCH_WAIT_MS = 50;

const schema = JSON.parse(readFileSync(EVENT_SCHEMA, 'utf8'));
const type = avsc.Type.forSchema(schema);
const sample = producedEvent(schema, { count: 1, seed: 0, members: 1, baseTimeMs: 0 }, 0);

/** Critical ones, as FINISHED is in the topology. */
function messagesOf(schemaId: number, events: readonly LoadEvent[]) {
  return events.map(({ eventId, memberId, bornMs }) => {
    const value = { ...sample, eventId, memberId, kind: 'FINISHED', occurredAt: bornMs };
    const header = Buffer.alloc(WIRE_HEADER_BYTES);
    header.writeInt32BE(schemaId, 1);
    return { key: memberId, value: Buffer.concat([header, type.toBuffer(value)]) };
  });
}

/** Members whose first device is told: tv, mobile, tablet (test/cluster/expected.ts). */
const members = Array.from({ length: MEMBERS }, (_, i) => i).filter((i) => i % 6 < 3);
const memberIds = members.map((i) => `m-${i}`);

async function producerOf(world: World): Promise<Producer> {
  const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
  const producer = kafkaOf(world.brokers).producer({ createPartitioner });
  await producer.connect();
  return producer;
}

const notificationType = avsc.Type.forSchema(
  JSON.parse(
    readFileSync(
      new URL('../schemas/notifications/device-notification.avsc', import.meta.url),
      'utf8',
    ),
  ),
);

/** Tells the stopwatch of each event whose notification can be read in the lane. */
async function readLane(world: World, watch: Stopwatch): Promise<() => Promise<void>> {
  const consumer = kafkaOf(world.brokers).consumer({
    groupId: LANE_READER,
    maxWaitTimeInMs: FETCH_WAIT_MS,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: LANE });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        const { payload } = notificationType.fromBuffer(value!.subarray(WIRE_HEADER_BYTES)) as {
          payload: Buffer;
        };
        watch.arrived((type.fromBuffer(payload) as LoadEvent).eventId);
      }
    },
  });
  await joined;
  return () => consumer.disconnect();
}

/** Processor time so far of this process and each that it has started, by what it is. */
function cpuByProcess(): Map<string, number> {
  const cpu = new Map<string, number>();
  for (const pid of treeOf([process.pid])) {
    const name = nameOf(pid);
    if (name === undefined) continue;
    try {
      cpu.set(name, (cpu.get(name) ?? 0) + cpuSeconds([pid]));
    } catch {
      // It has ended meanwhile.
    }
  }
  return cpu;
}

function nameOf(pid: number): string | undefined {
  if (pid === process.pid) return 'producer and devices';
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const roles = words.filter((_, i) => words[i - 1] === '--role');
    if (roles.length > 0) return roles.join(' ');
    if (words.includes('kafka.Kafka')) return 'broker';
    return words.some((word) => word.endsWith('CassandraDaemon')) ? 'cassandra' : undefined;
  } catch {
    return undefined;
  }
}

/** Compilers are at work for long. */
const WARM_UP_SECONDS = 30;

export interface KafkaLatency {
  readonly measured: Latency;
  readonly toLane: Latency;
  /** CPU-µs an event, warm-up included, of each process. */
  readonly cpuMicros: Readonly<Record<string, number>>;
}

export async function kafkaLatency(world: World, load: Load): Promise<KafkaLatency> {
  const { pipeline } = world;
  const gateway = await pipeline.run('gateway', 'ingest');
  const devices = await pipeline.run('devices');
  await Promise.all([pipeline.run('sink/inbox'), pipeline.run('sink/websocket')]);
  await world.register(gateway, devices);
  await pipeline.run('streams');
  const watch = new Stopwatch();
  const sockets = [];
  for (const i of members) {
    const device = `d-${i}-0`;
    sockets.push(await listen(gateway.url, await pipeline.token('device', device), watch));
  }
  const subject = `${world.servers.registry}/subjects/${EVENTS}-value/versions/latest`;
  const { id } = (await (await fetch(subject)).json()) as { id: number };
  const producer = await producerOf(world);
  const laneWatch = new Stopwatch();
  const endLane = await readLane(world, laneWatch);
  const before = cpuByProcess();
  const measured = await runLoad(load, memberIds, [watch, laneWatch], (events) =>
    producer.send({ topic: EVENTS, acks: -1, messages: messagesOf(id, events) }),
  );
  const events = load.perSecond * (load.seconds + load.warmUpSeconds);
  const cpuMicros = Object.fromEntries(
    [...cpuByProcess()].map(([name, seconds]) => [
      name,
      Math.round(((seconds - (before.get(name) ?? 0)) * 1e6) / events),
    ]),
  );
  await Promise.all([producer.disconnect(), endLane()]);
  for (const socket of sockets) socket.terminate();
  return { measured, toLane: laneWatch.latency(), cpuMicros };
}

export async function rawLatency(world: World, load: Load): Promise<Latency> {
  const kafka = kafkaOf(world.brokers);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: FLOOR_TOPIC, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  const watch = new Stopwatch();
  const consumer = kafka.consumer({ groupId: FLOOR_TOPIC, maxWaitTimeInMs: FETCH_WAIT_MS });
  await consumer.connect();
  await consumer.subscribe({ topic: FLOOR_TOPIC, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        const event = type.fromBuffer(value!.subarray(WIRE_HEADER_BYTES)) as LoadEvent;
        watch.arrived(event.eventId);
      }
    },
  });
  await joined;
  const producer = await producerOf(world);
  const latency = await runLoad(load, memberIds, [watch], (events) =>
    producer.send({ topic: FLOOR_TOPIC, acks: -1, messages: messagesOf(0, events) }),
  );
  await Promise.all([producer.disconnect(), consumer.disconnect()]);
  return latency;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { 'per-second': { type: 'string' } } });
  const perSecond = Number(values['per-second'] ?? LOAD.perSecond);
  const load: Load = { ...LOAD, perSecond, warmUpSeconds: WARM_UP_SECONDS };
  const servers = await startAll({ kafka: { fast: true }, cassandra: { fast: true } });
  const { kafka, registry, cassandra } = servers;
  try {
    const world = await World.start({
      topology: 'plain.yaml',
      name: 'e2e',
      members: MEMBERS,
      servers: { kafka: kafka.brokers, registry: registry.url, cassandra },
    });
    try {
      const floor = await rawLatency(world, { ...load, warmUpSeconds: LOAD.warmUpSeconds });
      const { measured, toLane, cpuMicros } = await kafkaLatency(world, load);
      printFigure({
        bench: 'latency-kafka',
        value: measured.p99Ms,
        unit: 'ms p99',
        floor: floor.p99Ms,
        beside: 'kafkajs: a raw round trip, produce to consume',
        more: { measured, toLane, cpuMicros, floor, load, devices: members.length },
      });
    } finally {
      await world.stop();
    }
  } finally {
    await servers.stop();
  }
}
