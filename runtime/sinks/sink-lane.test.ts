import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceNotification } from '../../core/notification.ts';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { SinkWorld } from '../../test/kit/sink-world.ts';

const retry = (scope: 'device' | 'lane', afterMs?: number): Outcome => ({
  kind: 'retry',
  scope,
  why: 'busy',
  ...(afterMs === undefined ? {} : { afterMs }),
});

test('what is delivered is committed, with an outcome', async () => {
  const w = await SinkWorld.open();
  await w.own('a', 1);
  await w.send({ deviceId: 'a' });
  await w.settle();
  assert.deepEqual(w.given, ['a#1/1']);
  assert.deepEqual(await w.outcomes(), ['a delivered']);
  assert.equal(await w.lag(), 0);
});

test('a device that backs off is parked alone, in order; others go on (D8)', async () => {
  const w = await SinkWorld.open();
  await w.own('a', 1);
  await w.own('b', 1);
  let busy = true;
  w.answer = ({ notification }) =>
    notification.deviceId === 'a' && busy ? retry('device', 500) : delivered();
  await w.send(
    { deviceId: 'a', sequence: 1 },
    { deviceId: 'b', sequence: 1 },
    { deviceId: 'a', sequence: 2 },
    { deviceId: 'b', sequence: 2 },
  );
  await w.settle();
  assert.deepEqual(w.given, ['a#1/1', 'b#1/1', 'b#2/1']);
  assert.equal(await w.lag(), 4, 'the parked record holds the mark');
  busy = false;
  await w.settle(499);
  assert.equal(w.given.length, 3);
  await w.settle(1);
  assert.deepEqual(w.given.slice(3), ['a#1/2', 'a#2/1']);
  assert.equal(await w.lag(), 0);
});

test('after as many tries as the topology says it is left to the inbox', async () => {
  const w = await SinkWorld.open();
  await w.own('a', 1);
  w.answer = () => retry('device', 10);
  await w.send({ deviceId: 'a' });
  for (let i = 0; i < 10; i++) await w.settle(1_000);
  assert.deepEqual(w.given, ['a#1/1', 'a#1/2', 'a#1/3']);
  assert.deepEqual(await w.outcomes(), ['a retried busy', 'a retried busy', 'a abandoned busy']);
  assert.equal(await w.lag(), 0);
});

const parkedTooLong: readonly [string, number, string][] = [
  ['29 s is waited for', 29_000, 'a retried busy'],
  ['31 s is not', 31_000, 'a abandoned parked_too_long: busy'],
];
for (const [name, afterMs, expected] of parkedTooLong) {
  test(`a record is parked for at most 30 s: ${name} (D8)`, async () => {
    const w = await SinkWorld.open();
    await w.own('a', 1);
    w.answer = () => retry('device', afterMs);
    await w.send({ deviceId: 'a' });
    await w.settle();
    assert.deepEqual(await w.outcomes(), [expected]);
  });
}

test('a parked record holds the mark for at most 10,000 offsets (D8)', async () => {
  const w = await SinkWorld.open();
  await w.own('slow', 1);
  await w.own('fast', 1);
  w.answer = ({ notification }) =>
    notification.deviceId === 'slow' ? retry('device', 20_000) : delivered();
  await w.send({ deviceId: 'slow' });
  const many = Array.from({ length: 10_200 }, (_, i) => ({ deviceId: 'fast', sequence: i + 1 }));
  await w.send(...many);
  await w.settle();
  assert.equal(w.lane.outcomes.get('abandoned'), 1);
  assert.equal(await w.lag(), 0);
});

test('a service in trouble opens the breaker: nothing is abandoned, it recovers by itself', async () => {
  const w = await SinkWorld.open();
  for (let i = 0; i < 20; i++) {
    await w.own(`d${i}`, 1);
    await w.send({ deviceId: `d${i}` });
  }
  w.answer = () => 'throw';
  for (let i = 0; i < 50; i++) await w.settle(500);
  assert.notEqual(w.lane.breaker.trouble, null);
  assert.ok(w.given.length < 60, `${w.given.length} tries while it was away`);
  w.answer = () => delivered();
  for (let i = 0; i < 30; i++) await w.settle(1_000);
  assert.equal(w.lane.breaker.trouble, null);
  assert.equal(w.lane.outcomes.get('delivered'), 20);
  assert.equal(w.lane.outcomes.get('abandoned'), undefined);
  assert.equal(await w.lag(), 0);
});

