/**
 * `carillon record`: what a log holds of some topics and a span of time, as lines that `carillon
 * drive --in` takes: yesterday's hour through today's file, without touching a broker.
 */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CarillonError } from '../../core/error.ts';
import { LogScan, type Scanned, type ScanOptions } from '../log-scan.ts';
import { EXIT_OK } from '../show-error.ts';
import { jsonLine } from '../show-record.ts';

export interface RecordArguments extends ScanOptions {
  readonly max: number;
  readonly out?: string;
}

/**
 * Tables come first, with the rows that they had at `--to`, or the first that the log has left of a
 * key, stamped with the beginning: then every event finds its devices. Events follow in the order of their times, those of a partition as they lie.
 * Throws CAR922 when there are more than `max`.
 */
export async function record(topics: readonly string[], options: RecordArguments): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const scan = await LogScan.open(topics, { ...options, wholeTables: true });
  try {
    const rows: string[] = [];
    const partitions = new Map<string, Scanned['decoded'][]>();
    let count = 0;
    let firstMs = Number.POSITIVE_INFINITY;
    const tables: Scanned['decoded'][] = [];
    for await (const { decoded } of scan.records(stop.signal)) {
      if (++count > options.max) throw tooMany(options.max);
      if (scan.known.isTable(decoded.topic) && options.history !== true) {
        tables.push(decoded);
        continue;
      }
      const place = `${decoded.topic}/${decoded.partition}`;
      const before = partitions.get(place);
      if (before === undefined) partitions.set(place, [decoded]);
      else before.push(decoded);
      firstMs = Math.min(firstMs, decoded.timestamp);
    }
    for (const row of tables) {
      rows.push(jsonLine({ ...row, timestamp: Math.min(row.timestamp, firstMs) }));
    }
    for (const decoded of inOrderOfTime([...partitions.values()])) rows.push(jsonLine(decoded));
    await write(rows, options.out);
    const events = (count - tables.length).toLocaleString('en-US');
    process.stderr.write(`# ${events} records, after ${tables.length} rows of tables\n`);
  } finally {
    stop.abort();
    await scan.close();
  }
  return EXIT_OK;
}

/** What is late in its partition stays behind what stands before it. */
export function inOrderOfTime<T extends { readonly timestamp: number }>(
  partitions: readonly (readonly T[])[],
): T[] {
  const placed = partitions.flatMap((records, partition) => {
    let atMs = Number.NEGATIVE_INFINITY;
    return records.map((one, n) => {
      atMs = Math.max(atMs, one.timestamp);
      return { one, atMs, partition, n };
    });
  });
  placed.sort((a, b) => a.atMs - b.atMs || a.partition - b.partition || a.n - b.n);
  return placed.map(({ one }) => one);
}

async function write(lines: readonly string[], file: string | undefined): Promise<void> {
  const out = file === undefined ? process.stdout : createWriteStream(file);
  try {
    await pipeline(Readable.from(lines), out, { end: file !== undefined });
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'no reason given';
    throw new CarillonError('CAR923', `it cannot be written (${why}).`, {
      where: { file: file ?? '<stdout>' },
      cause,
    });
  }
}

function tooMany(max: number): CarillonError {
  return new CarillonError(
    'CAR922',
    `there are more than ${max.toLocaleString('en-US')} records in that span.`,
    { where: { at: 'carillon record' } },
  );
}
