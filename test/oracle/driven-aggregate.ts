/** Runs a program of one aggregate on Carillon's own test driver. */
import type { AvroRecord } from '../../schemas/folder.ts';
import { Driven, START_MS } from '../kit/drive.ts';
import type { AggregateProgram } from './aggregate-programs.ts';
import type { Fed } from './program.ts';

const ORDER: AvroRecord = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'x', type: ['null', 'long'], default: null },
  ],
};

const NAMES = ['n', 'sum', 'lo', 'hi', 'first', 'last'];
const orNull = (name: string) => ({ name, type: ['null', 'long'], default: null });

function resultSchema({ window, emit }: AggregateProgram): AvroRecord {
  const bounds = ['window_start', 'window_end'].map((name) => ({ name, type: 'long' }));
  const isRetracted = window[0] === 'session' && emit === 'updates';
  return {
    type: 'record',
    name: 'Totals',
    fields: [
      ...(window[0] === 'none' ? [] : bounds),
      ...(isRetracted ? [{ name: 'retracted', type: 'boolean' }] : []),
      { name: 'n', type: 'long' },
      ...NAMES.slice(1).map(orNull),
    ],
  };
}

function windowText({ window }: AggregateProgram): string {
  const [kind, size, advance] = window;
  if (kind === 'none') return '';
  if (kind === 'session') return `session: { gap: ${size}ms },`;
  const more = advance === undefined ? '' : `, advance: ${advance}ms`;
  return `${kind}: { size: ${size}ms${more} },`;
}

export function topologyOf(program: AggregateProgram): string {
  const grace = program.window[0] === 'none' ? '' : `grace: ${program.grace}ms, `;
  return `topology: t
streams:
  orders:
    id: o
    from: { topic: in, schema: Order, time: value.at }
    steps:
      - aggregate:
          { ${windowText(program)} ${grace}emit: ${program.emit}, fields:
            { n: count(), sum: sum(value.x), lo: min(value.x), hi: max(value.x),
              first: first(value.x), last: last(value.x) } }
    to: { topic: out, schema: Totals }
`;
}

export interface DrivenOptions {
  readonly commitEvery: number;
  /** Before which records the driver is closed, or crashes, and opened again. */
  readonly restartsBefore?: ReadonlyMap<number, 'restart' | 'crash'>;
}

export interface DrivenAnswers {
  /** In the order in which they were written. */
  readonly answers: readonly { readonly atMs: number; readonly answer: readonly unknown[] }[];
  /** Rows of the store when all has been fed, by key. */
  readonly rows: readonly [string, unknown][];
  readonly totals: ReturnType<Driven['driver']['totals']>;
}

export async function driveAggregate(
  program: AggregateProgram,
  { commitEvery, restartsBefore }: DrivenOptions,
): Promise<DrivenAnswers> {
  const schemas = [ORDER, resultSchema(program)];
  const driven = await Driven.open(topologyOf(program), { schemas, commitEvery });
  for (const [n, record] of program.records.entries()) {
    const way = restartsBefore?.get(n);
    if (way !== undefined) await driven.driver[way]();
    await feed(driven, program, record);
  }
  await driven.driver.commit();
  const rows = driven.driver.rows('orders/aggregate');
  const totals = driven.driver.totals();
  await driven.end();
  const answers = driven.of('out').map(({ key, value, timestamp }) => {
    const answer = [key, ...answerOf(program, value as Value)];
    return { atMs: timestamp - program.base, answer };
  });
  return { answers, rows, totals };
}

type Value = { readonly [name: string]: unknown };

async function feed(driven: Driven, { base }: AggregateProgram, fed: Fed): Promise<void> {
  const [topic, key, atMs, value] = fed;
  const at = base + atMs;
  const more = { at: Math.max(0, at) - START_MS };
  if (value === null) await driven.raw(topic, key, null, more);
  else await driven.feed(topic, key, { at, x: value[0] }, more);
}

function answerOf({ base }: AggregateProgram, value: Value): readonly unknown[] {
  const { window_start: start, window_end: end, retracted } = value;
  const bound = (at: unknown) => (at === undefined ? null : (at as number) - base);
  const values = retracted === true ? null : NAMES.map((name) => value[name]);
  return [bound(start), bound(end), values];
}
