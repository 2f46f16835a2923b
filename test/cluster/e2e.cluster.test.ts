/**
 * The spine on real servers, as separate processes by role, with events from a producer that is not
 * ours: every notification that should exist is in Cassandra exactly once, with dense numbers, and
 * none that should not; also when a `streams` process is killed in the middle.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startFcmFake } from '../../connectors/fcm/fake.ts';
import { progress } from '../kit/servers/progress.ts';
import { worldDevices } from './expected.ts';
import { addCounts } from './metrics.ts';
import { type PipelineProcess, until } from './pipeline.ts';
import type { ProducedRun } from './produced-events.ts';
import { World, worldSkip } from './world.ts';

const MEMBERS = 2_000;
/** One in 21 belongs to nobody; odd, so that a member's events have all kinds. */
const NAMED_MEMBERS = 2_101;
const SOCKETS = 6;
const PRIORITIES = ['critical', 'normal'];
/** Tasks of the two priorities together. */
const TASKS = 8;
const HOUR_MS = 3_600_000;

const skip = await worldSkip();

describe('events in, every device told', { skip }, () => {
  const streams: PipelineProcess[] = [];
  let world: World;
  let gateway: PipelineProcess;
  let inbox: PipelineProcess;
  let pushes: PipelineProcess;
  let fcm: Awaited<ReturnType<typeof startFcmFake>>;

  before(async () => {
    fcm = await startFcmFake({ project: 'e2e' });
    const connectors = { fcm: fcm.settings };
    world = await World.start({
      topology: 'plain.yaml',
      name: 'e2e',
      members: MEMBERS,
      connectors,
    });
  });
  after(async () => {
    await world?.stop();
    await fcm?.close();
  });

  test('processes by role start, and devices register over HTTP', async () => {
    const { pipeline } = world;
    const startedAt = performance.now();
    gateway = await pipeline.run('gateway', 'ingest');
    const [devices, ...sinks] = await Promise.all([
      pipeline.run('devices'),
      pipeline.run('sink/inbox'),
      pipeline.run('sink/websocket', 'sink/fcm'),
    ]);
    [inbox, pushes] = sinks;
    progress('four processes run', startedAt);
    const registered = await world.register(gateway, devices);
    progress(`${registered} devices are registered`, startedAt);
    streams.push(...(await Promise.all([pipeline.run('streams'), pipeline.run('streams')])));
    for (const child of [gateway, devices, inbox, pushes, ...streams]) {
      await until(`health of ${child.roles}`, async () => (await child.health()).status === 200);
    }
    progress('two streams processes run, all six are well', startedAt);
    const online = worldDevices(MEMBERS).filter((one) => one.transport === 'websocket');
    for (const { deviceId } of online.slice(0, SOCKETS)) await world.connect(gateway, deviceId);
  });

  test('100,000 events: each notification once, its number dense', {
    timeout: 600_000,
  }, async () => {
    const baseTimeMs = Date.now();
    const base = { members: NAMED_MEMBERS, baseTimeMs };
    const first: ProducedRun = { ...base, count: 60_000, seed: 1 };
    const startedAt = performance.now();
    await world.produce({ run: first, fate: 'told' });
    const causing = { ...base, count: 35_000, seed: 2, set: { deviceId: 'd-{i}-0' } };
    await world.produce({ run: causing, fate: 'told', spares: 0 });
    await world.produce({ run: { ...first, count: 2_500 }, fate: 'repeated' });
    const stale = { ...base, count: 2_500, seed: 3, baseTimeMs: baseTimeMs - HOUR_MS };
    await world.produce({ run: stale, fate: 'stale' });
    progress('100,000 events are produced', startedAt);
    await caughtUp(startedAt, 100_000);
    await world.checkInbox();
    assert.equal(await world.deadLetters(), 0);
    await checkCounts();
    await world.checkSockets();
    assert.ok(fcm.receivedCount > 0, 'FCM was called');
  });

  test('kill -9 of a streams process in the middle', { timeout: 600_000 }, async () => {
    const run = { members: NAMED_MEMBERS, count: 40_000, seed: 4, baseTimeMs: Date.now() };
    const startedAt = performance.now();
    const before = await deliveredBy(inbox);
    const producing = world.produce({ run, fate: 'told' }, { rate: 4_000 });
    const told = async () => (await deliveredBy(inbox)) - before;
    await until('a part of them is told', async () => (await told()) > 8_000);
    const [victim, heir] = streams.splice(0, 2) as [PipelineProcess, PipelineProcess];
    await victim.kill();
    const killedAt = performance.now();
    const hasAll = async () => (await tasksOf(heir)) === TASKS;
    await until('the other one has all tasks', hasAll);
    progress('kill -9: the other one has all tasks', killedAt);
    streams.push(heir, await world.pipeline.run('streams'));
    await producing;
    await caughtUp(startedAt, run.count);
    await world.checkInbox();
    assert.equal(await world.deadLetters(), 0);
    await world.checkSockets();
  });

  const caughtUp = async (startedAt: number, events: number) => {
    await world.caughtUp(PRIORITIES, []);
    progress(`the streams are done, ${perSecond(events, startedAt)} events/s`, startedAt);
    await world.caughtUp(PRIORITIES, [inbox, pushes]);
    progress(`the sinks are done, ${perSecond(events, startedAt)} events/s`, startedAt);
  };

  /** Only until the kill: counts are those of a process. */
  const checkCounts = async () => {
    const { expected } = world;
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
});

function perSecond(events: number, startedAt: number): number {
  return Math.round((events * 1_000) / (performance.now() - startedAt));
}

async function tasksOf(child: PipelineProcess): Promise<number> {
  return (await child.metrics()).sum('carillon_tasks');
}

async function deliveredBy(sink: PipelineProcess): Promise<number> {
  return (await sink.metrics()).sum('carillon_deliveries_total', { outcome: 'delivered' });
}
