/** Runs a program of one join on Carillon's own test driver. */
import type { AvroRecord } from '../../schemas/folder.ts';
import { Driven, START_MS } from '../kit/drive.ts';
import type { StreamJoinProgram, TableJoinProgram } from './join-programs.ts';
import type { Answer, Fed } from './program.ts';

export type JoinProgram = StreamJoinProgram | TableJoinProgram;

const NAMED: AvroRecord = {
  type: 'record',
  name: 'Named',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'name', type: 'string' },
  ],
};
const PAIR: AvroRecord = {
  type: 'record',
  name: 'Pair',
  fields: ['own', 'other'].map((name) => ({ name, type: ['null', 'string'], default: null })),
};

const FROM = 'schema: Named, time: value.at, start: earliest';

function nameOf(side: string, isThere: boolean): string {
  return isThere ? `value.${side}.name` : `'value.${side} == null ? null : value.${side}.name'`;
}

function ofStreams({ type, before, after, grace }: StreamJoinProgram): string {
  const window = `before: ${before}ms, after: ${after}ms, grace: ${grace}ms`;
  return `topology: t
streams:
  other:
    id: ot
    from: { topic: other, ${FROM} }
  own:
    id: o
    from: { topic: own, ${FROM} }
    steps:
      - { name: join, join_streams: { with: other, ${window}, type: ${type}, own_as: own, as: other } }
      - map: { fields: { own: ${nameOf('own', type !== 'outer')}, other: ${nameOf('other', type === 'inner')} } }
    to: { topic: out, schema: Pair }
`;
}

function ofTable({ type }: TableJoinProgram): string {
  return `topology: t
tables:
  rows: { topic: table, schema: Named, key: id }
streams:
  own:
    id: o
    from: { topic: own, ${FROM} }
    steps:
      - join: { table: rows, type: ${type}, as: other }
      - map: { fields: { own: value.name, other: ${nameOf('other', type === 'inner')} } }
    to: { topic: out, schema: Pair }
`;
}

export interface DrivenOptions {
  readonly commitEvery: number;
  /** Before which records the driver is closed, or crashes, and opened again. */
  readonly restartsBefore?: ReadonlyMap<number, 'restart' | 'crash'>;
}

export interface DrivenJoin {
  readonly answers: readonly Answer[];
  readonly totals: ReturnType<Driven['driver']['totals']>;
}

export async function driveJoin(
  program: JoinProgram,
  { commitEvery, restartsBefore }: DrivenOptions,
): Promise<DrivenJoin> {
  const text = program.kind === 'stream-join' ? ofStreams(program) : ofTable(program);
  const driven = await Driven.open(text, { schemas: [NAMED, PAIR], commitEvery });
  for (const [n, record] of program.records.entries()) {
    const way = restartsBefore?.get(n);
    if (way !== undefined) await driven.driver[way]();
    await feed(driven, program, record);
  }
  await driven.driver.commit();
  const totals = driven.driver.totals();
  await driven.end();
  const answers = driven.of('out').map(({ key, value, timestamp }): Answer => {
    const { own, other } = value as { readonly own: unknown; readonly other: unknown };
    return [-1, timestamp - program.base, [key, own, other]];
  });
  return { answers, totals };
}

async function feed(driven: Driven, { base }: JoinProgram, fed: Fed): Promise<void> {
  const [topic, key, atMs, value] = fed;
  const at = base + atMs;
  const more = { at: Math.max(0, at) - START_MS };
  if (value === null) await driven.raw(topic, key, null, more);
  else await driven.feed(topic, key, { id: key ?? '', at, name: value[0] }, more);
}
