/**
 * A slice: records of one input as columns over the bytes of their batch, and which of them are
 * still selected. It is what flows between the nodes of a stream, one RxJS `next` a slice; nothing
 * is decoded and no object is made a record until somebody asks. A slice is used again for the next
 * batch: who keeps a record beyond its call copies it (`core/held-record.ts`).
 */
import type { DeviceLines } from './device-lines.ts';

/**
 * Records of a slice, unless it is made larger: enough to fuse, few enough that others wait little.
 */
export const SLICE_RECORDS_MAX = 512;

/**
 * In a start column, in place of a position: there is none (null), or the thing was given as an
 * object or text and stands in the sparse column beside it.
 */
export const NONE = -1;
export const GIVEN = -2;

/**
 * In `fieldStart`, beside a text's position and NONE (null): the other things that a field can be.
 */
export const FIELD_NUMBER = -2;
export const FIELD_FALSE = -3;
export const FIELD_TRUE = -4;
/** The locator does not know: the value has to be decoded. */
export const FIELD_UNKNOWN = -5;

/** No mark of `preferences`: it may go by every transport that its stream allows. */
export const ANY_TRANSPORT = -1;

/** No mark of `target`: all devices are told. */
export const NO_TARGET = -1;

const OWN_BYTES_FIRST = 16 * 1024;
const OWN_SLACK_BYTES = 8;
const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = new DataView(NO_BYTES.buffer, 0, 0);

/** Decodes the value of a record of a slice; set by the node that read it. */
export type DecodeValue = (slice: Slice, i: number) => unknown;

export class Slice {
  readonly capacity: number;
  topic = '';
  partition = 0;
  /** 0..3, or -1 in a topology without lanes. */
  priority = -1;
  /** The task's clock for this slice, epoch milliseconds; it never goes back. */
  clockMs = 0;
  /** Records in the columns; those from `n` on mean nothing. */
  n = 0;
  bytes: Buffer = NO_BYTES;
  /** The same bytes, for numbers. */
  view: DataView = NO_VIEW;
  decode: DecodeValue | null = null;
  /** Where `device` points into; null before `fan_out`. */
  devices: DeviceLines | null = null;

  /** Indexes of the records that are still in; the first `selected` count. */
  readonly selection: Int32Array;
  selected = 0;

  // What a record is: positions in `bytes`.
  readonly offset: Float64Array;
  /** Epoch milliseconds, event time. The source may replace what the broker says (`from.time`). */
  readonly timestamp: Float64Array;
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  /** Where the number of headers stands, NONE when there are none, or GIVEN. */
  readonly headersAt: Int32Array;
  /** The event's id as it lies in the value (rule D1), or GIVEN. */
  readonly eventStart: Int32Array;
  readonly eventEnd: Int32Array;

  // What steps have set; it travels with the record, not in its headers.
  /** Task-clock milliseconds after which nobody wants it; 0: none (rule D9). */
  readonly deadlineMs: Float64Array;
  /** How many events this one stands for; more than 1 after coalesce. */
  readonly count: Int32Array;
  /** Bits of the classes that `target` allows, or NO_TARGET. */
  readonly classMask: Int32Array;
  /** Bits of TRANSPORTS that `preferences` leaves, or ANY_TRANSPORT. */
  readonly transports: Int32Array;
  /** The id of the device that is spared, in `bytes`; NONE, or GIVEN. */
  readonly exceptStart: Int32Array;
  readonly exceptEnd: Int32Array;
  /** The line in `devices` that this copy is for; NONE until `fan_out`. */
  readonly device: Int32Array;
  /** Which of the stream's output topics it goes to. */
  readonly output: Int32Array;

  // Located fields (core/spec.ts, FieldReader): one array a field of the stream.
  readonly fieldStart: readonly Int32Array[];
  readonly fieldEnd: readonly Int32Array[];
  readonly fieldNumber: readonly Float64Array[];

  // Sparse: what was given as objects. `given` says whether any of them holds anything.
  readonly keys: (string | undefined)[] = [];
  /** Decoded or given values; undefined: not decoded yet. */
  readonly values: unknown[] = [];
  readonly eventIds: (string | undefined)[] = [];
  readonly excepts: (string | undefined)[] = [];
  readonly headers: (readonly { readonly key: string; readonly value: Buffer }[] | undefined)[] =
    [];
  /** Rows that a sink's gate joined. */
  readonly joined: unknown[] = [];
  #sparse = false;
  readonly #sparseColumns: readonly unknown[][];
  /** How much of `bytes` is in use, where they are the slice's own. */
  #used = 0;

  /** Field columns that `append` copies; all others stay unknown in a slice of copies. */
  readonly #copied: readonly number[];

  /** `copied`: the field columns that are read of copies; all when it is left out. */
  constructor(fields = 0, capacity = SLICE_RECORDS_MAX, copied?: readonly number[]) {
    this.capacity = capacity;
    const ints = () => new Int32Array(capacity);
    const numbers = () => new Float64Array(capacity);
    this.selection = ints();
    this.offset = numbers();
    this.timestamp = numbers();
    this.keyStart = ints();
    this.keyEnd = ints();
    this.valueStart = ints();
    this.valueEnd = ints();
    this.headersAt = ints();
    this.eventStart = ints();
    this.eventEnd = ints();
    this.deadlineMs = numbers();
    this.count = ints();
    this.classMask = ints();
    this.transports = ints();
    this.exceptStart = ints();
    this.exceptEnd = ints();
    this.device = ints();
    this.output = ints();
    const { keys, values, eventIds, excepts, headers, joined } = this;
    this.#sparseColumns = [keys, values, eventIds, excepts, headers, joined];
    this.fieldStart = Array.from({ length: fields }, ints);
    this.fieldEnd = Array.from({ length: fields }, ints);
    this.fieldNumber = Array.from({ length: fields }, numbers);
    this.#copied = copied ?? this.fieldStart.map((_, f) => f);
    for (const column of this.fieldStart) column.fill(FIELD_UNKNOWN);
  }

