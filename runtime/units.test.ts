/** Units of tasks that are set by hand: when they commit, what, and what a slow log holds up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import type { CommitUnit, UnitPart, UnitPort } from '../core/log.ts';
import { NEVER } from '../core/store.ts';
import { type CommitPolicy, Unit, Units, type UnitTask } from './unit.ts';

const POLICY: CommitPolicy = { minMs: 25, maxMs: 100, recordsMax: 10 };
const START_MS = 1_000;

class Task implements UnitTask {
  readonly partition: number;
  uncommitted = 0;
  hasOutputs = true;
  quiet = true;
  /** A broken invariant: it gives nothing. */
  broken = false;
  givenBack = 0;

  constructor(partition: number) {
    this.partition = partition;
  }

  takePart(): UnitPart | null {
    if (this.uncommitted === 0 || this.broken) return null;
    const offsets = [{ topic: 'in', offset: this.uncommitted, metadata: '' }];
    this.uncommitted = 0;
    return { partition: this.partition, batches: [], offsets };
  }

  giveBack(): void {
    this.givenBack++;
  }
}

/** A log that answers when it is told to, or at once. */
function opened(policy: CommitPolicy = POLICY, answers: 'at once' | 'later' = 'at once') {
  const clock = new HandClock(START_MS);
  const units: string[] = [];
  const waiting: PromiseWithResolvers<void>[] = [];
  let wakes = 0;
  const state = { refuses: false };
  const port: UnitPort = {
    commit({ parts }: CommitUnit) {
      if (state.refuses) throw new Error('the log is closed');
      units.push(
        parts.map(({ partition, offsets }) => `${partition}@${offsets[0]!.offset}`).join(),
      );
      if (answers === 'at once') return undefined;
      waiting.push(Promise.withResolvers());
      return waiting.at(-1)!.promise;
    },
  };
  const unit = new Unit(port, policy, clock, () => void wakes++);
  const task = new Task(0);
  unit.add(task);
  const at = (ms: number) => clock.moveTo(START_MS + ms);
  return { unit, task, clock, units, waiting, port, state, at, wakes: () => wakes };
}

interface Due {
  readonly what: string;
  readonly uncommitted: number;
  readonly quiet?: boolean;
  readonly outputs?: boolean;
  readonly offsetsOnlyMs?: number;
  /** When the last commit ended, and when the first record since was seen. */
  readonly lastMs?: number;
  readonly firstMs?: number;
  readonly minMs?: number;
  readonly due: number;
}

const dues: readonly Due[] = [
  { what: 'nothing was done', uncommitted: 0, due: NEVER },
  { what: 'quiet, long after the last', uncommitted: 1, lastMs: 0, firstMs: 60, due: 25 },
  { what: 'quiet, soon after the last', uncommitted: 1, lastMs: 50, firstMs: 60, due: 75 },
  { what: 'quiet, but later than at the latest', uncommitted: 1, minMs: 500, due: 160 },
  { what: 'busy', uncommitted: 1, quiet: false, lastMs: 50, firstMs: 60, due: 160 },
  { what: 'one record too few', uncommitted: 9, quiet: false, firstMs: 60, due: 160 },
  { what: 'so many records', uncommitted: 10, quiet: false, firstMs: 60, due: -START_MS },
  { what: 'offsets, which have no time', uncommitted: 1, outputs: false, lastMs: 50, due: 75 },
  {
    what: 'offsets alone',
    uncommitted: 1,
    outputs: false,
    offsetsOnlyMs: 1_000,
    firstMs: 60,
    due: 1_060,
  },
  {
    what: 'outputs, though offsets have a time',
    uncommitted: 1,
    offsetsOnlyMs: 1_000,
    lastMs: 50,
    firstMs: 60,
    due: 75,
  },
  {
    what: 'so many offsets',
    uncommitted: 10,
    outputs: false,
    offsetsOnlyMs: 1_000,
    due: -START_MS,
  },
];
for (const row of dues) {
  test(`due: ${row.what}`, () => {
    const { offsetsOnlyMs } = row;
    const of = { ...POLICY, minMs: row.minMs ?? POLICY.minMs };
    const policy = offsetsOnlyMs === undefined ? of : { ...of, offsetsOnlyMs };
    const { unit, task, at, units } = opened(policy);
    at(row.lastMs ?? 0);
    task.uncommitted = 1;
    unit.commit();
    at(row.firstMs ?? 60);
    task.uncommitted = row.uncommitted;
    task.quiet = row.quiet ?? true;
    task.hasOutputs = row.outputs ?? true;
    assert.equal(unit.dueMs() - START_MS, row.due);
    at((row.firstMs ?? 60) + 5);
    assert.equal(unit.dueMs() - START_MS, row.due, 'it counts from the first');
    if (row.due < 65) {
      unit.commitIfDue();
      assert.equal(units.length, row.due === NEVER ? 1 : 2);
      return;
    }
    if (row.due === NEVER) return;
    at(row.due - 1);
    unit.commitIfDue();
    assert.equal(units.length, 1);
    at(row.due);
    unit.commitIfDue();
    assert.equal(units.length, 2);
  });
}

