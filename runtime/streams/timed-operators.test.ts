/** What the engine does around timed steps and custom operators, and what it tells a step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { map, type Subject } from 'rxjs';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { Record } from '../../core/record.ts';
import { wholeBatch } from '../../core/record-batch.ts';
import type { Slice } from '../../core/slice.ts';
import {
  defineEach,
  defineExpand,
  defineOperator,
  defineTimed,
  type StepContext,
} from '../../core/spec.ts';
import { columns, type Key } from '../../core/store.ts';
import { dropped, HELD, PASSED } from '../../core/verdict.ts';
import { START_MS } from '../../test/kit/drive.ts';
import { BY, base, opened } from '../../test/kit/operators.ts';
import { BROKEN, type Row, rowsOf, sliceOf } from '../../test/kit/slices.ts';
import { Steps } from './steps.ts';

const ROWS = columns({ seen: 'int', newest: 'record' });

/** Holds the newest of a key for 1 s; `value.what` says what else it does. */
const holding = defineTimed({
  ...base,
  type: 'holding',
  config: BY,
  drops: { older: 'A newer one came.', with: 'For a test.', without: 'For a test.' },
  rows: ROWS,
  keyedBy: 'by',
  open(_config, context) {
    const { store } = context;
    return {
      record(record, emit, key) {
        const { what, times = 1 } = record.value;
        if (what === 'throw') throw new Error('broken');
        if (key === null || what === 'pass') {
          for (let n = 0; n < times; n++) emit(record).count = n + 1;
          return PASSED;
        }
        const before = store.get(key);
        const row = before ?? store.put(key);
        const { offset } = row.newest;
        row.newest.hold(record);
        row.seen++;
        store.setDue(context.clock.now() + 1_000);
        if (before === undefined) return HELD;
        context.settle(dropped('older'), 1, offset);
        return HELD;
      },
      due(emit) {
        emit.held();
        context.settle(PASSED);
        store.delete();
      },
    };
  },
});
const held = (n: string | number, k: string | null, what?: string): Row => ({
  key: String(n),
  value: { n, k, ...(what === undefined ? {} : { what }) },
});

test('timed: what is due goes on before what comes, each from its own place', () => {
  const all = opened(holding);
  const first = sliceOf([held('a', 'x'), held('b', 'y'), held('c', 'x')], { partition: 1 });
  assert.deepEqual(all.feed(first), [[]]);
  assert.deepEqual(all.told, ['s/holding older events/1@0 ×1']);
  assert.deepEqual(all.counts(), [3, 0, 1, 0, 2, 0]);
  const second = sliceOf([held('d', null), held('e', 'z', 'pass')], { topic: 'more' });
  all.places.length = 0;
  assert.deepEqual(all.feed(second, 1_000), [
    ['c', 'b'],
    ['d', 'e'],
  ]);
  assert.deepEqual(all.places, ['events/1 1000', 'more/0 1000']);
  assert.deepEqual(all.counts(), [5, 4, 1, 0, 0, 4]);
  assert.equal(all.steps.nextDueMs(), Number.POSITIVE_INFINITY);
});

test('timed: nothing goes on before its time, and then with a tick', () => {
  const all = opened(holding);
  all.feed(sliceOf([held('a', 'x')]));
  assert.equal(all.steps.nextDueMs(), START_MS + 1_000);
  assert.deepEqual(all.tick(999), [[]]);
  assert.deepEqual(all.tick(1_000), [['a']]);
  assert.deepEqual(all.tick(1_001), [[]]);
});

test('timed: what was held of two partitions goes on apart', () => {
  const all = opened(holding);
  all.feed(sliceOf([held('a', 'x')], { partition: 1 }));
  all.feed(sliceOf([held('b', 'y')], { partition: 2 }));
  all.places.length = 0;
  assert.deepEqual(all.tick(1_000), [['a'], ['b']]);
  assert.deepEqual(all.places, ['events/1 1000', 'events/2 1000']);
});

test('timed: what is emitted can be changed', () => {
  const all = opened(holding);
  const counts: number[] = [];
  all.onSlice(({ count, n }) => counts.push(...count.subarray(0, n)));
  all.feed(sliceOf([{ value: { n: 'p', k: 'x', what: 'pass', times: 3 } }]));
  assert.deepEqual(counts, [1, 2, 3]);
});

test('timed: more than a slice takes goes on in several', () => {
  const all = opened(holding);
  const rows = Array.from({ length: 600 }, (_, n) => held(n, `k-${String(n).padStart(3, '0')}`));
  all.feed(sliceOf(rows));
  const sent = all.tick(1_000);
  assert.deepEqual(
    sent.map((names) => [names.length, names[0], names.at(-1)]),
    [
      [512, '0', '511'],
      [88, '512', '599'],
    ],
  );
  assert.deepEqual(all.counts(), [600, 600, 0, 0, 0, 600]);
});

test('timed: a record that is passed many times, and one at fault', () => {
  const all = opened(holding);
  const rows = [
    { value: { n: 'p', k: 'x', what: 'pass', times: 513 } },
    held('t', 'x', 'throw'),
    { value: BROKEN },
    held('z', null),
  ];
  const sent = all.feed(sliceOf(rows));
  assert.deepEqual(
    sent.map((names) => names.length),
    [512, 2],
  );
  assert.deepEqual(all.told, ['CAR503 s/holding @2 it is broken', 'CAR506 s/holding @1 broken']);
  assert.deepEqual(all.counts(), [4, 2, 0, 2, 0, 514]);
});

