/**
 * Where a device goes on: what it says it has (a cursor), as far as it can have been given that.
 * The rest is told again. A cursor of another device (app data that was copied to a new phone),
 * epoch or set of priorities says nothing; one that is ahead of all that the inbox holds was given
 * in another life of the store, or its rows have not arrived: in both cases the safe side is to
 * tell again.
 */
import {
  type Cursor,
  copyCursor,
  covers,
  deviceMark,
  highest,
  merge,
  ofSet,
  uncover,
} from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';

/** Sequences are Avro ints: above it there is nothing to read. */
const NUMBER_MAX = 2 ** 31 - 1;

/**
 * `acked` is what the store has as acknowledged in the device's epoch. The result is a copy, bound
 * to the device. Rejects when the inbox is away.
 */
export async function startOf(
  inbox: InboxStore,
  deviceId: string,
  after: Cursor | undefined,
  acked: Cursor,
): Promise<Cursor> {
  const device = deviceMark(deviceId);
  const own = after === undefined ? undefined : ofSet(after, inbox.priorities);
  if (own?.epoch !== acked.epoch || own.device !== device) return copyCursor(acked, device);
  const from = copyCursor(own);
  for (const priority of await notGiven(inbox, deviceId, own, acked)) {
    uncover(from, priority, 1);
    const known = copyCursor(acked);
    from.marks.forEach((_, other) => {
      if (other !== priority) uncover(known, other, 1);
    });
    merge(from, known);
  }
  return from;
}

/** Priorities in which the cursor covers more than the device can have been given. */
export async function notGiven(
  inbox: InboxStore,
  deviceId: string,
  cursor: Cursor,
  acked: Cursor,
): Promise<readonly number[]> {
  const ahead: number[] = [];
  for (const priority of cursor.marks.keys()) {
    const top = highest(cursor, priority);
    if (top === 0 || covers(acked, priority, top)) continue;
    const marks = cursor.marks.map((_, other) => (other === priority ? top - 1 : NUMBER_MAX));
    const [row] = await inbox.read(deviceId, cursor.epoch, marks, 1);
    if (row === undefined) ahead.push(priority);
  }
  return ahead;
}