test('the first record is that since the last commit', () => {
  const { unit, task, at } = opened();
  task.quiet = false;
  task.uncommitted = 1;
  assert.equal(unit.dueMs(), START_MS + 100);
  at(40);
  unit.commit();
  task.uncommitted = 1;
  at(70);
  assert.equal(unit.dueMs(), START_MS + 170);
  task.uncommitted = 0;
  assert.equal(unit.dueMs(), NEVER);
  at(90);
  task.uncommitted = 1;
  assert.equal(unit.dueMs(), START_MS + 190, 'what is not there any more does not count');
});

test('all tasks count, and all that have a part are in one unit', () => {
  const { unit, task, units, at } = opened();
  const other = new Task(1);
  const idle = new Task(2);
  unit.add(other);
  unit.add(idle);
  task.uncommitted = 4;
  other.uncommitted = 5;
  other.quiet = false;
  at(30);
  assert.equal(unit.dueMs(), START_MS + 130, 'one is not quiet');
  other.uncommitted = 6;
  assert.equal(unit.dueMs(), 0, 'ten together');
  task.hasOutputs = false;
  unit.commit();
  assert.deepEqual(units, ['0@4,1@6']);
  task.uncommitted = 1;
  task.broken = true;
  assert.equal(unit.commit(), undefined);
  assert.deepEqual(units, ['0@4,1@6'], 'there is nothing to commit');
});

test('offsets of one go with the outputs of another', () => {
  const { unit, task, at } = opened({ ...POLICY, offsetsOnlyMs: 1_000 });
  const other = new Task(1);
  unit.add(other);
  task.uncommitted = 1;
  task.hasOutputs = false;
  other.hasOutputs = false;
  at(30);
  assert.equal(unit.dueMs(), START_MS + 1_030);
  other.hasOutputs = true;
  assert.equal(unit.dueMs(), POLICY.minMs, 'there was no commit before');
});

test('a task gets its bytes back when the log is done with them, and only then', async () => {
  interface Row {
    readonly givesBack?: boolean;
    readonly answers: 'at once' | 'later';
    readonly rejects?: boolean;
    readonly back: number;
  }
  const rows: readonly Row[] = [
    { givesBack: true, answers: 'later', back: 1 },
    { givesBack: true, answers: 'at once', back: 1 },
    { givesBack: true, answers: 'later', rejects: true, back: 0 },
    { givesBack: false, answers: 'later', back: 0 },
    { answers: 'at once', back: 0 },
  ];
  for (const { givesBack, answers, rejects = false, back } of rows) {
    const { unit, task, waiting, port } = opened(POLICY, answers);
    Object.assign(port, { givesBack });
    const other = new Task(1);
    unit.add(other);
    task.uncommitted = 1;
    const committing = unit.commit();
    if (answers === 'later') {
      assert.equal(task.givenBack, 0, 'it is under way');
      if (rejects) waiting[0]!.reject(new Error('lost'));
      else waiting[0]!.resolve();
      await committing;
    }
    assert.equal(task.givenBack, back, JSON.stringify({ givesBack, answers, rejects }));
    assert.equal(other.givenBack, 0, 'it had no part');
  }
});

