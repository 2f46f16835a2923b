/**
 * A notification as bytes: the lane record's Avro value, written field by field straight into the
 * outgoing batch. The form is that of schema `DeviceNotification` as the project ships it; whether
 * the folder's schema has it is found out when the stream opens, by encoding samples both ways. If
 * it has another (a field was added), values go through its encoder.
 */
import type { LaneTarget } from '../../compiler/plan.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Priorities } from '../../core/priority.ts';
import { Record } from '../../core/record.ts';
import type { ValueEncoder } from '../../core/schema.ts';
import { Slice } from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import { putVarint } from '../../core/varint.ts';

/** What a notification is made of; one object that is used again for each. */
export interface NotificationParts {
  record: Record;
  devices: DeviceLines;
  line: number;
  /** Has the id at `idAt`, 36 characters. */
  ids: Uint8Array;
  idAt: number;
  /** The event's Avro body without its header, and the schema that it was written with. */
  payload: Buffer;
  payloadStart: number;
  payloadEnd: number;
  payloadSchemaId: number;
  sequence: number;
  previous: number;
}

const ID_BYTES = 36;
/** Header, id, eight numbers of at most ten bytes, lengths, union and enum. */
const FIXED_BYTES_MAX = 5 + 1 + ID_BYTES + 8 * 10 + 5 * 5 + 2;
const UNION_NULL = 0;
const UNION_TEXT = 2;

export class NotificationForm {
  readonly #useCase: string;
  /** The use case with its length before it. */
  readonly #useCaseBytes: Buffer;
  readonly #collapse: readonly FieldReader[];
  readonly #collapsePrefix: Buffer;
  readonly #priorities: Priorities;
  readonly #encoder: ValueEncoder;
  readonly #isShipped: boolean;

  constructor(useCase: string, to: LaneTarget, encoder: ValueEncoder) {
    this.#useCase = useCase;
    this.#useCaseBytes = withLength(useCase);
    this.#collapse = to.collapse;
    this.#priorities = to.lane.order;
    this.#collapsePrefix = Buffer.from(useCase, 'utf8');
    this.#encoder = encoder;
    this.#isShipped = this.#agrees();
  }