test('timed: two steps in a row, each with its own time', () => {
  const other = { ...holding, type: 'other' };
  const all = opened(holding, other);
  all.feed(sliceOf([held('a', 'x')]));
  assert.deepEqual(all.tick(1_000), [[]], 'the second holds it');
  assert.deepEqual(all.counts(0), [1, 1, 0, 0, 0, 1]);
  assert.deepEqual(all.counts(1), [1, 0, 0, 0, 1, 0]);
  assert.deepEqual(all.tick(2_000), [['a']]);
});

test('timed: what was held comes back held, with its time', () => {
  const before = opened(holding);
  before.feed(sliceOf([held('a', 'x'), held('b', 'y')]));
  const builder = new BatchBuilder('changelog', 0);
  before.steps.steps[0]!.store!.writeChanged(builder, START_MS);
  const after = opened(holding);
  after.steps.steps[0]!.store!.restore(wholeBatch('c', 0, builder.finish().bytes, 0));
  after.steps.restored();
  const { node } = after.steps.steps[0]!;
  assert.deepEqual([node.counts.restored, node.counts.held], [2, 2]);
  assert.equal(after.steps.nextDueMs(), START_MS + 1_000);
  assert.deepEqual(after.steps.heldSchemaIds(), [7]);
  assert.deepEqual(after.tick(1_000), [['a', 'b']]);
  assert.deepEqual(after.counts(), [0, 2, 0, 0, 0, 2]);
});

test('the next due time of a stream is that of the first of its steps', () => {
  const all = opened(holding, { ...holding, type: 'other' });
  all.feed(sliceOf([held('a', 'x')]));
  all.tick(1_000);
  all.feed(sliceOf([held('b', 'x')]), 1_500);
  assert.equal(all.steps.nextDueMs(), START_MS + 2_000);
  all.tick(2_000);
  assert.equal(all.steps.nextDueMs(), START_MS + 2_500);
});

test('a step that says it holds what it does not has a gap, though its counts agree', () => {
  const liar = {
    ...holding,
    open: () => ({ record: () => HELD, due() {} }),
  };
  const all = opened(liar);
  all.feed(sliceOf([held('a', 'x')]));
  assert.deepEqual([all.steps.steps[0]!.gap(), all.steps.steps[0]!.node.gap()], [1, 0]);
});

test('what a step settles without a row of its own is told without an origin', () => {
  const settling = {
    ...holding,
    open: (_config: unknown, { settle, store }: Parameters<typeof holding.open>[1]) => ({
      record(record: Record, _emit: unknown, key: Key | null) {
        store.put(key!).newest.hold(record);
        if (record.value.n !== 'b') return HELD;
        settle(dropped('with'), 1, 40);
        store.delete();
        settle(dropped('without'), 0, 41);
        return HELD;
      },
      due() {},
    }),
  };
  const all = opened(settling);
  all.feed(sliceOf([held('a', 'x'), held('b', 'y')], { partition: 6 }));
  assert.deepEqual(all.told, ['s/holding with events/6@40 ×1', 's/holding without /3@-1 ×0']);
});

test('a timed step needs a store', () => {
  const plan = { name: 'x', spec: holding, config: { by: [] }, store: null };
  const host = { partition: 0, clock: new HandClock(0) } as never;
  const of = { stream: 's', useCase: 'u', steps: [plan] };
  assert.throws(() => new Steps(of, host, { relocate() {} }, 0), /timed step x has no store/);
});

test('a step that declares no rows has no store', () => {
  const curious = defineEach({
    ...base,
    type: 'curious',
    config: {},
    open: (_config, context) => () => {
      assert.throws(() => (context as StepContext<never>).store, /step curious declares no rows/);
      return PASSED;
    },
  });
  assert.deepEqual(opened(curious).feed(sliceOf(rowsOf(1))), [['1']]);
});

test('a step is told where it is, and counts by name', () => {
  const context: unknown[] = [];
  const settling = defineTimed({
    ...base,
    type: 'settling',
    config: BY,
    counts: { seen: 'For a test.' },
    rows: ROWS,
    keyedBy: 'by',
    open(_config, { stream, step, useCase, partition, clock, store, count }) {
      context.push(stream, step, useCase, partition, clock.now() - START_MS);
      return {
        record(record, _emit, key) {
          store.put(key!).newest.hold(record);
          count('seen');
          count('seen', 2);
          return HELD;
        },
        due() {},
      };
    },
  });
  const all = opened(settling);
  all.feed(sliceOf([held('a', 'x')]));
  const { counted } = all.steps.steps[0]!.node.counts;
  assert.deepEqual(context, ['s', 'settling', 'u', 3, 0]);
  assert.deepEqual([...counted], [['seen', 3]]);
});

const custom = (open: (context: StepContext) => Parameters<Subject<Slice>['pipe']>[0]) =>
  defineOperator({
    ...base,
    type: 'custom',
    config: {},
    open: (_config, context) => open(context) as never,
  });

test('an error before the steps, and the end, go through all kinds of them', () => {
  const passing = { ...base, config: {}, open: () => () => PASSED };
  const kinds = [
    defineEach({ ...passing, type: 'each' }),
    defineExpand({ ...passing, type: 'expand' }),
    holding,
    custom(() => map((slice) => slice)),
  ];
  const failed = opened(...kinds);
  failed.input.error(new Error('before'));
  assert.equal(failed.ended, 'error before');
  const ended = opened(...kinds);
  ended.input.complete();
  assert.equal(ended.ended, 'complete');
});

test('a fault of the engine itself ends the stream, later slices do nothing', () => {
  const all = opened(defineEach({ ...base, type: 'each', config: {}, open: () => () => PASSED }));
  all.onSlice(() => {
    throw new Error('the writer is broken');
  });
  const broken = sliceOf(rowsOf(1));
  Object.defineProperty(broken, 'selection', {
    get() {
      throw new Error('torn');
    },
  });
  all.feed(broken);
  assert.equal(all.ended, 'error torn');
});
