/** `guarantee: acked`: who does not say that it has a notification is told again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, emptyCursor, formatCursor } from '../core/cursor.ts';
import type { Transport } from '../core/device.ts';
import type { DeliveryOutcome } from '../core/outcome.ts';
import {
  type Answer,
  Driven,
  lanesWith,
  planChange,
  planChanges,
  START_MS,
} from '../test/kit/drive.ts';

const MINUTE = 60_000;
const PUSHED = ['websocket', 'fcm'] as const;

const asking = (lane = ', again_after: 1m') =>
  lanesWith(
    planChanges({
      steps: '      - gate_staleness: { max_age: 20m }\n',
      lane: `, guarantee: acked${lane}`,
    }),
  );

async function opened(
  text: string,
  transports: readonly Transport[],
  answer: Answer = () => ({ kind: 'delivered' }),
  commitEvery = 1,
): Promise<Driven> {
  const driven = await Driven.open(text, { answer, commitEvery });
  await driven.register('tv-1', 'm-1', { transports });
  const presence = { deviceId: 'tv-1', gatewayId: 'g', connectionId: 'c', generation: 1 };
  await driven.feed('tables.presence', 'tv-1', { ...presence, connectedAt: START_MS });
  await driven.feed('events.plan-change', 'm-1', planChange('e1', 'm-1'));
  return driven;
}

async function acknowledge(driven: Driven, sequence = 1, epoch = 1): Promise<void> {
  const cursor = emptyCursor(epoch);
  add(cursor, 0, sequence);
  const row = { deviceId: 'tv-1', epoch, cursor: formatCursor(cursor), at: START_MS };
  await driven.feed('tables.acknowledgements', 'tv-1', row);
}

/** `minute sink`, in order; the inbox left out. */
const told = ({ given }: Driven) =>
  given
    .filter(({ sink }) => sink !== 'inbox')
    .map(({ sink, atMs }) => `${(atMs - START_MS) / MINUTE} ${sink}`);
const kept = ({ given }: Driven) => given.filter(({ sink }) => sink === 'inbox').length;
const outcomes = (driven: Driven) =>
  driven
    .of('outcomes')
    .map(({ value }) => value as DeliveryOutcome)
    .map(({ sink, outcome, reason }) => `${sink} ${outcome} ${reason}`.trim());
const ends = ({ drops }: Driven) =>
  drops.filter((drop) => !drop.endsWith(' known')).map((drop) => drop.split(' ')[1]);

const rows: readonly [string, string, readonly Transport[], readonly string[]][] = [
  [
    'by turns, each time twice as late',
    ', again_after: 1m',
    PUSHED,
    ['0 websocket', '1 fcm', '3 websocket', '7 fcm', '15 websocket'],
  ],
  ['one transport', ', again_after: 4m', ['fcm'], ['0 fcm', '4 fcm', '12 fcm']],
  [
    'only those that the use case allows',
    ', again_after: 9m, transports: [fcm, inbox]',
    PUSHED,
    ['0 fcm', '9 fcm'],
  ],
  ['all at once', ', again_after: 9m, reach: all', PUSHED, ['0 websocket', '0 fcm', '9 websocket']],
  ['a device that only pulls', ', again_after: 1m', ['inbox'], []],
  ['only when it reconnects', '', PUSHED, ['0 websocket']],
];
for (const [what, lane, transports, expected] of rows) {
  test(`until the deadline: ${what}`, async () => {
    const driven = await opened(asking(lane), transports);
    await driven.driver.advance(30 * MINUTE);
    assert.deepEqual(told(driven), expected);
    // The inbox has it once, or once from each lane of the first telling.
    assert.equal(kept(driven), lane.includes('reach: all') ? 2 : 1);
    // An inbox tells nobody, so nothing goes to it again.
    const inboxes = driven.of('notifications.critical.inbox').length;
    assert.equal(inboxes, transports[0] === 'inbox' ? 1 : 0);
    const isAsked = lane !== '';
    assert.deepEqual(ends(driven), isAsked ? ['unacknowledged'] : []);
    const last = isAsked ? 'remind expired unacknowledged' : undefined;
    assert.equal(
      outcomes(driven)
        .filter((one) => one.startsWith('remind'))
        .at(-1),
      last,
    );
    await driven.end();
  });
}

test('told again, it says why: the lane has the mark, and who had it before', async () => {
  const driven = await opened(asking(), PUSHED);
  await driven.driver.advance(MINUTE);
  const [again] = driven.of('notifications.critical.fcm');
  assert.deepEqual(again?.headers, {
    'carillon.again': 'true',
    'carillon.handed-by': 'websocket',
  });
  const [first] = driven.of('notifications.critical.websocket');
  assert.deepEqual(again?.value, first?.value);
  await driven.end();
});

test('acknowledged: nothing more, whichever way it came', async () => {
  const driven = await opened(asking(), PUSHED);
  await driven.driver.advance(2 * MINUTE);
  await acknowledge(driven);
  await driven.driver.advance(30 * MINUTE);
  assert.deepEqual(told(driven), ['0 websocket', '1 fcm']);
  assert.deepEqual(ends(driven), ['acknowledged']);
  await driven.end();
});

for (const [what, sequence, epoch] of [
  ['another number', 2, 1],
  ['another epoch', 1, 2],
] as const) {
  test(`an acknowledgement of ${what} is none`, async () => {
    const driven = await opened(asking(), PUSHED);
    await acknowledge(driven, sequence, epoch);
    await driven.driver.advance(MINUTE);
    assert.deepEqual(told(driven), ['0 websocket', '1 fcm']);
    await driven.end();
  });
}

test('a copy that waits is withdrawn when the device has acknowledged another', async () => {
  const busy: Answer = (_, sink) =>
    sink === 'fcm'
      ? { kind: 'retry', scope: 'device', why: 'busy', afterMs: 5_000 }
      : { kind: 'delivered' };
  const driven = await opened(asking(', reach: all'), PUSHED, busy);
  await acknowledge(driven);
  await driven.driver.advance(MINUTE);
  assert.deepEqual(told(driven), ['0 websocket', '0 fcm']);
  assert.equal(outcomes(driven).at(-1), 'fcm withdrawn acknowledged');
  await driven.end();
});

test('a device that has moved meanwhile is not told', async () => {
  const driven = await opened(asking(), PUSHED);
  await driven.register('tv-1', 'm-2', { transports: PUSHED });
  await driven.driver.advance(30 * MINUTE);
  assert.deepEqual(told(driven), ['0 websocket']);
  assert.deepEqual(ends(driven), ['moved']);
  await driven.end();
});

test('other use cases of the lane are left alone', async () => {
  const plain = planChanges({ name: 'plain', steps: '' });
  const both = asking().replace('streams:\n', `streams:\n${plain}`);
  const driven = await opened(both, PUSHED);
  await driven.driver.advance(MINUTE);
  const useCases = driven.given.filter(({ sink }) => sink === 'fcm');
  assert.deepEqual(
    useCases.map(({ notification }) => notification.useCase),
    ['plan-change'],
  );
  await driven.end();
});

for (const how of ['restart', 'crash'] as const) {
  test(`a ${how} loses neither what is awaited nor its time`, async () => {
    const driven = await opened(asking(), PUSHED);
    await driven.driver.advance(30_000);
    await driven.driver[how]();
    await driven.driver.advance(30_000);
    await driven.driver[how]();
    await driven.driver.advance(2 * MINUTE);
    assert.deepEqual(told(driven), ['0 websocket', '1 fcm', '3 websocket']);
    assert.equal(driven.of('notifications.critical.fcm').length, 1);
    await driven.end();
  });
}
