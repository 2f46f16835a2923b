/**
 * `guarantee: acked` on Kafka and Cassandra, with gateways, sinks and streams as processes: told
 * again by policy until it is acknowledged, the other copies withdrawn, and nothing lost or told
 * twice when processes are killed, by the reference client's own count.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FcmFake, fcmActs, startFcmFake } from '../../connectors/fcm/fake.ts';
import { closeAll } from '../kit/device-app.ts';
import { progress } from '../kit/servers/progress.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { Chance } from '../sim/chance.ts';
import { App, Lead, planChange, post, profileChange, register } from './acked-world.ts';
import { Metrics } from './metrics.ts';
import { type PipelineProcess, until } from './pipeline.ts';
import { World } from './world.ts';

const SEED = Number(process.env.SEED ?? 13);
const WAITING = 20;
const MEMBERS = 10;
const EVENTS = 120;
const KILLS = 6;

describe('what has to be acknowledged', { skip: await clusterSkip() }, () => {
  let world: World;
  let fcm: FcmFake;
  let first: PipelineProcess;
  let second: PipelineProcess;
  let devices: PipelineProcess;
  let streams: PipelineProcess;
  let sinks: PipelineProcess;
  const lead = new Lead();
  const apps: App[] = [];

  before(async () => {
    fcm = await startFcmFake({ project: 'e2e' });
    const connectors = { fcm: fcm.settings };
    world = await World.start({
      topology: 'acked.yaml',
      name: 'acked',
      members: 0,
      connectors,
      sessionTimeout: '4s',
    });
    const { pipeline } = world;
    await pipeline.applyTopics();
    first = await pipeline.run('gateway', 'ingest');
    second = await pipeline.run('gateway', 'ingest');
    devices = await pipeline.run('devices');
    streams = await pipeline.run('streams');
    sinks = await pipeline.run('sink');
    await lead.open(first);
  });
  after(async () => {
    for (const { client } of apps) await client.stop();
    await closeAll();
    await world?.stop();
    await fcm?.close();
  });

  const open = (id: string, more = {}) => {
    const app = new App(id, lead.url, world.pipeline, more);
    apps.push(app);
    return app;
  };
  /** As a device that pulls: on the other gateway. */
  const acknowledge = async (id: string) => {
    const { url } = second;
    const authorization = `Bearer ${await world.pipeline.token('device', id)}`;
    const path = `${url}/v1/devices/${id}`;
    const page = await fetch(`${path}/notifications`, { headers: { authorization } });
    const { cursor } = (await page.json()) as { cursor: string };
    const headers = { authorization, 'content-type': 'application/json' };
    const body = JSON.stringify({ cursor });
    const { status } = await fetch(`${path}/acknowledgements`, { method: 'POST', headers, body });
    assert.equal(status, 204);
  };
  const ended = async (reason: string) =>
    (await devices.metrics()).sum('carillon_records_total', { verdict: 'dropped', reason });

  test('told again another way; acknowledged by a pull, its other copies are withdrawn', async () => {
    const { pipeline } = world;
    const kinds = ['websocket', 'fcm'];
    const rows = ['p-1', 'p-2'].map((id) => ({ id, member: `of-${id}`, kinds }));
    await register(pipeline, first, devices, rows);
    const [one, two] = ['p-1', 'p-2'].map((id) => open(id, { acknowledge: false })) as [App, App];
    await until('both are connected', async () => one.isOpen && two.isOpen);
    // Of the second FCM takes nothing: its copy waits in the lane.
    fcm.script('token-p-2', fcmActs.unavailable(2));
    await post(pipeline, () => first.url, 'plan-change', planChange('e-1', 'of-p-1'));
    await post(pipeline, () => first.url, 'plan-change', planChange('e-2', 'of-p-2'));
    await until('both have it', async () => one.frames.length + two.frames.length >= 2);
    const [{ id: firstId }, { id: secondId }] = [one.frames[0]!, two.frames[0]!];
    await until('FCM has both', async () =>
      [firstId, secondId].every((id) => fcm.attempts.includes(id)),
    );
    await acknowledge('p-2');
    await until('the copy is withdrawn', async () => {
      const metrics = await sinks.metrics();
      return metrics.sum('carillon_deliveries_total', { sink: 'fcm', outcome: 'withdrawn' }) === 1;
    });
    await until('the socket is told again', async () => one.frames.length >= 2);
    await acknowledge('p-1');
    await until('nobody waits any more', async () => (await ended('acknowledged')) === 2);
    assert.deepEqual(
      fcm.received.map(({ data }) => data.id),
      [firstId],
      'FCM has told the first once, the second never',
    );
    assert.deepEqual(
      [...one.told, ...two.told],
      [
        ['e-1', 1],
        ['e-2', 1],
      ],
    );
    assert.ok(one.frames.every(({ id }) => id === firstId));
    fcm.script('token-p-2', { act: 'accept' });
  });

  test('kill -9 between written and acknowledged: the next gateway tells it again', async () => {
    const { pipeline } = world;
    const ids = Array.from({ length: WAITING }, (_, n) => `w-${n}`);
    const rows = ids.map((id) => ({ id, member: `of-${id}`, kinds: ['websocket'] }));
    await register(pipeline, first, devices, rows);
    const gate = Promise.withResolvers<void>();
    // Every other one never acknowledges.
    const waiting = ids.map((id, n) => {
      const app = open(id, { acknowledge: n % 2 === 0 });
      app.gate = gate.promise;
      return app;
    });
    await until('all are connected', async () => waiting.every(({ isOpen }) => isOpen));
    for (const id of ids) {
      await post(
        pipeline,
        () => second.url,
        'profile-change',
        profileChange(`e-${id}`, `of-${id}`),
      );
    }
    await until('all is written', async () => waiting.every(({ doing }) => doing === 1));
    await first.kill();
    lead.to(second);
    gate.resolve();
    await until('all are back', async () => waiting.every(({ isOpen }) => isOpen));
    const silent = waiting.filter((_, n) => n % 2 === 1);
    await until('who did not acknowledge is told again', async () =>
      silent.every(({ frames }) => frames.length >= 2),
    );
    const unacknowledged = await Promise.all(
      waiting.map(async ({ id }) => {
        const authorization = `Bearer ${await pipeline.token('device', id)}`;
        const path = `${second.url}/v1/devices/${id}/notifications`;
        return async () => {
          const page = await fetch(path, { headers: { authorization } });
          return ((await page.json()) as { notifications: unknown[] }).notifications.length;
        };
      }),
    );
    await until('the others have acknowledged', async () => {
      const left = await Promise.all(unacknowledged.map((ask) => ask()));
      return left.every((count, n) => count === n % 2);
    });
    for (const { id, told, frames } of waiting) {
      assert.deepEqual([...told], [[`e-${id}`, 1]], 'each application was told once');
      assert.equal(new Set(frames.map((frame) => frame.id)).size, 1);
    }
    const rowsOf = (await world.rows()).filter(({ device }) => device.startsWith('w-'));
    assert.deepEqual(rowsOf.map(({ device }) => device).sort(), [...ids].sort());
    for (const { client } of waiting) await client.stop();
    first = await pipeline.run('gateway', 'ingest');
  });

  test(`under random kills, seed ${SEED}: one row and one telling for each`, {
    timeout: 400_000,
  }, async () => {
    const { pipeline } = world;
    const chance = new Chance(SEED);
    const all = Array.from({ length: MEMBERS }, (_, n) => [`r-${n}-0`, `r-${n}-1`]).flat();
    const memberOf = (id: string) => `of-${id.slice(0, -2)}`;
    const rows = all.map((id) => ({ id, member: memberOf(id), kinds: ['websocket'] }));
    await register(pipeline, second, devices, rows);
    lead.to(first);
    const audited = all.map((id) => open(id));
    await until('all are connected', async () => audited.every(({ isOpen }) => isOpen));
    const kills = new Set<number>();
    while (kills.size < KILLS) kills.add(chance.below(EVENTS));
    const expected = new Map(all.map((id) => [id, [] as string[]]));
    for (let n = 0; n < EVENTS; n++) {
      const member = `of-r-${chance.below(MEMBERS)}`;
      const eventId = `r-e-${n}`;
      for (const id of all) if (memberOf(id) === member) expected.get(id)!.push(eventId);
      await post(pipeline, () => second.url, 'profile-change', profileChange(eventId, member));
      if (kills.has(n)) await killOne(chance);
    }
    const missing = () =>
      audited.flatMap((app) => expected.get(app.id)!.filter((id) => !app.told.has(id))).length;
    await until('all are told', async () => missing() === 0, 120_000);
    for (const app of audited) {
      const wanted = expected.get(app.id)!.map((id) => [id, 1]);
      assert.deepEqual([...app.told].sort(), wanted.sort(), app.id);
    }
    const wanted = all.flatMap((id) => expected.get(id)!.map(() => id));
    const rowsOf = async () => (await world.rows()).filter(({ device }) => device.startsWith('r-'));
    await until('the inbox has all', async () => (await rowsOf()).length >= wanted.length);
    const stored = await rowsOf();
    assert.deepEqual(stored.map(({ device }) => device).sort(), wanted.sort());
    assert.equal(new Set(stored.map(({ device, id }) => `${device} ${id}`)).size, stored.length);
    progress(`${wanted.length} notifications, ${KILLS} kills: each has one row, and was told once`);
  });

  test('two workers on one port: each push finds its device, and who is killed is replaced', async () => {
    const { pipeline } = world;
    // Those of the tests before would come to the workers when they come back.
    for (const { client } of apps.splice(0)) await client.stop();
    const workers = await pipeline.run('gateway', 'ingest', '--workers=2');
    const runs = (count: number) => async () =>
      workers.log.split('"The pipeline runs."').length - 1 >= count;
    await until('both run', runs(2));
    const ids = Array.from({ length: 8 }, (_, n) => `s-${n}`);
    const rows = ids.map((id) => ({ id, member: 'of-s', kinds: ['websocket'] }));
    await register(pipeline, workers, devices, rows);
    lead.to(workers);
    // One after the other: a worker is handed the next connection when it has taken the last one,
    // so both are free, and take turns. Of eight at once all may go to the one that is faster.
    const shared: ReturnType<typeof open>[] = [];
    for (const id of ids) {
      const device = open(id);
      shared.push(device);
      await until(`${id} is connected`, async () => device.isOpen);
    }
    const tell = async (eventId: string) => {
      await post(pipeline, () => workers.url, 'profile-change', profileChange(eventId, 'of-s'));
      await until(`${eventId} is told`, async () => shared.every(({ told }) => told.has(eventId)));
    };
    await tell('s-1');
    // A device that was turned away by one has come back to the other.
    await until('both hold some, and all together', async () => {
      const held = await Promise.all(workers.internalUrls.map(connectionsOf));
      assert.equal(held.length, 2);
      const sum = held.reduce((all, count) => all + count, 0);
      const isShared = sum === ids.length && held.every((count) => count > 0);
      assert.ok(isShared, `they hold ${held.join(' and ')}`);
      return true;
    });
    process.kill(workers.children.at(-1)!, 'SIGKILL');
    await until('another takes its place', runs(3));
    await until('all are back', async () => shared.every(({ isOpen }) => isOpen));
    await tell('s-2');
    workers.signal('SIGHUP');
    await until('all are started anew', async () => workers.log.includes('"SIGHUP: done."'));
    assert.ok(await runs(5)());
    await until('all are back again', async () => shared.every(({ isOpen }) => isOpen));
    await tell('s-3');
    workers.signal('SIGTERM');
    await workers.ended(30_000);
    assert.equal(workers.exitCode, 0);
    assert.match(workers.log, /The workers have stopped/);
    const each = ['s-1', 's-2', 's-3'].map((id) => [id, 1]);
    for (const { told } of shared) assert.deepEqual([...told], each);
  });

  const connectionsOf = async (url: string) =>
    new Metrics(await (await fetch(`${url}/metrics`)).text()).sum('carillon_connections');

  /** kill -9 of one of the processes; another takes its place. */
  const killOne = async (chance: Chance) => {
    const { pipeline } = world;
    const what = chance.pick(['gateway', 'gateway', 'devices', 'streams', 'sinks'] as const);
    progress(`kill -9 of ${what}`);
    if (what === 'gateway') {
      await first.kill();
      // Until it is there again its devices are turned away.
      first = await pipeline.run('gateway', 'ingest');
      lead.to(first);
    } else if (what === 'devices') {
      await devices.kill();
      devices = await pipeline.run('devices');
    } else if (what === 'streams') {
      await streams.kill();
      streams = await pipeline.run('streams');
    } else {
      await sinks.kill();
      sinks = await pipeline.run('sink');
    }
  };
});
