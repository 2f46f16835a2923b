/**
 * The last node of a stream with lanes: one record per device, numbered and written to the lane of
 * its priority and transport. It is last, after everything that may drop or refuse a record, so
 * that the numbers are dense (rule D3). The ids of a slice are made first, four at a time, then the
 * records are written as bytes.
 */
import type { LaneTarget, StreamPlan } from '../../compiler/plan.ts';
import type { BatchBuilder } from '../../core/batch-builder.ts';
import { TRANSPORTS } from '../../core/device.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import { Record } from '../../core/record.ts';
import { type Schemas, WIRE_HEADER_BYTES } from '../../core/schema.ts';
import { ANY_TRANSPORT, GIVEN, Slice } from '../../core/slice.ts';
import { Node, type Refusal } from '../node.ts';
import type { DeviceNumbers } from './device-numbers.ts';
import { NotificationForm, type NotificationParts } from './notification-form.ts';
import { idsOf, type NotificationIds } from './notification-id.ts';
import type { TaskParts } from './task-parts.ts';

export const LANE_STEP = 'lane';

const ID_BYTES = 36;
const INBOX = TRANSPORTS.indexOf('inbox');
const NO_DEVICE: Refusal = {
  code: 'CAR506',
  why: 'it has no device: fan_out must come before the lane',
};

export class LaneWriter {
  readonly node: Node;
  readonly #stream: StreamPlan;
  readonly #to: LaneTarget;
  readonly #numbers: DeviceNumbers;
  readonly #schemas: Schemas;
  readonly #partitions: number;
  readonly #form: NotificationForm;
  readonly #ids: NotificationIds;
  /** Bits of the transports that the use case allows. */
  readonly #allowed: number;
  /** By transport and partition; found when a record first goes there. */
  readonly #builders: (BatchBuilder | undefined)[] = [];
  readonly #builderOf: (priority: number, transport: number, partition: number) => BatchBuilder;
  readonly #parts: NotificationParts;

