/** The rings of tests, from the quickest to find a fault to the slowest, and what each runs. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

const MINUTE_MS = 60_000;

export interface Ring {
  readonly name: string;
  /** What node is called with; empty: there is nothing to run yet. */
  args(): readonly string[];
  /**
   * `tests`: node's test runner; `check`: one check that holds or not; `own`: prints its own sums.
   */
  readonly counts: 'tests' | 'check' | 'own';
  /** Output is shown as it comes, not only when something failed. */
  readonly live?: boolean;
  /** Part of `npm run check`, which has no servers. */
  readonly inCheck: boolean;
  /** A ring that takes longer is ended and has failed. */
  readonly timeoutMs: number;
}

/** A single test that takes longer hangs. */
export const TEST_TIMEOUT_MS = MINUTE_MS;

/** Files by pattern, without the cluster's and what others have written below node_modules. */
function testFiles(patterns: readonly string[], outside: readonly string[] = []): string[] {
  return globSync(patterns, { cwd: ROOT })
    .filter((file) => !file.split('/').includes('node_modules'))
    .filter((file) => !file.endsWith('.cluster.test.ts'))
    .filter((file) => !outside.some((folder) => file.startsWith(folder)))
    .sort();
}

function testRing(
  name: string,
  timeoutMs: number,
  patterns: readonly string[],
  inCheck = true,
): Ring {
  return {
    name,
    counts: 'tests',
    inCheck,
    timeoutMs,
    args() {
      const files = testFiles(patterns);
      if (files.length === 0) return [];
      return [
        '--test',
        '--test-reporter=spec',
        // Node's own choice leaves one core idle, and there may be only two.
        '--test-concurrency=2',
        `--test-timeout=${TEST_TIMEOUT_MS}`,
        ...files,
      ];
    },
  };
}

function checkRing(name: string, timeoutMs: number, args: () => readonly string[]): Ring {
  return { name, counts: 'check', inCheck: true, timeoutMs, args };
}

/** A command of ours, once it is there. */
const carillon = (needs: string, ...args: readonly string[]) =>
  existsSync(join(ROOT, needs)) ? ['cli/carillon.ts', ...args] : [];

const RING_FOLDERS = [
  'test/tidy/',
  'test/contract/',
  'test/golden/',
  'test/oracle/',
  'test/sim/',
  'test/cluster/',
  'test/e2e/',
];

const COMMAND = '.command.test.ts';

/** Those of the parts, beside their sources; what starts commands has a ring of its own. */
export function partFiles(): readonly string[] {
  return testFiles(['**/*.test.ts'], RING_FOLDERS).filter((file) => !file.endsWith(COMMAND));
}

/** Folders of topologies of ours; test/golden/own-topologies.test.ts sees that none is left out. */
export const OWN_TOPOLOGIES: readonly string[] = [
  'topology',
  'test/e2e/topologies',
  'test/cluster/topologies',
];

export const RINGS: readonly Ring[] = [
  checkRing('generated', MINUTE_MS, () =>
    carillon('cli/commands/generate.ts', 'generate', '--check'),
  ),
  checkRing('types', 2 * MINUTE_MS, () => [
    'node_modules/typescript/bin/tsc',
    '--noEmit',
    '-p',
    '.',
  ]),
  // The page runs in a browser, where there are other globals than in Node.
  checkRing('page', MINUTE_MS, () => [
    'node_modules/typescript/bin/tsc',
    '--noEmit',
    '-p',
    'console',
  ]),
  checkRing('lint', MINUTE_MS, () => ['node_modules/@biomejs/biome/bin/biome', 'check']),
  checkRing('strict', MINUTE_MS, () =>
    carillon('cli/commands/check.ts', 'check', '--strict', ...OWN_TOPOLOGIES),
  ),
  testRing('tidy', MINUTE_MS, ['test/tidy/**/*.test.ts']),
  {
    name: 'part',
    counts: 'tests',
    inCheck: true,
    timeoutMs: 12 * MINUTE_MS,
    args: () => ['test/part.ts'],
  },
  testRing('contract', 5 * MINUTE_MS, ['test/contract/**/*.test.ts']),
  testRing('golden', 2 * MINUTE_MS, ['test/golden/**/*.test.ts']),
  {
    name: 'topology',
    counts: 'own',
    inCheck: true,
    timeoutMs: 2 * MINUTE_MS,
    args: () => carillon('cli/commands/test.ts', 'test', 'topology'),
  },
  testRing('oracle', 5 * MINUTE_MS, ['test/oracle/**/*.test.ts']),
  testRing('sim', 10 * MINUTE_MS, ['test/sim/**/*.test.ts']),
  testRing('command', 8 * MINUTE_MS, [`**/*${COMMAND}`, 'test/e2e/**/*.test.ts'], false),
  {
    name: 'cluster',
    counts: 'own',
    inCheck: false,
    live: true,
    timeoutMs: 35 * MINUTE_MS,
    args: () => (existsSync(join(ROOT, 'test/cluster/run.ts')) ? ['test/cluster/run.ts'] : []),
  },
];

/** The rings that the arguments name; undefined when one of them is unknown. */
export function chosenRings(args: readonly string[]): readonly Ring[] | undefined {
  if (args.length === 0 || (args.length === 1 && args[0] === 'all')) return RINGS;
  if (args.length === 1 && args[0] === 'check') return RINGS.filter((ring) => ring.inCheck);
  if (!args.every((name) => RINGS.some((ring) => ring.name === name))) return undefined;
  return RINGS.filter((ring) => args.includes(ring.name));
}
