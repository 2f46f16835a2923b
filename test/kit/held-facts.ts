/**
 * Records to be held, by what they say: for tests of stores. `recordOf` puts them into a slice as a
 * source and steps would, `factsOf` reads them back, `oldHeld` is the form that changelogs have had
 * since version 0.1.0, written without a thought for speed.
 */
import { serialize } from 'node:v8';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { ByteWriter } from '../../core/bytes.ts';
import { type MemberDevice, TRANSPORTS } from '../../core/device.ts';
import { RENO_CLASSES } from '../../core/device-classes.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import { Record } from '../../core/record.ts';
import { BatchCursor, wholeBatch } from '../../core/record-batch.ts';
import { Slice } from '../../core/slice.ts';

export interface HeldFacts {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  /** In bytes, as an object that a step gave, or none. */
  readonly value: { readonly bytes: Buffer } | { readonly given: unknown } | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer }[] | null;
  /** Null: the record's place is its id. */
  readonly eventId: string | null;
  readonly priority: number;
  readonly deadlineMs: number;
  readonly count: number;
  readonly output: number;
  readonly classMask: number;
  readonly transports: number;
  readonly except: string | null;
  readonly device: MemberDevice | null;
  /** Texts are given by steps; otherwise they lie in bytes where that can be. */
  readonly isGiven: boolean;
}

const text = fc.oneof(
  fc.constantFrom('', 'm-1', 'va-10293', 'ключ', '🔔', 'x'.repeat(90)),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((of) => Buffer.from(of));
const whole = fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1), fc.maxSafeNat());

// Without numbers: v8 writes one and the same in two ways, as it happens to have it.
const scalar = fc.oneof(text, fc.boolean(), fc.bigInt());
const given = fc.oneof(scalar, fc.dictionary(text, scalar, { maxKeys: 4, noNullPrototype: true }));

const device: fc.Arbitrary<MemberDevice> = fc.record({
  deviceId: text,
  epoch: fc.nat(1000),
  class: fc.constantFrom(...RENO_CLASSES.names),
  transports: fc.uniqueArray(fc.constantFrom(...TRANSPORTS), { minLength: 1 }),
  updatedAt: whole,
});

export const heldFacts: fc.Arbitrary<HeldFacts> = fc
  .record({
    topic: fc.constantFrom('events.viewing-activity', 'events.plan-change', 'ü'),
    partition: fc.nat(11),
    offset: whole,
    timestamp: fc.oneof(whole, fc.constant(-1)),
    key: fc.option(text),
    value: fc.oneof(fc.record({ bytes }), fc.record({ given }), fc.constant(null)),
    headers: fc.option(fc.array(fc.record({ key: text, value: bytes }), { maxLength: 3 })),
    eventId: fc.option(text),
    priority: fc.integer({ min: -1, max: 3 }),
    deadlineMs: fc.constantFrom(0, 1_767_225_600_123),
    count: fc.integer({ min: 1, max: 100 }),
    output: fc.nat(2),
    classMask: fc.constantFrom(-1, 0, 5, 0x7fffffff),
    transports: fc.constantFrom(-1, -1, 0, 5, 15),
    except: fc.option(fc.constantFrom('tv-1', 'ü', 'x'.repeat(70))),
    device: fc.option(device),
    isGiven: fc.boolean(),
  })
  // Who spares a device has a mask; an empty list of headers in bytes is none.
  .map((facts) => ({
    ...facts,
    except: facts.classMask < 0 ? null : facts.except,
    headers: facts.headers?.length === 0 && !facts.isGiven ? null : facts.headers,
  }));

