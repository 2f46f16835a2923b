/**
 * A timed step that throws, at any place between two things that it does: the record at fault is a
 * dead letter, and nothing else is seen of it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import type { TimedEmit } from '../../core/spec.ts';
import { type Key, NEVER } from '../../core/store.ts';
import { deadLettered, HELD, PASSED } from '../../core/verdict.ts';
import { type Act, type ActingContext, acting, row, type Value } from '../../test/kit/acting.ts';
import { START_MS } from '../../test/kit/drive.ts';
import { opened } from '../../test/kit/operators.ts';
import { type Row, sliceOf } from '../../test/kit/slices.ts';

const SEED = Number(process.env.SEED ?? 5);
/** The rows of the step, and when the next is due. */
function stateOf(all: ReturnType<typeof opened>) {
  const step = all.steps.steps[0]!;
  const rows = [...step.store!.rows()].map(([key, of]) => {
    const { seen, part, newest } = of as { seen: number; part: string; newest: Record };
    const { topic, partition, offset, count, timestamp } = newest;
    const value = newest.valueBytes!.toString('utf8', 5);
    return [key, seen, part, topic, partition, offset, count, timestamp, value];
  });
  return { rows, dueMs: step.rows!.nextDueMs(), held: step.rows!.held };
}

interface Case {
  readonly it: string;
  readonly before?: readonly Row[];
  readonly acts: readonly Act[];
  readonly throwAt: number;
}

const HOLD = row('a', 'x', ['hold']);
const cases: readonly Case[] = [
  { it: 'first of all', acts: ['emit'], throwAt: 1 },
  { it: 'after it sent the record', acts: ['emit'], throwAt: 2 },
  { it: 'after it sent more than a slice takes', acts: ['many'], throwAt: 2 },
  { it: 'after it sent more than two slices take', acts: ['many', 'many'], throwAt: 3 },
  { it: 'after it made a row', acts: ['hold'], throwAt: 2 },
  { it: 'after it held the record', acts: ['hold'], throwAt: 3 },
  { it: 'after it set when the record is due', acts: ['hold'], throwAt: 4 },
  { it: 'before it replaces what it holds', before: [HOLD], acts: ['hold'], throwAt: 2 },
  { it: 'after it replaced what it held', before: [HOLD], acts: ['hold'], throwAt: 3 },
  { it: 'after it replaced it, and the time', before: [HOLD], acts: ['hold'], throwAt: 4 },
  { it: 'after it settled what it replaced', before: [HOLD], acts: ['hold'], throwAt: 5 },
  { it: 'after it replaced it twice', before: [HOLD], acts: ['hold', 'hold'], throwAt: 8 },
  { it: 'after it sent what it held', before: [HOLD], acts: ['release'], throwAt: 2 },
  { it: 'after it sent and settled it', before: [HOLD], acts: ['release'], throwAt: 3 },
  { it: 'after it let it go whole', before: [HOLD], acts: ['release'], throwAt: 4 },
  { it: 'after it let it go and held anew', before: [HOLD], acts: ['release', 'hold'], throwAt: 8 },
  { it: 'after it dropped what it held', before: [HOLD], acts: ['expire'], throwAt: 4 },
  { it: 'after it dropped it, not the row', before: [HOLD], acts: ['expire'], throwAt: 3 },
  { it: 'after it moved the row to the end', before: [HOLD], acts: ['renew'], throwAt: 2 },
  { it: 'after it gave it more time', before: [HOLD], acts: ['later'], throwAt: 2 },
  { it: 'after it counted', acts: ['count', 'emit'], throwAt: 2 },
  {
    it: 'after it let three go and held one',
    before: [HOLD],
    acts: ['release', 'expire', 'release', 'hold', 'emit'],
    throwAt: 14,
  },
];

/** Others that are held, of two partitions, so that order and places can be told. */
const AROUND = [row('y1', 'y', ['hold']), row('z1', 'z', ['hold'])];
const AFTER = [row('v', 'x', ['emit']), row('w', 'z', ['hold']), row('u', 'u', ['hold'])];

/** Where each record that was sent on comes from, and its count: slices may end elsewhere. */
function places(all: ReturnType<typeof opened>): string[] {
  const sent: string[] = [];
  all.onSlice(({ topic, partition, offset, count, selection, selected, clockMs, priority }) => {
    for (const i of selection.subarray(0, selected)) {
      const place = `${topic}/${partition}@${offset[i]}`;
      sent.push(`${place} ×${count[i]} ${clockMs - START_MS} ${priority}`);
    }
  });
  return sent;
}

