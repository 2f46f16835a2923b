/**
 * The embedded pipeline, log and inbox included: events per second from append to pushes handed to
 * a sink that answers at once, on this machine's cores. The floor is the same file taking the same
 * batches with no pipeline behind it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDeployment } from '../cli/deployment.ts';
import { EngineThread } from '../cli/run/engine-thread.ts';
import { EMBEDDED_SINKS, EMBEDDED_STREAMS } from '../cli/run/policies.ts';
import { schemaTopicsOf } from '../cli/run/topology.ts';
import { BridgedLog } from '../connectors/embedded/bridge.ts';
import { openEmbeddedLog } from '../connectors/embedded/log.ts';
import { BatchBuilder } from '../core/batch-builder.ts';
import { systemClock } from '../core/clock.ts';
import type { EncodedBatch, Log } from '../core/log.ts';
import { delivered } from '../core/outcome.ts';
import { partitionOfText } from '../core/partition.ts';
import type { Sink } from '../core/spec.ts';
import { Engine, topicSpecs } from '../runtime/engine.ts';
import type { FlowSnapshot } from '../runtime/flow.ts';
import { AvroSchemas } from '../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { renoPlan } from './engine.ts';
import { printFigure } from './figure.ts';
import { random } from './random.ts';
import { type LoadBatch, makeLoad, sampleDevices } from './reno-load.ts';

const PARTITIONS = 4;
/** Batches that are appended and not acknowledged. */
const SENDS_AT_ONCE = 16;
const POLL_MS = 50;
/** Its bursts wait half a minute: left out, or the figure would be of waiting. */
const WITHOUT = ['events.recommendation-refresh'];

export interface EmbeddedFigures {
  readonly events: number;
  readonly pushes: number;
  readonly inboxRows: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly floorEventsPerSecond: number;
  readonly ratio: number;
}

