/** `reach:` of a use case: who has a notification when a transport cannot reach its device. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reach } from '../../compiler/plan.ts';
import type { Transport } from '../../core/device.ts';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { SinkWorld } from '../../test/kit/sink-world.ts';

const rejected = (reason: string, more: object = {}): Outcome => ({
  kind: 'rejected',
  reason,
  ...more,
});
const dead = { deadToken: { kind: 'fcm', token: 't' } } as const;
const BOTH = ['websocket', 'fcm'] as const;

const rows: readonly [string, Reach, readonly Transport[], Outcome, string, number][] = [
  ['offline', 'first_reachable', BOTH, rejected('offline'), 'a handed_on fcm: offline', 1],
  ['no token', 'first_reachable', BOTH, rejected('no_token'), 'a handed_on fcm: no_token', 1],
  ['dead token', 'first_reachable', BOTH, rejected('gone', dead), 'a handed_on fcm: gone', 1],
  [
    'given up',
    'first_reachable',
    BOTH,
    { kind: 'retry', scope: 'device', why: 'busy', afterMs: 60_000 },
    'a handed_on fcm: parked_too_long: busy',
    1,
  ],
  ['delivered', 'first_reachable', BOTH, delivered(), 'a delivered', 0],
  ['expired', 'first_reachable', BOTH, rejected('expired'), 'a expired expired', 0],
  ['moved', 'first_reachable', BOTH, rejected('moved'), 'a moved moved', 0],
  [
    'malformed',
    'first_reachable',
    BOTH,
    rejected('bad', { deadLetter: true }),
    'a rejected bad',
    0,
  ],
  ['offline, first', 'first', BOTH, rejected('offline'), 'a offline offline', 0],
  ['offline, all', 'all', BOTH, rejected('offline'), 'a offline offline', 0],
  ['no other', 'first_reachable', ['websocket'], rejected('offline'), 'a offline offline', 0],
  [
    'the inbox has it anyway',
    'first_reachable',
    ['websocket', 'inbox'],
    rejected('offline'),
    'a offline offline',
    0,
  ],
  [
    'not of this use case',
    'first_reachable',
    ['websocket', 'apns'],
    rejected('offline'),
    'a offline offline',
    0,
  ],
  [
    'one before it in the list',
    'first_reachable',
    ['fcm', 'websocket'],
    rejected('offline'),
    'a handed_on fcm: offline',
    1,
  ],
];
for (const [what, reach, kinds, outcome, told, handed] of rows) {
  test(`${what}: ${told}`, async () => {
    const w = await SinkWorld.open({ reach });
    await w.own(
      'a',
      1,
      'ACTIVE',
      kinds.map((kind) => ({ kind })),
    );
    w.answer = () => outcome;
    await w.send({ deviceId: 'a' });
    await w.settle();
    assert.deepEqual(await w.outcomes(), [told]);
    const lane = await w.written('lane.0.fcm');
    assert.deepEqual(lane, handed === 1 ? ['a#1 handed-by=websocket'] : []);
    // Who has it now decides whether it is a dead letter.
    if (handed === 1) assert.deepEqual(await w.deadLetters(), []);
    assert.equal(await w.lag(), 0);
  });
}

test('a transport that has handed it on does not get it back', async () => {
  const w = await SinkWorld.open({ reach: 'first_reachable', transport: 'fcm' });
  await w.own('a', 1, 'ACTIVE', [{ kind: 'websocket' }, { kind: 'fcm' }]);
  w.answer = () => rejected('no_token');
  await w.handed('lane.0.fcm', { deviceId: 'a' }, ['websocket']);
  await w.settle();
  assert.deepEqual(w.given, ['a#1/1']);
  assert.deepEqual(await w.outcomes(), ['a rejected no_token']);
  assert.deepEqual(await w.written('lane.0.websocket'), []);
});

test('what was handed on is kept once: the inbox had it from its first lane', async () => {
  const w = await SinkWorld.open({ keeps: true });
  await w.handed('lane.0.websocket', { deviceId: 'a' }, ['fcm']);
  await w.send({ deviceId: 'a', sequence: 2 });
  await w.settle();
  assert.deepEqual(w.given, ['a#2/0']);
  assert.equal(await w.lag(), 0);
});

test('a transport that no sink delivers by is no way out: nothing is handed into silence', async () => {
  const w = await SinkWorld.open({ reach: 'first_reachable', alone: true });
  await w.own('a', 1, 'ACTIVE', [{ kind: 'websocket' }, { kind: 'fcm' }]);
  w.answer = () => rejected('offline');
  await w.send({ deviceId: 'a' });
  await w.settle();
  assert.deepEqual(await w.outcomes(), ['a offline offline']);
  assert.deepEqual(await w.written('lane.0.fcm'), []);
});
