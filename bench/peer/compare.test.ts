import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as compare from './compare.ts';
import type { Told } from './lanes.ts';

const faultsOf = (all: readonly Told[]) => [...compare.faultsOf(all)];
const differences = (...of: Parameters<typeof compare.differences>) => [
  ...compare.differences(...of),
];

/** The `n`-th notification of one device's critical lane; others by what is given. */
function told(n: number, given: Partial<Told> = {}): Told {
  return {
    phase: 'measured',
    lane: 'notifications.critical.fcm',
    partition: 3,
    offset: n * 2,
    key: 'd-1',
    timestamp: n * 10,
    schemaId: 7,
    id: `id-${n}`,
    deviceId: 'd-1',
    epoch: 1,
    sequence: n,
    previous: n - 1,
    useCase: 'pl',
    priority: 'critical',
    deadline: 1_000,
    collapseKey: null,
    count: 1,
    born: n * 10,
    payloadSchemaId: 2,
    payload: `{"n":${n}}`,
    ...given,
  };
}

const GOOD = [told(1), told(2), told(3)];
const never = () => false;
const always = () => true;

test('what is in order has no faults, whatever the order in which it is read', () => {
  assert.deepEqual(faultsOf(GOOD), []);
  assert.deepEqual(faultsOf(GOOD.toReversed()), []);
  assert.deepEqual(differences(GOOD, GOOD.toReversed(), never), []);
});

const alone: readonly [string, readonly Told[], RegExp][] = [
  ['a number is missing', [told(1), told(3)], /number 3 stands where 2 should/],
  ['a number comes twice', [told(1), told(1, { id: 'x' })], /number 1 stands where 2 should/],
  ['an id comes twice', [told(1), told(2, { id: 'id-1' })], /told twice/],
  ['previous is not the one before', [told(1), told(2, { previous: 0 })], /follows 0, not 1/],
  [
    'previous is of another lane',
    [told(1), told(2, { lane: 'notifications.critical.apns' })],
    /follows 1, not 0/,
  ],
  ['the lane has another order', [told(1), told(2, { offset: 1 })], /is not behind 1 in its lane/],
  ['the key is another', [told(1, { key: 'd-2' })], /its key is d-2/],
  ['the time is another', [told(1, { timestamp: 11 })], /record's time is not born/],
  ['the lane is of another priority', [told(1, { priority: 'low' })], /in notifications.critical/],
  ['it stands for nothing', [told(1, { count: 0 })], /counts 0/],
];
for (const [name, all, fault] of alone) {
  test(`a fault in itself: ${name}`, () => {
    const faults = faultsOf(all);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0]!, fault);
  });
}

/** Any other value of that type. */
const other = (value: unknown) => (typeof value === 'number' ? value + 1 : `${value}x`);

for (const field of Object.keys(told(1)) as (keyof Told)[]) {
  const free = field === 'offset' || field === 'sequence' || field === 'previous';
  // Another id is missed, is new, and stands where the other one did.
  const expected = free ? 0 : field === 'id' ? 3 : 1;
  test(`one field of one differs: ${field}: ${expected} difference(s)`, () => {
    const changed = [told(1), told(2, { [field]: other(told(2)[field]) })];
    assert.equal(differences([told(1), told(2)], changed, never).length, expected);
    const inBurst = { phase: 2, deviceId: 2, useCase: 2, priority: 2, collapseKey: 2, id: 1 };
    const bursts = free ? 0 : ((inBurst as Record<string, number>)[field] ?? 1);
    assert.equal(differences([told(2)], [changed[1]!], always).length, bursts);
  });
}

test('one more, one less, another order: without bursts each is a difference', () => {
  assert.match(differences(GOOD, GOOD.slice(1), never)[0]!, /only the first/);
  assert.match(differences(GOOD.slice(1), GOOD, never)[0]!, /only the second/);
  const swapped = [told(1), told(2, { sequence: 3 }), told(3, { sequence: 2 })];
  assert.deepEqual(differences(GOOD, swapped, never), ['d-1/1/critical/pl: another order from 1']);
});

const bursts: readonly [string, readonly Told[], readonly Told[], RegExp | null][] = [
  ['cut otherwise', [told(3, { count: 3 })], [told(1), told(3, { count: 2 })], null],
  ['an event is lost', [told(3, { count: 3 })], [told(3, { count: 2 })], /3 events and 2/],
  ['another is the newest', [told(3, { count: 3 })], [told(2, { count: 3 })], /id id-3 and id-2/],
  ['only one has it', [told(1), told(2, { collapseKey: 'k' })], [told(1)], /only the first/],
];
for (const [name, first, second, fault] of bursts) {
  test(`bursts: ${name}`, () => {
    const faults = differences(first, second, always);
    if (fault === null) assert.deepEqual(faults, []);
    else assert.match(faults[0]!, fault);
  });
}