test('a record that times out while others get through is abandoned in the end', async () => {
  const w = await SinkWorld.open();
  await w.own('bad', 1);
  await w.own('good', 1);
  w.answer = ({ notification }) => (notification.deviceId === 'bad' ? retry('lane') : delivered());
  for (let i = 0; i < 40; i++) {
    if (i === 0) await w.send({ deviceId: 'bad' });
    await w.send({ deviceId: 'good', sequence: i + 1 });
    await w.settle(6_000);
  }
  assert.equal(w.lane.outcomes.get('abandoned'), 1);
  assert.equal(w.lane.outcomes.get('delivered'), 40);
});

test('no answer within the time-out is ambiguous and tried again', async () => {
  const w = await SinkWorld.open();
  await w.own('a', 1);
  w.answer = ({ attempt }) => (attempt === 1 ? 'never' : delivered());
  await w.send({ deviceId: 'a' });
  await w.settle();
  // The time-out is the machine's: wait for it, then go on.
  for (let i = 0; i < 200 && w.lane.inFlight > 0; i++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
  await w.settle(10_000);
  assert.deepEqual(w.given, ['a#1/1', 'a#1/2']);
  assert.match((await w.outcomes())[0]!, /^a retried no answer within 50 ms/);
  // It may have been delivered, which is counted apart from what was not.
  assert.ok(w.lane.outcomes.get('ambiguous')! > 0);
  assert.equal(w.lane.outcomes.get('retried'), undefined);
});

const lastHop: readonly [string, Partial<DeviceNotification>, [number, string] | null, string][] = [
  ['a deadline that has passed', { deadline: 999_999 }, [1, 'ACTIVE'], 'd expired deadline'],
  ['a deadline that is now', { deadline: 1_000_000 }, [1, 'ACTIVE'], 'd delivered'],
  ['an older epoch', { epoch: 1 }, [2, 'ACTIVE'], 'd moved epoch'],
  ['a deleted device', { epoch: 1 }, [1, 'DELETED'], 'd moved epoch'],
];
for (const [name, notification, owner, expected] of lastHop) {
  test(`the last hop: ${name}`, async () => {
    const w = await SinkWorld.open();
    if (owner !== null) await w.own('d', ...owner);
    await w.send(notification);
    await w.settle();
    assert.deepEqual(await w.outcomes(), [expected]);
    assert.equal(await w.lag(), 0);
  });
}

test('a record newer than the owners waits for them, within bounds (D4)', async () => {
  const w = await SinkWorld.open();
  await w.own('a', 1);
  await w.send({ deviceId: 'a', epoch: 2 }, { deviceId: 'nobody' });
  await w.settle(100);
  assert.deepEqual(w.given, []);
  await w.own('a', 2);
  await w.settle(100);
  assert.deepEqual(w.given, ['a#1/1']);
  await w.settle(2_000);
  assert.deepEqual(await w.outcomes(), ['a delivered', 'nobody abandoned no_owner']);
});

test('a sink that keeps everything knows no deadline, no epoch and no order', async () => {
  const w = await SinkWorld.open({ keeps: true, batchMax: 16 });
  await w.own('d', 9);
  await w.send({ deadline: 1 }, { epoch: 1, sequence: 2 }, { epoch: 3, sequence: 3 });
  await w.settle();
  assert.deepEqual(w.given, ['d#1/0', 'd#2/0', 'd#3/0']);
  assert.deepEqual(await w.outcomes(), []);
  assert.equal(w.lane.outcomes.get('delivered'), 3);
});

test('never more in flight than the topology allows', async () => {
  const w = await SinkWorld.open({ inFlightMax: 2 });
  w.answer = () => 'never';
  for (const id of ['a', 'b', 'c']) {
    await w.own(id, 1);
    await w.send({ deviceId: id });
  }
  await w.settle();
  assert.equal(w.lane.inFlight, 2);
  assert.equal(w.lane.waiting, 1);
});

const refused: readonly [string, Outcome, string[], string[]][] = [
  [
    'as malformed goes to the dead letters',
    { kind: 'rejected', reason: 'bad', deadLetter: true },
    ['CAR510'],
    [],
  ],
  [
    'for a dead token tells the registration',
    { kind: 'rejected', reason: 'gone', deadToken: { kind: 'fcm', token: 'tok', beforeMs: 5 } },
    [],
    ['TOKEN_DIED tok 5'],
  ],
];
for (const [name, outcome, letters, registrations] of refused) {
  test(`what is refused ${name}`, async () => {
    const w = await SinkWorld.open();
    await w.own('a', 1);
    w.answer = () => outcome;
    await w.send({ deviceId: 'a' });
    await w.settle();
    assert.deepEqual(await w.deadLetters(), letters);
    const told = (await w.registrations()).map(
      (of) => `${of.action} ${of.deadToken} ${of.deadBefore}`,
    );
    assert.deepEqual(told, registrations);
    assert.equal(await w.lag(), 0);
  });
}