/** The record as a source reads it and steps change it. */
export function recordOf(facts: HeldFacts): Record {
  const builder = new BatchBuilder(facts.topic, facts.partition);
  const isInBytes = facts.value !== null && 'bytes' in facts.value;
  const inBytes = isInBytes ? (facts.value as { bytes: Buffer }).bytes : null;
  // What lies in bytes need not lie in the value: here it lies in a record behind.
  const behind = Buffer.from(`${facts.eventId ?? ''}${facts.except ?? ''}`, 'utf8');
  builder.append(facts.timestamp, facts.key, inBytes, facts.isGiven ? null : facts.headers);
  builder.append(facts.timestamp, null, behind);
  const slice = new Slice(1, 4);
  const cursor = new BatchCursor();
  cursor.open(wholeBatch(facts.topic, facts.partition, builder.finish().bytes, facts.offset));
  cursor.read(slice);
  slice.priority = facts.priority;
  const record = new Record(slice, 0);
  record.deadlineMs = facts.deadlineMs;
  record.count = facts.count;
  record.output = facts.output;
  slice.classMask[0] = facts.classMask;
  record.transports = facts.transports;
  if (facts.value !== null && 'given' in facts.value) record.value = facts.value.given;
  if (facts.isGiven) give(facts, record);
  else locate(facts, slice);
  if (facts.device !== null) {
    const lines = new DeviceLines();
    record.setDevice(lines, lines.add(facts.device));
  }
  return record;
}

function give(facts: HeldFacts, record: Record): void {
  if (facts.key !== null) record.key = facts.key;
  if (facts.eventId !== null) record.eventId = facts.eventId;
  if (facts.except !== null) record.setExcept(facts.except);
  if (facts.headers !== null) {
    record.slice.headers[0] = facts.headers;
    record.slice.headersAt[0] = -2;
    record.slice.touch();
  }
}

function locate(facts: HeldFacts, slice: Slice): void {
  let at = slice.valueStart[1]!;
  if (facts.eventId !== null) {
    slice.eventStart[0] = at;
    at += Buffer.byteLength(facts.eventId);
    slice.eventEnd[0] = at;
  }
  if (facts.except !== null) {
    slice.exceptStart[0] = at;
    slice.exceptEnd[0] = at + Buffer.byteLength(facts.except);
  }
}

/** What a record says, by the interface that steps have. */
export function factsOf(record: Record): { [fact: string]: unknown } {
  const { topic, partition, offset, timestamp, key, eventId, priority } = record;
  const { deadlineMs, count, output, classMask, transports, except, device } = record;
  const place = { topic, partition, offset, timestamp, key, eventId, priority };
  const value = record.isTombstone ? null : (record.valueBytes?.toString('hex') ?? record.value);
  const headers =
    record.headers?.map((header) => [header.key, header.value.toString('hex')]) ?? null;
  const slots = { deadlineMs, count, output, classMask, transports };
  return { ...place, ...slots, except, device, value, headers };
}

/** Appends the record as a part of a row. */
export function oldHeld(facts: HeldFacts, to: ByteWriter): void {
  const { topic, partition, offset, value } = facts;
  to.text(topic).int(partition).int(offset).double(facts.timestamp);
  to.blob(facts.key === null ? null : Buffer.from(facts.key, 'utf8'));
  if (value === null) to.int(0);
  else if ('bytes' in value) to.int(1).blob(value.bytes);
  else to.int(2).blob(serialize(value.given));
  to.int(facts.headers === null ? -1 : facts.headers.length);
  for (const header of facts.headers ?? []) to.text(header.key).blob(header.value);
  to.text(facts.eventId ?? `${topic}/${partition}/${offset}`).int(facts.priority);
  to.double(facts.deadlineMs).int(facts.count).int(facts.output);
  // What was not there yet is told only where it says something.
  if (facts.transports !== -1) to.int(-2).int(facts.transports);
  to.int(facts.classMask);
  if (facts.classMask >= 0) {
    to.blob(facts.except === null ? null : Buffer.from(facts.except, 'utf8'));
  }
  to.blob(facts.device === null ? null : Buffer.from(JSON.stringify(facts.device), 'utf8'));
}
