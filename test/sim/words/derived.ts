/**
 * Tables that are made of two others, by their keys and by a foreign key: in the end each has just
 * the rows that it must have, and no pair of rows was told twice.
 */
import type { Chance } from '../chance.ts';
import { type Happening, type Model, type Outputs, record, type World } from './world.ts';

const FEEDS = 90;
const KEYS = ['a', 'ab', 'b', 'c', 'd', 'e'];

const LEFT = record('Left', { id: 'string', name: 'string', of: ['null', 'string'] });
const RIGHT = record('Right', { rightId: 'string', name: 'string' });
const made = (name: string, left: unknown, right: unknown) =>
  record(name, { id: 'string', left, right });

/** How each is made, and of which schema its rows are. */
const TABLES = {
  inner: ['type: inner', 'Both'],
  left: ['type: left', 'Both'],
  outer: ['type: outer', 'Either'],
  'by-inner': ['by: of, type: inner', 'Both'],
  'by-left': ['by: of, type: left', 'Both'],
} as const;
type Table = keyof typeof TABLES;
const NAMES = Object.keys(TABLES) as Table[];

const TOPOLOGY = `topology: derived
tables:
  lefts: { topic: lefts, schema: Left, key: id }
  rights: { topic: rights, schema: Right, key: rightId }
${NAMES.map(
  (name) => `  ${name}:
    id: ${name}
    from: { table: lefts, join: rights, ${TABLES[name][0]}, own_as: left, as: right }
    topic: made-${name}
    schema: ${TABLES[name][1]}
    key: id
`,
).join('')}streams:
  none: { id: no, from: { topic: none, schema: Left }, to: { topic: nowhere, schema: Left } }
`;

class Derived implements Model {
  readonly #lefts = new Map<string, { readonly name: string; readonly of: string | null }>();
  readonly #rights = new Map<string, string>();

  act(happening: Happening): void {
    if (happening.kind !== 'feed') return;
    const { topic, key, value } = happening;
    if (topic === 'lefts') {
      if (value === null) this.#lefts.delete(key);
      else this.#lefts.set(key, value as { name: string; of: string | null });
    } else if (value === null) this.#rights.delete(key);
    else this.#rights.set(key, value.name as string);
  }

  get lines(): readonly string[] {
    return NAMES.flatMap((table) => KEYS.flatMap((key) => this.#row(table, key)));
  }

  #row(table: Table, key: string): string[] {
    const left = this.#lefts.get(key);
    const isForeign = table.startsWith('by-');
    const right = this.#rights.get((isForeign ? left?.of : key) ?? '');
    const isThere = {
      inner: left !== undefined && right !== undefined,
      left: left !== undefined,
      outer: left !== undefined || right !== undefined,
    }[table.replace('by-', '') as 'inner' | 'left' | 'outer'];
    return isThere ? [`${table} ${key} ${left?.name ?? null}+${right ?? null}`] : [];
  }
}

type Row = { readonly [side in 'left' | 'right']: { readonly name: string } | null } | null;

const pairOf = (row: NonNullable<Row>) => `${row.left?.name ?? null}+${row.right?.name ?? null}`;

function told(driven: Outputs): string[] {
  return NAMES.flatMap((table) => {
    const rows = new Map<string, string>();
    for (const { key, value } of driven.of(`made-${table}`)) {
      if (value === null) rows.delete(key!);
      else rows.set(key!, pairOf(value as NonNullable<Row>));
    }
    return [...rows].map(([key, pair]) => `${table} ${key} ${pair}`);
  });
}

/** Names are given once, so a pair of two rows can only be told twice by mistake. */
function judge(driven: Outputs): string[] {
  return NAMES.flatMap((table) => {
    const seen = new Set<string>();
    const faults: string[] = [];
    for (const { value } of driven.of(`made-${table}`)) {
      const row = value as Row;
      if (row === null || row.left === null || row.right === null) continue;
      if (seen.has(pairOf(row))) faults.push(`${table}: told twice: ${pairOf(row)}`);
      seen.add(pairOf(row));
    }
    return faults;
  });
}

function draw(chance: Chance, _partitions: number, feeds = FEEDS): Happening[] {
  return Array.from({ length: feeds }, (_, n): Happening => {
    const isLeft = chance.is(0.6);
    const key = chance.pick(KEYS);
    const of = chance.is(0.1) ? null : chance.pick(KEYS);
    const name = `${isLeft ? 'l' : 'r'}${n}`;
    const row = isLeft ? { id: key, name, of } : { rightId: key, name };
    const value = chance.is(0.2) ? null : row;
    return { kind: 'feed', topic: isLeft ? 'lefts' : 'rights', key, value, at: 1 + n };
  });
}

export const derived: World = {
  name: 'derived',
  topology: TOPOLOGY,
  schemas: [
    LEFT,
    RIGHT,
    made('Both', LEFT, ['null', RIGHT]),
    made('Either', ['null', LEFT], ['null', RIGHT]),
  ],
  stores: ['tables/inner/left', 'tables/inner/right', 'tables/by-left/left'],
  draw,
  model: () => new Derived(),
  told,
  judge,
};
