/** Runs a program of words that keep nothing on Carillon's own test driver. */
import { MemoryLog } from '../../connectors/memory/log.ts';
import type { AvroRecord } from '../../schemas/folder.ts';
import { Driven, START_MS } from '../kit/drive.ts';
import type { Fed } from './program.ts';
import type { StatelessProgram, StatelessStep } from './stateless-programs.ts';

const X = { name: 'x', type: 'long' };
const TO = { name: 'to', type: ['null', 'string'], default: null };
const XS = { name: 'xs', type: { type: 'array', items: 'long' } };
const record = (name: string, ...fields: object[]) =>
  ({ type: 'record', name, fields }) as unknown as AvroRecord;
const SCHEMAS = [
  record('Thing', X, TO, XS, { name: 'at', type: 'long' }),
  record('Whole', X, TO, XS),
  record('Part', X, TO),
  record('Told', { name: 'branch', type: 'string' }, X),
];

/** `schema`: of what comes out of the steps so far. */
function stepText(step: StatelessStep, n: number, schema: string): string {
  const [name, by] = step;
  const list = schema === 'Part' ? '' : ', xs: value.xs';
  const options = {
    filter: `{ where: value.x > ${by} }`,
    map: `{ fields: { x: value.x + ${by}, to: value.to${list} } }`,
    flat_map: '{ of: value.xs, as: x, with: { to: value.to } }',
    rekey: `{ by: value.to${schema === 'Thing' ? '' : `, schema: ${schema}`} }`,
  }[name];
  return `      - { name: s${n}, ${name}: ${options.replace('+ -', '- ')} }\n`;
}

function stepsText(steps: readonly StatelessStep[]): string {
  let schema = 'Thing';
  const lines = steps.map((step, n) => {
    const line = stepText(step, n, schema);
    if (step[0] === 'flat_map') schema = 'Part';
    if (step[0] === 'map' && schema === 'Thing') schema = 'Whole';
    return line;
  });
  return lines.join('');
}

const toldAs = (branch: string) =>
  `      - { name: told, map: { fields: { branch: '"${branch}"', x: value.x } } }\n`;
const OUT = '    to: { topic: out, schema: Told }\n';

export function topologyOf({ steps, branch, rest }: StatelessProgram): string {
  const from = 'from: { topic: in, schema: Thing, time: value.at }';
  const before = `topology: t\nstreams:\n  things:\n    id: th\n    ${from}\n`;
  const own = stepsText(steps);
  if (branch === null) return `${before}    steps:\n${own}${toldAs('all')}${OUT}`;
  const names = [...branch.map(String), ...(rest ? ['rest'] : [])];
  const whens = branch.map((least, n) => `      - { when: value.x >= ${least}, as: b${n} }\n`);
  const all = [...whens, ...(rest ? [`      - { as: b${branch.length} }\n`] : [])];
  const streams = names.map(
    (name, n) =>
      `  of-b${n}:\n    id: b${n}\n    from: { streams: [things.b${n}] }\n    steps:\n${toldAs(name)}`,
  );
  const merged = names.map((_, n) => `of-b${n}`).join(', ');
  return `${before}${own === '' ? '' : `    steps:\n${own}`}    branch:\n${all.join('')}${streams.join('')}  all:
    id: al
    from: { streams: [${merged}] }
${OUT}`;
}

export interface StatelessWay {
  readonly commitEvery: number;
  readonly partitions?: number;
  readonly workers?: number;
  readonly restartsBefore?: ReadonlyMap<number, 'restart' | 'crash'>;
}

/** `[time, answer]` each, and how many records became dead letters. */
export async function driveStateless(program: StatelessProgram, way: StatelessWay) {
  const { commitEvery, partitions = 1, workers = 1, restartsBefore } = way;
  const log = new MemoryLog({ workers });
  const options = { schemas: SCHEMAS, commitEvery, partitions, log };
  const driven = await Driven.open(topologyOf(program), options);
  for (const [n, one] of program.records.entries()) {
    const restart = restartsBefore?.get(n);
    if (restart !== undefined) await driven.driver[restart]();
    await feed(driven, program, one);
  }
  const letters = driven.letters.length;
  await driven.end();
  const answers = driven.of('out').map(({ key, value, timestamp }) => {
    const { branch, x } = value as { branch: string; x: number };
    return [timestamp - program.base, [key, branch, x]] as const;
  });
  const { dropped } = driven.driver.totals();
  return { answers, letters: driven.letters.length || letters, dropped };
}

async function feed(driven: Driven, { base }: StatelessProgram, fed: Fed): Promise<void> {
  const [topic, key, atMs, value] = fed;
  const at = base + atMs;
  const more = { at: Math.max(0, at) - START_MS };
  if (value === null) return driven.raw(topic, key, null, more);
  const [x, to, xs] = value;
  return driven.feed(topic, key, { x, to, xs, at }, more);
}
