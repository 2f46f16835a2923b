/**
 * Joins answer as Kafka Streams has answered the same programs (`npm run oracle` recorded it), and
 * the same with any size of batches and with restarts in between. What differs is named here and in
 * docs/kafka-streams.md, and is really met by some program.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../sim/chance.ts';
import { type Compared, lastOf, surplus } from './answered.ts';
import { driveJoin, type JoinProgram } from './driven-join.ts';
import { LAST_KEY, type StreamJoinProgram, type TableJoinProgram } from './join-programs.ts';
import { type Answer, type Recorded, readRecorded } from './program.ts';

const STREAM_PROGRAMS_MIN = 180;
const TABLE_PROGRAMS_MIN = 80;
/** Programs of one test, so that none takes long. */
const PART = 20;
/** Programs that are run again in other ways: each tenth. */
const AGAIN_EVERY = 10;

const streams = readRecorded<StreamJoinProgram>('stream-join');
const tables = readRecorded<TableJoinProgram>('table-join');

const asCompared = ([, atMs, [key, own, other]]: Answer): Compared => {
  return { of: `${key}`, says: `${own}+${other} @${atMs}` };
};

/** A record that a join has taken. */
interface Taken {
  readonly n: number;
  /** The stream time until which it may be met. */
  readonly lastMs: number;
}

/** What came of a program, by name; and stream time once each record had come. */
function takenOf({ base, until, before, after, grace, records }: StreamJoinProgram) {
  const taken = new Map<unknown, Taken>();
  const streamMs: number[] = [];
  let nowMs = Number.NEGATIVE_INFINITY;
  for (const [n, [topic, key, atMs, value]] of records.entries()) {
    if (key !== null && value !== null && base + atMs >= 0 && atMs <= until) {
      nowMs = Math.max(nowMs, atMs);
      taken.set(value[0], { n, lastMs: atMs + (topic === 'own' ? after : before) + grace });
    }
    streamMs.push(nowMs);
  }
  return { taken, streamMs };
}

/** How often each named difference was met. */
const met = {
  'S29 a window of nothing': 0,
  'S30 told before its grace was over': 0,
  'S31 met what was closed': 0,
  'S31 late alone': 0,
  'S31 alone here': 0,
};

const sidesOf = ([, , [, own, other]]: Answer) => [own, other].filter((name) => name !== null);
const isPair = (answer: Answer) => sidesOf(answer).length === 2;

/** Answers of Kafka Streams that stand, and the sides of those that do not. */
function standing(
  { program, answers }: Recorded<StreamJoinProgram>,
  paired: ReadonlySet<unknown>,
): { readonly theirs: readonly Answer[]; readonly pairedLate: ReadonlySet<unknown> } {
  const { taken, streamMs } = takenOf(program);
  const pairedLate = new Set<unknown>();
  const theirs = answers.filter((answer) => {
    const [n] = answer;
    const sides = sidesOf(answer);
    const [first, partner] = sides
      .map((name) => taken.get(name)!)
      .sort((a, b) => Number(b.n === n) - Number(a.n === n));
    if (partner !== undefined) {
      if (partner.lastMs >= streamMs[n]!) return true;
      met['S31 met what was closed']++;
      for (const name of sides) pairedLate.add(name);
      return false;
    }
    if (first!.n !== n) return true;
    const isLate = first!.lastMs < streamMs[n]!;
    if (!isLate && !paired.has(sides[0])) return true;
    met[isLate ? 'S31 late alone' : 'S30 told before its grace was over']++;
    return false;
  });
  return { theirs, pairedLate };
}

/**
 * S29: where window and grace are both nothing, Kafka Streams keeps nothing, and two of one time do
 * not meet. S30: of what comes behind the end of its own window Kafka Streams tells at once that it
 * met nothing, though it may meet something until its grace is over. S31: it does not look whether
 * a window is closed. So it pairs what it has told to have met nothing, tells of what comes late as
 * such, and tells nothing of what it pairs then.
 */
