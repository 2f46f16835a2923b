/** Who is served when, and until when the scheduler sleeps. Timers are the test's. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { Priorities, RENO_PRIORITIES } from '../core/priority.ts';
import { NEVER } from '../core/store.ts';
import { type Schedulable, Scheduler } from './scheduler.ts';
import type { Unit } from './unit.ts';

const [CRITICAL, HIGH, NORMAL, LOW] = [0, 1, 2, 3];
const TURN_MS = 5;
const ENDLESS = Number.POSITIVE_INFINITY;

/** Tells its name at each slice that it runs, `name?` when it had nothing to do. */
class Task implements Schedulable {
  readonly name: string;
  readonly priority: number;
  work: number;
  wakeMs = NEVER;
  onSlice: () => void = () => {};
  readonly #told: string[];

  constructor(told: string[], name: string, priority: number, work = 0) {
    this.#told = told;
    this.name = name;
    this.priority = priority;
    this.work = work;
  }

  runSlice(): boolean {
    const works = this.work > 0;
    this.#told.push(works ? this.name : `${this.name}?`);
    if (!works) return false;
    this.work--;
    this.onSlice();
    return true;
  }

  nextWakeMs(): number {
    return this.wakeMs;
  }
}

/** Without the slices that found nothing. */
const done = (told: readonly string[]) => told.filter((name) => !name.endsWith('?')).join(' ');

type Of = readonly [name: string, priority: number, work: number];

function opened(...of: readonly Of[]) {
  return openedWith(RENO_PRIORITIES, of);
}

function openedWith(priorities: Priorities, of: readonly Of[]) {
  const clock = new HandClock(0);
  const scheduler = new Scheduler(clock, priorities);
  const told: string[] = [];
  const tasks = of.map(([name, priority, work]) => new Task(told, name, priority, work));
  for (const task of tasks) scheduler.add(task);
  return { clock, scheduler, told, tasks };
}

const c8 = 'c c c c c c c c';
const h4 = 'h h h h';
const n2 = 'n n';

const orders: readonly [what: string, of: readonly Of[], order: string][] = [
  [
    'all have work: 8, 4, 2, 1 in each round',
    [
      ['c', CRITICAL, 20],
      ['h', HIGH, 10],
      ['n', NORMAL, 4],
      ['l', LOW, 3],
    ],
    `${c8} ${h4} ${n2} l ${c8} ${h4} ${n2} l c c c c h h l`,
  ],
  [
    'tasks of one priority have a weight each',
    [
      ['c', CRITICAL, 10],
      ['d', CRITICAL, 9],
      ['l', LOW, 2],
    ],
    `${c8} ${c8.replaceAll('c', 'd')} l c c d l`,
  ],
  [
    'the order of coming does not count, but among equals',
    [
      ['l', LOW, 1],
      ['d', CRITICAL, 1],
      ['n', NORMAL, 1],
      ['c', CRITICAL, 1],
    ],
    'd c n l',
  ],
  ['nobody', [], ''],
];
for (const [what, of, order] of orders) {
  test(`served until nobody has work; ${what}`, () => {
    const { scheduler, told } = opened(...of);
    assert.equal(scheduler.serve(), order !== '');
    assert.equal(done(told), order);
    assert.equal(scheduler.serve(), false);
  });
}

test('weights of a topology that says its own', () => {
  const levels = [
    { name: 'flash', weight: 3, urgent: true },
    { name: 'soon', weight: 1, urgent: false },
  ];
  const { scheduler, told } = openedWith(new Priorities(levels), [
    ['f', 0, 7],
    ['s', 1, 3],
  ]);
  scheduler.serve();
  assert.equal(done(told), 'f f f s f f f s f s');
});

test('a task without work costs no turn: it is asked once a round', () => {
  const { scheduler, told } = opened(['c', CRITICAL, 0], ['h', HIGH, 5], ['l', LOW, 2]);
  scheduler.serve();
  assert.equal(told.join(' '), 'c? h h h h l c? h h? l c? h? l?');
});

test('what has no more work leaves its weight; it is whole again in the next round', () => {
  const { scheduler, told, tasks } = opened(['h', HIGH, 1], ['l', LOW, 2]);
  tasks[1]!.onSlice = () => {
    tasks[0]!.work = 6;
  };
  scheduler.serve();
  assert.equal(told.join(' '), 'h h? l h h h h l h h h h l? h h h? l?');
});

test('urgent ones come first when there is work again after a time without', () => {
  const { scheduler, told, tasks } = opened(['c', CRITICAL, 0], ['n', NORMAL, 3], ['l', LOW, 0]);
  scheduler.serve();
  told.length = 0;
  for (const task of tasks) task.work = 1;
  scheduler.serve();
  assert.equal(done(told), 'c n l');
});

test('a turn is over after 5 ms, and the next goes on where it was', () => {
  const { scheduler, told, tasks, clock } = opened(['c', CRITICAL, 9], ['h', HIGH, 3]);
  for (const task of tasks) task.onSlice = () => clock.moveTo(clock.now() + 1);
  assert.equal(scheduler.serve(), true);
  assert.equal(told.splice(0).join(' '), 'c c c c c');
  assert.equal(scheduler.serve(), true);
  assert.equal(told.splice(0).join(' '), 'c c c h h');
  assert.equal(scheduler.serve(), true);
  assert.equal(told.splice(0).join(' '), 'h h? c c? h?');
});

test('a task that is taken out is served no more, the others are', () => {
  const { scheduler, told, tasks } = opened(['c', CRITICAL, 2], ['h', HIGH, 2], ['l', LOW, 2]);
  const [c] = tasks;
  c!.onSlice = () => scheduler.remove(c!);
  scheduler.serve();
  assert.equal(done(told), 'c h h l l');
  scheduler.remove(c!);
  for (const task of tasks) task.work = 1;
  told.length = 0;
  scheduler.serve();
  assert.equal(done(told), 'h l');
});

