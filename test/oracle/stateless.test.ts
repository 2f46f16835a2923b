/**
 * Words that keep nothing (filter, map, flat_map, rekey, branch, merge) answer as Kafka Streams has
 * answered the same programs (`npm run oracle` recorded it), and the same with any size of batches,
 * with three partitions and workers, and with restarts in between.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../sim/chance.ts';
import { driveStateless, type StatelessWay } from './driven-stateless.ts';
import { type Recorded, readRecorded } from './program.ts';
import type { StatelessProgram } from './stateless-programs.ts';

const PROGRAMS_MIN = 150;
/** Programs of one test, so that none takes long. */
const PART = 30;
/** Programs that are run again in other ways: each tenth. */
const AGAIN_EVERY = 10;

const { seed, all } = readRecorded<StatelessProgram>('stateless');

/** How often each named difference was met. */
const met = { 'a record without a key': 0 };

const lineOf = (atMs: number, answer: readonly unknown[]) => `${JSON.stringify(answer)} @${atMs}`;

/** Kafka Streams lets records without a key pass. */
function theirs({ program, answers }: Recorded<StatelessProgram>): string[] {
  const lines = answers.flatMap(([n, atMs, answer]) => {
    const isKeyless = program.records[n]![1] === null;
    if (isKeyless) met['a record without a key']++;
    return isKeyless ? [] : [lineOf(atMs, answer)];
  });
  return lines.sort();
}

const ours = ({ answers }: Awaited<ReturnType<typeof driveStateless>>) =>
  answers.map(([atMs, answer]) => lineOf(atMs, answer));

const told = ({ records: _, ...of }: StatelessProgram) => JSON.stringify(of);

for (let from = 0; from < all.length; from += PART) {
  test(`seed ${seed}, programs from ${from} on: as Kafka Streams`, async () => {
    for (const recorded of all.slice(from, from + PART)) {
      const driven = await driveStateless(recorded.program, { commitEvery: 1 });
      assert.deepEqual(ours(driven).sort(), theirs(recorded), told(recorded.program));
      const { records, until, base } = recorded.program;
      const refused = records.filter(
        ([, key, at, value]) => key === null || value === null || at < -base || at > until,
      );
      assert.equal(driven.letters, refused.length, told(recorded.program));
    }
  });
}

/** Of each key its answers in order. */
function byKey({ answers }: Awaited<ReturnType<typeof driveStateless>>) {
  const keys = new Map<string, string[]>();
  for (const [atMs, answer] of answers) {
    const key = String(answer[0]);
    keys.set(key, [...(keys.get(key) ?? []), lineOf(atMs, answer)]);
  }
  return [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('there are enough programs with each word, and each named difference was met', (t) => {
  assert.ok(all.length >= PROGRAMS_MIN);
  const words = new Map<string, number>();
  for (const { program } of all) {
    const { steps, branch, rest } = program;
    const shape = branch === null ? [] : [rest ? 'branch with rest' : 'branch'];
    for (const word of new Set([...steps.map(([name]) => name), ...shape])) {
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  assert.deepEqual([...words.keys()].sort(), [
    ...['branch', 'branch with rest', 'filter', 'flat_map', 'map', 'rekey'],
  ]);
  for (const [word, programs] of words) assert.ok(programs > 20, word);
  for (const [difference, times] of Object.entries(met)) {
    t.diagnostic(`${difference}: ${times}`);
    assert.ok(times > 0, `${difference}: never met, so it is no difference`);
  }
});

test('batches of 1, 7 and 1000, restarts, three partitions and workers: the same answers', async () => {
  for (const [n, { program }] of all.entries()) {
    if (n % AGAIN_EVERY !== 0) continue;
    const chance = new Chance(seed + n);
    const restartsBefore = new Map<number, 'restart' | 'crash'>();
    for (const [at] of program.records.entries()) {
      if (chance.is(0.2)) restartsBefore.set(at, chance.pick(['restart', 'crash']));
    }
    const first = await driveStateless(program, { commitEvery: 1 });
    const plain = byKey(first);
    const ways: StatelessWay[] = [
      { commitEvery: 7 },
      { commitEvery: 1_000 },
      { commitEvery: 7, restartsBefore },
    ];
    for (const way of ways) {
      const again = byKey(await driveStateless(program, way));
      assert.deepEqual(again, plain, `${told(program)} ${JSON.stringify(way)}`);
    }
    // Records of several partitions come to a new key in any order.
    const apart = { commitEvery: 7, restartsBefore, partitions: 3, workers: 3 };
    assert.deepEqual(ours(await driveStateless(program, apart)).sort(), ours(first).sort());
  }
});
