import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, emptyCursor, formatCursor } from '../core/cursor.ts';
import type { RowStore } from '../runtime/state/row-store.ts';
import { START_MS, StepBench } from '../test/kit/steps.ts';
import { remind } from './remind.ts';

const MINUTE = 60;
const OPTIONS = {
  after: '1m',
  transports: ['websocket', 'fcm', 'inbox'],
  allowed: ['websocket', 'fcm'],
  topics: 'lane.websocket,lane.fcm,lane.inbox',
  owners: 'owners',
  acknowledgements: 'acknowledgements',
};
const transport = (kind: string) => ({ kind });
const DEVICE = {
  deviceId: 'tv-1',
  epoch: 1,
  status: 'ACTIVE',
  transports: [transport('websocket'), transport('fcm'), transport('inbox')],
};
const acked = (sequence: number, epoch = 1) => {
  const cursor = emptyCursor(epoch);
  add(cursor, 0, sequence);
  return { epoch, cursor: formatCursor(cursor) };
};
const notification = (sequence: number, more: object = {}) => ({
  id: `n-${sequence}`,
  deviceId: 'tv-1',
  epoch: 1,
  sequence,
  useCase: 'va',
  priority: 'critical',
  deadline: START_MS + 10 * MINUTE * 1000,
  born: START_MS,
  ...more,
});
type Tables = { owners: { [id: string]: object }; acknowledgements: { [id: string]: object } };

function opened(options: object = {}): { bench: StepBench; tables: Tables } {
  const tables: Tables = { owners: { 'tv-1': DEVICE }, acknowledgements: {} };
  const bench = new StepBench(remind, { ...OPTIONS, ...options }, { tables });
  return { bench, tables };
}
const tell = (bench: StepBench, sequence = 1, more: object = {}, topic = 'lane.websocket') =>
  bench.feed({ key: 'tv-1', topic, value: notification(sequence, more) });
/** `output marks`: where it goes, and what its headers say. */
const out = (bench: StepBench) =>
  bench
    .takeOut()
    .map(({ output, headers }) =>
      [output, ...(headers ?? []).map(({ key, value }) => `${key.slice(9)}=${value}`)].join(' '),
    );

test('it goes by what has not had it, then by the first again, each time twice as late', () => {
  const { bench } = opened();
  assert.equal(tell(bench), 'held');
  const at = (minutes: number) => {
    bench.advanceTo(minutes * MINUTE);
    return out(bench);
  };
  assert.deepEqual(at(0.99), []);
  assert.deepEqual(at(1), ['1 again=true handed-by=websocket']);
  assert.deepEqual(at(2.99), []);
  assert.deepEqual(at(3), ['0 again=true']);
  assert.deepEqual(at(7), ['1 again=true handed-by=websocket']);
  assert.deepEqual(at(9.99), []);
  assert.deepEqual(at(10), ['3']);
  assert.equal(bench.counts.held, 0);
  assert.equal(bench.counts.counted.get('again'), 3);
  assert.deepEqual([...bench.counts.dropped], [['unacknowledged', 1]]);
});

test('what the ledger is told at the deadline', () => {
  const { bench } = opened();
  tell(bench);
  bench.advanceTo(10 * MINUTE);
  const last = bench.takeOut().at(-1)!;
  assert.equal(last.key, 'tv-1');
  assert.equal(last.timestamp, START_MS + 600_000);
  assert.deepEqual(last.value, {
    notificationId: 'n-1',
    deviceId: 'tv-1',
    useCase: 'va',
    priority: 'critical',
    sink: 'remind',
    attempt: 1,
    outcome: 'expired',
    reason: 'unacknowledged',
    ambiguous: false,
    at: START_MS + 600_000,
    ageMs: 600_000,
  });
});

test('handed on meanwhile, the next is one that has not had it either', () => {
  const { bench } = opened();
  tell(bench);
  assert.equal(tell(bench, 1, {}, 'lane.fcm'), 'dropped known');
  bench.advanceTo(MINUTE);
  assert.deepEqual(out(bench), ['0 again=true']);
});

