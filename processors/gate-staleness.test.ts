import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START_MS, StepBench } from '../test/kit/steps.ts';
import { gateStaleness } from './gate-staleness.ts';

const rows: readonly [string, number, number, string][] = [
  ['young', 100, 99, 'passed'],
  ['exactly at the limit', 220, 100, 'passed'],
  ['a little older', 220.001, 100, 'dropped stale'],
  ['from the future', 0, 3600, 'passed'],
];

for (const [name, at, time, verdict] of rows) {
  test(`${name}: ${verdict}`, () => {
    assert.equal(new StepBench(gateStaleness, { max_age: '2m' }).feed({ at, time }), verdict);
  });
}

test('the deadline counts from the event, by max_age or by ttl (D9)', () => {
  for (const [ttl, seconds] of [
    [undefined, 110],
    ['1h', 3590],
    ['5s', -5],
  ] as const) {
    const bench = new StepBench(gateStaleness, { max_age: '2m', ...(ttl && { ttl }) });
    bench.feed({ at: 0, time: -10 });
    const deadline = bench.takeOut()[0]!.deadlineMs;
    assert.equal(deadline, START_MS + seconds * 1000, String(ttl));
  }
});