  /** Empties it, for other bytes. */
  reset(topic: string, partition: number, bytes: Buffer): void {
    this.topic = topic;
    this.partition = partition;
    if (this.bytes !== bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.clear();
  }

  /** Empties it; the bytes stay. */
  clear(): void {
    this.n = 0;
    this.selected = 0;
    if (!this.#sparse) return;
    this.#sparse = false;
    for (const column of this.#sparseColumns) column.length = 0;
  }

  /** Takes back what was appended from the nth record on. */
  cut(n: number): void {
    this.n = n;
    this.selected = n;
    if (!this.#sparse) return;
    for (const column of this.#sparseColumns) column.length = Math.min(column.length, n);
  }

  /** Empties it, and makes its bytes its own: records are copied in (`own`). */
  resetOwn(topic: string, partition: number): void {
    this.topic = topic;
    this.partition = partition;
    this.#used = 0;
    this.clear();
  }

  /**
   * Room for `size` bytes of its own behind those in use, and up to 8 more that copies may write
   * beyond their end; gives where they begin. `bytes` and `view` may be other ones after it.
   */
  own(size: number): number {
    const at = this.#used;
    this.#used = at + size;
    if (this.#used + OWN_SLACK_BYTES > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(OWN_BYTES_FIRST, this.bytes.length * 2, this.#used + OWN_SLACK_BYTES),
      );
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
      this.view = new DataView(grown.buffer, grown.byteOffset, grown.length);
    }
    return at;
  }

  /** Says that a sparse column holds something. */
  touch(): void {
    this.#sparse = true;
  }

  selectAll(): void {
    this.select(0, this.n);
  }

  /** Selects the records [from, to). */
  select(from: number, to: number): void {
    const { selection } = this;
    for (let i = from; i < to; i++) selection[i - from] = i;
    this.selected = to - from;
  }

  /** The slots of a record that has just been read. */
  clearSlots(i: number): void {
    this.eventStart[i] = NONE;
    this.deadlineMs[i] = 0;
    this.count[i] = 1;
    this.classMask[i] = NO_TARGET;
    this.transports[i] = ANY_TRANSPORT;
    this.exceptStart[i] = NONE;
    this.device[i] = NONE;
    this.output[i] = 0;
    for (const column of this.fieldStart) column[i] = FIELD_UNKNOWN;
  }

  /** Begins to take copies of another slice's records: shares its bytes. */
  derive(from: Slice): void {
    if (this.bytes !== from.bytes || this.view !== from.view) {
      this.bytes = from.bytes;
      this.view = from.view;
    }
    this.topic = from.topic;
    this.partition = from.partition;
    this.priority = from.priority;
    this.clockMs = from.clockMs;
    this.decode = from.decode;
    this.devices = from.devices;
  }

  /** Appends a copy of a record of the slice that this one was derived from; gives its index. */
  append(from: Slice, i: number): number {
    const j = this.n++;
    this.offset[j] = from.offset[i]!;
    this.timestamp[j] = from.timestamp[i]!;
    this.keyStart[j] = from.keyStart[i]!;
    this.keyEnd[j] = from.keyEnd[i]!;
    this.valueStart[j] = from.valueStart[i]!;
    this.valueEnd[j] = from.valueEnd[i]!;
    this.headersAt[j] = from.headersAt[i]!;
    this.eventStart[j] = from.eventStart[i]!;
    this.eventEnd[j] = from.eventEnd[i]!;
    this.deadlineMs[j] = from.deadlineMs[i]!;
    this.count[j] = from.count[i]!;
    this.classMask[j] = from.classMask[i]!;
    this.transports[j] = from.transports[i]!;
    this.exceptStart[j] = from.exceptStart[i]!;
    this.exceptEnd[j] = from.exceptEnd[i]!;
    this.device[j] = from.device[i]!;
    this.output[j] = from.output[i]!;
    this.#appendFields(from, i, j);
    if (from.#sparse) this.#appendSparse(from, i, j);
    this.selection[this.selected++] = j;
    return j;
  }

  #appendFields(from: Slice, i: number, j: number): void {
    const { fieldStart, fieldEnd, fieldNumber } = this;
    const copied = this.#copied;
    for (let n = 0; n < copied.length; n++) {
      const f = copied[n]!;
      fieldStart[f]![j] = from.fieldStart[f]![i]!;
      fieldEnd[f]![j] = from.fieldEnd[f]![i]!;
      fieldNumber[f]![j] = from.fieldNumber[f]![i]!;
    }
  }

  #appendSparse(from: Slice, i: number, j: number): void {
    this.#sparse = true;
    this.keys[j] = from.keys[i];
    this.values[j] = from.values[i];
    this.eventIds[j] = from.eventIds[i];
    this.excepts[j] = from.excepts[i];
    this.headers[j] = from.headers[i];
    this.joined[j] = from.joined[i];
  }
}
