/** How long a command takes from nothing: wall time of whole processes, beside Node alone. */
import { spawnSync } from 'node:child_process';
import { median, printFigure } from './figure.ts';

const ROUNDS = 7;
const root = new URL('..', import.meta.url).pathname;

const COMMANDS: readonly { bench: string; words: readonly string[]; aimMs: number }[] = [
  { bench: 'start-up/version', words: ['cli/carillon.ts', '--version'], aimMs: 150 },
  { bench: 'start-up/check', words: ['cli/carillon.ts', 'check'], aimMs: 500 },
];

function wallMs(words: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: exit ${status}\n${stderr}`);
  return performance.now() - started;
}

for (const { bench, words, aimMs } of COMMANDS) {
  const own: number[] = [];
  const floor: number[] = [];
  wallMs(words);
  for (let round = 0; round < ROUNDS; round++) {
    floor.push(wallMs(['-e', '0']));
    own.push(wallMs(words));
  }
  printFigure({
    bench,
    value: median(own),
    unit: 'ms wall',
    floor: median(floor),
    beside: 'node -e 0',
    aim: `below ${aimMs} ms`,
    met: median(own) < aimMs,
  });
}