// From here on: turns and sleep.

/** The event loop in the hand: `turn` runs what was asked for at once, `pass` moves time. */
function timed(t: TestContext, ...of: readonly Of[]) {
  let asked: (() => void)[] = [];
  const timers = new Map<object, { readonly atMs: number; readonly run: () => void }>();
  t.mock.method(globalThis, 'setImmediate', (run: () => void) => asked.push(run));
  t.mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) => {
    assert.ok(ms >= 1, 'a timer of 0 ms would be a turn without an end');
    const timer = {};
    timers.set(timer, { atMs: all.clock.now() + ms, run });
    return timer;
  });
  t.mock.method(globalThis, 'clearTimeout', (timer: object) => timers.delete(timer));
  const all = opened(...of);
  const turn = () => {
    const runs = asked;
    asked = [];
    for (const run of runs) run();
  };
  const pass = (ms: number) => {
    for (let n = 0; n < ms; n++) {
      all.clock.moveTo(all.clock.now() + 1);
      for (const [timer, { atMs, run }] of [...timers]) {
        if (atMs > all.clock.now()) continue;
        timers.delete(timer);
        run();
      }
      turn();
    }
  };
  return { ...all, pass, turn, since: () => all.told.splice(0).join(' ') };
}

const unitOf = (commitIfDue: () => void, dueMs: () => number) => {
  return { commitIfDue, dueMs } as unknown as Unit;
};

test('a turn comes in a turn of the event loop of its own, and one for many calls', (t) => {
  const { scheduler, turn, since } = timed(t, ['c', CRITICAL, 0]);
  assert.equal(since(), '');
  turn();
  assert.equal(since(), 'c?');
  turn();
  assert.equal(since(), '', 'it sleeps');
  scheduler.wake();
  scheduler.wake();
  assert.equal(since(), '');
  turn();
  assert.equal(since(), 'c?');
});

test('turns follow each other while there is work', (t) => {
  const { turn, since, tasks, clock } = timed(t, ['c', CRITICAL, 7]);
  tasks[0]!.onSlice = () => clock.moveTo(clock.now() + TURN_MS);
  turn();
  const first = since();
  for (let n = 0; n < 9; n++) turn();
  assert.equal(`${first} ${since()}`.trim(), 'c c c c c c c c?');
});

test('a wake in the middle of a turn is another turn', (t) => {
  const { scheduler, turn, since } = timed(t, ['c', CRITICAL, 0]);
  let wakes = 2;
  scheduler.addUnit(
    unitOf(
      () => {
        if (wakes-- > 0) scheduler.wake();
      },
      () => NEVER,
    ),
  );
  for (let n = 0; n < 9; n++) turn();
  assert.equal(since(), 'c? c? c?');
});

const sleeps: readonly [what: string, taskMs: number, unitMs: number, wakesAtMs: number][] = [
  ['the task is due first', 300, 400, 300],
  ['the unit is due first', 300, 200, 200],
  ['it was due already', -5, NEVER, 1],
  ['something is waited for that has a far time', 5_000, NEVER, 1_000],
];
for (const [what, taskMs, unitMs, wakesAtMs] of sleeps) {
  test(`it sleeps until ${wakesAtMs} ms: ${what}`, (t) => {
    const { scheduler, pass, turn, since, tasks } = timed(t, ['c', CRITICAL, 0]);
    tasks[0]!.wakeMs = taskMs;
    let commits = 0;
    scheduler.addUnit(
      unitOf(
        () => void commits++,
        () => unitMs,
      ),
    );
    turn();
    assert.equal(since(), 'c?');
    assert.equal(commits, 1);
    pass(wakesAtMs - 1);
    assert.equal(since(), '');
    pass(1);
    assert.equal(since(), 'c?');
    assert.equal(commits, 2);
  });
}

test('without any time it sleeps until it is woken', (t) => {
  const { scheduler, pass, turn, since } = timed(t, ['c', CRITICAL, 0]);
  turn();
  since();
  pass(3_000);
  assert.equal(since(), '');
  scheduler.wake();
  turn();
  assert.equal(since(), 'c?');
});

test('an earlier wake puts the timer off', (t) => {
  const { scheduler, pass, turn, since, tasks } = timed(t, ['c', CRITICAL, 0]);
  tasks[0]!.wakeMs = 100;
  turn();
  pass(50);
  tasks[0]!.wakeMs = 180;
  scheduler.wake();
  turn();
  assert.equal(since(), 'c? c?');
  pass(129);
  assert.equal(since(), '');
  pass(1);
  assert.equal(since(), 'c?');
});

test('a unit that is taken out is not asked any more', (t) => {
  const { scheduler, turn } = timed(t, ['c', CRITICAL, 0]);
  let asked = 0;
  const unit = unitOf(
    () => void asked++,
    () => NEVER,
  );
  scheduler.addUnit(unit);
  turn();
  scheduler.removeUnit(unit);
  scheduler.wake();
  turn();
  assert.equal(asked, 1);
});

test('nothing runs after stop, whatever was due', (t) => {
  const { scheduler, pass, turn, since, tasks } = timed(t, ['c', CRITICAL, ENDLESS]);
  tasks[0]!.work = 0;
  tasks[0]!.wakeMs = 10;
  turn();
  since();
  scheduler.stop();
  pass(50);
  scheduler.wake();
  turn();
  assert.equal(since(), '');
});

test('a turn that was asked for before stop does not run', (t) => {
  const { scheduler, turn, since } = timed(t, ['c', CRITICAL, 1]);
  scheduler.stop();
  turn();
  assert.equal(since(), '');
});
