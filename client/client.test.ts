/** The reference client against a real gateway: what an application is told, and how often. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { App, CLIENT_LIMITS, Front, GATEWAY_LIMITS, TRANSPORTS } from '../test/kit/device-app.ts';
import { acked, bench, device, live, put, setScene } from '../test/kit/device-scene.ts';
import { eventually } from '../test/kit/gateway-bench.ts';
import { DeviceClient } from './client.ts';

setScene();

for (const transport of TRANSPORTS) {
  test(`${transport}: what is there and what comes, once and in order, and acknowledged`, async () => {
    put(1, 2);
    const app = new App(bench, device).open({ transports: [transport] });
    await app.untilTold(1, 2);
    await eventually(() => acked() === 2, 'its acknowledgement');
    if (transport === 'poll')
      await eventually(
        () => bench.values('events.connections').some((row) => row.deviceId === device),
        'a poll that waits',
      );
    put(3);
    assert.equal(await live(3), 'delivered');
    await app.untilTold(1, 2, 3);
    await eventually(() => acked() === 3, 'the live one too');
    await app.client.stop();
    assert.deepEqual(app.transports, [transport]);
    assert.deepEqual(app.states.at(-1), { is: 'stopped', code: 1000, reason: 'stopped' });
    put(4);
    // Another start of the application: it goes on where it was.
    const again = new App(bench, device);
    again.text = app.text;
    again.open({ transports: [transport] });
    await again.untilTold(4);
    await again.client.stop();
  });

  test(`${transport}: an application that fails is told again, one that dies is told once`, async () => {
    put(1, 2, 3);
    const app = new App(bench, device);
    let fails = 2;
    let kept = '';
    app.open({
      transports: [transport],
      acknowledge: false,
      onNotification: ({ sequence }, memory) => {
        if (sequence === 2 && fails-- > 0) throw new Error('not now');
        app.told.push(sequence);
        // In one transaction with what it does.
        if (sequence === 2) kept = memory;
      },
    });
    await app.untilTold(1, 2, 3);
    assert.match(JSON.stringify(app.states), /the application failed: Error: not now/);
    await app.client.stop();
    const restored = new App(bench, device);
    restored.text = kept;
    restored.open({ transports: [transport] });
    await restored.untilTold(3);
    await restored.client.stop();
  });

  test(`${transport}: a token that has expired is asked for anew`, async () => {
    const asked: boolean[] = [];
    const app = new App(bench, device).open({
      transports: [transport],
      token: (refused) => {
        asked.push(refused);
        return bench.token(device, undefined, refused ? 60_000 : -60_000);
      },
    });
    put(1);
    await app.untilTold(1);
    assert.deepEqual(asked, [false, true]);
    await app.client.stop();
  });

  test(`${transport}: it stays away for good when it is told to`, async () => {
    const app = new App(bench, device).open({
      transports: [transport],
      token: () => 'no token of ours',
    });
    await app.until(({ states }) => states.at(-1)?.is === 'stopped', 'the end');
    assert.equal(app.states.length, 1);
    assert.equal((app.states[0] as { code: number }).code, 3505);
  });

  test(`${transport}: a cursor that was never given is let go`, async () => {
    put(1);
    const app = new App(bench, device).open({ transports: [transport], after: 'nonsense' });
    await app.untilTold(1);
    await app.client.stop();
  });
}

test('a hole that the gateway does not fill is pulled, once', async () => {
  put(1);
  const app = new App(bench, device).open();
  await app.untilTold(1);
  await new Promise((resolve) => setTimeout(resolve, 3 * GATEWAY_LIMITS.fillAgainMs));
  // Its number 2 went another way; its row comes late.
  await live(3);
  await app.untilTold(1, 3);
  put(2, 3);
  await app.untilTold(1, 3, 2);
  await eventually(() => acked() === 3, 'all of it acknowledged');
  const { reads } = bench.inbox;
  await live(4);
  await app.untilTold(1, 3, 2, 4);
  await new Promise((resolve) => setTimeout(resolve, 2 * CLIENT_LIMITS.gapMs));
  assert.equal(bench.inbox.reads, reads, 'nothing more to look for');
  await app.client.stop();
});

test('numbers that were given anew, as a store was restored, are told', async () => {
  put(1, 2);
  const app = new App(bench, device).open();
  await app.untilTold(1, 2);
  const id = `${device}/again`;
  const row = bench.values('events.connections').findLast((one) => one.deviceId === device);
  await app.client.stop();
  const restored = new App(bench, device);
  restored.text = app.text;
  restored.open();
  await restored.until(({ transports }) => transports.length === 1, 'the next');
  const newest = bench.values('events.connections').findLast((one) => one.deviceId === device);
  assert.notEqual(newest.connectionId, row.connectionId);
  const notification = bench.notification(device, 2, { id });
  await bench.deliver([{ connectionId: newest.connectionId, notification }]);
  await restored.untilTold(2);
  await restored.client.stop();
});

test('what expired is told as skipped, once, and is no gap', async () => {
  bench.inbox.put(bench.notification(device, 1, { deadline: 1 }), bench.notification(device, 2));
  const app = new App(bench, device).open();
  await app.untilTold(2);
  assert.deepEqual(app.skipped, [1]);
  await app.client.stop();
});

test('another registration of the device begins anew, with a memory of before', async () => {
  put(1, 2);
  const app = new App(bench, device).open();
  await app.untilTold(1, 2);
  await bench.own(device, 2);
  bench.inbox.put(bench.notification(device, 1, { epoch: 2 }));
  await app.untilTold(1, 2, 1);
  await app.client.stop();
});

test('an application that is slow holds up what is not read, and loses nothing', async () => {
  const all = Array.from({ length: 60 }, (_, i) => i + 1);
  put(...all);
  for (const transport of TRANSPORTS) {
    const app = new App(bench, device);
    app.open({
      transports: [transport],
      acknowledge: false,
      limits: { queueMax: 5 },
      onNotification: async ({ sequence }) => {
        await new Promise((resolve) => setImmediate(resolve));
        app.told.push(sequence);
      },
    });
    await app.until(({ told }) => told.length >= all.length, `all, by ${transport}`);
    assert.deepEqual(app.told, all);
    assert.equal(acked(), 0, 'it only looks on');
    await app.client.stop();
  }
});

test('cuts and deaths by chance: each notification once', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  let state = seed + 1;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const front = new Front(bench.gateway.port);
  const url = await front.listen();
  const app = new App(bench, device);
  const begin = () => app.open({ url, random, limits: { openMs: 500 } });
  begin();
  const COUNT = 150;
  for (let sequence = 1; sequence <= COUNT; sequence++) {
    put(sequence);
    const row = bench.values('events.connections').findLast((one) => one.deviceId === device);
    if (row !== undefined && random() < 0.7) await live(sequence);
    if (random() < 0.1) front.cut();
    if (random() < 0.05) {
      // It dies: what it kept is what it had done.
      const dead = app.client;
      begin();
      await dead.stop();
    }
    front.lets = random() > 0.1;
  }
  front.lets = true;
  front.cut();
  await app.until(({ told }) => new Set(told).size === COUNT, 'all of them');
  assert.equal(app.told.length, COUNT, `each once, seed ${seed}`);
  await eventually(() => acked() === COUNT, 'all acknowledged');
  await app.client.stop();
});

test('it reports what came of a notification, also before it is connected', async () => {
  const app = new App(bench, device);
  app.open({
    onNotification: async ({ id }) => {
      await app.client.report({ eventId: `${id}/1`, kind: 'DIAGNOSTIC', notificationId: id });
    },
  });
  await app.client.report({ eventId: 'e-1', kind: 'RECOVERY', details: { step: 'restart' } });
  put(1);
  const told = () => bench.values('events.device-reports').filter((one) => one.deviceId === device);
  await eventually(() => told().length === 2, 'both reports');
  assert.deepEqual(
    told().map(({ eventId, kind, notificationId }) => [eventId, kind, notificationId]),
    [
      ['e-1', 'RECOVERY', null],
      [`${device}/normal/1/1`, 'DIAGNOSTIC', `${device}/normal/1`],
    ],
  );
  const refused = app.client.report({ eventId: '', kind: 'RECOVERY' });
  await assert.rejects(refused, { code: 3503, answered: true });
  await app.client.stop();
});

test('the example of the guide works, word for word', async () => {
  const guide = readFileSync(join(import.meta.dirname, '../docs/guides/devices.md'), 'utf8');
  const [, code] = /^```js\n(import \{ DeviceClient \}[\s\S]*?)^```/m.exec(guide) ?? [];
  const shown: unknown[] = [];
  const kept = new Map<string, string>();
  const states: string[] = [];
  const given = {
    DeviceClient,
    backend: { token: () => bench.token('my-tv') },
    localStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => kept.set(key, text),
    },
    show: (...what: unknown[]) => shown.push(what),
    status: ({ is }: { is: string }) => states.push(is),
  };
  const here = code!
    .replace(/^import .*$/m, '')
    .replace('http://127.0.0.1:7400', bench.gateway.url);
  await bench.own('my-tv');
  bench.inbox.put(bench.notification('my-tv', 1));
  const run = new Function(...Object.keys(given), `${here}; return client;`);
  const client: DeviceClient = run(...Object.values(given));
  await eventually(() => shown.length === 1 && kept.size === 1, 'what is shown');
  await client.stop();
  assert.deepEqual(states, ['open', 'stopped']);
});
