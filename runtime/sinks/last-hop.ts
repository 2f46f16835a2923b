/**
 * The checks right before a delivery, as things stand now (rules D4, D9): the deadline that was
 * stamped, whether the device has acknowledged it meanwhile, on another path, and whether it is
 * still the one that the notification was made for.
 */
import { type Acknowledgement, isAcknowledged } from '../../core/acknowledgement.ts';
import type { Device } from '../../core/device.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Priorities } from '../../core/priority.ts';
import type { TableView } from '../../core/store.ts';

/** How long a record that is newer than the owners' table waits for it (rule D4). */
const OWNER_WAIT_MS = 2_000;

export type LastHop =
  | { readonly go: true; readonly device: Device | undefined }
  /** The owners' table is behind: look again a little later. */
  | { readonly go: 'wait' }
  | {
      readonly go: false;
      readonly kind: 'expired' | 'moved' | 'abandoned' | 'withdrawn';
      readonly reason: string;
    };

export interface LastHopOptions {
  /** Null: the topology has no table of owners. */
  readonly owners: TableView<Device> | null;
  /** Null: no use case has to be acknowledged. */
  readonly acknowledgements: TableView<Acknowledgement> | null;
  readonly priorities: Priorities;
  /** True: without the device's row there is nothing to send to. */
  readonly needsOwner: boolean;
  readonly nowMs: number;
  /** How long the record has been here. */
  readonly waitedMs: number;
}

export function lastHop(notification: DeviceNotification, options: LastHopOptions): LastHop {
  const { owners, acknowledgements, priorities, needsOwner, nowMs, waitedMs } = options;
  if (notification.deadline > 0 && nowMs > notification.deadline) {
    return { go: false, kind: 'expired', reason: 'deadline' };
  }
  if (acknowledgements !== null && isAcknowledged(notification, acknowledgements, priorities)) {
    return { go: false, kind: 'withdrawn', reason: 'acknowledged' };
  }
  if (owners === null) return { go: true, device: undefined };
  const device = owners.get(notification.deviceId);
  if (device === undefined || device.epoch < notification.epoch) {
    if (waitedMs < OWNER_WAIT_MS) return { go: 'wait' };
    if (needsOwner) return { go: false, kind: 'abandoned', reason: 'no_owner' };
    return { go: true, device };
  }
  if (device.epoch > notification.epoch || device.status !== 'ACTIVE') {
    return { go: false, kind: 'moved', reason: 'epoch' };
  }
  return { go: true, device };
}
