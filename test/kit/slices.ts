/** Slices of plain values, for the tests of nodes: as a source leaves them. */
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { Header } from '../../core/headers.ts';
import type { LogBatch } from '../../core/log.ts';
import { BatchCursor, wholeBatch } from '../../core/record-batch.ts';
import { Slice } from '../../core/slice.ts';
import { UndecodableError } from '../../runtime/node.ts';
import { START_MS } from './drive.ts';

export interface Row {
  readonly key?: string | null;
  /**
   * Written as JSON behind the header; bytes as they are; BROKEN cannot be decoded; null is a
   * tombstone.
   */
  readonly value?: unknown;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
}

export const BROKEN = Symbol('a value that cannot be decoded');
const HEADER = Buffer.from([0, 0, 0, 0, 7]);

export interface Origin {
  readonly topic?: string;
  readonly partition?: number;
  readonly baseOffset?: number;
  /** Field columns of the slice. */
  readonly fields?: number;
}

export function batchOf(rows: readonly Row[], of: Origin = {}): LogBatch {
  const { topic = 'events', partition = 0, baseOffset = 0 } = of;
  const builder = new BatchBuilder(topic, partition);
  for (const { key = null, value = {}, timestamp = START_MS, headers = null } of rows) {
    builder.append(timestamp, key, bytesOf(value), headers);
  }
  return wholeBatch(topic, partition, builder.finish().bytes, baseOffset);
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  const body = value === BROKEN ? '!' : JSON.stringify(value);
  return Buffer.concat([HEADER, Buffer.from(body, 'utf8')]);
}

/** All of them are selected, and decode as JSON. */
export function sliceOf(rows: readonly Row[], of: Origin = {}): Slice {
  const slice = new Slice(of.fields ?? 0, Math.max(1, rows.length));
  const cursor = new BatchCursor();
  cursor.open(batchOf(rows, of));
  cursor.read(slice);
  slice.decode = decodeJson;
  return slice;
}

export function decodeJson(slice: Slice, i: number): unknown {
  const text = slice.bytes.toString('utf8', slice.valueStart[i]! + 5, slice.valueEnd[i]!);
  if (text === '!') throw new UndecodableError('it is broken');
  return JSON.parse(text);
}

/** Named rows, with keys of their own. */
export const rowsOf = (...names: readonly (string | number)[]): Row[] =>
  names.map((n) => ({ key: `k-${n}`, value: { n, k: `k-${n}` } }));
