/**
 * Puts small faults into files, one at a time, and says which of them no test without servers
 * notices. On demand:
 *
 *   npm run mutate -- --in runtime,core,connectors/kafka --sample 400 --seed 1
 *   npm run mutate -- --in runtime/state/row-store.ts          all faults of one file
 *   npm run mutate -- --again survivors.txt                    those named in a file, line by line
 *
 * All chosen faults are written into a copy of the tree, each behind a switch (`switched.ts`). A
 * process loads the test files once and runs every single test as it is, to see which faults it
 * meets and how long it takes. Then each fault is switched on for the tests that meet it, the
 * quickest first, until one fails or `--seconds` (60) of tests are over. One that is met while
 * files are loaded is tried in a new process too, where it is on from the beginning. A test that
 * takes ten times as long as it should has noticed. `--near 25` looks at the nearest test files of
 * each file only, `--without 'test/(sim|oracle)'` at none whose path begins so: then it is a lower
 * bound. Not asked are the tests that start commands.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Chance } from '../sim/chance.ts';
import { isTest, sources } from '../tidy/tree.ts';
import { Judge } from './judge.ts';
import { type Mutant, mutantsOf, nameOf } from './mutants.ts';
import { relatedTests } from './related-tests.ts';
import { switched } from './switched.ts';
import { Workspace } from './workspace.ts';

const { values: options } = parseArgs({
  options: {
    in: { type: 'string', default: 'runtime,core,connectors/kafka' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    near: { type: 'string', default: '1000' },
    without: { type: 'string', default: '' },
    again: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  const [, head] = /^\/\*\*\n(.*?)\n \*\//s.exec(readFileSync(import.meta.filename, 'utf8'))!;
  process.stdout.write(`${head!.replace(/^ \* ?/gm, '')}\n`);
  process.exit();
}

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

const without = options.without === '' ? null : new RegExp(`^(?:${options.without})`);
const testsOf = (file: string) =>
  relatedTests(file)
    .filter((test) => !test.endsWith('.command.test.ts'))
    .filter((test) => without?.test(test) !== true)
    .slice(0, Number(options.near));
const say = (line: string) => process.stdout.write(`${line}\n`);

function writeFaults(space: Workspace, faults: readonly Mutant[]): void {
  const numbered = faults.map((mutant, id) => ({ id, mutant }));
  for (const file of new Set(faults.map((one) => one.file))) {
    const here = numbered.filter(({ mutant }) => mutant.file === file);
    space.write(file, switched(textOf(file), here));
  }
}

const mutants = chosen();
const survivors: Mutant[] = [];
const space = new Workspace();
writeFaults(space, mutants);
const tests = [...new Set(mutants.flatMap(({ file }) => testsOf(file)))].sort();
say(`${tests.length} test files are looked at`);
const judge = new Judge(space.root, tests, Number(options.seconds) * 1_000);
try {
  await judge.look(say);
  for (const [id, mutant] of mutants.entries()) {
    const noticed = await judge.noticedBy(id, testsOf(mutant.file));
    if (noticed === null) survivors.push(mutant);
    say(nameOf(mutant, textOf(mutant.file)));
    say(noticed === null ? '  SURVIVES' : `  noticed by ${noticed}`);
  }
} finally {
  judge.end();
  space.close();
}
const noticed = mutants.length - survivors.length;
const share = ((100 * noticed) / mutants.length).toFixed(1);
say(`\n${noticed} of ${mutants.length} noticed, ${share} %. Survivors:`);
for (const one of survivors) say(nameOf(one, textOf(one.file)));
