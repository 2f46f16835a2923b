/**
 * A record as a row of a store, so that what a step holds can be committed, moved and emitted
 * elsewhere exactly as it came: bytes with their schema id, origin, time and slots (rule D11). Not
 * kept: `joined`, which only the steps of sinks have.
 */
import { deserialize, serialize } from 'node:v8';
import type { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { MemberDevice } from '../core/device.ts';
import { type Header, Record } from '../core/record.ts';
import { schemaIdOf } from '../core/schema.ts';

/** Where the value of a held record comes from. */
const VALUE = { none: 0, bytes: 1, given: 2 } as const;

function copySlots(from: Record, to: Record): Record {
  to.eventId = from.eventId;
  to.priority = from.priority;
  to.deadlineMs = from.deadlineMs;
  to.count = from.count;
  to.target = from.target;
  to.device = from.device;
  to.output = from.output;
  return to;
}

/**
 * A copy with bytes of its own. A held record would otherwise keep alive the whole batch that it is
 * a view on: hundreds of times its size, and no longer bounded by the number of records held.
 */
export function holdRecord(record: Record): Record {
  // A value that a step gave as an object has no bytes; the record itself is small then.
  if (record.valueStart < 0) return record;
  const keySize = record.keyStart < 0 ? 0 : record.keyEnd - record.keyStart;
  const valueSize = record.valueEnd - record.valueStart;
  const bytes = Buffer.allocUnsafeSlow(keySize + valueSize);
  if (keySize > 0) record.keyBytes.copy(bytes, 0, record.keyStart, record.keyEnd);
  record.valueBytes.copy(bytes, keySize, record.valueStart, record.valueEnd);
  const held = new Record(
    record.topic,
    record.partition,
    record.offset,
    record.timestamp,
    bytes,
    record.keyStart < 0 ? -1 : 0,
    record.keyStart < 0 ? -1 : keySize,
    bytes,
    keySize,
    keySize + valueSize,
    record.headers === null
      ? null
      : record.headers.map(({ key, value }) => ({ key, value: Buffer.from(value) })),
  );
  held.decoder = record.decoder;
  return copySlots(record, held);
}

function encodeValue(record: Record, to: ByteWriter): void {
  if (record.valueStart >= 0) {
    to.int(VALUE.bytes).blob(record.valueBytes.subarray(record.valueStart, record.valueEnd));
    return;
  }
  const value: unknown = record.value;
  if (value === null) to.int(VALUE.none);
  else to.int(VALUE.given).blob(serialize(value));
}

/** Appends the record to a row. */
export function encodeHeld(record: Record, to: ByteWriter): void {
  to.text(record.topic).int(record.partition).int(record.offset).double(record.timestamp);
  to.blob(record.keyStart < 0 ? null : record.keyBytes.subarray(record.keyStart, record.keyEnd));
  encodeValue(record, to);
  to.int(record.headers === null ? -1 : record.headers.length);
  for (const header of record.headers ?? []) to.text(header.key).blob(header.value);
  to.text(record.eventId).int(record.priority).double(record.deadlineMs).int(record.count);
  to.int(record.output);
  to.int(record.target === null ? -1 : record.target.classMask);
  if (record.target !== null) {
    const { except } = record.target;
    to.blob(except === null ? null : Buffer.from(except, 'utf8'));
  }
  to.blob(record.device === null ? null : Buffer.from(JSON.stringify(record.device), 'utf8'));
}

/** True of a record that came from a row and whose value cannot be read yet. */
export function needsDecoder(record: Record): boolean {
  return record.decoder === null && record.valueStart >= 0;
}

function decodeHeaders(from: ByteReader): readonly Header[] | null {
  const size = from.int();
  if (size < 0) return null;
  const headers: Header[] = [];
  for (let n = 0; n < size; n++) headers.push({ key: from.text(), value: from.blob()! });
  return headers;
}

/**
 * Reads what `encodeHeld` wrote. The record has no decoder yet (`needsDecoder`): call
 * `context.revive` before anything reads its value.
 */
export function decodeHeld(from: ByteReader): Record {
  const topic = from.text();
  const partition = from.int();
  const offset = from.int();
  const timestamp = from.double();
  const key = from.blob();
  const valueKind = from.int();
  const value = valueKind === VALUE.none ? null : from.blob();
  const inBytes = valueKind === VALUE.bytes;
  const none = Buffer.alloc(0);
  const bare = new Record(
    topic,
    partition,
    offset,
    timestamp,
    key ?? none,
    key === null ? -1 : 0,
    key === null ? -1 : key.length,
    inBytes ? value! : none,
    inBytes ? 0 : -1,
    inBytes ? value!.length : -1,
    decodeHeaders(from),
  );
  const record = valueKind === VALUE.given ? bare.withValue(deserialize(value!)) : bare;
  record.eventId = from.text();
  record.priority = from.int();
  record.deadlineMs = from.double();
  record.count = from.int();
  record.output = from.int();
  const classMask = from.int();
  if (classMask >= 0) {
    record.target = { classMask, except: from.blob()?.toString('utf8') ?? null };
  }
  const device = from.blob();
  if (device !== null) record.device = JSON.parse(device.toString('utf8')) as MemberDevice;
  return record;
}

/**
 * The writer schema that must be loaded before a held record can be read again; none when it was
 * made.
 */
export function schemaIdsOf(record: Record): readonly number[] {
  if (record.valueStart < 0) return [];
  const id = schemaIdOf(record.valueBytes, record.valueStart, record.valueEnd);
  return id < 0 ? [] : [id];
}
