/** The machine's clock goes back: what is held waits as long as it should, and health says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/batch-builder.ts';
import { type Clock, SteadyClock } from '../core/clock.ts';
import { ERROR_TABLE } from '../core/error-table.ts';
import { RENO_PRIORITIES } from '../core/priority.ts';
import { wholeBatch } from '../core/record-batch.ts';
import { columns, NEVER } from '../core/store.ts';
import { Engine } from './engine.ts';
import { RowStore } from './state/row-store.ts';

const START_MS = 1_767_225_600_000;
const HOUR_MS = 3_600_000;
const ROWS = columns({ n: 'int' });

/** Rows of a changelog whose commits were at these times, each row due so long after its own. */
function restored(nowMs: number | undefined, ...rows: readonly [writtenMs: number, due: number][]) {
  const store = new RowStore('t.s', ROWS);
  for (const [n, [writtenMs, due]] of rows.entries()) {
    const from = new RowStore('t.s', ROWS);
    from.put(from.key(`k${n}`)).n = n;
    if (due !== NEVER) from.setDue(START_MS + writtenMs + due);
    const builder = new BatchBuilder('c', 0);
    from.writeChanged(builder, START_MS + writtenMs);
    store.restore(
      wholeBatch('c', 0, builder.finish().bytes, n),
      nowMs === undefined ? undefined : START_MS + nowMs,
    );
  }
  store.restored();
  const dues: number[] = [];
  for (let next = store.nextDueMs(); next !== NEVER; next = store.nextDueMs()) {
    assert.ok(store.takeDue(next));
    dues.push(next - START_MS);
  }
  return dues;
}

const cases: readonly {
  readonly it: string;
  readonly nowMs: number | undefined;
  readonly rows: readonly [number, number][];
  readonly dues: readonly number[];
}[] = [
  { it: 'the clock went on', nowMs: 60_000, rows: [[0, 2_000]], dues: [2_000] },
  { it: 'no time went by', nowMs: 5, rows: [[5, 2_000]], dues: [2_005] },
  { it: 'an hour back', nowMs: 0, rows: [[HOUR_MS, 2_000]], dues: [2_000] },
  { it: 'a millisecond back', nowMs: 9, rows: [[10, 2_000]], dues: [2_009] },
  { it: 'it was due already', nowMs: 0, rows: [[HOUR_MS, -300]], dues: [-300] },
  { it: 'no due time', nowMs: 0, rows: [[HOUR_MS, NEVER]], dues: [] },
  { it: 'nobody says what time it is', nowMs: undefined, rows: [[99, 1]], dues: [100] },
  {
    it: 'rows of before the clock went back, and of after',
    nowMs: 20_000,
    rows: [
      [HOUR_MS, 7_000],
      [19_000, 3_000],
      [20_000, 8_000],
    ],
    dues: [22_000, 27_000, 28_000],
  },
];

for (const { it, nowMs, rows, dues } of cases) {
  test(`a row comes back when: ${it}`, () => {
    assert.deepEqual(restored(nowMs, ...rows), dues);
  });
}

function engineAt(clock: Clock): Engine {
  return new Engine({ clock, before: [], plan: { priorities: RENO_PRIORITIES } } as never);
}

test('CAR803: an engine whose clock is far ahead of the machine says so, until it is not', () => {
  let machineMs = START_MS;
  let passedMs = 0;
  const engine = engineAt(new SteadyClock({ now: () => machineMs }, () => passedMs));
  const pass = (ms: number, movedMs = 0) => {
    machineMs += ms + movedMs;
    passedMs += ms;
    return engine.troubles();
  };
  assert.deepEqual(pass(1_000), []);
  assert.deepEqual(pass(0, -9_000), [], 'it catches up soon');
  const told = 'CAR803 the clock of this machine was set back; tasks are 3600 s ahead of it';
  assert.deepEqual(pass(0, 9_000 - HOUR_MS), [told]);
  assert.deepEqual(pass(0, HOUR_MS), []);
  assert.deepEqual(engineAt({ now: () => 0 }).troubles(), [], 'a clock that cannot be');
  assert.equal(ERROR_TABLE.CAR803.slug, 'clock-set-back');
});
