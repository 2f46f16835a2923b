/** Steps of one's own that do what no step may: the record is at fault, and it is said why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../../core/record.ts';
import {
  defineEach,
  defineExpand,
  defineTimed,
  type StepContext,
  type StepSpec,
  type TimedEmit,
} from '../../core/spec.ts';
import { columns, type Key } from '../../core/store.ts';
import { deadLettered, dropped, HELD, PASSED } from '../../core/verdict.ts';
import { BY, base, nameOf, opened } from '../../test/kit/operators.ts';
import { type Row, sliceOf } from '../../test/kit/slices.ts';

const rowsOf = (...names: readonly string[]): Row[] =>
  names.map((n) => ({ key: n, value: { n, k: n } }));

const declared = {
  ...base,
  type: 'own',
  version: '1',
  config: BY,
  drops: { late: 'For a test.' },
  deadLetters: { TOO_BAD: 'For a test.' },
  counts: { seen: 'For a test.' },
} as const;
type Own = StepContext<never, 'late', 'seen'>;

/** What it does with the record `b`; it lets the others through. */
const each = (work: (record: Record, context: Own) => unknown): StepSpec =>
  defineEach({
    ...declared,
    open: (_config, context) => (record) =>
      (nameOf(record) === 'b' ? work(record, context as never) : PASSED) as never,
  });
const expand = (work: () => unknown): StepSpec =>
  defineExpand({
    ...declared,
    open: () => (record, emit) => {
      emit(record);
      return (nameOf(record) === 'b' ? work() : PASSED) as never;
    },
  });

const forEver = () => {
  for (;;);
};

const faults: readonly (readonly [it: string, spec: StepSpec, letter: string])[] = [
  ['gives nothing', each(() => undefined), 'CAR675 the step gave undefined, not a verdict'],
  ['gives a truth', each(() => true), 'CAR675 the step gave a boolean, not a verdict'],
  ['gives a text', each(() => 'passed'), 'CAR675 the step gave "passed", not a verdict'],
  ['is asynchronous', each(async () => PASSED), 'CAR675 the step gave a promise, not a verdict'],
  [
    'is asynchronous and fails',
    each(async () => {
      throw new Error('later');
    }),
    'CAR675 the step gave a promise, not a verdict',
  ],
  [
    'gives a foreign object',
    each(() => ({ kind: 'sent' })),
    'CAR675 the step gave an object, not a verdict',
  ],
  [
    'holds, and has no rows',
    each(() => HELD),
    'CAR675 the step says HELD, which only a timed step may',
  ],
  [
    'drops with another reason',
    each(() => dropped('lost')),
    'CAR675 the step drops as "lost", which its drops lack',
  ],
  [
    'refuses with another code',
    each(() => deadLettered('WORSE')),
    'CAR675 the step refuses with "WORSE", which its deadLetters lack',
  ],
  [
    'counts what it does not declare',
    each((_record, { count }) => count('saw' as never)),
    'CAR675 the step counts "saw", which its counts lack',
  ],
  [
    'counts backwards',
    each((_record, { count }) => count('seen', -1)),
    'CAR675 the step counts -1 of seen',
  ],
  ['does not return', each(forEver), 'CAR676 the step has not returned within 200 ms'],
  [
    'backtracks for ever',
    each(() => /^(?:a+)+$/.test(`${'a'.repeat(64)}b`)),
    'CAR676 the step has not returned within 200 ms',
  ],
  [
    'sends and gives nothing',
    expand(() => undefined),
    'CAR675 the step gave undefined, not a verdict',
  ],
  ['sends and does not return', expand(forEver), 'CAR676 the step has not returned within 200 ms'],
  [
    'throws',
    each(() => {
      throw new Error('broken');
    }),
    'CAR506 broken',
  ],
];

for (const [it, spec, letter] of faults) {
  test(`a step of one's own that ${it}: a dead letter, the others go on`, () => {
    const all = opened(spec);
    assert.deepEqual(all.feed(sliceOf(rowsOf('a', 'b', 'c'))), [['a', 'c']]);
    assert.deepEqual(all.told, [letter.replace(/^(CAR\d+) /, '$1 s/own @1 ')]);
    assert.deepEqual(all.counts(), [3, 2, 0, 1, 0, 2]);
    assert.deepEqual([...all.steps.steps[0]!.node.counts.counted], []);
    assert.equal(all.ended, '');
  });
}

test('what it declares it may do', () => {
  for (const [verdict, told] of [
    [dropped('late'), 's/own late events/0@1 ×1'],
    [deadLettered('TOO_BAD'), 'TOO_BAD s/own @1 refused by the step'],
  ] as const) {
    const all = opened(
      each((_record, { count }) => {
        count('seen', 2);
        return verdict;
      }),
    );
    assert.deepEqual(all.feed(sliceOf(rowsOf('a', 'b'))), [['a']]);
    assert.deepEqual(all.told, [told]);
    assert.deepEqual([...all.steps.steps[0]!.node.counts.counted], [['seen', 2]]);
  }
});

