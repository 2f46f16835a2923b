/** Reads what a cursor does not cover (rule D5), in pages, for pulls and for fills alike. */
import { type Cursor, coveredTo } from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { DeviceNotification } from '../core/notification.ts';

/** Rows of the first read of a page: as many of the largest payload (64 KiB) are 4 MiB. */
const READ_ROWS_FIRST = 64;
const READ_ROWS_MIN = 8;

export interface InboxPage {
  readonly rows: readonly DeviceNotification[];
  /** True: there may be more behind. */
  readonly more: boolean;
}

export interface PageBounds {
  readonly rows: number;
  /** Of the payloads; a page has one row at least, however large. */
  readonly bytes: number;
}

/**
 * What the cursor does not cover, most urgent first, then by number, within bounds. Leaves the
 * cursor as it is, and moves `marks` (the cursor's at first) on, so that a loop over pages always
 * gets on, also where the cursor has more gaps than it can remember. Covered ranges are jumped
 * over.
 */
export async function readUncovered(
  inbox: InboxStore,
  deviceId: string,
  cursor: Cursor,
  bounds: PageBounds,
  marks: number[] = cursor.marks.slice(),
): Promise<InboxPage> {
  const rows: DeviceNotification[] = [];
  let bytes = 0;
  let readRows = READ_ROWS_FIRST;
  for (;;) {
    const page = await inbox.read(deviceId, cursor.epoch, marks, readRows);
    let seen = 0;
    for (const row of page) {
      const priority = inbox.priorities.numberOf(row.priority);
      const end = coveredTo(cursor, priority, row.sequence);
      seen += row.payload.length;
      if (end === 0) {
        const full = rows.length === bounds.rows || bytes + row.payload.length > bounds.bytes;
        if (full && rows.length > 0) return { rows, more: true };
        rows.push(row);
        bytes += row.payload.length;
      }
      marks[priority] = Math.max(marks[priority]!, row.sequence, end);
    }
    if (page.length < readRows) return { rows, more: false };
    if (rows.length >= bounds.rows || bytes >= bounds.bytes) return { rows, more: true };
    // As many as fit, if they are as large as those before.
    const fit = Math.floor((bounds.bytes - bytes) / Math.max(1, seen / page.length));
    readRows = Math.max(READ_ROWS_MIN, Math.min(bounds.rows, fit));
  }
}
