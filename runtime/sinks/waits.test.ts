/** What waits, where, and for how long: floors, resting devices, the retry topic (rule D8). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { SINK_WORLD_START_MS, SinkWorld } from '../../test/kit/sink-world.ts';

const wait = (scope: 'device' | 'lane', afterMs?: number): Outcome => ({
  kind: 'retry',
  scope,
  why: 'busy',
  ...(afterMs === undefined ? {} : { afterMs }),
});

test('a record of a service in trouble waits as long as it was told; others go on', async () => {
  const w = await SinkWorld.open({ retries: true });
  for (const id of ['bad', 'good']) await w.own(id, 1);
  w.answer = ({ notification: { deviceId }, attempt }) =>
    deviceId === 'bad' && attempt === 1 ? wait('lane', 10_000) : delivered();
  await w.send({ deviceId: 'bad' }, { deviceId: 'good' });
  await w.settle();
  assert.deepEqual(w.given, ['bad#1/1', 'good#1/1']);
  await w.settle(9_999);
  assert.equal(w.given.length, 2);
  await w.settle(1);
  assert.deepEqual(w.given.slice(2), ['bad#1/2']);
  assert.equal(await w.lag(), 0);
});

for (const share of [2, 10, 50]) {
  test(`${share} % of calls refused with a pause of 10 s: none is lost, the lane goes on`, async () => {
    const w = await SinkWorld.open({ retries: true, attempts: 20, inFlightMax: 64 });
    const n = 400;
    let calls = 0;
    const after: number[] = [];
    const firstTry = new Map<string, number>();
    w.answer = ({ notification: { deviceId } }) => {
      const before = firstTry.get(deviceId);
      if (before !== undefined) after.push(w.clock.now() - before);
      firstTry.set(deviceId, w.clock.now());
      // Evenly spread, so that no run of refusals is chance.
      calls++;
      const refused = Math.floor((calls * share) / 100) > Math.floor(((calls - 1) * share) / 100);
      return refused ? wait('lane', 10_000) : delivered();
    };
    for (let i = 0; i < n; i++) await w.own(`d${i}`, 1);
    for (let i = 0; i < n; i++) await w.send({ deviceId: `d${i}` });
    await w.settle();
    assert.equal(w.lane.breaker.trouble, null);
    assert.ok((w.lane.outcomes.get('delivered') ?? 0) >= (n * (100 - share)) / 100 - 1);
    for (let i = 0; i < 12; i++) await w.settle(10_000);
    assert.equal(w.lane.outcomes.get('delivered'), n);
    assert.ok(Math.min(...after) >= 10_000, 'the floor holds');
    assert.equal(await w.lag(), 0);
  });
}

test('while nobody gets through nothing is given up; it is said, and it recovers', async () => {
  const w = await SinkWorld.open({ retries: true });
  for (let i = 0; i < 20; i++) {
    await w.own(`d${i}`, 1);
    await w.send({ deviceId: `d${i}` });
  }
  w.answer = () => wait('lane', 10_000);
  for (let i = 0; i < 60; i++) await w.settle(10_000);
  assert.equal(w.lane.breaker.told(w.clock.now()), 'busy');
  assert.ok(w.given.length < 120, `${w.given.length} tries in ten minutes`);
  w.answer = () => delivered();
  for (let i = 0; i < 30; i++) await w.settle(10_000);
  assert.equal(w.lane.outcomes.get('delivered'), 20);
  assert.equal(w.lane.outcomes.get('abandoned'), undefined);
});

test('a device that was told too much rests: one request, and all is told later, in order', async () => {
  const w = await SinkWorld.open({ retries: true });
  await w.own('a', 1);
  await w.own('b', 1);
  let quota = true;
  w.answer = ({ notification: { deviceId } }) =>
    deviceId === 'a' && quota ? wait('device', 60_000) : delivered();
  for (let n = 1; n <= 10; n++) await w.send({ deviceId: 'a', sequence: n });
  await w.send({ deviceId: 'b' });
  await w.settle();
  assert.deepEqual(w.given, ['a#1/1', 'b#1/1'], 'the nine behind it made no request');
  assert.equal((await w.written('retry.0')).length, 10);
  const due = SINK_WORLD_START_MS + 60_000;
  assert.equal((await w.written('retry.0'))[0], `a#1 due=${due} rests=true attempt=1 tries=1`);
  assert.equal((await w.written('retry.0'))[9], `a#10 due=${due} rests=true attempt=0 tries=0`);
  quota = false;
  await w.settle(30_000);
  await w.settle(29_999);
  assert.equal(w.given.length, 2);
  await w.settle(1);
  const later = ['a#1/2', ...[2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `a#${n}/1`)];
  assert.deepEqual(w.given.slice(2), later);
  assert.equal(w.lane.outcomes.get('delivered'), 11);
  assert.equal(await w.lag(), 0);
});

test('a resting device outlives its worker, by what the retry topic says', async () => {
  const w = await SinkWorld.open({ retries: true });
  await w.own('a', 1);
  w.answer = () => wait('device', 60_000);
  await w.send({ deviceId: 'a' });
  await w.settle();
  await w.reopen();
  await w.send({ deviceId: 'a', sequence: 2 });
  await w.settle(59_000);
  assert.deepEqual(w.given, ['a#1/1']);
  w.answer = () => delivered();
  for (let i = 0; i < 5; i++) await w.settle(1_000);
  assert.deepEqual(w.given.slice(1), ['a#1/2', 'a#2/1']);
  assert.equal(await w.lag(), 0);
});

test('what waits for long comes back to the end of its topic, and is told when it is due', async () => {
  const w = await SinkWorld.open({ retries: true });
  await w.own('a', 1);
  w.answer = ({ attempt }) => (attempt === 1 ? wait('device', 3_600_000) : delivered());
  await w.send({ deviceId: 'a' });
  await w.settle();
  for (let i = 0; i < 119; i++) await w.settle(30_000);
  assert.deepEqual(w.given, ['a#1/1']);
  await w.settle(30_000);
  assert.deepEqual(w.given, ['a#1/1', 'a#1/2']);
  const copies = (await w.written('retry.0')).length;
  assert.ok(copies >= 100 && copies <= 121, `${copies} copies in an hour`);
  assert.equal(await w.lag(), 0);
});

test('what is expired or moved meanwhile is told as such, without a request', async () => {
  const w = await SinkWorld.open({ retries: true });
  await w.own('a', 1);
  await w.own('b', 1);
  w.answer = () => wait('device', 60_000);
  const deadline = SINK_WORLD_START_MS + 40_000;
  await w.send({ deviceId: 'a', deadline }, { deviceId: 'b' });
  await w.settle();
  await w.own('b', 2);
  for (let i = 0; i < 7; i++) await w.settle(10_000);
  assert.deepEqual(w.given, ['a#1/1', 'b#1/1']);
  const ends = (await w.outcomes()).filter((one) => /expired|moved/.test(one)).sort();
  assert.deepEqual(ends, ['a expired deadline', 'b moved epoch']);
});

test('tries are remembered: the last one is the last, then it is a dead letter', async () => {
  const w = await SinkWorld.open({ retries: true });
  await w.own('a', 1);
  w.answer = () => wait('device', 60_000);
  await w.send({ deviceId: 'a' });
  for (let i = 0; i < 40; i++) await w.settle(10_000);
  assert.deepEqual(w.given, ['a#1/1', 'a#1/2', 'a#1/3']);
  assert.equal((await w.outcomes()).at(-1), 'a abandoned busy');
  assert.deepEqual(await w.deadLetters(), ['CAR668']);
  assert.equal(await w.lag(), 0);
});

test('many that wait do not stop those behind them from being read', async () => {
  const w = await SinkWorld.open({ retries: true, inFlightMax: 64, attempts: 50 });
  w.answer = ({ notification: { deviceId } }) =>
    deviceId.startsWith('s') ? wait('device', 10_000) : delivered();
  for (let i = 0; i < 3_000; i++) await w.own(`s${i}`, 1);
  await w.own('f', 1);
  await w.send(...Array.from({ length: 3_000 }, (_, i) => ({ deviceId: `s${i}` })));
  await w.send({ deviceId: 'f' });
  await w.settle();
  assert.equal(w.given.at(-1), 'f#1/1');
  w.answer = () => delivered();
  for (let i = 0; i < 10; i++) await w.settle(10_000);
  assert.equal(w.lane.outcomes.get('delivered'), 3_001);
  assert.equal(await w.lag(), 0);
});

for (const [why, answer, expected] of [
  ['tried as often as may be', (): Outcome => wait('device', 10), 'a abandoned busy'],
  [
    'a pause that no retry topic takes',
    (): Outcome => wait('device', 60_000),
    'a abandoned parked_too_long: busy',
  ],
] as const) {
  test(`what is abandoned is in the dead letters: ${why}`, async () => {
    const w = await SinkWorld.open();
    await w.own('a', 1);
    w.answer = answer;
    await w.send({ deviceId: 'a' });
    for (let i = 0; i < 5; i++) await w.settle(1_000);
    assert.equal((await w.outcomes()).at(-1), expected);
    assert.deepEqual(await w.deadLetters(), ['CAR668']);
  });
}

test('a device that nobody registered is in the dead letters too', async () => {
  const w = await SinkWorld.open();
  await w.send({ deviceId: 'nobody' });
  await w.settle();
  await w.settle(2_000);
  assert.deepEqual(await w.outcomes(), ['nobody abandoned no_owner']);
  assert.deepEqual(await w.deadLetters(), ['CAR668']);
});

test('deliveries that fail are said once, and once that they get through again', async () => {
  const w = await SinkWorld.open({ retries: true, attempts: 50 });
  let calls = 0;
  w.answer = () => (calls++ % 2 === 0 ? wait('lane', 10_000) : delivered());
  for (let i = 0; i < 40; i++) {
    await w.own(`d${i}`, 1);
    await w.send({ deviceId: `d${i}` });
  }
  await w.settle();
  assert.equal(w.lane.breaker.trouble, null, 'the lane goes on');
  for (let i = 0; i < 10; i++) await w.settle(5_000);
  w.answer = () => delivered();
  for (let i = 0; i < 40; i++) {
    await w.send({ deviceId: `d${i}`, sequence: 2 });
    await w.settle(3_000);
  }
  assert.match(w.said[0]!, /^\d+ of the last \d+ tries failed: busy$/);
  assert.deepEqual(w.said.slice(1), [null]);
});

test('a device that rests for long is left alone by what comes after it, after a restart too', async () => {
  const w = await SinkWorld.open({ retries: true });
  await w.own('a', 1);
  w.answer = () => wait('device', 200_000);
  await w.send({ deviceId: 'a' });
  await w.settle();
  await w.reopen();
  await w.send({ deviceId: 'a', sequence: 2 });
  for (let i = 0; i < 19; i++) await w.settle(10_000);
  assert.deepEqual(w.given, ['a#1/1']);
  w.answer = () => delivered();
  for (let i = 0; i < 5; i++) await w.settle(10_000);
  assert.deepEqual(w.given.slice(1).sort(), ['a#1/2', 'a#2/1']);
  assert.equal(await w.lag(), 0);
});

test('a lane learns from the answers how many may be under way', async () => {
  const w = await SinkWorld.open({ retries: true, inFlightMax: 20 });
  for (let i = 0; i < 60; i++) await w.own(`d${i}`, 1);
  const send = (from: number, to: number) =>
    w.send(...Array.from({ length: to - from }, (_, i) => ({ deviceId: `d${from + i}` })));
  const inFlight = async (from: number, to: number) => {
    w.answer = () => 'never';
    await send(from, to);
    await w.settle();
    return w.lane.inFlight;
  };
  let calls = 0;
  w.answer = () => (calls++ % 2 === 0 ? wait('lane', 60_000) : delivered());
  await send(0, 20);
  await w.settle();
  assert.equal(await inFlight(20, 60), 10, 'half of them were in trouble');
});
