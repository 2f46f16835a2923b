/**
 * The spine on real servers, as separate processes by role, with events from a producer that is not
 * ours: every notification that should exist is in Cassandra exactly once, with dense numbers, and
 * none that should not; also when a `streams` process is killed in the middle.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SocketDevice } from '../../cli/socket-device.ts';
import { startFcmFake } from '../../connectors/fcm/fake.ts';
import { pythonUnavailableReason } from '../kit/python.ts';
import { progress } from '../kit/servers/progress.ts';
import { type KafkaServer, startKafka } from '../kit/servers.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { Expected, type ProducedPart, type WorldDevice, worldDevices } from './expected.ts';
import { addCounts } from './metrics.ts';
import { Pipeline, type PipelineProcess, until } from './pipeline.ts';
import { type ProducedRun, type ProducerTarget, startProducer } from './produced-events.ts';
import { lagOf, offsetsOf, readInbox } from './stored.ts';

const MEMBERS = 2_000;
/** One in 21 belongs to nobody; odd, so that a member's events have all kinds. */
const NAMED_MEMBERS = 2_101;
const SOCKETS = 6;
const EVENTS = 'events.viewing-activity';
const CAUGHT_UP_MS = 240_000;
const HOUR_MS = 3_600_000;

const servers = await clusterSkip();
const noPython = process.env.CI === 'true' ? undefined : await pythonUnavailableReason();
const skip = servers !== false ? servers : (noPython ?? false);

