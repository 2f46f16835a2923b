/**
 * The last node of a stream with lanes: one record per device, numbered and written to the lane of
 * its priority and transport. It is last, after everything that may drop or refuse a record, so
 * that the numbers are dense (rule D3).
 */
import { hash } from 'node:crypto';
import type { LaneTarget, StreamPlan } from '../compiler/plan.ts';
import { type MemberDevice, TRANSPORTS, type Transport } from '../core/device.ts';
import type { DeviceNotification } from '../core/notification.ts';
import { priorityName } from '../core/priority.ts';
import type { Record } from '../core/record.ts';
import { type Schemas, schemaIdOf, type ValueEncoder, WIRE_HEADER_BYTES } from '../core/schema.ts';
import type { KeyedStore } from '../core/store.ts';
import { newStepCounts, type StepCounts } from '../core/verdict.ts';
import type { Collector } from './collector.ts';
import { type DeviceNumbers, type MemberNumbers, numbersOf } from './numbers.ts';

export const LANE_STEP = 'lane';

/**
 * A UUID (version 8, RFC 9562) of SHA-256 over event id, use case id and device id: the same at
 * every repeat, on every machine (rule D1). NUL cannot be part of the parts' separators by
 * accident: Avro strings that hold it are legal, but two different triples would have to agree
 * around it.
 */
export function notificationId(eventId: string, useCase: string, deviceId: string): string {
  const h = hash('sha256', `${useCase}\0${deviceId}\0${eventId}`, 'hex');
  const variant = ((Number.parseInt(h[16]!, 16) & 0x3) | 0x8).toString(16);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

export interface LaneHost {
  readonly collector: Collector;
  readonly schemas: Schemas;
  deadLetter(record: Record, code: string, why: string, step: string): void;
  onDrop?: ((record: Record | null, step: string, reason: string, by: number) => void) | undefined;
}

export class LaneWriter {
  readonly counts: StepCounts = newStepCounts();
  readonly #stream: StreamPlan;
  readonly #to: LaneTarget;
  readonly #numbers: KeyedStore<MemberNumbers>;
  readonly #host: LaneHost;
  readonly #encoder: ValueEncoder;

  constructor(
    stream: StreamPlan,
    to: LaneTarget,
    numbers: KeyedStore<MemberNumbers>,
    host: LaneHost,
  ) {
    this.#stream = stream;
    this.#to = to;
    this.#numbers = numbers;
    this.#host = host;
    this.#encoder = host.schemas.encoder(to.lane.schema);
  }

  write(record: Record): void {
    this.counts.in++;
    const { device } = record;
    if (device === null) {
      this.#refuse(record, 'CAR506', 'it has no device: fan_out must come before the lane');
      return;
    }
    const transport = this.#transportOf(device.transports);
    if (transport === undefined) {
      this.#drop(record, 'no_transport');
      return;
    }
    const member = record.key ?? '';
    const row = this.#numbers.get(member) ?? new Map();
    const numbers = numbersOf(row, device.deviceId, device.epoch);
    if (numbers.epoch > device.epoch) {
      // The table has gone back behind what was numbered: only the newest epoch may be told.
      this.#drop(record, 'moved');
      return;
    }
    const lane = TRANSPORTS.indexOf(transport);
    const builder = this.#host.collector.forKey(
      this.#to.lane.topicOf(record.priority, transport),
      device.deviceId,
    );
    const mark = builder.mark();
    let size: number;
    try {
      const value = this.#notification(record, device, numbers, lane);
      size = builder.appendEncoded(record.timestamp, device.deviceId, this.#encoder, value);
    } catch (error) {
      this.#refuse(record, 'CAR511', error instanceof Error ? error.message : String(error));
      return;
    }
    if (size > this.#to.lane.bytesMax) {
      builder.undo(mark);
      this.#refuse(record, 'CAR507', `${size} bytes, the lane allows ${this.#to.lane.bytesMax}`);
      return;
    }
    numbers.last++;
    numbers.lastInLane[lane] = numbers.last;
    this.#numbers.put(member, row);
    this.counts.passed++;
    this.counts.out++;
  }

  #notification(
    record: Record,
    device: MemberDevice,
    numbers: DeviceNumbers,
    lane: number,
  ): DeviceNotification {
    const { bytes, start, end } = this.#payload(record);
    return {
      id: notificationId(record.eventId, this.#stream.useCase, device.deviceId),
      deviceId: device.deviceId,
      epoch: device.epoch,
      sequence: numbers.last + 1,
      previous: numbers.lastInLane[lane]!,
      useCase: this.#stream.useCase,
      priority: priorityName(record.priority),
      deadline: record.deadlineMs,
      collapseKey: this.#collapseKey(record),
      count: record.count,
      born: record.timestamp,
      payloadSchemaId: schemaIdOf(bytes, start, end),
      payload: bytes.subarray(start + WIRE_HEADER_BYTES, end),
    };
  }

  #transportOf(transports: readonly Transport[]): Transport | undefined {
    const allowed = this.#to.transports;
    for (const transport of transports) if (allowed.includes(transport)) return transport;
    return undefined;
  }

  #collapseKey(record: Record): string | null {
    const { collapse } = this.#to;
    if (collapse.length === 0) return null;
    let key = this.#stream.useCase;
    for (const field of collapse) key += `:${String(field.read(record))}`;
    return key;
  }

  /**
   * The event's body as it came, or, when a step has made a new value, encoded by the stream's
   * schema.
   */
  #payload(record: Record): { bytes: Buffer; start: number; end: number } {
    if (record.valueStart >= 0) {
      return { bytes: record.valueBytes, start: record.valueStart, end: record.valueEnd };
    }
    const { schema } = this.#stream.source.projection;
    const bytes = this.#host.schemas.encoder(schema).toBuffer(record.value);
    return { bytes, start: 0, end: bytes.length };
  }

  #drop(record: Record, reason: string): void {
    const { dropped } = this.counts;
    dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
    this.#host.onDrop?.(record, LANE_STEP, reason, 1);
  }

  #refuse(record: Record, code: string, why: string): void {
    const { deadLettered } = this.counts;
    deadLettered.set(code, (deadLettered.get(code) ?? 0) + 1);
    this.#host.deadLetter(record, code, why, LANE_STEP);
  }
}