export async function benchEmbedded(events: number, members: number): Promise<EmbeddedFigures> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  try {
    const floor = await appendOnly(join(dir, 'floor'), events, members);
    return await pipeline(join(dir, 'pipeline'), events, members, floor);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function load(events: number, members: number) {
  const { plan, topics } = renoPlan();
  const folder = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
  const startMs = systemClock.now();
  const made = await makeLoad(folder, topics, {
    events,
    members,
    seed: 1,
    partitions: PARTITIONS,
    startMs,
    without: WITHOUT,
  });
  return { plan, folder, made };
}

async function appendOnly(dir: string, events: number, members: number): Promise<number> {
  const { plan, made } = await load(events, members);
  const log = openEmbeddedLog({ dir, clock: systemClock });
  await log.applyTopics(topicSpecs(plan, PARTITIONS));
  const started = performance.now();
  await sendAll(log, made.batches);
  const seconds = (performance.now() - started) / 1_000;
  await log.close();
  return Math.round(events / seconds);
}

async function pipeline(
  dir: string,
  events: number,
  members: number,
  floor: number,
): Promise<EmbeddedFigures> {
  const root = new URL('..', import.meta.url).pathname;
  const base = readDeployment({ file: undefined, folder: root, env: {} });
  const deployment = { ...base, dataFolder: dir, partitions: PARTITIONS };
  const thread = await EngineThread.start(deployment, { folder: root, say: () => {} });
  const log = new BridgedLog(thread.port);
  const { plan, folder, made } = await load(events, members);
  const schemas = new AvroSchemas(folder, log.registry(), systemClock);
  await schemas.open(schemaTopicsOf(plan));
  let pushes = 0;
  const sink: Sink = {
    probe: async () => {},
    close: async () => {},
    deliver: async (batch) => {
      pushes += batch.length;
      return batch.map(() => delivered());
    },
  };
  const engine = new Engine({
    plan,
    log,
    schemas,
    clock: systemClock,
    partitions: PARTITIONS,
    streamsCommit: EMBEDDED_STREAMS,
    sinksCommit: EMBEDDED_SINKS,
    random: () => 0.5,
    onFailure: (error) => {
      throw error;
    },
  });
  for (const plan of planSinks()) {
    for (const priority of plan.lane.priorities) await engine.startSink(plan, priority, sink);
  }
  await register(log, schemas, members);
  await until(thread, (flow) => inOf(flow, 'devices-fold') >= members);
  const started = performance.now();
  await sendAll(log, made.batches);
  await until(thread, (flow) => eventsIn(flow) >= events && lagOf(flow) === 0);
  await untilQuiet(engine);
  const seconds = (performance.now() - started) / 1_000;
  const flow = await thread.snapshot();
  const inboxRows = flow.lanes.reduce((sum, lane) => sum + (lane.outcomes.delivered ?? 0), 0);
  await engine.close();
  await log.close();
  await thread.stop();
  const eventsPerSecond = Math.round(events / seconds);
  return {
    events,
    pushes,
    inboxRows,
    seconds,
    eventsPerSecond,
    floorEventsPerSecond: floor,
    ratio: eventsPerSecond / floor,
  };
}

/** The push sinks without their gates: every notification is handed over. */
function planSinks() {
  return renoPlan()
    .plan.sinks.filter(({ spec }) => spec.type !== 'inbox')
    .map((sink) => ({ ...sink, steps: [], tables: [] }));
}

async function sendAll(log: Log, batches: readonly LoadBatch[]): Promise<void> {
  const producer = await log.producer();
  const sending = new Set<Promise<unknown>>();
  for (const { topic, partition, bytes, count, clockMs } of batches) {
    const batch: EncodedBatch = { topic, partition, bytes, count, maxTimestamp: clockMs };
    const sent: Promise<unknown> = producer.send([batch]).finally(() => sending.delete(sent));
    sending.add(sent);
    if (sending.size >= SENDS_AT_ONCE) await Promise.race(sending);
  }
  await Promise.all(sending);
  await producer.close();
}

async function register(log: Log, schemas: AvroSchemas, members: number): Promise<void> {
  const producer = await log.producer();
  const topic = 'events.device-registration';
  const chance = random(7);
  const now = systemClock.now();
  const builders = Array.from({ length: PARTITIONS }, (_, p) => new BatchBuilder(topic, p));
  for (let m = 0; m < members; m++) {
    for (const { deviceId, class: of, transports } of sampleDevices(`m-${m}`, chance)) {
      const kind = transports[0]!;
      const transport = { kind, token: kind, environment: null, registeredAt: now };
      const value = {
        deviceId,
        action: 'REGISTERED',
        memberId: `m-${m}`,
        class: of,
        platform: '',
        app: '',
        locale: '',
        transports: [transport],
        deadToken: null,
        deadBefore: null,
        occurredAt: now,
      };
      builders[partitionOfText(deviceId, PARTITIONS)]!.appendEncoded(
        now,
        deviceId,
        schemas.encoder('DeviceRegistration'),
        value,
      );
    }
  }
  await producer.send(builders.map((builder) => builder.finish()));
  await producer.close();
}

function inOf(flow: FlowSnapshot, stream: string): number {
  return flow.steps
    .filter((step) => step.stream === stream && step.step === 'source')
    .reduce((sum, step) => sum + step.in, 0);
}

function eventsIn(flow: FlowSnapshot): number {
  return flow.steps
    .filter(({ stream, step }) => step === 'source' && !stream.startsWith('devices-'))
    .reduce((sum, step) => sum + step.in - (step.dropped.other_priority ?? 0), 0);
}

function lagOf(flow: FlowSnapshot): number {
  return flow.lags.reduce((sum, { lag }) => sum + lag, 0);
}

async function until(thread: EngineThread, done: (flow: FlowSnapshot) => boolean): Promise<void> {
  while (!done(await thread.snapshot())) await pause();
}

/** The lanes of this thread have read and delivered all that is there. */
async function untilQuiet(engine: Engine): Promise<void> {
  for (;;) {
    const lags = await engine.lag();
    if (lags.every(({ lag }) => lag === 0)) return;
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

const EVENTS = 200_000;
const MEMBERS = 10_000;
const AIM = 20_000;

if (import.meta.main) {
  const figures = await benchEmbedded(EVENTS, MEMBERS);
  printFigure({
    bench: 'embedded',
    value: figures.eventsPerSecond,
    unit: 'events/s',
    floor: figures.floorEventsPerSecond,
    beside: 'the same batches appended, no pipeline',
    aim: `at least ${AIM} events/s`,
    met: figures.eventsPerSecond >= AIM,
    more: { ...figures },
  });
}
