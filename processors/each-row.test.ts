import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepBench } from '../test/kit/steps.ts';
import { eachRow } from './each-row.ts';

const OPTIONS = { table: 'members', as: 'member' };
const TICK = { id: 'mo@08:00/0', plannedAt: 1_000, zone: 'UTC' };

type Rows = { [key: string]: object };

const rowsOf = (count: number): Rows =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`m-${n}`, { memberId: `m-${n}` }]));

function opened(rows: Rows, options: object = {}): StepBench {
  return new StepBench(eachRow, { ...OPTIONS, ...options }, { tables: { members: rows } });
}
const tick = (bench: StepBench, eventId = 'mo@08:00/0') =>
  bench.feed({ key: '0', eventId, value: TICK });
const keys = (bench: StepBench) => bench.takeOut().map(({ key }) => key as string);

test('each row is a record: its key, its id, the tick with the row beside it', () => {
  const bench = opened({ 'm-1': { memberId: 'm-1', plan: 'free' } });
  assert.equal(tick(bench), 'held');
  bench.advanceTo(0);
  const [out, ...more] = bench.takeOut();
  assert.deepEqual(more, []);
  assert.equal(out!.key, 'm-1');
  assert.equal(out!.eventId, 'mo@08:00/0#m-1');
  assert.deepEqual(out!.value, { ...TICK, member: { memberId: 'm-1', plan: 'free' } });
});

for (const [rows, pieces] of [
  [0, [0]],
  [1, [1]],
  [256, [256]],
  [257, [256, 1]],
  [1_000, [256, 256, 256, 232]],
] as const) {
  test(`${rows} rows are told in ${pieces.length} pieces, each once`, () => {
    const bench = opened(rowsOf(rows));
    tick(bench);
    const told = pieces.map((_, n) => {
      bench.advanceTo(n / 1_000);
      return keys(bench);
    });
    assert.deepEqual(
      told.map(({ length }) => length),
      pieces,
    );
    assert.equal(new Set(told.flat()).size, rows);
    bench.advanceTo(1);
    assert.deepEqual(keys(bench), []);
  });
}

test('a walk goes on after a restart where it was', () => {
  const bench = opened(rowsOf(600));
  tick(bench);
  bench.advanceTo(0);
  const first = keys(bench);
  bench.restart();
  bench.advanceTo(0.001);
  const second = keys(bench);
  bench.advanceTo(0.002);
  const third = keys(bench);
  assert.deepEqual([first.length, second.length, third.length], [256, 256, 88]);
  assert.equal(new Set([...first, ...second, ...third]).size, 600);
});

test('rows change, go and come while they are walked', () => {
  const rows = rowsOf(300);
  const bench = opened(rows);
  tick(bench);
  bench.advanceTo(0);
  const told = new Set(keys(bench));
  const [gone, changed] = Object.keys(rows).filter((key) => !told.has(key)) as [string, string];
  delete rows[gone];
  rows[changed] = { memberId: changed, plan: 'premium' };
  rows['m-new'] = { memberId: 'm-new' };
  bench.advanceTo(0.001);
  const rest = bench.takeOut();
  assert.equal(rest.length, 43);
  assert.ok(!rest.some(({ key }) => key === gone || key === 'm-new'));
  assert.deepEqual(rest.find(({ key }) => key === changed)!.value.member, rows[changed]);
  assert.equal(bench.counted('gone'), 1);
});

test('a tick that is walked already is known, and too many are one too many', () => {
  const bench = opened(rowsOf(300), { walks_max: 2 });
  assert.equal(tick(bench, 'a'), 'held');
  assert.equal(tick(bench, 'a'), 'dropped known');
  assert.equal(tick(bench, 'b'), 'held');
  assert.equal(tick(bench, 'c'), 'dropped full');
  for (const at of [0, 0.001, 0.002]) bench.advanceTo(at);
  const ids = bench.takeOut().map(({ eventId }) => eventId);
  assert.equal(ids.length, 600);
  assert.equal(new Set(ids).size, 600);
  assert.equal(tick(bench, 'c'), 'held');
  bench.advanceTo(1);
});