function agreed(
  recorded: Recorded<StreamJoinProgram>,
  driven: readonly Answer[],
): readonly [ours: readonly Compared[], theirs: readonly Compared[]] {
  const { before, after, grace } = recorded.program;
  const pairs = driven.filter(isPair);
  if (before + after + grace === 0) {
    assert.equal(recorded.answers.some(isPair), false);
    met['S29 a window of nothing'] += pairs.length;
    return [[], []];
  }
  const paired = new Set(pairs.flatMap(sidesOf));
  const { theirs, pairedLate } = standing(recorded, paired);
  const known = new Set(theirs.flatMap(sidesOf));
  const ours = driven.filter((answer) => {
    const [alone] = sidesOf(answer);
    if (isPair(answer) || known.has(alone) || !pairedLate.has(alone)) return true;
    met['S31 alone here']++;
    return false;
  });
  return [ours.map(asCompared), theirs.map(asCompared)];
}

const told = ({ kind, records: _, ...of }: JoinProgram) => `${kind} ${JSON.stringify(of)}`;

for (let from = 0; from < streams.all.length; from += PART) {
  test(`streams, seed ${streams.seed}, programs from ${from} on: as Kafka Streams`, async () => {
    for (const recorded of streams.all.slice(from, from + PART)) {
      const { answers } = await driveJoin(recorded.program, { commitEvery: 1 });
      const [own, other] = agreed(recorded, answers);
      assert.deepEqual(surplus(own, other), [], told(recorded.program));
    }
  });
}

for (let from = 0; from < tables.all.length; from += PART) {
  test(`tables, seed ${tables.seed}, programs from ${from} on: as Kafka Streams`, async () => {
    for (const { program, answers } of tables.all.slice(from, from + PART)) {
      const { answers: driven } = await driveJoin(program, { commitEvery: 1 });
      const [own, other] = [driven.map(asCompared), answers.map(asCompared)];
      assert.deepEqual(surplus(own, other), [], told(program));
      assert.deepEqual([...lastOf(own)].sort(), [...lastOf(other)].sort());
    }
  });
}

test('there are enough programs, and each named difference was met', (t) => {
  assert.ok(streams.all.length >= STREAM_PROGRAMS_MIN);
  assert.ok(tables.all.length >= TABLE_PROGRAMS_MIN);
  for (const [difference, times] of Object.entries(met)) {
    t.diagnostic(`${difference}: ${times}`);
    assert.ok(times > 0, `${difference}: never met, so it is no difference`);
  }
});

test('programs of all types are among them, and half have no difference at all', () => {
  const types = new Map<string, number>();
  let plain = 0;
  for (const { program, answers } of streams.all) {
    types.set(program.type, (types.get(program.type) ?? 0) + 1);
    const { taken, streamMs } = takenOf(program);
    if ([...taken.values()].every(({ n, lastMs }) => lastMs >= streamMs[n]!)) plain++;
    assert.ok(answers.every(([, , [key]]) => key !== LAST_KEY));
  }
  assert.ok(plain > STREAM_PROGRAMS_MIN / 3, `${plain} without a late record`);
  for (const type of ['inner', 'left', 'outer']) assert.ok(types.get(type)! > 30, type);
});

test('commits each record or seldom, and restarts: the same answers', async () => {
  for (const [n, { program }] of [...streams.all, ...tables.all].entries()) {
    if (n % AGAIN_EVERY !== 0) continue;
    const chance = new Chance(streams.seed + n);
    const restartsBefore = new Map<number, 'restart' | 'crash'>();
    for (const [at] of program.records.entries()) {
      if (chance.is(0.2)) restartsBefore.set(at, chance.pick(['restart', 'crash']));
    }
    const plain = await driveJoin(program, { commitEvery: 1 });
    for (const options of [
      { commitEvery: 7 },
      { commitEvery: 1_000 },
      { commitEvery: 1, restartsBefore },
    ]) {
      const { answers } = await driveJoin(program, options);
      assert.deepEqual(answers, plain.answers, told(program));
    }
  }
});
