/** Several records of a device in one call of a sink, in order, each with an outcome of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeviceNotification } from '../../core/notification.ts';
import { type Delivery, delivered, type Outcome } from '../../core/outcome.ts';
import { SinkWorld, type SinkWorldOptions } from '../../test/kit/sink-world.ts';

const TOGETHER = { batchMax: 256, together: () => true };
const retry: Outcome = { kind: 'retry', scope: 'device', why: 'busy', afterMs: 500 };
const REJECTED: Outcome = { kind: 'rejected', reason: 'slow' };

const numbers = (deviceId: string, from: number, to: number): Partial<DeviceNotification>[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ deviceId, sequence: from + i }));

async function worldOf(options: SinkWorldOptions = TOGETHER): Promise<SinkWorld> {
  const w = await SinkWorld.open(options);
  await w.own('a', 1);
  await w.own('b', 1);
  return w;
}

test('what a device waits for goes in one call, in order, behind the first of each device', async () => {
  const w = await worldOf();
  await w.sendAtOnce(...numbers('a', 1, 3), ...numbers('b', 1, 2));
  await w.settle();
  assert.deepEqual(w.calls, ['a#1/1 b#1/1 a#2/1 a#3/1 b#2/1']);
  assert.deepEqual(await w.outcomes(), [
    'a delivered',
    'b delivered',
    'a delivered',
    'a delivered',
    'b delivered',
  ]);
  assert.equal(await w.lag(), 0);
});

test('one call holds no more than the sink takes, and no more than may be in flight', async () => {
  const small = await worldOf({ ...TOGETHER, batchMax: 3 });
  await small.sendAtOnce(...numbers('a', 1, 5));
  await small.settle();
  assert.deepEqual(small.calls, ['a#1/1 a#2/1 a#3/1', 'a#4/1 a#5/1']);
  const bound = await worldOf({ ...TOGETHER, inFlightMax: 4 });
  let most = 0;
  bound.answer = () => {
    most = Math.max(most, bound.lane.inFlight);
    return delivered();
  };
  await bound.sendAtOnce(...numbers('a', 1, 9));
  await bound.settle();
  assert.deepEqual(
    bound.calls.map((call) => call.split(' ').length),
    [4, 4, 1],
  );
  assert.equal(most, 4);
});

test('a device with many has 32 of them in one call', async () => {
  const w = await worldOf({ ...TOGETHER, inFlightMax: 256 });
  await w.sendAtOnce(...numbers('a', 1, 40));
  await w.settle();
  assert.deepEqual(
    w.calls.map((call) => call.split(' ').length),
    [32, 8],
  );
});

test('a sink that says nothing of it has one record of a device under way', async () => {
  const w = await worldOf({ batchMax: 256 });
  await w.sendAtOnce(...numbers('a', 1, 3));
  await w.settle();
  assert.deepEqual(w.calls, ['a#1/1', 'a#2/1', 'a#3/1']);
});

test('only what the sink takes together goes together', async () => {
  const together = (before: Delivery, next: Delivery) =>
    before.notification.useCase === next.notification.useCase;
  const w = await worldOf({ ...TOGETHER, together });
  await w.sendAtOnce(
    { deviceId: 'a', sequence: 1, useCase: 'x' },
    { deviceId: 'a', sequence: 2, useCase: 'x' },
    { deviceId: 'a', sequence: 3, useCase: 'y' },
    { deviceId: 'a', sequence: 4, useCase: 'x' },
  );
  await w.settle();
  assert.deepEqual(w.calls, ['a#1/1 a#2/1', 'a#3/1', 'a#4/1']);
});

const outcomes: readonly (readonly [string, readonly (Outcome | null)[], readonly string[]])[] = [
  [
    'the first is held up: all wait behind it',
    [retry, retry, retry],
    ['a#1/1 a#2/1 a#3/1', 'a#1/2 a#2/2 a#3/2'],
  ],
  [
    'the second is: the first is told, the third waits behind it',
    [null, retry, retry],
    ['a#1/1 a#2/1 a#3/1', 'a#2/2 a#3/2'],
  ],
  ['the last is: it alone comes again', [null, REJECTED, retry], ['a#1/1 a#2/1 a#3/1', 'a#3/2']],
  [
    'one behind a held one was told all the same: it does not come again',
    [retry, null, retry],
    ['a#1/1 a#2/1 a#3/1', 'a#1/2 a#3/2'],
  ],
  ['each ends for itself', [REJECTED, null, REJECTED], ['a#1/1 a#2/1 a#3/1']],
];

for (const [name, answers, calls] of outcomes) {
  test(`${name}; what comes later stays later`, async () => {
    const w = await worldOf();
    w.answer = ({ notification, attempt }) =>
      (attempt === 1 && notification.deviceId === 'a'
        ? answers[notification.sequence - 1]
        : null) ?? delivered();
    await w.sendAtOnce(...numbers('a', 1, 3), ...numbers('b', 1, 1));
    await w.settle();
    await w.sendAtOnce(...numbers('a', 4, 4));
    await w.settle();
    const heldUp = answers.includes(retry);
    assert.equal((await w.lag()) > 0, heldUp);
    await w.settle(499);
    assert.equal(w.calls.length, heldUp ? 1 : 2);
    await w.settle(1);
    const last = heldUp ? calls.with(-1, `${calls.at(-1)} a#4/1`) : [...calls, 'a#4/1'];
    assert.deepEqual(w.calls, last.with(0, last[0]!.replace('a#1/1', 'a#1/1 b#1/1')));
    assert.equal(await w.lag(), 0);
    const told = (await w.outcomes()).filter((one) => one.startsWith('a'));
    assert.equal(
      told.filter((one) => one.includes('retried')).length,
      answers.filter((one) => one === retry).length,
    );
    assert.equal(told.length - told.filter((one) => one.includes('retried')).length, 4);
  });
}

test('what is over, or not sure, is no follower: it has its last checks when it is its turn', async () => {
  const w = await worldOf();
  const deadline = w.clock.now() - 1;
  await w.sendAtOnce(
    { deviceId: 'a', sequence: 1 },
    { deviceId: 'a', sequence: 2, deadline },
    { deviceId: 'a', sequence: 3 },
    { deviceId: 'a', sequence: 4, epoch: 2 },
    { deviceId: 'a', sequence: 5, epoch: 2 },
  );
  await w.settle();
  // The owners' table is behind the fourth.
  assert.deepEqual(w.calls, ['a#1/1', 'a#3/1']);
  await w.own('a', 2);
  await w.settle(50);
  assert.deepEqual(w.calls, ['a#1/1', 'a#3/1', 'a#4/1 a#5/1']);
  assert.deepEqual(await w.outcomes(), [
    'a delivered',
    'a expired deadline',
    'a delivered',
    'a delivered',
    'a delivered',
  ]);
});

test('held up for longer than a lane may be: the retry topic has the first, then those behind it', async () => {
  const w = await worldOf({ ...TOGETHER, retries: true });
  w.answer = () => ({ kind: 'retry', scope: 'device', why: 'rest', afterMs: 60_000 });
  await w.sendAtOnce(...numbers('a', 1, 3));
  await w.settle();
  const written = (await w.written('retry.0')).map((line) => line.split(' ')[0]);
  assert.deepEqual(written, ['a#1', 'a#2', 'a#3']);
  assert.equal(await w.lag(), 3, 'they lie in the retry topic');
});

test('after as many tries as the topology says all of a call are left, each with its letter', async () => {
  const w = await worldOf({ ...TOGETHER, alone: true });
  w.answer = () => retry;
  await w.sendAtOnce(...numbers('a', 1, 2));
  for (let i = 0; i < 6; i++) await w.settle(1_000);
  assert.deepEqual(w.calls, ['a#1/1 a#2/1', 'a#1/2 a#2/2', 'a#1/3 a#2/3']);
  assert.equal(w.lane.outcomes.get('abandoned'), 2);
  assert.equal((await w.deadLetters()).length, 2);
  assert.equal(await w.lag(), 0);
});

test('whatever a sink that keeps its promise answers: each once, and in order', async () => {
  const script = fc.array(fc.tuple(fc.nat(3), fc.nat(4)), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const w = await worldOf({ ...TOGETHER, attempts: 1_000, inFlightMax: 5 });
      const told: number[] = [];
      let heldAt = Number.POSITIVE_INFINITY;
      let call = '';
      w.answer = ({ notification: { sequence } }) => {
        if (call !== `${w.calls.length}`) {
          call = `${w.calls.length}`;
          heldAt = sequence + (steps[w.calls.length % steps.length]?.[1] ?? 9);
        }
        if (sequence >= heldAt) return retry;
        told.push(sequence);
        return delivered();
      };
      let sent = 0;
      for (const [many] of steps) {
        if (many === 0) continue;
        await w.sendAtOnce(...numbers('a', sent + 1, sent + many));
        sent += many;
        await w.settle(600);
      }
      steps = [[0, 9]];
      for (let i = 0; i < 3; i++) await w.settle(60_000);
      assert.deepEqual(
        told,
        Array.from({ length: sent }, (_, i) => i + 1),
      );
      assert.equal(await w.lag(), 0);
    }),
    { numRuns: 30 },
  );
});

test('an inbox, which keeps no order, may have several of a device fail in one call', async () => {
  const w = await worldOf({ batchMax: 16, keeps: true });
  w.answer = () => (w.calls.length === 1 ? { ...retry, scope: 'lane' } : delivered());
  await w.sendAtOnce(...numbers('a', 1, 3));
  await w.settle();
  assert.equal(w.calls.length, 1);
  for (let i = 0; i < 5; i++) await w.settle(10_000);
  assert.equal(w.lane.outcomes.get('delivered'), 3);
  assert.equal(await w.lag(), 0);
});
