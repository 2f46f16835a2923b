/**
 * Several records of a device in one call of a sink that takes them so: those that waited behind
 * one that goes out now, and may go out now themselves.
 */
import type { SinkSpec } from '../../core/spec.ts';
import type { Item } from './item.ts';

/** Of one device in one call, so that a device with many leaves room for others. */
const DEVICE_RECORDS_MAX = 32;

/** Adds what follows on the devices of a batch, at its end and in order, up to `max` in all. */
export function addFollowers(batch: Item[], max: number, spec: SinkSpec, nowMs: number): void {
  const { together } = spec;
  if (together === undefined) return;
  const heads = batch.length;
  for (let i = 0; i < heads && batch.length < max; i++) {
    let last = batch[i]!;
    for (let many = 1; many < DEVICE_RECORDS_MAX && batch.length < max; many++) {
      const next = followerOf(last, together, nowMs);
      if (next === undefined) break;
      batch.push(next);
      last = next;
    }
  }
}

/** What is not so clear waits until the one before it has ended, and has its last checks then. */
function followerOf(
  item: Item,
  together: NonNullable<SinkSpec['together']>,
  nowMs: number,
): Item | undefined {
  const { devices, tables } = item.task;
  const { deviceId } = item.notification;
  const next = devices.peek(deviceId);
  if (next === undefined || next.marks.dueMs > nowMs) return undefined;
  if (!together(item.delivery, next.delivery)) return undefined;
  const hop = tables.lastHop(next, nowMs);
  if (hop === 'elsewhere' || hop.go !== true) return undefined;
  devices.follow(deviceId);
  next.delivery = { ...next.delivery, device: hop.device, attempt: next.delivery.attempt + 1 };
  return next;
}
