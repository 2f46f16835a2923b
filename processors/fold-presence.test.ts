import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepBench } from '../test/kit/steps.ts';
import { foldPresence } from './fold-presence.ts';

const said = (action: 'CONNECTED' | 'CLOSED', connectionId: string, gatewayId = 'g-1') => ({
  deviceId: 'tv-1',
  gatewayId,
  connectionId,
  action,
  closeCode: 0,
  occurredAt: 50,
});
const connected = (connectionId: string, gatewayId?: string) =>
  said('CONNECTED', connectionId, gatewayId);
const closed = (connectionId: string) => said('CLOSED', connectionId);

/** What is said at which offset, its verdict, and `connection@generation` or `offline`. */
type Row = readonly [number, object, string, string?];

const tables: readonly [string, readonly Row[]][] = [
  [
    'on and off',
    [
      [7, connected('c-1'), 'passed', 'c-1@7'],
      [8, closed('c-1'), 'passed', 'offline'],
      [9, closed('c-1'), 'dropped not_current'],
      [10, connected('c-2'), 'passed', 'c-2@10'],
    ],
  ],
  [
    'a device that moved stays online when its old gateway tells of the close (D10)',
    [
      [1, connected('c-1', 'g-1'), 'passed', 'c-1@1'],
      [2, connected('c-2', 'g-2'), 'passed', 'c-2@2'],
      [3, closed('c-1'), 'dropped not_current'],
      [4, closed('c-2'), 'passed', 'offline'],
    ],
  ],
  ['a close of nobody', [[1, closed('c-1'), 'dropped not_current']]],
  [
    'read again after a crash: the newer connection stays, the same one is told again',
    [
      [1, connected('c-1'), 'passed', 'c-1@1'],
      [2, connected('c-2'), 'passed', 'c-2@2'],
      [1, connected('c-1'), 'dropped superseded'],
      [2, connected('c-2'), 'passed', 'c-2@2'],
    ],
  ],
];

for (const restarts of [false, true]) {
  for (const [name, rows] of tables) {
    test(`${name}${restarts ? '; the same with restarts' : ''}`, () => {
      const bench = new StepBench(foldPresence);
      for (const [offset, value, verdict, row] of rows) {
        assert.equal(bench.feed({ key: 'tv-1', value, offset }), verdict);
        const out = bench.takeOut().map((record) => {
          assert.equal(record.key, 'tv-1');
          if (record.value === null) return 'offline';
          return `${record.value.connectionId}@${record.value.generation}`;
        });
        assert.deepEqual(out, row === undefined ? [] : [row]);
        if (restarts) bench.restart();
      }
    });
  }
}

test('the row names the gateway', () => {
  const bench = new StepBench(foldPresence);
  bench.feed({ key: 'tv-1', value: connected('c-1', 'g-9'), offset: 2 ** 40 });
  assert.deepEqual(bench.takeOut()[0]!.value, {
    deviceId: 'tv-1',
    gatewayId: 'g-9',
    connectionId: 'c-1',
    generation: 2 ** 40,
    connectedAt: 50,
  });
});