/** Feeds all; the record in the middle throws, or is one that does nothing. */
function fed(before: readonly Row[], middle: Row) {
  const all = opened(acting);
  const sent = places(all);
  const step = all.steps.steps[0]!;
  const look = () => ({ ...stateOf(all), gap: step.gap() });
  const seen = [
    all.feed(sliceOf([...before, AROUND[0]!], { partition: 1 })).flat(),
    all.feed(sliceOf([AROUND[1]!], { partition: 2 })).flat(),
    all.feed(sliceOf([row('s', 's', ['emit']), middle, ...AFTER], { partition: 3 }), 100).flat(),
    look(),
    all.tick(1_000).flat(),
    look(),
    all.tick(1_100).flat(),
    look(),
    all.tick(9_000).flat(),
  ];
  const { passed, dropped: drops, held, out, counted } = step.node.counts;
  return { seen, sent, told: all.told, counts: { passed, drops, held, out, counted }, all, look };
}

for (const { it, before = [], acts, throwAt } of cases) {
  test(`a step throws ${it}`, () => {
    const broken = fed(before, row('b', 'x', acts, { throwAt }));
    const offset = 1;
    const letter = `CAR506 s/acting @${offset} broken`;
    const nothing = `s/acting nothing events/3@${offset} ×1`;
    const whole = fed(before, row('b', 'x', []));
    // The two differ in the record's own bytes only.
    assert.deepEqual(
      broken.told.filter((told) => told !== letter),
      whole.told.filter((told) => told !== nothing),
    );
    assert.equal(broken.told.filter((told) => told === letter).length, 1);
    assert.deepEqual(broken.seen, whole.seen);
    assert.deepEqual(broken.sent, whole.sent);
    whole.counts.drops.delete('nothing');
    assert.deepEqual(broken.counts, whole.counts);
  });
}

test('a step that throws leaves the changelog as it would be without', () => {
  for (const { before = [], acts, throwAt } of cases) {
    const logs = [row('b', 'x', acts, { throwAt }), row('b', 'x', [])].map((middle) => {
      const all = opened(acting);
      all.feed(sliceOf([...before, ...AROUND, middle, ...AFTER]));
      const builder = new BatchBuilder('changelog', 0);
      all.steps.steps[0]!.store!.writeChanged(builder, START_MS);
      const batch = wholeBatch('changelog', 0, builder.finish().bytes, 0);
      const after = opened(acting);
      after.steps.steps[0]!.store!.restore(batch);
      after.steps.restored();
      assert.deepEqual(stateOf(after), stateOf(all));
      return stateOf(after);
    });
    assert.deepEqual(logs[0], logs[1]);
  }
});

const dues: readonly (readonly [name: string, at: number])[] = [
  ['after it was sent', 1],
  ['after it was settled', 2],
  ['after its row was deleted', 3],
  ['last of all', 4],
];
for (const [name, throwDueAt] of dues) {
  test(`a record that is due, and the step throws ${name}: a dead letter, the others go on`, () => {
    const all = opened(acting);
    const rows = ['a', 'b', 'c'].map((n) => row(n, n, ['hold'], n === 'b' ? { throwDueAt } : {}));
    all.feed(sliceOf(rows, { partition: 4 }));
    assert.deepEqual(all.tick(1_000), [['a', 'c']]);
    assert.deepEqual(all.told, ['CAR506 s/acting @1 broken']);
    assert.deepEqual(all.counts(), [3, 2, 0, 1, 0, 2]);
    assert.deepEqual([...all.steps.steps[0]!.node.counts.counted], [['done', 2]]);
    assert.deepEqual(stateOf(all), { rows: [], dueMs: NEVER, held: 0 });
    assert.deepEqual(all.tick(9_000), [[]]);
    assert.equal(all.ended, '');
  });
}

test('a row that is due and holds nothing: what its step throws ends the stream', () => {
  const hollow = {
    ...acting,
    open: (_config: unknown, { store, clock }: ActingContext) => ({
      record(_record: Record, _emit: TimedEmit, key: Key | null) {
        store.put(key!);
        store.setDue(clock.now() + 1);
        return PASSED;
      },
      due() {
        throw new Error('hollow');
      },
    }),
  };
  const all = opened(hollow);
  all.feed(sliceOf([row('a', 'x', [])]));
  all.tick(1);
  assert.equal(all.ended, 'error hollow');
});

