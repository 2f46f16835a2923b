/**
 * The envelope that all steps share: bytes first, value on demand. A record is a view on the bytes
 * of the batch that it came in; nothing is decoded until a step asks, and a payload that is only
 * passed on is copied as bytes. All fields are set in the constructor, so that every record has one
 * hidden class: never spread a record, never add a field later.
 */
import type { MemberDevice } from './device.ts';

/** Turns a record's value bytes into an object; made once per writer schema, never per record. */
export interface ValueDecoder {
  /**
   * `bytes[start, end)` is the value with its 5-byte wire header (magic 0, big-endian schema id).
   */
  decode(bytes: Buffer, start: number, end: number): unknown;
}

export interface Header {
  readonly key: string;
  readonly value: Buffer;
}

/** Which devices a notification is for; set by `target`, read by `fan_out`. */
export interface Target {
  /** Bit i stands for DEVICE_CLASSES[i]. */
  readonly classMask: number;
  /** The device that caused the event and is spared, or null. */
  readonly except: string | null;
}

const NO_BYTES = Buffer.alloc(0);

export class Record {
  readonly topic: string;
  readonly partition: number;
  /** Position in the partition; -1 for a record that a step has made. */
  readonly offset: number;
  /** Epoch milliseconds, event time. The source may replace what the broker says (`from.time`). */
  timestamp: number;
  readonly keyBytes: Buffer;
  readonly keyStart: number;
  /** -1 with keyStart -1: the key is null. */
  readonly keyEnd: number;
  readonly valueBytes: Buffer;
  readonly valueStart: number;
  /** -1 with valueStart -1: the value is null, a tombstone. */
  readonly valueEnd: number;
  readonly headers: readonly Header[] | null;
  /** Set by the source once the writer's schema is known; null before. */
  decoder: ValueDecoder | null;

  // Slots of the envelope: they travel with the record, not in its headers.
  /**
   * The event's id: what `from.id` names, else topic/partition/offset (rule D1). Set by the source.
   */
  eventId: string;
  /** 0..3, or -1 in a topology without lanes. Set by the source. */
  priority: number;
  /**
   * Task-clock milliseconds after which nobody wants it; 0: none (rule D9). Set by gate_staleness.
   */
  deadlineMs: number;
  /** How many records this one stands for; more than 1 after coalesce. */
  count: number;
  target: Target | null;
  /** The device this copy is for; null until fan_out. */
  device: MemberDevice | null;
  /** The row that a sink's gate joined (presence), handed to the sink; null before. */
  joined: unknown;
  /** Which of the stream's output topics it goes to; 0 unless a step says otherwise. */
  output: number;

  #key: string | null | undefined;
  #value: unknown;

  constructor(
    topic: string,
    partition: number,
    offset: number,
    timestamp: number,
    keyBytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueBytes: Buffer,
    valueStart: number,
    valueEnd: number,
    headers: readonly Header[] | null,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.keyBytes = keyBytes;
    this.keyStart = keyStart;
    this.keyEnd = keyEnd;
    this.valueBytes = valueBytes;
    this.valueStart = valueStart;
    this.valueEnd = valueEnd;
    this.headers = headers;
    this.decoder = null;
    this.eventId = '';
    this.priority = -1;
    this.deadlineMs = 0;
    this.count = 1;
    this.target = null;
    this.device = null;
    this.joined = null;
    this.output = 0;
    this.#key = undefined;
    this.#value = undefined;
  }

  /** The key as text, or null. Decoded at the first call. */
  get key(): string | null {
    if (this.#key !== undefined) return this.#key;
    const key =
      this.keyStart < 0 ? null : this.keyBytes.toString('utf8', this.keyStart, this.keyEnd);
    this.#key = key;
    return key;
  }

  /** The value as the stream's steps see it (only the fields that they read), or null. */
  // biome-ignore lint/suspicious/noExplicitAny: its type is the topology's, not the compiler's.
  get value(): any {
    if (this.#value === undefined) {
      if (this.valueStart < 0) this.#value = null;
      else if (this.decoder === null) throw new Error('value read before the source set a decoder');
      else this.#value = this.decoder.decode(this.valueBytes, this.valueStart, this.valueEnd);
    }
    return this.#value;
  }

  /** True once a step has read the value, or given it. */
  get isTombstone(): boolean {
    return this.valueStart < 0 && this.#value === undefined;
  }

  /** A copy for one device, with all slots; shares bytes and decoded value. */
  forDevice(device: MemberDevice): Record {
    const copy = this.#copy(this.keyBytes, this.keyStart, this.keyEnd);
    copy.#key = this.#key;
    copy.#value = this.#value;
    copy.device = device;
    return copy;
  }

  /** A copy for another stream that reads the same topic: bytes shared, slots as they are now. */
  fork(): Record {
    const copy = this.#copy(this.keyBytes, this.keyStart, this.keyEnd);
    copy.#key = this.#key;
    return copy;
  }

  /** A copy with another value, given as an object; its bytes are empty (`valueStart` -1). */
  withValue(value: unknown): Record {
    const copy = new Record(
      this.topic,
      this.partition,
      this.offset,
      this.timestamp,
      this.keyBytes,
      this.keyStart,
      this.keyEnd,
      NO_BYTES,
      -1,
      -1,
      this.headers,
    );
    this.#copySlots(copy);
    copy.#key = this.#key;
    copy.#value = value;
    return copy;
  }

  /** A copy with another key; the value's bytes are shared. */
  withKey(key: string): Record {
    const bytes = Buffer.from(key, 'utf8');
    const copy = this.#copy(bytes, 0, bytes.length);
    copy.#key = key;
    copy.#value = this.#value;
    return copy;
  }

  #copy(keyBytes: Buffer, keyStart: number, keyEnd: number): Record {
    const copy = new Record(
      this.topic,
      this.partition,
      this.offset,
      this.timestamp,
      keyBytes,
      keyStart,
      keyEnd,
      this.valueBytes,
      this.valueStart,
      this.valueEnd,
      this.headers,
    );
    this.#copySlots(copy);
    return copy;
  }

  #copySlots(copy: Record): void {
    copy.decoder = this.decoder;
    copy.eventId = this.eventId;
    copy.priority = this.priority;
    copy.deadlineMs = this.deadlineMs;
    copy.count = this.count;
    copy.target = this.target;
    copy.device = this.device;
    copy.joined = this.joined;
    copy.output = this.output;
  }
}

/**
 * What flows between the nodes of a stream: the records of one poll of one partition (500 or so),
 * or what a tick of the task's clock let go. An empty batch is a tick.
 */
export interface Batch {
  readonly records: readonly Record[];
  /** The task's clock for this batch, epoch milliseconds; it never goes back. */
  readonly clockMs: number;
}
