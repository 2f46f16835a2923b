/**
 * Joins of two tables answer as Kafka Streams has answered the same programs (`npm run oracle`
 * recorded it): by their keys and by a foreign key, with any size of batches, with three
 * partitions, and with restarts in between. What differs is named here and in
 * docs/kafka-streams.md, and is really met by some program.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import { Chance } from '../sim/chance.ts';
import { type Compared, lastOf, surplus } from './answered.ts';
import { driveTables, type TableProgram } from './driven-table.ts';
import { type Answer, type Recorded, readRecorded } from './program.ts';
import type { ForeignJoinProgram, TablePairProgram } from './table-programs.ts';

const PAIR_PROGRAMS_MIN = 90;
const FOREIGN_PROGRAMS_MIN = 120;
/** Programs of one test, so that none takes long. */
const PART = 30;
/** Programs that are run again in other ways: each tenth. */
const AGAIN_EVERY = 10;
/** How far ahead of the clock what is written may be. */
const AHEAD_MS = 600_000;

const pairs = readRecorded<TablePairProgram>('table-pair');
const foreign = readRecorded<ForeignJoinProgram>('foreign-join');

/** How often each named difference was met. */
const met = {
  'a time far ahead': 0,
  'gone though never told': 0,
  'gone at the time of a right row': 0,
};

const isGone = ([, , says]: Answer) => says.length === 1;

const asCompared = ([, atMs, [key, left, right]]: Answer): Compared => {
  return { of: `${key}`, says: left === undefined ? `gone @${atMs}` : `${left}+${right} @${atMs}` };
};

/** As `asCompared`, for what is left in the end: a row that is gone is no more. */
const asRow = (answer: Answer): Compared =>
  isGone(answer) ? { ...asCompared(answer), says: null } : asCompared(answer);

/** What stands of their answers beside ours. */
function standing({ program, answers }: Recorded<TableProgram>, ours: readonly Answer[]): Answer[] {
  const latestMs = DRIVER_START_MS + AHEAD_MS - program.base;
  const isThere = new Set<unknown>();
  const gone = new Map<unknown, number[]>();
  for (const [, atMs, [key, ...row]] of ours) {
    if (row.length === 0) gone.set(key, [...(gone.get(key) ?? []), atMs]);
  }
  return answers.flatMap((answer): Answer[] => {
    const [n, atMs, says] = answer;
    const [key] = says;
    if (isGone(answer) && !isThere.has(key)) {
      met['gone though never told']++;
      return [];
    }
    if (isGone(answer)) isThere.delete(key);
    else isThere.add(key);
    if (atMs > latestMs) met['a time far ahead']++;
    const time = Math.min(atMs, latestMs);
    const ourMs = isGone(answer) ? gone.get(key)?.shift() : undefined;
    if (ourMs === undefined || ourMs >= time || program.kind !== 'foreign-join') {
      return [[n, time, says]];
    }
    met['gone at the time of a right row']++;
    return [[n, ourMs, says]];
  });
}

const told = ({ records: _, ...of }: TableProgram) => JSON.stringify(of);

for (const { seed, all } of [pairs, foreign] as const) {
  for (let from = 0; from < all.length; from += PART) {
    const { kind } = all[from]!.program;
    test(`${kind}, seed ${seed}, programs from ${from} on: as Kafka Streams`, async () => {
      for (const recorded of all.slice(from, from + PART) as readonly Recorded<TableProgram>[]) {
        const { program } = recorded;
        const { answers, letters } = await driveTables(program, { commitEvery: 1 });
        const theirs = standing(recorded, answers);
        const what = told(program);
        assert.deepEqual(surplus(answers.map(asCompared), theirs.map(asCompared)), [], what);
        const rows = [answers, theirs].map((one) => [...lastOf(one.map(asRow))].sort());
        assert.deepEqual(rows[0], rows[1], what);
        // Kafka Streams skips a row without a key; here it is a dead letter.
        const keyless = program.records.filter(([, key]) => key === null);
        assert.equal(letters.length, keyless.length);
      }
    });
  }
}

test('there are enough programs of each type, and each named difference was met', (t) => {
  assert.ok(pairs.all.length >= PAIR_PROGRAMS_MIN);
  assert.ok(foreign.all.length >= FOREIGN_PROGRAMS_MIN);
  const types = new Map<string, number>();
  for (const { program } of [...pairs.all, ...foreign.all]) {
    const of = `${program.kind} ${program.type}`;
    types.set(of, (types.get(of) ?? 0) + 1);
  }
  assert.equal(types.size, 5);
  for (const [of, programs] of types) assert.ok(programs > 20, of);
  for (const [difference, times] of Object.entries(met)) {
    t.diagnostic(`${difference}: ${times}`);
    assert.ok(times > 0, `${difference}: never met, so it is no difference`);
  }
});

const sorted = (answers: readonly Answer[]) => answers.map((one) => JSON.stringify(one)).sort();

test('commits each record or seldom, restarts, three partitions: the same answers', async () => {
  for (const [n, { program }] of [...pairs.all, ...foreign.all].entries()) {
    if (n % AGAIN_EVERY !== 0) continue;
    const chance = new Chance(pairs.seed + n);
    const restartsBefore = new Map<number, 'restart' | 'crash'>();
    for (const [at] of program.records.entries()) {
      if (chance.is(0.2)) restartsBefore.set(at, chance.pick(['restart', 'crash']));
    }
    const plain = await driveTables(program, { commitEvery: 1 });
    const again = await driveTables(program, { commitEvery: 1, restartsBefore });
    assert.deepEqual(again.answers, plain.answers, told(program));
    const apart = await driveTables(program, { commitEvery: 1, partitions: 3, restartsBefore });
    assert.deepEqual(sorted(apart.answers), sorted(plain.answers), told(program));
    for (const commitEvery of [7, 1_000]) {
      const { answers } = await driveTables(program, { commitEvery });
      const rows = [answers, plain.answers].map((one) => [...lastOf(one.map(asRow))].sort());
      // What is asked and answered by a foreign key waits for a commit, and may be overtaken.
      if (program.kind === 'foreign-join') {
        const values = (of: unknown) => JSON.stringify(of).replaceAll(/ @\d+/g, '');
        assert.equal(values(rows[0]), values(rows[1]), told(program));
      } else assert.deepEqual(answers, plain.answers, told(program));
    }
  }
});
