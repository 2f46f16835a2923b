/**
 * The inbox: every notification per device, in SQLite or Cassandra, so that pull, resume and gap
 * filling need nothing else. Rows are keyed ((device, epoch), priority, sequence); writing a row
 * twice leaves one.
 */

import type { DeviceNotification } from './notification.ts';
import type { Outcome } from './outcome.ts';
import type { Priorities } from './priority.ts';

export interface InboxRow {
  readonly notification: DeviceNotification;
  /** Epoch ms after which the store may forget the row. */
  readonly expiresAt: number;
}

export interface InboxStore {
  /** Those of the topology: rows have their numbers, and notifications their names. */
  readonly priorities: Priorities;
  /** Idempotent. One outcome per row, in order: delivered, or retry when the store is away. */
  write(rows: readonly InboxRow[]): Promise<readonly Outcome[]>;
  /**
   * Rows of (device, epoch) whose sequence is above `marks[priority]`, ordered by priority
   * (most urgent first), then sequence; at most `limit`. A gap in the sequences means "not yet"
   * (rule D5).
   */
  read(
    deviceId: string,
    epoch: number,
    marks: readonly number[],
    limit: number,
  ): Promise<readonly DeviceNotification[]>;
  /** All that the device has acknowledged in this epoch, as one cursor, or null. */
  acknowledged(deviceId: string, epoch: number): Promise<string | null>;
  /**
   * Adds what the cursor covers to what is acknowledged, atomically: of two at once, in whatever
   * process, none is lost.
   */
  acknowledge(deviceId: string, epoch: number, cursor: string): Promise<void>;
  probe(): Promise<void>;
  close(): Promise<void>;
}
