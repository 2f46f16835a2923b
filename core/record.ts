/**
 * One record, as steps and tools see it: a view on a place in a slice. Bytes first, value on
 * demand: a text is made when somebody asks for it. The engine moves one view over the records of a
 * slice, so a step never keeps it beyond its call; tools get views of their own (`readBatch`).
 */
import type { MemberDevice } from './device.ts';
import { ALL_CLASSES_MASK } from './device-classes.ts';
import type { DeviceLines } from './device-lines.ts';
import { type Header, readHeaders } from './headers.ts';
import { FIELD_UNKNOWN, GIVEN, NO_TARGET, NONE, type Slice } from './slice.ts';

/** Turns a record's value bytes into an object; made once per writer schema, never per record. */
export interface ValueDecoder {
  /**
   * `bytes[start, end)` is the value with its 5-byte wire header (magic 0, big-endian schema id).
   */
  decode(bytes: Buffer, start: number, end: number): unknown;
}

/** What `target` says of a field that names the device to be spared. */
interface Located {
  readonly column: number;
  read(record: Record): unknown;
}

export class Record {
  slice: Slice;
  i: number;

  constructor(slice: Slice, i: number) {
    this.slice = slice;
    this.i = i;
  }

  get topic(): string {
    return this.slice.topic;
  }

  get partition(): number {
    return this.slice.partition;
  }

  /** Position in the partition. */
  get offset(): number {
    return this.slice.offset[this.i]!;
  }

  /** Epoch milliseconds, event time. */
  get timestamp(): number {
    return this.slice.timestamp[this.i]!;
  }

  set timestamp(atMs: number) {
    this.slice.timestamp[this.i] = atMs;
  }

  /** The key as text, or null. */
  get key(): string | null {
    const { slice, i } = this;
    const start = slice.keyStart[i]!;
    if (start >= 0) return slice.bytes.toString('utf8', start, slice.keyEnd[i]!);
    return start === GIVEN ? slice.keys[i]! : null;
  }

  set key(key: string) {
    this.slice.keyStart[this.i] = GIVEN;
    this.slice.keys[this.i] = key;
    this.slice.touch();
  }

  /** The key's bytes, or null. A copy is not made: they are valid as long as the slice is. */
  get keyBytes(): Buffer | null {
    const { slice, i } = this;
    const start = slice.keyStart[i]!;
    if (start >= 0) return slice.bytes.subarray(start, slice.keyEnd[i]!);
    return start === GIVEN ? Buffer.from(slice.keys[i]!, 'utf8') : null;
  }

  /**
   * The value's bytes in wire format; null: a tombstone, or a value that a step gave as an object.
   */
  get valueBytes(): Buffer | null {
    const { slice, i } = this;
    const start = slice.valueStart[i]!;
    return start >= 0 ? slice.bytes.subarray(start, slice.valueEnd[i]!) : null;
  }

  /** The value as the stream's steps see it, or null. Decoded at the first call. */
  // biome-ignore lint/suspicious/noExplicitAny: its type is the topology's, not the compiler's.
  get value(): any {
    const { slice, i } = this;
    if (slice.valueStart[i] === NONE) return null;
    const known = slice.values[i];
    if (known !== undefined) return known;
    if (slice.decode === null) throw new Error('value read before the source set a decoder');
    const value = slice.decode(slice, i);
    slice.values[i] = value;
    slice.touch();
    return value;
  }

  /** Gives it another value, as an object; null makes it a tombstone. */
  set value(value: unknown) {
    const { slice, i } = this;
    slice.valueStart[i] = value === null ? NONE : GIVEN;
    slice.values[i] = value ?? undefined;
    slice.touch();
    for (const column of slice.fieldStart) column[i] = FIELD_UNKNOWN;
  }

  get isTombstone(): boolean {
    return this.slice.valueStart[this.i] === NONE;
  }

  get headers(): readonly Header[] | null {
    const { slice, i } = this;
    const at = slice.headersAt[i]!;
    if (at === NONE) return null;
    return at === GIVEN ? slice.headers[i]! : readHeaders(slice.bytes, at);
  }

