/**
 * The numbers of a member's devices: one row a member, so that an event costs one changelog record
 * however many devices it tells (rule D3).
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { TRANSPORTS } from '../core/device.ts';
import type { RowCodec } from '../core/store.ts';

/** Devices whose numbers are kept for a member; the one unused for longest is forgotten. */
export const NUMBERED_DEVICES_MAX = 512;

export interface DeviceNumbers {
  epoch: number;
  /** The last number given; 0: none. */
  last: number;
  /** By transport: the last number given in that lane. */
  readonly lastInLane: number[];
}

export type MemberNumbers = Map<string, DeviceNumbers>;

export const numbersCodec: RowCodec<MemberNumbers> = {
  encode(row) {
    const writer = new ByteWriter(row.size * 24 + 8);
    writer.int(row.size);
    for (const [deviceId, numbers] of row) {
      writer.text(deviceId).int(numbers.epoch).int(numbers.last);
      for (const last of numbers.lastInLane) writer.int(last);
    }
    return writer.done();
  },
  decode(bytes) {
    const reader = new ByteReader(bytes);
    const row: MemberNumbers = new Map();
    for (let rest = reader.int(); rest > 0; rest--) {
      const deviceId = reader.text();
      const epoch = reader.int();
      const last = reader.int();
      row.set(deviceId, { epoch, last, lastInLane: TRANSPORTS.map(() => reader.int()) });
    }
    return row;
  },
};

/** The device's numbers in its current epoch; a new epoch starts at 1 again. */
export function numbersOf(row: MemberNumbers, deviceId: string, epoch: number): DeviceNumbers {
  let numbers = row.get(deviceId);
  if (numbers === undefined || numbers.epoch < epoch) {
    numbers = { epoch, last: 0, lastInLane: TRANSPORTS.map(() => 0) };
  } else {
    row.delete(deviceId);
  }
  // Set anew, so that the map's order is that of use.
  row.set(deviceId, numbers);
  if (row.size > NUMBERED_DEVICES_MAX) row.delete(row.keys().next().value!);
  return numbers;
}