describe('events in, every device told', { skip }, () => {
  const keyspace = `e2e_${process.pid}_${Date.now().toString(36)}`;
  const expected = new Expected(MEMBERS);
  const streams: PipelineProcess[] = [];
  const sockets = new Map<string, Set<string>>();
  const stops: (() => unknown)[] = [];
  let kafka: KafkaServer;
  let shared: SharedServers;
  let pipeline: Pipeline;
  let gateway: PipelineProcess;
  let devices: PipelineProcess;
  let inbox: PipelineProcess;
  let pushes: PipelineProcess;
  let fcm: Awaited<ReturnType<typeof startFcmFake>>;

  before(async () => {
    // The topics of a topology have fixed names, so it has a broker of its own.
    [kafka, shared, fcm] = await Promise.all([
      startKafka(),
      sharedServers(['registry', 'cassandra']),
      startFcmFake({ project: 'e2e' }),
    ]);
    const { registry, cassandra } = shared;
    const connectors = { fcm: fcm.settings };
    const own = { servers: { kafka: kafka.brokers, registry, cassandra }, keyspace, connectors };
    pipeline = new Pipeline({ ...own, topology: 'plain.yaml' });
  });
  after(async () => {
    for (const stop of stops) await stop();
    await pipeline?.stop();
    await fcm?.close();
    await Promise.all([shared?.stop(), kafka?.stop()]);
  });

  test('processes by role start, and devices register over HTTP', async () => {
    const startedAt = performance.now();
    gateway = await pipeline.run('gateway', 'ingest');
    [devices, inbox, pushes] = await Promise.all([
      pipeline.run('devices'),
      pipeline.run('sink/inbox'),
      pipeline.run('sink/websocket', 'sink/fcm'),
    ]);
    progress('four processes run', startedAt);
    const world = worldDevices(MEMBERS);
    await register(world);
    progress(`${world.length} devices are registered`, startedAt);
    streams.push(...(await Promise.all([pipeline.run('streams'), pipeline.run('streams')])));
    progress('two streams processes run', startedAt);
    for (const child of [gateway, devices, inbox, pushes, ...streams]) {
      await until(`health of ${child.roles}`, async () => (await child.health()).status === 200);
    }
    const online = world.filter((one) => one.transport === 'websocket').slice(0, SOCKETS);
    for (const { deviceId } of online) await connect(deviceId);
  });

  test('100,000 events: each notification once, its number dense', {
    timeout: 600_000,
  }, async () => {
    const baseTimeMs = Date.now();
    const base = { members: NAMED_MEMBERS, baseTimeMs, stepMs: 0 };
    const first: ProducedRun = { ...base, count: 60_000, seed: 1 };
    const startedAt = performance.now();
    await produce({ run: first, fate: 'told' });
    const causing = { ...base, count: 35_000, seed: 2, set: { deviceId: 'd-{i}-0' } };
    await produce({ run: causing, fate: 'told', spares: 0 });
    await produce({ run: { ...first, count: 2_500 }, fate: 'repeated' });
    const stale = { ...base, count: 2_500, seed: 3, baseTimeMs: baseTimeMs - HOUR_MS };
    await produce({ run: stale, fate: 'stale' });
    await caughtUp(startedAt, 100_000);
    await checkInbox();
    await checkCounts();
    await until('all frames are there', async () => socketsAreComplete());
  });

  test('kill -9 of a streams process in the middle', { timeout: 600_000 }, async () => {
    const run = { members: NAMED_MEMBERS, count: 40_000, seed: 4, baseTimeMs: Date.now() };
    const startedAt = performance.now();
    const producing = produce({ run, fate: 'told' }, 4_000);
    const before = await inbox.metrics();
    const told = () => deliveredBy(inbox).then((now) => now - deliveredIn(before));
    await until('a part of them is told', async () => (await told()) > 8_000);
    const [victim, heir] = streams.splice(0, 2) as [PipelineProcess, PipelineProcess];
    await victim.kill();
    const killedAt = performance.now();
    await until('the other one has all tasks', async () => (await tasksOf(heir)) === 8);
    const tookOverMs = performance.now() - killedAt;
    streams.push(heir, await pipeline.run('streams'));
    progress(`kill -9: the other took over in ${(tookOverMs / 1_000).toFixed(1)} s`);
    await producing;
    await caughtUp(startedAt, run.count);
    await checkInbox();
    await until('all frames are there', async () => socketsAreComplete());
  });

  const register = async (world: readonly WorldDevice[]) => {
    const client = await pipeline.client(gateway, 'registrar');
    const queue = [...world];
    const worker = async () => {
      for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
        const transport =
          one.transport === 'fcm'
            ? { kind: 'fcm', token: `token-${one.deviceId}` }
            : { kind: one.transport };
        await client.register(one.deviceId, {
          memberId: one.memberId,
          class: one.class,
          transports: [transport],
        });
      }
    };
    await Promise.all(Array.from({ length: 64 }, worker));
    await until('both hops have seen all devices', async () => {
      const metrics = await devices.metrics();
      const at = { stream: 'devices-fold', step: 'source' };
      const read = metrics.sum('carillon_step_records_in_total', at);
      return read >= world.length && metrics.lag() === 0;
    });
  };

  const connect = async (deviceId: string) => {
    const ids = new Set<string>();
    sockets.set(deviceId, ids);
    const token = await pipeline.token('device', deviceId);
    let welcomed: () => void = () => {};
    const open = new Promise<void>((resolve) => {
      welcomed = resolve;
    });
    const device = new SocketDevice({
      url: gateway.url,
      token: async () => token,
      acknowledge: true,
      random: () => 0.5,
      onFrame: (frame) => {
        if (frame.type === 'welcome') welcomed();
        if (frame.type === 'notification') ids.add(frame.id);
      },
      onClose: () => {},
    });
    device.start();
    stops.push(() => device.stop());
    await open;
  };

  const produce = async (part: ProducedPart, rate?: number) => {
    expected.add(part);
    const target: ProducerTarget = {
      brokers: kafka.brokers,
      registry: shared.registry,
      topic: EVENTS,
      schemaFile: join(import.meta.dirname, '../../schemas/events/viewing-activity.avsc'),
      partitioner: 'murmur2_random',
    };
    const options = rate === undefined ? target : { ...target, rate };
    await (await startProducer(options, part.run)).output;
  };

  const caughtUp = async (startedAt: number, events: number) => {
    progress(`${events} events are produced`, startedAt);
    const behind = async () => {
      const groups = ['e2e.streams.critical', 'e2e.streams.normal'];
      const lags = await Promise.all(groups.map((one) => lagOf(kafka.brokers, one, EVENTS)));
      return lags.reduce((sum, lag) => sum + lag, 0);
    };
    await until('the streams are done', async () => (await behind()) === 0, CAUGHT_UP_MS);
    const streamsS = (performance.now() - startedAt) / 1_000;
    progress(`the streams are done: ${Math.round(events / streamsS)} events/s`, startedAt);
    const sinks = [inbox, pushes];
    const lags = async () => Promise.all(sinks.map(async (sink) => (await sink.metrics()).lag()));
    const idle = async () => (await lags()).every((lag) => lag === 0);
    await until('the sinks are done', idle, CAUGHT_UP_MS);
    const allS = (performance.now() - startedAt) / 1_000;
    progress(`the sinks are done: ${Math.round(events / allS)} events/s end to end`, startedAt);
  };

  const checkInbox = async () => {
    const rows = await readInbox(shared.cassandra, keyspace);
    const found = new Map<string, string[]>();
    for (const { device, epoch, priority, sequence, id } of rows) {
      const key = `${device}/${priority}`;
      const ids = found.get(key) ?? [];
      assert.equal(epoch, 1, `${key}: epoch`);
      // Cassandra gives a device's rows in the order of their numbers: from 1, with no gap.
      assert.equal(sequence, ids.length + 1, `${key}: number`);
      ids.push(id);
      found.set(key, ids);
    }
    for (const [key, ids] of expected.rows) assert.deepEqual(found.get(key), ids, key);
    assert.equal(rows.length, expected.count);
    assert.equal(found.size, expected.rows.size);
    assert.equal(await offsetsOf(kafka.brokers, 'dead-letters'), 0);
    progress(`${rows.length} rows in Cassandra are those that should exist`);
  };

  /** Only until the kill: counts are those of a process. */
  const checkCounts = async () => {
    const all = await Promise.all(streams.map((child) => child.metrics()));
    const name = 'carillon_records_total';
    const dropped = all.map((one) => one.by(name, 'reason', { verdict: 'dropped' }));
    assert.deepEqual(addCounts(dropped), expected.drops);
    const sum = (metric: string, labels: Record<string, string>) =>
      all.reduce((total, one) => total + one.sum(metric, labels), 0);
    assert.equal(sum('carillon_step_records_in_total', { step: 'source' }), expected.events * 2);
    assert.equal(sum('carillon_step_records_out_total', { step: 'lane' }), expected.count);
    assert.equal(sum(name, {}), sum('carillon_step_records_in_total', {}));
    assert.equal(sum('carillon_records_held', {}), 0);
    for (const child of streams) assert.ok((await tasksOf(child)) > 0, 'both have tasks');
  };

  const socketsAreComplete = () =>
    [...sockets].every(([device, ids]) => {
      const wanted = expected.idsOf(device);
      assert.deepEqual([...ids].sort(), wanted, `${device}: ${ids.size} of ${wanted.length}`);
      return true;
    });
});

async function tasksOf(child: PipelineProcess): Promise<number> {
  return (await child.metrics()).sum('carillon_tasks');
}

async function deliveredBy(sink: PipelineProcess): Promise<number> {
  return deliveredIn(await sink.metrics());
}

function deliveredIn(metrics: Awaited<ReturnType<PipelineProcess['metrics']>>): number {
  return metrics.sum('carillon_deliveries_total', { outcome: 'delivered' });
}
