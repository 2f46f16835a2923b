/** The present rows of a step's state, from its changelog: beside the pipeline, as committed. */
import type { StateRow as StoredRow } from '../../console/answers.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { VarintReader } from '../../core/varint.ts';
import { readRows } from '../../runtime/edits/state-rows.ts';
import type { PlanStore } from '../../runtime/streams/plan-stores.ts';
import type { LogReader } from '../log-reader.ts';
import { RecordDecoder } from '../record-decoder.ts';
import { shownValue } from '../show-record.ts';
import {
  askedFor,
  byKey,
  type FoundRow,
  foundRow,
  type RowsAsked,
  valuesOf,
} from './asked-rows.ts';

export type { StateRow as StoredRow } from '../../console/answers.ts';

export interface StoredRows {
  readonly rows: readonly StoredRow[];
  /** How many were asked for; more than `rows` where the bound was met. */
  readonly matched: number;
  /** How many the store has. */
  readonly total: number;
}

type Source = Pick<LogReader, 'read' | 'partitionsOf' | 'schema'>;

/** Throws CAR802 for rows of a step that was another when they were written. */
export async function storedRows(
  reader: Source,
  of: PlanStore,
  asked: RowsAsked,
  rowsMax: number,
): Promise<StoredRows> {
  const isAsked = askedFor(asked);
  const all = await readRows(reader, of.changelog);
  const found: FoundRow[] = [];
  let total = 0;
  for (const [partition, rows] of all) {
    total += rows.size;
    for (const at of rows.values()) {
      const row = foundRow(partition, at, of.keyParts);
      if (isAsked(row)) found.push(row);
    }
  }
  const shown = found.sort(byKey).slice(0, rowsMax);
  return { rows: await decoded(reader, of, shown), matched: found.length, total };
}

async function decoded(
  reader: Source,
  of: PlanStore,
  found: readonly FoundRow[],
): Promise<StoredRow[]> {
  const decoder = new RecordDecoder(reader);
  const plain = new Map<FoundRow, unknown>();
  for (const [partition, rows] of Map.groupBy(found, (row) => row.partition)) {
    const byText = new Map(rows.map((row) => [row.text, row]));
    for (const [text, row] of rowsOf(of, partition, rows)) {
      const value = of.rows === 'wire' ? await event(decoder, text, row as Buffer) : row;
      plain.set(byText.get(text)!, shownValue(await shown(decoder, value)));
    }
  }
  return found.map((row) => {
    const { partition, at, parts } = row;
    const values = valuesOf(row);
    const own = of.keyParts !== null && parts === null;
    return {
      store: of.path,
      priority: of.priority,
      partition,
      key: own ? null : values.length === 1 ? values[0] : values,
      ...(parts?.n === undefined ? {} : { n: parts.n }),
      row: plain.get(row),
      due: dueOf(at.value),
      written: at.timestamp,
    };
  });
}

/** As the task would have them, after a restart. */
function rowsOf(of: PlanStore, partition: number, found: readonly FoundRow[]) {
  const builder = new BatchBuilder(of.changelog, partition);
  for (const { at } of found) builder.append(at.timestamp, at.key, at.value);
  const store = of.open();
  store.restore(wholeBatch(of.changelog, partition, builder.finish().bytes, 0));
  store.restored();
  return store.rows();
}

/** Held records with their events, and maps as objects. */
async function shown(decoder: RecordDecoder, value: unknown): Promise<unknown> {
  if (value instanceof Record) return held(decoder, value);
  if (value instanceof Map) return shown(decoder, Object.fromEntries(value));
  if (value instanceof Set) return shown(decoder, [...value]);
  if (Array.isArray(value)) return Promise.all(value.map((one) => shown(decoder, one)));
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  const fields: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    fields.push([name, await shown(decoder, field)]);
  }
  return Object.fromEntries(fields);
}

async function held(decoder: RecordDecoder, record: Record): Promise<unknown> {
  const { topic, partition, offset, timestamp, key, count } = record;
  const { value, why } = await decoder.decode(record);
  const event = why === undefined ? { value } : { why };
  return { topic, partition, offset, timestamp, key, count, ...event };
}

async function event(decoder: RecordDecoder, key: string, bytes: Buffer): Promise<unknown> {
  const builder = new BatchBuilder('', 0);
  builder.append(0, key, bytes);
  const [record] = readBatch(wholeBatch('', 0, builder.finish().bytes, 0));
  const { value, why } = await decoder.decode(record!);
  return why === undefined ? value : { why };
}

/** Behind the order of first puts. */
function dueOf(value: Buffer): number | null {
  const reader = new VarintReader(value);
  reader.next();
  const due = reader.next();
  return due < 0 ? null : due;
}
