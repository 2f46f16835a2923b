/**
 * Puts small faults into files, one at a time, and says which of them no test without servers
 * notices. On demand, for it takes hours:
 *
 *   npm run mutate -- --in runtime,core,connectors/kafka --sample 400 --seed 1
 *   npm run mutate -- --in runtime/state/row-store.ts          all faults of one file
 *   npm run mutate -- --again survivors.txt                    those named in a file, line by line
 *
 * Each fault is shown to the tests that import its file, the nearest first, until one fails or
 * `--seconds` (60) are over. A test that takes ten times as long as it should has noticed it.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Chance } from '../sim/chance.ts';
import { isTest, read, sources } from '../tidy/tree.ts';
import { type Mutant, mutantsOf, nameOf } from './mutants.ts';
import { relatedTests } from './related-tests.ts';
import { Workspace } from './workspace.ts';

const { values: options } = parseArgs({
  options: {
    in: { type: 'string', default: 'runtime,core,connectors/kafka' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    workers: { type: 'string', default: '2' },
    again: { type: 'string' },
  },
});
const LATE_MIN_MS = 20_000;
const LATE_TIMES = 10;

/** By test file: how long it takes when nothing is wrong. NaN: it fails then, and tells nothing. */
const usual = new Map<string, number>();

function all(): Mutant[] {
  const folders = options.in.split(',');
  return sources
    .map(({ path }) => path)
    .filter((path) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)))
    .filter((path) => !isTest(path) && !/\/fake-[a-z-]+\.ts$/.test(path))
    .flatMap((path) => mutantsOf(path, read(path)));
}

function chosen(): Mutant[] {
  const mutants = all();
  if (options.again !== undefined) {
    const names = readFileSync(options.again, 'utf8');
    return mutants.filter((one) => names.includes(`${nameOf(one, read(one.file))}\n`));
  }
  const chance = new Chance(Number(options.seed));
  for (let i = mutants.length - 1; i > 0; i--) {
    const j = chance.below(i + 1);
    [mutants[i], mutants[j]] = [mutants[j]!, mutants[i]!];
  }
  process.stdout.write(`${mutants.length} faults, seed ${options.seed}\n`);
  return mutants.slice(0, options.sample === undefined ? mutants.length : Number(options.sample));
}

async function usualMs(space: Workspace, test: string): Promise<number> {
  const known = usual.get(test);
  if (known !== undefined) return known;
  const { passes, ms } = await space.passes(test, 10 * LATE_MIN_MS);
  if (!passes) process.stdout.write(`${test} fails as it is, and is left out\n`);
  usual.set(test, passes ? ms : Number.NaN);
  return passes ? ms : Number.NaN;
}

/** The test that noticed the fault; null: none did. */
async function noticedBy(space: Workspace, mutant: Mutant, text: string): Promise<string | null> {
  let leftMs = Number(options.seconds) * 1_000;
  for (const test of relatedTests(mutant.file)) {
    if (leftMs <= 0) break;
    const ms = await usualMs(space, test);
    if (Number.isNaN(ms)) continue;
    space.put(mutant, text);
    const { passes } = await space.passes(test, Math.max(LATE_MIN_MS, ms * LATE_TIMES));
    space.restore(mutant, text);
    if (!passes) return test;
    leftMs -= ms;
  }
  return null;
}

async function work(waiting: Mutant[], survivors: Mutant[]): Promise<void> {
  const space = new Workspace();
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const text = read(mutant.file);
      const test = await noticedBy(space, mutant, text);
      if (test === null) survivors.push(mutant);
      const told = test === null ? 'SURVIVES' : `noticed by ${test}`;
      process.stdout.write(`${nameOf(mutant, text)}\n  ${told}\n`);
    }
  } finally {
    space.close();
  }
}

const mutants = chosen();
const survivors: Mutant[] = [];
const waiting = [...mutants];
await Promise.all(Array.from({ length: Number(options.workers) }, () => work(waiting, survivors)));
const noticed = mutants.length - survivors.length;
const share = ((100 * noticed) / mutants.length).toFixed(1);
process.stdout.write(`\n${noticed} of ${mutants.length} noticed, ${share} %. Survivors:\n`);
for (const one of survivors) process.stdout.write(`${nameOf(one, read(one.file))}\n`);