test('a slow slice is no loop: each record has its full time', () => {
  // Four turns of more than half of what one may take.
  const slow = (record: Record) => {
    const endMs = performance.now() + 150;
    while (performance.now() < endMs);
    return nameOf(record) === '' ? HELD : PASSED;
  };
  const all = opened(defineEach({ ...declared, open: () => slow as never }));
  assert.deepEqual(all.feed(sliceOf(rowsOf('a', 'b', 'c', 'd'))), [['a', 'b', 'c', 'd']]);
  assert.deepEqual(all.told, []);
});

const ROWS = columns({ newest: 'record' });
type Timed = StepContext<typeof ROWS, 'late', 'seen'>;
const timed = (
  record: (record: Record, context: Timed, key: Key, emit: TimedEmit) => unknown,
  due: (context: Timed, emit: TimedEmit) => void = () => {},
): StepSpec =>
  defineTimed({
    ...declared,
    rows: ROWS,
    keyedBy: 'by',
    open: (_config, context) => ({
      record: (given, emit, key) => record(given, context as Timed, key!, emit) as never,
      due: (emit) => due(context as Timed, emit),
    }),
  });
const hold = (record: Record, { store, clock }: Timed, key: Key, _emit?: TimedEmit) => {
  store.put(key).newest.hold(record);
  store.setDue(clock.now() + 1_000);
  return HELD;
};

const imbalances: readonly (readonly [it: string, spec: StepSpec, why: string])[] = [
  [
    'says that it holds, and does not',
    timed(() => HELD),
    'the step says that it holds 1 record(s) more, but its rows hold 0 record(s) more',
  ],
  [
    'holds, and says that it passed',
    timed((record, context, key) => {
      hold(record, context, key);
      return PASSED;
    }),
    'the step says that it holds as many records as before, but its rows hold 1 record(s) more',
  ],
  [
    'lets go of what it does not hold',
    timed((_record, { settle }) => {
      settle(PASSED);
      return PASSED;
    }),
    'the step says that it has let 1 record(s) go, but its rows hold 0 record(s) more',
  ],
  [
    'lets go with a reason of its own',
    timed((record, context, key) => {
      context.settle(dropped('lost' as 'late'));
      return hold(record, context, key);
    }),
    'the step drops as "lost", which its drops lack',
  ],
];

for (const [it, spec, why] of imbalances) {
  test(`a timed step of one's own that ${it}`, () => {
    const all = opened(spec);
    assert.deepEqual(all.feed(sliceOf(rowsOf('a'))), [[]]);
    assert.deepEqual(all.told, [`CAR675 s/own @0 ${why}`]);
    assert.deepEqual(all.counts(), [1, 0, 0, 1, 0, 0]);
  });
}

test('a timed step that forgets one that is due: that one is the dead letter', () => {
  const all = opened(
    timed(hold, ({ store }, emit) => {
      emit.held();
      store.delete();
    }),
  );
  all.feed(sliceOf(rowsOf('a')));
  assert.deepEqual(all.tick(1_000), [[]]);
  assert.deepEqual(all.told, [
    'CAR675 s/own @0 the step says that it holds as many records as before, but its rows hold 1 record(s) less',
  ]);
  assert.deepEqual(all.counts(), [1, 0, 0, 1, 0, 0]);
});

const halfDone = /^error CAR679 state-half-changed: the step has not returned within 200 ms/;
for (const [it, spec] of [
  ['record', timed((...given) => hold(...given) && forEver())],
  ['row that is due', timed(hold, forEver)],
] as const) {
  test(`CAR679: a step with state that does not return from a ${it} ends the stream`, () => {
    const all = opened(spec);
    all.feed(sliceOf(rowsOf('a')));
    if (all.ended === '') all.tick(1_000);
    assert.match(all.ended, halfDone);
  });
}

for (const [it, open, why] of [
  [
    'throws',
    () => {
      throw new Error('no key');
    },
    'its open threw: no key.',
  ],
  ['gives nothing', () => undefined, 'its open gave undefined, not a function.'],
  ['does not return', forEver, 'its open threw: it does not return.'],
] as const) {
  test(`CAR677: a step whose open ${it} is not opened`, () => {
    assert.throws(() => opened(defineEach({ ...declared, open: open as never })), {
      code: 'CAR677',
      what: why,
      where: { at: 's/own' },
    });
  });
}

test('CAR677: a timed step needs both of its functions', () => {
  const half = { record: () => PASSED };
  const spec = defineTimed({ ...declared, rows: ROWS, open: () => half as never });
  assert.throws(() => opened(spec), {
    code: 'CAR677',
    what: 'its open gave an object, not an object of record and due.',
  });
});
