import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Milestone } from '../console/answers.ts';
import { headersOf } from '../core/lane-marks.ts';
import { type LedgerTopic, ledgerLines, milestoneOf } from './ledger.ts';

const AT_MS = Date.UTC(2026, 0, 1);
const NOTE = {
  id: 'n-1',
  deviceId: 'd-1',
  useCase: 'va',
  epoch: 2,
  sequence: 7,
  born: AT_MS,
  deadline: 0,
};
const OUTCOME = {
  notificationId: 'n-1',
  deviceId: 'd-1',
  outcome: 'delivered',
  sink: 'fcm',
  attempt: 1,
  reason: '',
  ambiguous: false,
  at: AT_MS + 5,
};

function record(topic: string, value: unknown, headers: { [name: string]: string } = {}) {
  return { topic, partition: 0, offset: 0, timestamp: AT_MS + 9, key: 'd-1', value, headers };
}
function marked(marks: Partial<Parameters<typeof headersOf>[0]>): { [name: string]: string } {
  const all = { dueMs: 0, rests: false, attempt: 0, tries: 0, handedBy: [], ...marks };
  return Object.fromEntries(headersOf(all).map(({ key, value }) => [key, value.toString()]));
}
const NAMES = new Map([['pl', 'plan-change']]);
const LANE = 'notifications.normal.fcm';

const rows: readonly [string, LedgerTopic, ReturnType<typeof record>, string][] = [
  [
    'born',
    'lane',
    record(LANE, NOTE),
    '00.000Z  born          notifications.normal.fcm  use case va, number 7 of epoch 2',
  ],
  [
    'born with a deadline',
    'lane',
    record(LANE, { ...NOTE, deadline: AT_MS + 1_000 }),
    '00.000Z  born          notifications.normal.fcm  use case va, number 7 of epoch 2, until 2026-01-01T00:00:01.000Z',
  ],
  [
    'born of a use case that the topology knows',
    'lane',
    record(LANE, { ...NOTE, useCase: 'pl' }),
    '00.000Z  born          notifications.normal.fcm  use case plan-change, number 7 of epoch 2',
  ],
  [
    'handed on',
    'lane',
    record(LANE, NOTE, marked({ handedBy: ['websocket'] })),
    '00.009Z  in the next lane  notifications.normal.fcm  after websocket; number 7 of epoch 2',
  ],
  [
    'told again',
    'lane',
    record(LANE, NOTE, marked({ handedBy: ['websocket'], again: true })),
    '00.009Z  told again    notifications.normal.fcm  not acknowledged; after websocket; number 7 of epoch 2',
  ],
  [
    'put off',
    'retry',
    record('fcm-retry.normal', NOTE, marked({ dueMs: AT_MS + 60_000, tries: 2 })),
    '00.009Z  put off       fcm-retry.normal  due 2026-01-01T00:01:00.000Z, after 2 tries',
  ],
  ['told', 'outcomes', record('outcomes', OUTCOME), '00.005Z  delivered     fcm'],
  [
    'told, ambiguous',
    'outcomes',
    record('outcomes', {
      ...OUTCOME,
      outcome: 'retried',
      attempt: 2,
      reason: 'internal',
      ambiguous: true,
    }),
    '00.005Z  retried       fcm  try 2: internal (may have been delivered)',
  ],
  [
    'a dead letter',
    'dead-letters',
    record('dead-letters', NOTE, {
      'carillon.code': 'CAR668',
      'carillon.reason': 'busy',
      'carillon.stream': 'fcm',
      'carillon.step': 'deliver',
    }),
    '00.009Z  dead letter   fcm/deliver  CAR668 busy',
  ],
];
for (const [what, use, of, line] of rows) {
  test(`a milestone: ${what}`, () => {
    const milestone = milestoneOf(use, of, NAMES);
    assert.equal(ledgerLines([milestone!], false), `2026-01-01T00:00:${line}\n`);
    assert.equal(milestone?.notificationId, 'n-1');
    assert.equal(milestone?.deviceId, 'd-1');
  });
}

for (const [what, use, value] of [
  ['an event that never became a notification', 'dead-letters', { eventId: 'e' }],
  ['a tombstone', 'lane', null],
  ['what does not decode', 'lane', undefined],
  ['an outcome of nobody', 'outcomes', { outcome: 'delivered' }],
] as const) {
  test(`no milestone: ${what}`, () => {
    assert.equal(milestoneOf(use, record('t', value), NAMES), undefined);
  });
}

test('in order of time, each with its notification where there are several', () => {
  const of = (at: number, notificationId: string): Milestone => ({
    at,
    notificationId,
    deviceId: 'd',
    what: 'born',
    by: 'lane',
    more: '',
    ambiguous: false,
  });
  const lines = ledgerLines([of(2, 'b'), of(1, 'a'), of(2, 'c')], true).split('\n');
  assert.deepEqual(
    lines.slice(0, 3).map((line) => line.split('  ')[1]),
    ['a', 'b', 'c'],
  );
});