test('what may not be released is refused when it is said, and leaves nothing', () => {
  const wrong = {
    ...acting,
    open: (_config: unknown, { store, settle }: ActingContext) => ({
      record(record: Record, _emit: TimedEmit, key: Key | null) {
        store.put(key!).newest.hold(record);
        settle(deadLettered('CAR506'));
        return HELD;
      },
      due() {},
    }),
  };
  const all = opened(wrong);
  all.feed(sliceOf([row('a', 'x', [])]));
  assert.deepEqual(all.told, ['CAR506 s/acting @0 acting: what was held may be passed or dropped']);
  assert.deepEqual(all.counts(), [1, 0, 0, 1, 0, 0]);
});

const act = fc.constantFrom<Act>(
  'emit',
  'hold',
  'hold',
  'release',
  'expire',
  'renew',
  'later',
  'count',
);
const fedRecord = fc.record({
  k: fc.constantFrom('x', 'y', 'z'),
  acts: fc.array(act, { maxLength: 4 }),
  throwAt: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
});
const feeds = fc.array(
  fc.record({
    partition: fc.integer({ min: 0, max: 1 }),
    stepMs: fc.constantFrom(0, 0, 400, 1_000),
    records: fc.array(fedRecord, { maxLength: 5 }),
    commits: fc.boolean(),
  }),
  { maxLength: 8 },
);

test('any feed with records that throw is that feed without them', () => {
  fc.assert(
    fc.property(feeds, (slices) => {
      const [one, control] = [opened(acting), opened(acting)];
      const [sent, other] = [places(one), places(control)];
      let nowMs = 0;
      let n = 0;
      let throws = 0;
      for (const { partition, stepMs, records, commits } of slices) {
        nowMs += stepMs;
        const rows = records.map(({ k, acts, throwAt }) =>
          row(`${n++}`, k, valid(acts), { throwAt }),
        );
        const before = one.told.length;
        one.feed(sliceOf(rows, { partition }), nowMs);
        const letters = one.told.slice(before).filter((told) => told.startsWith('CAR506'));
        const broken = new Set(letters.map((told) => Number(/@(\d+)/.exec(told)![1])));
        throws += broken.size;
        const without = rows.map((of, i) =>
          broken.has(i) ? { ...of, value: { ...(of.value as Value), acts: [], throwAt: 0 } } : of,
        );
        control.feed(sliceOf(without, { partition }), nowMs);
        assert.deepEqual(sent, other);
        assert.deepEqual(stateOf(one), stateOf(control));
        assert.deepEqual([one.counts()[4], one.counts()[3]], [control.counts()[4], throws]);
        if (!commits) continue;
        const [a, b] = [one, control].map((all) => {
          const builder = new BatchBuilder('changelog', 0);
          all.steps.steps[0]!.store!.writeChanged(builder, START_MS);
          return readBatch(wholeBatch('changelog', 0, builder.finish().bytes, 0)).map(
            ({ key, valueBytes }) => `${key} ${valueBytes?.toString('hex')}`,
          );
        });
        // What was undone may be written once more, as it was.
        const extra = new Set(a);
        for (const line of b!) assert.ok(extra.has(line), line);
      }
    }),
    { seed: SEED, numRuns: 400 },
  );
});

/** One verdict a record: it is sent on once, or held once, or neither. */
function valid(acts: readonly Act[]): readonly Act[] {
  const fate = acts.findIndex((one) => one === 'emit' || one === 'hold');
  return acts.filter((one, i) => i === fate || (one !== 'emit' && one !== 'hold'));
}

for (const [name, throwAt] of [
  ['is kept', 0],
  ['is undone', 5],
] as const) {
  test(`what ${name} gives its memory back`, () => {
    const all = opened(acting);
    const { rows } = all.steps.steps[0]!;
    const value = { n: 'n'.repeat(2_000), k: 'x', acts: ['hold'] };
    const once = () => all.feed(sliceOf([HOLD, { value: { ...value, throwAt } }]));
    once();
    for (let n = 0; n < 300; n++) once();
    assert.ok(rows!.bytes < 600_000, `${rows!.bytes} bytes for one row of 2 KB`);
  });
}

test('what was done between records is not undone with the next one', () => {
  const all = opened(acting);
  const due = { throwDueAt: 2 };
  const rows = ['a', 'b', 'c'].map((n) => row(n, n, ['hold'], n === 'c' ? {} : due));
  all.feed(sliceOf(rows));
  // The row of `a` is deleted after its step threw; then that of `b` throws.
  assert.deepEqual(all.tick(1_000), [['c']]);
  assert.deepEqual(all.told, ['CAR506 s/acting @0 broken', 'CAR506 s/acting @1 broken']);
  assert.deepEqual(stateOf(all), { rows: [], dueMs: NEVER, held: 0 });
  assert.deepEqual(all.counts(), [3, 1, 0, 2, 0, 1]);
});
