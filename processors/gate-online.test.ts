import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepBench } from '../test/kit/steps.ts';
import { gateOnline } from './gate-online.ts';

const online = { deviceId: 'tv-1', gatewayId: 'g-1', connectionId: 'c-1', generation: 4 };
const tables = { presence: { 'tv-1': online, 'tv-gone': null } };

const rows: readonly [string | null, string, unknown][] = [
  ['tv-1', 'passed', online],
  ['tv-2', 'dropped offline', undefined],
  ['tv-gone', 'dropped offline', undefined],
  [null, 'dropped offline', undefined],
];

for (const [key, verdict, joined] of rows) {
  test(`${key}: ${verdict}`, () => {
    const bench = new StepBench(gateOnline, { table: 'presence' }, { tables });
    assert.equal(bench.feed({ key, value: {} }), verdict);
    assert.equal(bench.takeOut()[0]?.joined, joined);
  });
}