  /**
   * Appends a notification; gives the bytes of its value. Throws when the folder's schema refuses
   * it; the batch is then as it was.
   */
  write(builder: BatchBuilder, parts: NotificationParts): number {
    if (this.#isShipped) return this.#writeBytes(builder, parts);
    const value = this.#object(parts);
    return builder.appendEncoded(parts.record.timestamp, value.deviceId, this.#encoder, value);
  }

  #writeBytes(builder: BatchBuilder, parts: NotificationParts): number {
    const { record, devices, line, ids, idAt, payload, payloadStart, payloadEnd } = parts;
    const { slice, i } = record;
    const deviceStart = devices.idStart(line);
    const deviceEnd = devices.idEnd(line);
    const payloadSize = payloadEnd - payloadStart;
    const texts = 2 * (deviceEnd - deviceStart) + this.#useCaseBytes.length;
    builder.open(slice.timestamp[i]!, FIXED_BYTES_MAX + texts + payloadSize);
    builder.int(deviceEnd - deviceStart);
    builder.raw(devices.ids, deviceStart, deviceEnd);
    const valueAt = builder.beginValue();
    let { bytes, at } = builder;
    bytes[at++] = 0;
    builder.view.setUint32(at, this.#encoder.schemaId);
    at = putVarint(bytes, at + 4, ID_BYTES);
    for (let n = 0; n < ID_BYTES; n++) bytes[at + n] = ids[idAt + n]!;
    builder.at = at + ID_BYTES;
    builder.int(deviceEnd - deviceStart);
    builder.raw(devices.ids, deviceStart, deviceEnd);
    ({ bytes, at } = builder);
    at = putVarint(bytes, at, devices.epoch(line));
    at = putVarint(bytes, at, parts.sequence);
    builder.at = putVarint(bytes, at, parts.previous);
    builder.raw(this.#useCaseBytes, 0, this.#useCaseBytes.length);
    ({ bytes, at } = builder);
    at = putVarint(bytes, at, slice.priority);
    builder.at = putVarint(bytes, at, slice.deadlineMs[i]!);
    this.#writeCollapseKey(builder, record);
    builder.room(FIXED_BYTES_MAX + payloadSize);
    ({ bytes, at } = builder);
    at = putVarint(bytes, at, slice.count[i]!);
    at = putVarint(bytes, at, slice.timestamp[i]!);
    at = putVarint(bytes, at, parts.payloadSchemaId);
    builder.at = putVarint(bytes, at, payloadSize);
    builder.raw(payload, payloadStart, payloadEnd);
    return builder.endValue(valueAt);
  }

  #writeCollapseKey(builder: BatchBuilder, record: Record): void {
    if (this.#collapse.length === 0) {
      builder.room(1);
      builder.bytes[builder.at++] = UNION_NULL;
      return;
    }
    const { slice, i } = record;
    let size = this.#collapsePrefix.length;
    let texts: Buffer[] | null = null;
    for (const { column } of this.#collapse) {
      const start = column < 0 ? -1 : slice.fieldStart[column]![i]!;
      if (start < 0) texts = this.#collapseTexts(record);
      else size += 1 + slice.fieldEnd[column]![i]! - start;
    }
    if (texts !== null) {
      size = this.#collapsePrefix.length;
      for (const text of texts) size += 1 + text.length;
    }
    builder.room(2 + 10 + size);
    builder.bytes[builder.at++] = UNION_TEXT;
    builder.int(size);
    builder.raw(this.#collapsePrefix, 0, this.#collapsePrefix.length);
    for (let c = 0; c < this.#collapse.length; c++) {
      builder.bytes[builder.at++] = COLON;
      const { column } = this.#collapse[c]!;
      if (texts !== null) builder.raw(texts[c]!, 0, texts[c]!.length);
      else builder.raw(slice.bytes, slice.fieldStart[column]![i]!, slice.fieldEnd[column]![i]!);
    }
  }

  #collapseTexts(record: Record): Buffer[] {
    return this.#collapse.map((field) => Buffer.from(String(field.read(record)), 'utf8'));
  }

  #object(parts: NotificationParts): DeviceNotification {
    const { record, devices, line, ids, idAt, payload, payloadStart, payloadEnd } = parts;
    let collapseKey: string | null = null;
    if (this.#collapse.length > 0) {
      collapseKey = this.#useCase;
      for (const field of this.#collapse) collapseKey += `:${String(field.read(record))}`;
    }
    return {
      id: Buffer.from(ids.subarray(idAt, idAt + ID_BYTES)).toString('latin1'),
      deviceId: devices.id(line),
      epoch: devices.epoch(line),
      sequence: parts.sequence,
      previous: parts.previous,
      useCase: this.#useCase,
      priority: this.#priorities.nameOf(record.priority),
      deadline: record.deadlineMs,
      collapseKey,
      count: record.count,
      born: record.timestamp,
      payloadSchemaId: parts.payloadSchemaId,
      payload: payload.subarray(payloadStart, payloadEnd),
    };
  }

  /** Whether the bytes written here are those that the folder's schema gives, for some samples. */
  #agrees(): boolean {
    const columns = Math.max(0, ...this.#collapse.map(({ column }) => column + 1));
    for (const sample of samplesOf(this.#priorities)) {
      const parts = partsOf(sample, columns);
      const ours = new BatchBuilder('', 0);
      const theirs = new BatchBuilder('', 0);
      try {
        const value = this.#object(parts);
        theirs.appendEncoded(parts.record.timestamp, value.deviceId, this.#encoder, value);
        this.#writeBytes(ours, parts);
      } catch {
        return false;
      }
      if (!ours.finish().bytes.equals(theirs.finish().bytes)) return false;
    }
    return true;
  }
}

const COLON = 0x3a;

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const to = Buffer.alloc(10 + bytes.length);
  const at = putVarint(to, 0, bytes.length);
  return to.subarray(0, at + bytes.copy(to, at));
}

interface Sample {
  readonly priority: number;
  readonly atMs: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly previous: number;
  readonly payload: Buffer;
}

/** Small and large numbers, first and last priority, and a payload that is not empty. */
const samplesOf = ({ count }: Priorities): readonly Sample[] => [
  { priority: 0, atMs: 1, epoch: 1, sequence: 1, previous: 0, payload: Buffer.alloc(0) },
  {
    priority: count - 1,
    atMs: Date.UTC(2026, 0, 1),
    epoch: 70_000,
    sequence: 2 ** 30,
    previous: 8_191,
    payload: Buffer.from([1, 2, 3]),
  },
];

/** The value is a given object, so that every collapse field is read from there, and absent. */
function partsOf(sample: Sample, columns: number): NotificationParts {
  const { priority, atMs, epoch, sequence, previous, payload } = sample;
  const slice = new Slice(columns, 1);
  slice.n = 1;
  slice.priority = priority;
  slice.clearSlots(0);
  slice.timestamp[0] = atMs;
  slice.deadlineMs[0] = atMs * 2;
  const record = new Record(slice, 0);
  record.value = {};
  const devices = new DeviceLines();
  const deviceId = 'device-é';
  const line = devices.add({ deviceId, epoch, class: 'tv', transports: ['inbox'], updatedAt: 0 });
  return {
    record,
    devices,
    line,
    ids: Buffer.from('01234567-89ab-8cde-8f01-23456789abcd', 'latin1'),
    idAt: 0,
    payload,
    payloadStart: 0,
    payloadEnd: payload.length,
    payloadSchemaId: 7 + priority,
    sequence,
    previous,
  };
}
