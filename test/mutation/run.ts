/**
 * Puts small faults into files, one at a time, and says which of them no test without servers
 * notices. On demand, for it takes hours:
 *
 *   npm run mutate -- --in runtime,core,connectors/kafka --sample 400 --seed 1
 *   npm run mutate -- --in runtime/state/row-store.ts          all faults of one file
 *   npm run mutate -- --again survivors.txt                    those named in a file, line by line
 *
 * First each test that imports a file in question is run once, to see what it runs and how long it
 * takes. Then each fault is shown to the tests that run its place, the quickest first, until one
 * fails or `--seconds` (60) are over. `--near 5` looks at the five nearest tests of each file only:
 * a lower bound, in a tenth of the time. A test that takes ten times as long as it should has
 * noticed.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Chance } from '../sim/chance.ts';
import { isTest, sources } from '../tidy/tree.ts';
import { type Coverage, ran } from './coverage.ts';
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
    near: { type: 'string', default: '1000' },
    again: { type: 'string' },
  },
});
const LATE_MIN_MS = 20_000;
const LATE_TIMES = 10;

/** By test file: how long it takes when nothing is wrong, and what it runs. */
const usual = new Map<string, { readonly ms: number; readonly coverage: Coverage }>();

/** As they are when the run begins: who works on meanwhile moves places. */
const texts = new Map(sources.map(({ path, text }) => [path, text]));
const textOf = (file: string) => texts.get(file)!;

function all(): Mutant[] {
  const folders = options.in.split(',');
  return sources
    .map(({ path }) => path)
    .filter((path) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)))
    .filter((path) => !isTest(path) && !/\/fake-[a-z-]+\.ts$/.test(path))
    .flatMap((path) => mutantsOf(path, textOf(path)));
}

function chosen(): Mutant[] {
  const mutants = all();
  if (options.again !== undefined) {
    const names = readFileSync(options.again, 'utf8');
    return mutants.filter((one) => names.includes(`${nameOf(one, textOf(one.file))}\n`));
  }
  const chance = new Chance(Number(options.seed));
  for (let i = mutants.length - 1; i > 0; i--) {
    const j = chance.below(i + 1);
    [mutants[i], mutants[j]] = [mutants[j]!, mutants[i]!];
  }
  process.stdout.write(`${mutants.length} faults, seed ${options.seed}\n`);
  return mutants.slice(0, options.sample === undefined ? mutants.length : Number(options.sample));
}

const testsOf = (file: string) => relatedTests(file).slice(0, Number(options.near));

/** Runs each test as it is. One that fails then would notice everything: it is left out. */
async function look(space: Workspace, waiting: string[]): Promise<void> {
  for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
    const { passes, ms, coverage } = await space.covers(test, 10 * LATE_MIN_MS);
    if (passes) usual.set(test, { ms, coverage });
    process.stdout.write(`  ${test} ${Math.round(ms)} ms\n`);
    if (!passes) process.stdout.write(`${test} fails as it is, and is left out\n`);
  }
}

/** The test that noticed the fault; null: none did. */
async function noticedBy(space: Workspace, mutant: Mutant, text: string): Promise<string | null> {
  let leftMs = Number(options.seconds) * 1_000;
  const tests = testsOf(mutant.file)
    .flatMap((test) => {
      const known = usual.get(test);
      return known === undefined ? [] : [{ test, ...known }];
    })
    .filter(({ coverage }) => ran(coverage, mutant.file, mutant.start))
    .sort((a, b) => a.ms - b.ms);
  for (const { test, ms } of tests) {
    if (leftMs <= 0) break;
    space.put(mutant, text);
    const { passes } = await space.passes(test, Math.max(LATE_MIN_MS, ms * LATE_TIMES));
    space.restore(mutant, text);
    if (!passes) return test;
    leftMs -= ms;
  }
  return null;
}

async function show(space: Workspace, waiting: Mutant[], survivors: Mutant[]): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const text = textOf(mutant.file);
    const test = await noticedBy(space, mutant, text);
    if (test === null) survivors.push(mutant);
    const told = test === null ? 'SURVIVES' : `noticed by ${test}`;
    process.stdout.write(`${nameOf(mutant, text)}\n  ${told}\n`);
  }
}

const mutants = chosen();
const survivors: Mutant[] = [];
const spaces = Array.from({ length: Number(options.workers) }, () => new Workspace());
try {
  const tests = [...new Set(mutants.flatMap(({ file }) => testsOf(file)))];
  process.stdout.write(`${tests.length} tests are looked at\n`);
  await Promise.all(spaces.map((space) => look(space, tests)));
  const waiting = [...mutants];
  await Promise.all(spaces.map((space) => show(space, waiting, survivors)));
} finally {
  for (const space of spaces) space.close();
}
const noticed = mutants.length - survivors.length;
const share = ((100 * noticed) / mutants.length).toFixed(1);
process.stdout.write(`\n${noticed} of ${mutants.length} noticed, ${share} %. Survivors:\n`);
for (const one of survivors) process.stdout.write(`${nameOf(one, textOf(one.file))}\n`);
