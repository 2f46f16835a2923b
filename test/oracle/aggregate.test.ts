/**
 * Aggregates answer as Kafka Streams has answered the same programs (`npm run oracle` recorded it),
 * and the same with any size of batches and with restarts in between. What differs is named here
 * and in docs/kafka-streams.md, and is really met by some program.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../sim/chance.ts';
import { type AggregateProgram, LAST_KEY } from './aggregate-programs.ts';
import { type Compared, lastOf, surplus } from './answered.ts';
import { type DrivenAnswers, driveAggregate } from './driven-aggregate.ts';
import { type Answer, type Recorded, readRecorded } from './program.ts';

const PROGRAMS_MIN = 200;
/** Programs of one test, so that none takes long. */
const PART = 40;
/** Programs that are run again in other ways: each tenth. */
const AGAIN_EVERY = 10;

const { seed, all } = readRecorded<AggregateProgram>('aggregate');

const asCompared = (answer: readonly unknown[], atMs: number): Compared => {
  const [key, start, end, values] = answer;
  const of = start === null ? `${key}` : `${key} [${start},${end}]`;
  return { of, says: values === null ? null : `${JSON.stringify(values)} @${atMs}` };
};

/** How often each named difference was met. */
const met = { 'S16 told twice': 0, 'S20 same session': 0, 'S22 told again': 0 };

/** S16: a window that is both behind the record before and the record's own is told once. */
function withoutTwice(answers: readonly Answer[]): Answer[] {
  const kept = answers.filter((one, at) => {
    return at === 0 || JSON.stringify(answers[at - 1]) !== JSON.stringify(one);
  });
  met['S16 told twice'] += answers.length - kept.length;
  return kept;
}

/** S20: a session is not told to be gone where it is only told anew. */
function withoutSameSession(answers: readonly Answer[]): Compared[] {
  const kept: Compared[] = [];
  for (const [at, [n, atMs, answer]] of answers.entries()) {
    const next = answers[at + 1];
    const one = asCompared(answer, atMs);
    const isToldAnew =
      next !== undefined && next[0] === n && asCompared(next[2], next[1]).of === one.of;
    if (one.says === null && isToldAnew) met['S20 same session']++;
    else kept.push(one);
  }
  return kept;
}

type Bounded = readonly [key: string, start: number, end: number, ...rest: unknown[]];

/**
 * S22: what was told as final, and then told again: the same window with one more record, or a
 * session that has become part of another one.
 */
function withoutToldAgain(answers: readonly Answer[]): Answer[] {
  const kept = answers.filter(([, , answer], at) => {
    const [key, start, end] = answer as unknown as Bounded;
    return !answers.slice(at + 1).some(([, , later]) => {
      const [other, from, to] = later as unknown as Bounded;
      return other === key && from <= start && end <= to;
    });
  });
  met['S22 told again'] += answers.length - kept.length;
  return kept;
}

function theirs({ program, answers }: Recorded<AggregateProgram>): Compared[] {
  const { emit, window } = program;
  const isInclusive = window[0] === 'session' || window[0] === 'sliding';
  const all = withoutTwice(answers.filter(([, , answer]) => answer[0] !== LAST_KEY));
  return withoutSameSession(emit === 'final' && isInclusive ? withoutToldAgain(all) : all);
}

const ours = ({ answers }: DrivenAnswers): Compared[] =>
  answers
    .filter(({ answer }) => answer[0] !== LAST_KEY)
    .map(({ atMs, answer }) => asCompared(answer, atMs));

const nameOf = ({ window, grace, emit }: AggregateProgram, n: number) =>
  `${n}: ${window.join(' ')}, grace ${grace}, ${emit}`;

for (let from = 0; from < all.length; from += PART) {
  test(`seed ${seed}, programs from ${from} on: as Kafka Streams`, async () => {
    for (const [n, recorded] of all.slice(from, from + PART).entries()) {
      const driven = await driveAggregate(recorded.program, { commitEvery: 1 });
      const [own, other] = [ours(driven), theirs(recorded)];
      assert.deepEqual(surplus(own, other), [], nameOf(recorded.program, from + n));
      assert.deepEqual([...lastOf(own)].sort(), [...lastOf(other)].sort());
    }
  });
}

test('there are enough programs, and each named difference was met', (t) => {
  assert.ok(all.length >= PROGRAMS_MIN);
  for (const [difference, times] of Object.entries(met)) {
    t.diagnostic(`${difference}: ${times}`);
    assert.ok(times > 0, `${difference}: never met, so it is no difference`);
  }
});

test('programs of all kinds are among them, and each of their records has its fate', async () => {
  const kinds = new Map<string, number>();
  const fates = new Map<string, number>();
  const count = (of: Map<string, number>, name: string, by = 1) =>
    of.set(name, (of.get(name) ?? 0) + by);
  for (const { program } of all) {
    count(kinds, `${program.window[0]} ${program.emit}`);
    if (program.grace > 0) continue;
    const { totals } = await driveAggregate(program, { commitEvery: 7 });
    for (const [reason, n] of Object.entries(totals.dropped)) count(fates, reason, n);
    count(fates, 'dead letters', totals.dead_letters);
    assert.equal(totals.in, program.records.length);
  }
  assert.equal(kinds.size, 9, [...kinds.keys()].join());
  for (const fate of ['late', 'dead letters']) assert.ok(fates.get(fate)! > 20, fate);
});

const again = all.filter((_, n) => n % AGAIN_EVERY === 0);

test('batches of 1, 7 and 1000, and restarts: the same answers and the same state', async () => {
  for (const [n, { program }] of again.entries()) {
    const chance = new Chance(seed + n);
    const restartsBefore = new Map<number, 'restart' | 'crash'>();
    for (const [at] of program.records.entries()) {
      if (chance.is(0.2)) restartsBefore.set(at, chance.pick(['restart', 'crash']));
    }
    const plain = await driveAggregate(program, { commitEvery: 1 });
    for (const options of [
      { commitEvery: 7 },
      { commitEvery: 1_000 },
      { commitEvery: 1, restartsBefore },
      { commitEvery: 7, restartsBefore },
    ]) {
      const { answers, rows } = await driveAggregate(program, options);
      assert.deepEqual({ answers, rows }, { answers: plain.answers, rows: plain.rows });
    }
  }
});
