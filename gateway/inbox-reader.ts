/** Reads what a cursor does not cover (rule D5), in pages, for pulls and for fills alike. */
import { type Cursor, coveredTo } from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { DeviceNotification } from '../core/notification.ts';
import { priorityOf } from '../core/priority.ts';

/** Rows of one read of the store at least, so that a small limit does not mean many reads. */
const READ_ROWS_MIN = 64;

export interface InboxPage {
  readonly rows: readonly DeviceNotification[];
  /** True: there may be more behind. */
  readonly more: boolean;
}

/**
 * At most `limit` rows that the cursor does not cover, most urgent first, then by number. Leaves
 * the cursor as it is, and moves `marks` (the cursor's at first) on, so that a loop over pages
 * always gets on, also where the cursor has more gaps than it can remember. Covered ranges are
 * jumped over.
 */
export async function readUncovered(
  inbox: InboxStore,
  deviceId: string,
  cursor: Cursor,
  limit: number,
  marks: number[] = cursor.marks.slice(),
): Promise<InboxPage> {
  const rows: DeviceNotification[] = [];
  const readRows = Math.max(limit, READ_ROWS_MIN);
  for (;;) {
    const page = await inbox.read(deviceId, cursor.epoch, marks, readRows);
    for (const row of page) {
      const priority = priorityOf(row.priority)!;
      const end = coveredTo(cursor, priority, row.sequence);
      if (end === 0) {
        if (rows.length === limit) return { rows, more: true };
        rows.push(row);
      }
      marks[priority] = Math.max(marks[priority]!, row.sequence, end);
    }
    if (page.length < readRows) return { rows, more: false };
    if (rows.length === limit) return { rows, more: true };
  }
}
