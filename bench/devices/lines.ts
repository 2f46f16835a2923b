/** The lines of the devices' benchmark: what is measured, with its digits, and what is aimed at. */
import type { Kind } from './talk.ts';

/** For so many connections the aims in the issue are given. */
const OF_CONNECTIONS = 15_000;

interface LineForm {
  readonly what: string;
  readonly digits: number;
  /** In words; undefined: none. */
  readonly aim?: string;
  /** What is aimed at for 15,000 connections, and grows with their number. */
  readonly grows?: { readonly atMost: number; readonly unit: string };
}

export const LINES = {
  connectMicros: { what: 'a first connect, CPU-µs', digits: 0 },
  rssKb: { what: 'memory per idle connection, KB resident', digits: 1, aim: 'at most 7.5' },
  collectedKb: { what: 'the same after a forced collection', digits: 1, aim: 'at most 7' },
  heapKb: { what: 'of it on the heap, KB', digits: 2 },
  idleMicros: { what: 'CPU per idle connection, µs a second', digits: 2, aim: 'at most 5' },
  unicast: { what: 'unicast, batches of 100, frames a second', digits: 0, aim: '0.85 of ws' },
  unicastMicros: { what: 'the same, CPU-µs a frame', digits: 1, aim: '1 / 0.85 of ws' },
  single: { what: 'one record a request, 16 at once, a second', digits: 0 },
  singleMicros: { what: 'the same, CPU-µs a record', digits: 0 },
  reached: { what: 'sent at the rate, a second', digits: 0 },
  p50: { what: 'p50, from due to the frame, ms', digits: 2 },
  p99: { what: 'p99, ms', digits: 2, aim: 'at most 3' },
  rateMicros: { what: 'the same, CPU-µs a record', digits: 0 },
  burst: { what: 'to all, ms', digits: 0, grows: { atMost: 200, unit: 'ms' } },
  burstDelay: { what: 'the loop stood still for at most, ms', digits: 0, aim: 'below 50' },
  storm: {
    what: 'all come again, 1,000 in flight, s',
    digits: 2,
    grows: { atMost: 2.5, unit: 's' },
  },
  stormMicros: { what: 'the same, CPU-µs a connect', digits: 0 },
  stormFailed: { what: 'connects that came twice', digits: 0, aim: 'none' },
} as const satisfies { readonly [line: string]: LineForm };

export type Line = keyof typeof LINES;
export type Measured = { readonly [line in Line]?: number };

/** What is aimed at with so many connections. */
export function aimOf(line: Line, connections: number): string {
  const { aim = '', grows }: LineForm = LINES[line];
  if (grows === undefined) return aim;
  const atMost = (grows.atMost * connections) / OF_CONNECTIONS;
  return `${Number(atMost.toPrecision(2))} ${grows.unit}`;
}

/** "–": not measured of this one. */
export function cellOf(line: Line, value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(LINES[line].digits);
}

/** A line as it is measured. */
export function told(kind: Kind, line: Line, value: number): string {
  return `${kind.padEnd(8)} ${LINES[line].what.padEnd(46)} ${cellOf(line, value).padStart(9)}\n`;
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ');
  return `${rows.map(line).join('\n')}\n`;
}
