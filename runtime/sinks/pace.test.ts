import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delivered } from '../../core/outcome.ts';
import { SinkWorld } from '../../test/kit/sink-world.ts';
import { Pace } from './pace.ts';

/** How many go from `fromMs` to `toMs`, asked for at each millisecond, as often as they may. */
function sent(pace: Pace, fromMs: number, toMs: number): number {
  let n = 0;
  for (let nowMs = fromMs; nowMs < toMs; nowMs++) while (pace.take(nowMs)) n++;
  return n;
}
function paceOf(rateMax: number, tasks: number, owned: number): Pace {
  const pace = new Pace(rateMax, tasks);
  for (let n = 0; n < owned; n++) pace.opened();
  return pace;
}

for (const [what, rateMax, tasks, owned, perMinute] of [
  ['all of it', 60_000, 4, 4, 60_000],
  ['a quarter of the tasks', 60_000, 4, 1, 15_000],
  ['three of 48', 600_000, 48, 3, 37_500],
  ['one a minute', 1, 1, 1, 1],
] as const) {
  test(`a worker's share once it has begun: ${what}`, () => {
    const pace = paceOf(rateMax, tasks, owned);
    sent(pace, 0, 61_000);
    const n = sent(pace, 61_000, 121_000);
    assert.ok(Math.abs(n - perMinute) <= 1, `${n} in a minute`);
  });
}

test('it begins at a tenth, and is whole after a minute', () => {
  const pace = paceOf(60_000, 1, 1);
  for (const [fromS, low, high] of [
    [0, 100, 130],
    [30, 540, 570],
    [59, 975, 1_000],
    [60, 995, 1_001],
    [200, 999, 1_001],
  ] as const) {
    // What gathers meanwhile is no part of the second that is looked at.
    if (fromS > 0) sent(pace, fromS * 1_000 - 500, fromS * 1_000);
    const n = sent(pace, fromS * 1_000, (fromS + 1) * 1_000);
    assert.ok(n >= low && n <= high, `${n} in second ${fromS}`);
  }
});

test('what was not used is no credit for a burst of more than a second', () => {
  const pace = paceOf(60_000, 1, 1);
  sent(pace, 0, 61_000);
  assert.ok(sent(pace, 3_600_000, 3_600_001) <= 1_001);
});

test('partitions that go take their share with them', () => {
  const pace = paceOf(60_000, 2, 2);
  sent(pace, 0, 61_000);
  pace.closed();
  assert.ok(Math.abs(sent(pace, 61_000, 62_000) - 500) <= 1_000 / 2 + 1);
  assert.ok(Math.abs(sent(pace, 62_000, 63_000) - 500) <= 1);
});

test('when the next may go is when it may', () => {
  const pace = paceOf(60, 1, 1);
  sent(pace, 0, 70_000);
  const nextMs = pace.nextMs(70_000);
  assert.ok(nextMs > 70_000 && nextMs <= 71_000);
  assert.equal(pace.take(nextMs - 1), false);
  assert.equal(pace.take(nextMs), true);
  assert.equal(new Pace(60, 1).nextMs(5), 5);
});

test('a lane keeps the pace, and loses nothing', async () => {
  const w = await SinkWorld.open({ pace: paceOf(600, 1, 0) });
  w.answer = () => delivered();
  for (let i = 0; i < 40; i++) await w.own(`d${i}`, 1);
  await w.send(...Array.from({ length: 40 }, (_, i) => ({ deviceId: `d${i}` })));
  await w.settle();
  assert.equal(w.given.length, 1);
  assert.ok(w.lane.nextWakeMs() > w.clock.now(), 'it wakes when the next may go');
  for (let s = 0; s < 5; s++) await w.settle(1_000);
  assert.ok(w.given.length >= 5 && w.given.length <= 12, `${w.given.length} in 5 s of the ramp`);
  for (let s = 0; s < 60; s++) await w.settle(1_000);
  assert.equal(w.lane.outcomes.get('delivered'), 40);
  assert.equal(await w.lag(), 0);
});

test('a lane that is closed for now asks for no wake before it may try, at its pace', async () => {
  const w = await SinkWorld.open({ pace: paceOf(60, 1, 0) });
  w.answer = () => ({ kind: 'retry', scope: 'lane', why: 'busy', afterMs: 100, opens: true });
  for (const id of ['a', 'b']) await w.own(id, 1);
  await w.send({ deviceId: 'a' }, { deviceId: 'b' });
  await w.settle();
  await w.settle(5_000);
  const nowMs = w.clock.now();
  assert.ok(w.lane.nextWakeMs() > nowMs, 'or the scheduler would turn in circles');
  assert.ok(w.given.length <= 2);
});