  /** Gives it others; null, or an empty list: none. They are seen where it goes to a topic. */
  set headers(given: readonly Header[] | null) {
    const { slice, i } = this;
    const isNone = given === null || given.length === 0;
    slice.headersAt[i] = isNone ? NONE : GIVEN;
    slice.headers[i] = isNone ? undefined : given;
    slice.touch();
  }

  /** What `from.id` names, else topic/partition/offset (rule D1). */
  get eventId(): string {
    const { slice, i } = this;
    const start = slice.eventStart[i]!;
    if (start >= 0) return slice.bytes.toString('utf8', start, slice.eventEnd[i]!);
    if (start === GIVEN) return slice.eventIds[i]!;
    return `${slice.topic}/${slice.partition}/${slice.offset[i]}`;
  }

  set eventId(id: string) {
    this.slice.eventStart[this.i] = GIVEN;
    this.slice.eventIds[this.i] = id;
    this.slice.touch();
  }

  /** 0..3, or -1 in a topology without lanes. */
  get priority(): number {
    return this.slice.priority;
  }

  /** Task-clock milliseconds after which nobody wants it; 0: none (rule D9). */
  get deadlineMs(): number {
    return this.slice.deadlineMs[this.i]!;
  }

  set deadlineMs(atMs: number) {
    this.slice.deadlineMs[this.i] = atMs;
  }

  /** How many events this one stands for; more than 1 after coalesce. */
  get count(): number {
    return this.slice.count[this.i]!;
  }

  set count(count: number) {
    this.slice.count[this.i] = count;
  }

  /** Which of the stream's output topics it goes to; 0 unless a step says otherwise. */
  get output(): number {
    return this.slice.output[this.i]!;
  }

  set output(output: number) {
    this.slice.output[this.i] = output;
  }

  /** The bits of the classes that are told (`core/device-classes.ts`), or NO_TARGET (-1). */
  get classMask(): number {
    return this.slice.classMask[this.i]!;
  }

  /** The bits of TRANSPORTS that it may go by, or ANY_TRANSPORT (-1). */
  get transports(): number {
    return this.slice.transports[this.i]!;
  }

  set transports(bits: number) {
    this.slice.transports[this.i] = bits;
  }

  /** The device that caused the event and is spared, or null. */
  get except(): string | null {
    const { slice, i } = this;
    const start = slice.exceptStart[i]!;
    if (start >= 0) return slice.bytes.toString('utf8', start, slice.exceptEnd[i]!);
    return start === GIVEN ? slice.excepts[i]! : null;
  }

  /** Says which devices it is for; a null or empty `except` spares none. */
  setTarget(classMask: number, except: Located | null): void {
    const { slice, i } = this;
    slice.classMask[i] = classMask;
    slice.exceptStart[i] = NONE;
    if (except === null) return;
    const start = except.column < 0 ? FIELD_UNKNOWN : slice.fieldStart[except.column]![i]!;
    if (start >= 0) {
      const end = slice.fieldEnd[except.column]![i]!;
      if (end === start) return;
      slice.exceptStart[i] = start;
      slice.exceptEnd[i] = end;
      return;
    }
    if (start === NONE) return;
    const spared = except.read(this);
    if (typeof spared === 'string' && spared !== '') this.setExcept(spared);
  }

  setExcept(deviceId: string): void {
    const { slice, i } = this;
    slice.exceptStart[i] = GIVEN;
    slice.excepts[i] = deviceId;
    slice.touch();
    if (slice.classMask[i] === NO_TARGET) slice.classMask[i] = ALL_CLASSES_MASK;
  }

  /** The device this copy is for, as an object; null until fan_out. */
  get device(): MemberDevice | null {
    const { slice, i } = this;
    const line = slice.device[i]!;
    return line < 0 ? null : slice.devices!.device(line);
  }

  setDevice(devices: DeviceLines, line: number): void {
    this.slice.devices = devices;
    this.slice.device[this.i] = line;
  }

  /** The row that a sink's gate joined (presence), handed to the sink; null before. */
  get joined(): unknown {
    return this.slice.joined[this.i] ?? null;
  }

  set joined(row: unknown) {
    this.slice.joined[this.i] = row;
    this.slice.touch();
  }
}
