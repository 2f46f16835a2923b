/** Sinks that share the devices of a transport out by their apps: each is told by one of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppsPlan } from '../../compiler/plan.ts';
import { type Answer, SinkWorld } from '../../test/kit/sink-world.ts';

const KIDS: AppsPlan = { own: 'kids', others: ['teens'] };
const REST: AppsPlan = { own: null, others: ['kids', 'teens'] };
const refuse: Answer = () => ({ kind: 'rejected', reason: 'no_token' });

const rows: readonly [string, AppsPlan | undefined, string, boolean][] = [
  ['its own app', KIDS, 'kids', true],
  ['an app that another sink has', KIDS, 'teens', false],
  ['an app that no sink has', KIDS, 'games', false],
  ['no app', KIDS, '', false],
  ['an app that another sink has, told by the rest', REST, 'kids', false],
  ['an app that no sink has, told by the rest', REST, 'games', true],
  ['no app, told by the rest', REST, '', true],
  ['any app, where there is one sink', undefined, 'kids', true],
];
for (const [what, apps, app, isTold] of rows) {
  test(`${what}: ${isTold ? 'told' : 'left to the other'}`, async () => {
    const w = await SinkWorld.open({ reach: 'first_reachable', ...(apps ? { apps } : {}) });
    w.answer = refuse;
    await w.own('a', 1, 'ACTIVE', [{ kind: 'websocket' }, { kind: 'fcm' }], app);
    await w.send({ deviceId: 'a' });
    await w.settle();
    assert.deepEqual(w.given, isTold ? ['a#1/1'] : []);
    // Nor is it handed on twice.
    assert.deepEqual(await w.outcomes(), isTold ? ['a handed_on fcm: no_token'] : []);
    assert.equal((await w.written('lane.0.fcm')).length, isTold ? 1 : 0);
    assert.equal(await w.lag(), 0);
  });
}

for (const [what, apps, told] of [
  ['the rest tells of a device that nobody knows', REST, ['a abandoned no_owner']],
  ['the sink of an app does not', KIDS, []],
] as const) {
  test(what, async () => {
    const w = await SinkWorld.open({ apps });
    await w.send({ deviceId: 'a' });
    await w.settle();
    for (let ms = 0; ms < 2_100; ms += 50) await w.settle(50);
    assert.deepEqual(await w.outcomes(), told);
    assert.equal(await w.lag(), 0);
  });
}

test('what is behind a device of another app goes on', async () => {
  const w = await SinkWorld.open({ apps: KIDS });
  await w.own('a', 1, 'ACTIVE', [], 'teens');
  await w.own('b', 1, 'ACTIVE', [], 'kids');
  await w.send({ deviceId: 'a' }, { deviceId: 'a', sequence: 2 }, { deviceId: 'b' });
  await w.settle();
  assert.deepEqual(w.given, ['b#1/1']);
  const [task] = w.lane.tasks;
  const { counts } = task!.flow().at(-1)!;
  assert.deepEqual([...counts.dropped], [['other_app', 2]]);
  assert.equal(await w.lag(), 0);
});

test('while the row is behind nobody says whose it is', async () => {
  const w = await SinkWorld.open({ apps: KIDS });
  await w.own('a', 1, 'ACTIVE', [], 'teens');
  await w.send({ deviceId: 'a', epoch: 2 });
  await w.settle();
  await w.own('a', 2, 'ACTIVE', [], 'kids');
  await w.settle(100);
  assert.deepEqual(w.given, ['a#1/1']);
});

test('what ends before its delivery is told by the sink of its app', async () => {
  const w = await SinkWorld.open({ apps: KIDS });
  await w.own('a', 1, 'ACTIVE', [], 'kids');
  await w.send({ deviceId: 'a', deadline: w.clock.now() - 1 });
  await w.settle();
  assert.deepEqual(await w.outcomes(), ['a expired deadline']);
});