const refused: readonly [string, object, (tables: Tables) => void, string][] = [
  [
    'acknowledged already',
    {},
    (of) => (of.acknowledgements['tv-1'] = acked(1)),
    'dropped acknowledged',
  ],
  ['another is acknowledged', {}, (of) => (of.acknowledgements['tv-1'] = acked(2)), 'held'],
  [
    'acknowledged in another epoch',
    {},
    (of) => (of.acknowledgements['tv-1'] = acked(1, 2)),
    'held',
  ],
  [
    'a row that is not readable',
    {},
    (of) => (of.acknowledgements['tv-1'] = { epoch: 1, cursor: '?' }),
    'held',
  ],
  ['its deadline is now', { deadline: START_MS }, () => {}, 'dropped unacknowledged'],
  ['it has none', { deadline: 0 }, () => {}, 'held'],
];
for (const [what, more, prepare, verdict] of refused) {
  test(`${what}: ${verdict}`, () => {
    const { bench, tables } = opened();
    prepare(tables);
    assert.equal(tell(bench, 1, more), verdict);
  });
}

test('without a deadline it is told again until it is acknowledged', () => {
  const { bench, tables } = opened();
  tell(bench, 1, { deadline: 0 });
  bench.advanceTo(MINUTE);
  assert.deepEqual(out(bench), ['1 again=true handed-by=websocket']);
  bench.advanceTo(1000 * MINUTE);
  assert.equal(bench.counts.held, 1);
  tables.acknowledgements['tv-1'] = acked(1);
  bench.advanceTo(2000 * MINUTE);
  assert.deepEqual([...bench.counts.dropped], [['acknowledged', 1]]);
});

const ends: readonly [string, (tables: Tables) => void, string, readonly string[]][] = [
  ['acknowledged', (of) => (of.acknowledgements['tv-1'] = acked(1)), 'acknowledged', []],
  ['moved', (of) => (of.owners['tv-1'] = { ...DEVICE, epoch: 2 }), 'moved', []],
  ['deleted', (of) => (of.owners['tv-1'] = { ...DEVICE, status: 'DELETED' }), 'moved', []],
];
for (const [what, change, reason, told] of ends) {
  test(`${what} while it was awaited: it ends`, () => {
    const { bench, tables } = opened();
    tell(bench);
    change(tables);
    bench.advanceTo(MINUTE);
    assert.deepEqual(out(bench), told);
    assert.deepEqual([...bench.counts.dropped], [[reason, 1]]);
    assert.equal(bench.counts.held, 0);
  });
}

for (const [what, row] of [
  ['not known yet', undefined],
  ['known of an older epoch', { ...DEVICE, epoch: 0 }],
  [
    'without a transport that may be used',
    { ...DEVICE, transports: [transport('inbox'), transport('apns')] },
  ],
] as const) {
  test(`a device ${what} is looked up again later`, () => {
    const { bench, tables } = opened();
    tell(bench);
    if (row === undefined) delete tables.owners['tv-1'];
    else tables.owners['tv-1'] = row;
    bench.advanceTo(MINUTE);
    assert.deepEqual(out(bench), []);
    tables.owners['tv-1'] = DEVICE;
    bench.advanceTo(3 * MINUTE);
    assert.deepEqual(out(bench), ['1 again=true handed-by=websocket']);
  });
}

test('over awaited_max a notification waits for its device to come back', () => {
  const { bench } = opened({ awaited_max: 2 });
  assert.deepEqual(
    [1, 2, 3].map((n) => tell(bench, n)),
    ['held', 'held', 'dropped full'],
  );
});

test('so it does when there is no memory for another one', () => {
  const { bench } = opened();
  assert.equal(tell(bench, 1), 'held');
  (bench.store as RowStore<never>).rowsMax = 1;
  assert.equal(tell(bench, 2), 'dropped full');
  assert.equal(tell(bench, 1), 'dropped known', 'one that is awaited needs no row');
});

test('a restart loses neither the notification, nor its time, nor who has had it', () => {
  const { bench } = opened();
  tell(bench);
  bench.advanceTo(MINUTE);
  assert.equal(out(bench).length, 1);
  bench.restart();
  bench.advanceTo(2.9 * MINUTE);
  assert.deepEqual(out(bench), []);
  bench.restart();
  bench.advanceTo(3 * MINUTE);
  assert.deepEqual(out(bench), ['0 again=true']);
});
