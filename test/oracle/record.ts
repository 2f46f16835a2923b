/**
 * `npm run oracle`: makes programs by chance, has Kafka Streams answer them (Java and Maven are
 * needed), and keeps both under `recorded/`. `npm run oracle -- --seed 7`: from that seed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { JavaBuild } from '../kit/servers/java-build.ts';
import { Chance } from '../sim/chance.ts';
import { aggregateProgram } from './aggregate-programs.ts';
import { streamJoinProgram, tableJoinProgram } from './join-programs.ts';
import { type Answer, type Program, writeRecorded } from './program.ts';
import { statelessProgram } from './stateless-programs.ts';
import { foreignJoinProgram, tablePairProgram } from './table-programs.ts';

/** Each kind with what makes one, and how many. */
const KINDS: {
  readonly [kind: string]: {
    readonly make: (chance: Chance) => Program;
    readonly programs: number;
  };
} = {
  aggregate: { make: aggregateProgram, programs: 240 },
  'stream-join': { make: streamJoinProgram, programs: 180 },
  'table-join': { make: tableJoinProgram, programs: 80 },
  'table-pair': { make: tablePairProgram, programs: 90 },
  'foreign-join': { make: foreignJoinProgram, programs: 120 },
  stateless: { make: statelessProgram, programs: 150 },
};

const oracle = new JavaBuild('the oracle', import.meta.dirname);

async function ask(programs: readonly Program[]): Promise<Answer[][]> {
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';
  const args = [quiet, '-cp', oracle.classPath, 'carillon.oracle.Oracle'];
  const java = spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  java.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  // When it ends early, its exit code says so.
  java.stdin.on('error', () => {});
  java.stdin.end(programs.map((program) => `${JSON.stringify(program)}\n`).join(''));
  const [code] = await once(java, 'close');
  if (code !== 0) throw new Error(`the oracle ended with ${code}`);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer[]);
}

async function main(args: readonly string[]): Promise<void> {
  const at = args.indexOf('--seed');
  const seed = at < 0 ? Math.floor(Math.random() * 1e9) : Number(args[at + 1]);
  if (!Number.isSafeInteger(seed)) throw new Error('--seed takes a whole number');
  await oracle.make();
  const onlyAt = args.indexOf('--only');
  const only = onlyAt < 0 ? undefined : args[onlyAt + 1];
  if (only !== undefined && !(only in KINDS)) throw new Error('--only takes a kind of programs');
  for (const [kind, { make, programs }] of Object.entries(KINDS)) {
    if (only !== undefined && kind !== only) continue;
    const chance = new Chance(seed);
    const all = Array.from({ length: programs }, () => make(chance));
    const answers = await ask(all);
    const recorded = all.map((program, n) => ({ program, answers: answers[n]! }));
    writeRecorded(kind, seed, recorded);
    process.stdout.write(`${kind}: ${all.length} programs of seed ${seed}\n`);
  }
}

await main(process.argv.slice(2));
