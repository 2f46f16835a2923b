import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAcknowledged } from './acknowledgement.ts';
import { add, emptyCursor, formatCursor } from './cursor.ts';
import { type Priorities, prioritiesNamed, RENO_PRIORITIES } from './priority.ts';
import type { TableView } from './store.ts';

const OWN = prioritiesNamed('flash', 'soon');

/** Of a device that has acknowledged the first notification of the second priority. */
function rows(of: Priorities, epoch = 1, text?: string) {
  const cursor = emptyCursor(1, 0, of);
  add(cursor, 1, 1);
  const row = { deviceId: 'tv', epoch, cursor: text ?? formatCursor(cursor), at: 0 };
  return { get: (id: string) => (id === 'tv' ? row : undefined) } as TableView<typeof row>;
}

type Asked = readonly [priority: string, sequence: number, deviceId?: string];
const cases: readonly [
  what: string,
  table: ReturnType<typeof rows>,
  of: Priorities,
  asked: Asked,
  is: boolean,
][] = [
  ['it was', rows(OWN), OWN, ['soon', 1], true],
  ['another priority', rows(OWN), OWN, ['flash', 1], false],
  ['another number', rows(OWN), OWN, ['soon', 2], false],
  ['another device', rows(OWN), OWN, ['soon', 1, 'phone'], false],
  ['a row of another epoch', rows(OWN, 2), OWN, ['soon', 1], false],
  ['a row that is no cursor', rows(OWN, 1, 'x'), OWN, ['soon', 1], false],
  ['a row of other priorities', rows(RENO_PRIORITIES), OWN, ['soon', 1], false],
  ['others were added since', rows(OWN), prioritiesNamed('flash', 'soon', 'x'), ['soon', 1], true],
];
for (const [what, table, of, [priority, sequence, deviceId = 'tv'], is] of cases) {
  test(`acknowledged: ${what}`, () => {
    assert.equal(isAcknowledged({ deviceId, epoch: 1, priority, sequence }, table, of), is);
  });
}
