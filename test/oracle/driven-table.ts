/** Runs a program of two tables on Carillon's own test driver. */
import type { AvroField, AvroRecord } from '../../schemas/folder.ts';
import { Driven, START_MS } from '../kit/drive.ts';
import type { DrivenOptions } from './driven-join.ts';
import type { Answer } from './program.ts';
import type { ForeignJoinProgram, TablePairProgram } from './table-programs.ts';

export type TableProgram = TablePairProgram | ForeignJoinProgram;

const record = (name: string, fields: readonly AvroField[]): AvroRecord => {
  return { type: 'record', name, fields: [...fields] };
};
const text = (name: string): AvroField => ({ name, type: 'string' });
const side = (name: string): AvroField => {
  return { name: name.toLowerCase(), type: ['null', name], default: null };
};
const LEFT = record('Left', [text('id'), text('name'), { name: 'of', type: ['null', 'string'] }]);
const RIGHT = record('Right', [text('rightId'), text('name')]);
const MADE = record('Made', [
  text('id'),
  { ...side('Left'), type: ['null', LEFT] } as AvroField,
  { ...side('Right'), type: ['null', RIGHT] } as AvroField,
]);

function topologyOf({ kind, type }: TableProgram): string {
  const by = kind === 'foreign-join' ? ', by: of' : '';
  return `topology: t
tables:
  lefts: { topic: left, schema: Left, key: id }
  rights: { topic: right, schema: Right, key: rightId }
  made:
    id: md
    from: { table: lefts, join: rights, type: ${type}${by}, own_as: left, as: right }
    topic: out
    schema: Made
    key: id
streams:
  none:
    id: no
    from: { topic: none, schema: Left }
    to: { topic: nowhere, schema: Left }
`;
}

export interface DrivenTables {
  readonly answers: readonly Answer[];
  /** Partitions of the output by key, as they were written. */
  readonly letters: readonly string[];
}

export async function driveTables(
  program: TableProgram,
  { commitEvery, restartsBefore, partitions }: DrivenOptions & { readonly partitions?: number },
): Promise<DrivenTables> {
  const driven = await Driven.open(topologyOf(program), {
    schemas: [LEFT, RIGHT, MADE],
    commitEvery,
    ...(partitions === undefined ? {} : { partitions }),
  });
  for (const [n, [topic, key, atMs, value]] of program.records.entries()) {
    const way = restartsBefore?.get(n);
    if (way !== undefined) await driven.driver[way]();
    const at = program.base + atMs - START_MS;
    if (value === null) {
      await driven.raw(topic, key, null, { at });
      continue;
    }
    const [name, of = null] = value;
    const id = key ?? '';
    await driven.feed(topic, key, topic === 'left' ? { id, name, of } : { rightId: id, name }, {
      at,
    });
  }
  await driven.driver.commit();
  await driven.end();
  const answers = driven.of('out').map(({ key, value, timestamp }): Answer => {
    const at = timestamp - program.base;
    if (value === null) return [-1, at, [key]];
    const { left, right } = value as { readonly [side: string]: { readonly name: string } | null };
    return [-1, at, [key, left?.name ?? null, right?.name ?? null]];
  });
  return { answers, letters: driven.letters };
}