test('a slow commit: tasks go on until so much waits, and the next comes after it', async () => {
  const { unit, task, at, units, waiting, wakes } = opened(POLICY, 'later');
  at(30);
  task.uncommitted = 3;
  assert.equal(unit.committing, false);
  const first = unit.commit();
  assert.equal(unit.committing, true);
  task.uncommitted = 9;
  assert.equal(unit.full, false);
  assert.equal(unit.dueMs(), NEVER);
  task.uncommitted = 10;
  assert.equal(unit.full, true);
  unit.commitIfDue();
  assert.deepEqual(units, ['0@3']);
  const second = unit.commit();
  at(80);
  waiting[0]!.resolve();
  await first;
  assert.equal(wakes(), 1);
  while (waiting.length < 2) await Promise.resolve();
  at(90);
  waiting[1]!.resolve();
  await second;
  assert.deepEqual(units, ['0@3', '0@10']);
  assert.equal(unit.committing, false);
  assert.equal(unit.full, false);
  task.uncommitted = 1;
  assert.equal(unit.dueMs(), START_MS + 115, 'quiet time counts from the end of a commit');
});

test('without a commit under way nobody is full, however much there is', () => {
  const { unit, task } = opened();
  task.uncommitted = 1_000;
  assert.equal(unit.full, false);
});

test('a commit that is lost wakes the others, and the next is tried', async () => {
  const { unit, task, units, waiting, wakes } = opened(POLICY, 'later');
  task.uncommitted = 1;
  const lost = unit.commit();
  waiting[0]!.reject(new Error('fenced'));
  await lost;
  assert.deepEqual([unit.committing, wakes()], [false, 1]);
  task.uncommitted = 2;
  unit.commitIfDue();
  const next = unit.commit();
  waiting[1]?.resolve();
  await next;
  assert.deepEqual(units, ['0@1', '0@2']);
});

test('a log that throws has lost the unit: its tasks are closed by it', () => {
  const { unit, task, units, state } = opened();
  state.refuses = true;
  task.uncommitted = 1;
  assert.equal(unit.commit(), undefined);
  assert.equal(unit.committing, false);
  assert.equal(unit.dueMs(), NEVER);
  state.refuses = false;
  task.uncommitted = 2;
  unit.commit();
  assert.deepEqual(units, ['0@2']);
});

test('settle waits for the commit under way, and commits the rest', async () => {
  const { unit, task, units, waiting } = opened(POLICY, 'later');
  task.uncommitted = 1;
  void unit.commit();
  task.uncommitted = 2;
  let settled = false;
  const settling = unit.settle().then(() => {
    settled = true;
  });
  waiting[0]!.resolve();
  while (waiting.length < 2) await Promise.resolve();
  assert.equal(settled, false);
  waiting[1]!.resolve();
  await settling;
  assert.deepEqual(units, ['0@1', '0@2']);
});

test('settle of a unit that has done nothing commits nothing', async () => {
  const { unit, units } = opened();
  await unit.settle();
  assert.deepEqual(units, []);
});

test('a group has a unit for each member, as long as it has tasks', () => {
  const { port, clock } = opened();
  const other: UnitPort = { commit: () => undefined };
  const served: string[] = [];
  const names = new Map<Unit, string>();
  const units = new Units(
    (of) => {
      const unit = new Unit(of, POLICY, clock, () => {});
      names.set(unit, `u${names.size}`);
      return unit;
    },
    {
      addUnit: (unit) => void served.push(`+${names.get(unit)}`),
      removeUnit: (unit) => void served.push(`-${names.get(unit)}`),
    },
  );
  const [a, b, c] = [new Task(0), new Task(1), new Task(2)];
  units.add(port, a);
  units.add(port, b);
  units.add(other, c);
  assert.equal(units.of(port), units.of(port));
  assert.equal([...units.all].length, 2);
  units.remove(port, a);
  assert.deepEqual(served, ['+u0', '+u1']);
  b.uncommitted = 10;
  assert.equal(units.of(port).dueMs(), 0);
  units.remove(port, b);
  units.remove(port, b);
  assert.deepEqual(served, ['+u0', '+u1', '-u0']);
  assert.deepEqual([...units.all], [units.of(other)]);
  units.of(port);
  assert.deepEqual(served, ['+u0', '+u1', '-u0', '+u2']);
});
