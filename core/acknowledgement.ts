/** What devices have acknowledged, as everybody may look it up who would tell them again. */
import { covers, parseCursorOf } from './cursor.ts';
import type { DeviceNotification } from './notification.ts';
import type { Priorities } from './priority.ts';
import type { TableView } from './store.ts';

/** A row of `tables.acknowledgements`, keyed by device, schema `Acknowledgement`. */
export interface Acknowledgement {
  readonly deviceId: string;
  readonly epoch: number;
  /** What it covers is acknowledged. */
  readonly cursor: string;
  readonly at: number;
}

export type Acknowledgeable = Pick<
  DeviceNotification,
  'deviceId' | 'epoch' | 'priority' | 'sequence'
>;

/** True: its device has acknowledged it. A row of another epoch, or one not readable, says no. */
export function isAcknowledged(
  of: Acknowledgeable,
  rows: TableView<Acknowledgement>,
  priorities: Priorities,
): boolean {
  const row = rows.get(of.deviceId);
  if (row === undefined || row.epoch !== of.epoch) return false;
  const cursor = parseCursorOf(row.cursor, priorities);
  if (cursor?.epoch !== of.epoch) return false;
  return covers(cursor, priorities.numberOf(of.priority), of.sequence);
}
