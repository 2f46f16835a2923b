/**
 * The rows of a store as they lie in its changelog: read whole, and written again under another
 * name. For edits of a topology only: nobody is in the groups that own them.
 */
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { EncodedBatch, Log, Producer } from '../../core/log.ts';
import { VarintReader } from '../../core/varint.ts';
import type { AppliedStore } from './applied.ts';

/** A batch of changelog records is sent on at this size. */
const BATCH_BYTES = 256 * 1024;
const DOUBLE_BYTES = 8;

export interface StateRow {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly timestamp: number;
}

/** By partition, then key (as latin1, which keeps bytes apart). */
export type StateRows = ReadonlyMap<number, ReadonlyMap<string, StateRow>>;

/** The live rows of a changelog; of a topic that is not there, none. */
export async function readRows(
  log: Pick<Log, 'read' | 'partitionsOf'>,
  changelog: string,
): Promise<StateRows> {
  const rows = new Map<number, Map<string, StateRow>>();
  if ((await log.partitionsOf(changelog)) === undefined) return rows;
  for await (const records of log.read(changelog, { from: 'start', follow: false })) {
    for (const { partition, keyBytes, valueBytes, timestamp } of records) {
      if (keyBytes === null) continue;
      const own = rows.get(partition) ?? new Map<string, StateRow>();
      rows.set(partition, own);
      const name = keyBytes.toString('latin1');
      // The order of first puts is in the rows, not in that of their records.
      if (valueBytes === null) own.delete(name);
      else own.set(name, { key: Buffer.from(keyBytes), value: Buffer.from(valueBytes), timestamp });
    }
  }
  return rows;
}

/** A step's own sums, which stand under the empty key, are no rows that could be lost. */
export function countRows(rows: StateRows): number {
  let count = 0;
  for (const own of rows.values()) count += own.size - (own.has('') ? 1 : 0);
  return count;
}

/**
 * Rows that hold a record. `before`: of the step that wrote them; undefined: all of its rows do.
 */
export function countHeld(rows: StateRows, before: AppliedStore['before']): number {
  if (before === undefined) return countRows(rows);
  let count = 0;
  for (const own of rows.values()) {
    for (const { value } of own.values()) if (holdsRecord(value, before)) count++;
  }
  return count;
}

/** A row as a store writes it: first put, due time, length, and its columns. */
function holdsRecord(value: Buffer, before: NonNullable<AppliedStore['before']>): boolean {
  const from = new VarintReader(value);
  for (let head = 0; head < 3; head++) from.next();
  for (const kind of before) {
    if (kind === 'double') from.at += DOUBLE_BYTES;
    else {
      const number = from.next();
      if (kind !== 'int') from.at += Math.max(0, number);
    }
  }
  // The length of the topic that it came from; less: there is none.
  return from.next() >= 0;
}

/** Makes a changelog hold exactly these rows, given what it holds. */
export async function writeRows(
  producer: Pick<Producer, 'send'>,
  changelog: string,
  has: StateRows,
  wanted: StateRows,
  nowMs: number,
): Promise<void> {
  for (const partition of new Set([...has.keys(), ...wanted.keys()])) {
    const writer = new RowsWriter(producer, new BatchBuilder(changelog, partition));
    const rows = wanted.get(partition);
    for (const [name, { key }] of has.get(partition) ?? []) {
      if (rows?.has(name) !== true) await writer.add(key, null, nowMs);
    }
    for (const { key, value, timestamp } of rows?.values() ?? []) {
      await writer.add(key, value, timestamp);
    }
    await writer.end();
  }
}

/** The rows of `to`, and those of `from` whose keys it has not. */
export function joinRows(to: StateRows, from: StateRows): StateRows {
  const joined = new Map<number, ReadonlyMap<string, StateRow>>(to);
  for (const [partition, rows] of from) {
    joined.set(partition, new Map([...rows, ...(to.get(partition) ?? [])]));
  }
  return joined;
}

class RowsWriter {
  readonly #producer: Pick<Producer, 'send'>;
  readonly #builder: BatchBuilder;

  constructor(producer: Pick<Producer, 'send'>, builder: BatchBuilder) {
    this.#producer = producer;
    this.#builder = builder;
  }

  async add(key: Buffer, value: Buffer | null, timestamp: number): Promise<void> {
    this.#builder.append(timestamp, key, value);
    if (this.#builder.size >= BATCH_BYTES) await this.end();
  }

  async end(): Promise<void> {
    if (this.#builder.count === 0) return;
    const batch: EncodedBatch = this.#builder.finish();
    await this.#producer.send([batch]);
  }
}