  constructor(stream: StreamPlan, to: LaneTarget, parts: TaskParts) {
    this.node = new Node(stream.name, LANE_STEP, parts);
    this.#stream = stream;
    this.#to = to;
    if (parts.numbers === null) throw new Error('a lane needs numbers');
    this.#numbers = parts.numbers;
    this.#schemas = parts.schemas;
    this.#partitions = parts.partitions;
    this.#form = new NotificationForm(stream.useCase, to, parts.schemas.encoder(to.lane.schema));
    this.#ids = idsOf(stream.useCase);
    this.#allowed = to.transports.reduce((bits, one) => bits | (1 << TRANSPORTS.indexOf(one)), 0);
    this.#builderOf = (priority, transport, partition) =>
      parts.collector.builder(to.lane.topicOf(priority, TRANSPORTS[transport]!), partition);
    const none = Buffer.alloc(0);
    this.#parts = {
      record: new Record(new Slice(0, 1), 0),
      devices: new DeviceLines(),
      line: -1,
      ids: none,
      idAt: 0,
      payload: none,
      payloadStart: 0,
      payloadEnd: 0,
      payloadSchemaId: 0,
      sequence: 0,
      previous: 0,
    };
  }

  write(slice: Slice): void {
    const { selected } = slice;
    if (selected === 0) return;
    const { counts } = this.node;
    counts.in += selected;
    this.#makeIds(slice);
    this.#numbers.warm(slice);
    const { record } = this.#parts;
    record.slice = slice;
    let passed = 0;
    for (let j = 0; j < selected; j++) {
      record.i = slice.selection[j]!;
      const copies = this.#write(slice, record, j);
      counts.out += copies;
      if (copies > 0) passed++;
    }
    counts.passed += passed;
  }

  #makeIds(slice: Slice): void {
    const { selected, devices } = slice;
    if (devices === null) return;
    const parts = this.#parts;
    if (parts.ids.length < selected * ID_BYTES) {
      parts.ids = Buffer.allocUnsafeSlow(slice.capacity * ID_BYTES);
    }
    try {
      this.#addIds(slice, devices);
      this.#ids.flush(parts.ids);
    } catch (error) {
      // Others of the use case add to the same.
      this.#ids.drop();
      throw error;
    }
  }

  #addIds(slice: Slice, devices: DeviceLines): void {
    const { selection, selected, device, eventStart, eventEnd, bytes } = slice;
    const record = new Record(slice, 0);
    const ids = this.#ids;
    for (let j = 0; j < selected; j++) {
      const i = selection[j]!;
      const line = device[i]!;
      if (line < 0) continue;
      const from = devices.idStart(line);
      const to = devices.idEnd(line);
      const start = eventStart[i]!;
      if (start >= 0) {
        ids.add(j * ID_BYTES, bytes, start, eventEnd[i]!, devices.ids, from, to);
      } else {
        record.i = i;
        const event = Buffer.from(record.eventId, 'utf8');
        ids.add(j * ID_BYTES, event, 0, event.length, devices.ids, from, to);
      }
    }
  }

  /** How many lanes it was written to: one, or each that reaches the device; 0: none. */
  #write(slice: Slice, record: Record, j: number): number {
    const { i } = record;
    const line = slice.device[i]!;
    const { devices } = slice;
    if (line < 0 || devices === null) return this.#refuse(record, NO_DEVICE);
    const wanted = slice.transports[i]!;
    const first = this.#transport(devices, line, wanted);
    if (first < 0) return this.#drop(record, 'no_transport');
    const numbers = this.#numbers;
    this.#turnTo(slice, record);
    if (!numbers.device(devices, line)) {
      // The table has gone back behind what was numbered: only the newest epoch may be told.
      return this.#drop(record, 'moved');
    }
    const parts = this.#parts;
    parts.devices = devices;
    parts.line = line;
    parts.idAt = j * ID_BYTES;
    parts.sequence = numbers.last + 1;
    const each =
      this.#to.reach === 'all' ? devices.pushTransports(line, this.#allowed & wanted) : 0;
    if (each !== 0) return this.#writeAll(slice, record, each);
    if (!this.#writeTo(slice, record, first)) return 0;
    numbers.give(first);
    return 1;
  }

  /** The same number in each of the lanes, or in none. */
  #writeAll(slice: Slice, record: Record, transports: number): number {
    const all = TRANSPORTS.flatMap((_, index) =>
      (transports & (1 << index)) === 0 ? [] : [index],
    );
    for (let n = 0; n < all.length; n++) {
      if (this.#writeTo(slice, record, all[n]!)) continue;
      const { devices, line } = this.#parts;
      for (const done of all.slice(0, n)) this.#lane(slice.priority, done, devices, line).undo();
      return 0;
    }
    const [first, ...others] = all;
    this.#numbers.give(first!);
    for (const other of others) this.#numbers.giveAlso(other);
    return all.length;
  }

  /** False: it was refused, and nothing was written. */
  #writeTo(slice: Slice, record: Record, transport: number): boolean {
    const parts = this.#parts;
    parts.previous = this.#numbers.lastInLane(transport);
    const builder = this.#lane(slice.priority, transport, parts.devices, parts.line);
    let size: number;
    try {
      this.#setPayload(slice, record);
      size = this.#form.write(builder, parts);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#refuse(record, { code: 'CAR511', why });
      return false;
    }
    const { bytesMax } = this.#to.lane;
    if (size <= bytesMax) return true;
    builder.undo();
    const why = `${size} bytes, the lane allows ${bytesMax}`;
    this.#refuse(record, { code: 'CAR507', why });
    return false;
  }

  /**
   * The device's first transport that use case and member allow, or -1. A member who wants it in
   * the inbox has it there, whatever else the device is reached by.
   */
  #transport(devices: DeviceLines, line: number, wanted: number): number {
    const allowed = this.#allowed;
    if (wanted === ANY_TRANSPORT) return devices.firstTransport(line, allowed);
    const first = devices.firstTransport(line, allowed & wanted);
    if (first >= 0) return first;
    return (allowed & wanted & (1 << INBOX)) !== 0 ? INBOX : -1;
  }

  #lane(priority: number, transport: number, devices: DeviceLines, line: number): BatchBuilder {
    const partition = devices.partitionOf(line, this.#partitions);
    const at = transport * this.#partitions + partition;
    let builder = this.#builders[at];
    if (builder === undefined) {
      builder = this.#builderOf(priority, transport, partition);
      this.#builders[at] = builder;
    }
    return builder;
  }

  #turnTo(slice: Slice, record: Record): void {
    const start = slice.keyStart[record.i]!;
    if (start >= 0) {
      this.#numbers.turnTo(slice.bytes, slice.view, start, slice.keyEnd[record.i]!);
      return;
    }
    const key = Buffer.from(record.key ?? '', 'utf8');
    const view = new DataView(key.buffer, key.byteOffset, key.length);
    this.#numbers.turnTo(key, view, 0, key.length);
  }

  /**
   * The event's body as it came, or, when a step has made a new value, encoded by the stream's
   * schema.
   */
  #setPayload(slice: Slice, record: Record): void {
    const { i } = record;
    const parts = this.#parts;
    const start = slice.valueStart[i]!;
    if (start !== GIVEN) {
      parts.payload = slice.bytes;
      parts.payloadStart = start + WIRE_HEADER_BYTES;
      parts.payloadEnd = slice.valueEnd[i]!;
      parts.payloadSchemaId = slice.view.getUint32(start + 1);
      return;
    }
    const encoder = this.#schemas.encoder(this.#to.schema ?? this.#stream.source.projection.schema);
    parts.payload = encoder.toBuffer(record.value);
    parts.payloadStart = WIRE_HEADER_BYTES;
    parts.payloadEnd = parts.payload.length;
    parts.payloadSchemaId = encoder.schemaId;
  }

  #drop(record: Record, reason: string): 0 {
    this.node.drop(reason, record);
    return 0;
  }

  #refuse(record: Record, refusal: Refusal): 0 {
    this.node.refuse(record, refusal);
    return 0;
  }
}
