/**
 * What the device of one connection has acknowledged: by ids, or by a cursor. It is kept in the
 * inbox, one write at a time, each notification becomes an outcome, and what is not taken is told.
 */
import {
  add,
  type Cursor,
  copyCursor,
  covers,
  emptyCursor,
  formatCursor,
  keepCovered,
  merge,
  ofSet,
  parseCursorOf,
} from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type { DeliveryOutcome } from '../core/outcome.ts';
import type { UnacknowledgedFrame } from '../schemas/frames.ts';
import type { Guarantee } from './guarantee.ts';
import { type PageBounds, readUncovered } from './inbox-reader.ts';
import type { GatewayCounts } from './limits.ts';
import type { Reporter } from './reporter.ts';

/** What of the inbox is looked through for ids; who has more acknowledges by cursor. */
const LOOKED_THROUGH: PageBounds = { rows: 1_000, bytes: 4 * 1024 * 1024 };

/** What an outcome needs of a notification whose frame is gone. */
interface Recent {
  readonly id: string;
  readonly priority: DeviceNotification['priority'];
  readonly sequence: number;
  readonly useCase: string;
  readonly born: number;
}

export interface AckDeps {
  readonly inbox: InboxStore;
  readonly outcomes: Reporter;
  readonly guarantee: Guarantee;
  readonly counts: GatewayCounts;
  readonly clock: { now(): number };
}

/** Who is told what of its acknowledgements was not taken. */
export interface AckDevice {
  tell(frame: UnacknowledgedFrame): void;
}

export function acknowledgedOutcome(
  of: Recent,
  deviceId: string,
  sink: string,
  nowMs: number,
): DeliveryOutcome {
  return {
    notificationId: of.id,
    deviceId,
    useCase: of.useCase,
    priority: of.priority,
    sink,
    attempt: 1,
    outcome: 'acknowledged',
    reason: '',
    ambiguous: false,
    at: nowMs,
    ageMs: nowMs - of.born,
  };
}

export class Acknowledgements {
  readonly #deps: AckDeps;
  readonly #deviceId: string;
  readonly #acked: Cursor;
  readonly #recentMax: number;
  readonly #device: AckDevice;
  /** Made at the first frame: most connections are idle. */
  #recent: Map<string, Recent> | null = null;
  /** Ids that are looked up in the inbox next. */
  #asked: Set<string> | null = null;
  #looking = false;
  #writing = false;
  #dirty = false;

  constructor(
    deps: AckDeps,
    of: {
      readonly deviceId: string;
      readonly acked: Cursor;
      readonly recentMax: number;
      readonly device: AckDevice;
    },
  ) {
    this.#deps = deps;
    this.#deviceId = of.deviceId;
    this.#acked = of.acked;
    this.#recentMax = of.recentMax;
    this.#device = of.device;
  }

  /** The stored acknowledgement of this epoch, or an empty cursor. */
  static async stored(inbox: InboxStore, deviceId: string, epoch: number): Promise<Cursor> {
    const text = await inbox.acknowledged(deviceId, epoch);
    const { priorities } = inbox;
    const cursor = text === null ? undefined : parseCursorOf(text, priorities);
    return cursor?.epoch === epoch ? copyCursor(cursor, 0) : emptyCursor(epoch, 0, priorities);
  }

  sent(notification: DeviceNotification): void {
    this.#recent ??= new Map();
    const { id, priority, sequence, useCase, born } = notification;
    this.#recent.set(id, { id, priority, sequence, useCase, born });
    if (this.#recent.size > this.#recentMax) {
      this.#recent.delete(this.#recent.keys().next().value!);
    }
  }

  /** Ids of earlier connections, or of long ago, are looked up in the inbox. */
  byIds(ids: readonly string[]): void {
    for (const id of ids) {
      const recent = this.#recent?.get(id);
      if (recent !== undefined) this.#settle(recent);
      else {
        this.#asked ??= new Set();
        this.#asked.add(id);
      }
    }
    this.#store();
    if (this.#asked !== null && !this.#looking) void this.#lookUp();
  }

  /** Acknowledges what the cursor covers of `given`, which the device has, and tells the rest. */
  byCursor(cursor: Cursor, given: Cursor): void {
    const own = ofSet(cursor, this.#deps.inbox.priorities);
    const kept = own === undefined ? undefined : copyCursor(own, 0);
    let reason: UnacknowledgedFrame['reason'] | undefined;
    if (cursor.device !== given.device) reason = 'other_device';
    else if (cursor.epoch !== given.epoch) reason = 'other_epoch';
    else if (kept === undefined || keepCovered(kept, given)) reason = 'not_given';
    if (reason !== undefined) {
      this.#device.tell({ type: 'unacknowledged', reason, asked: formatCursor(cursor) });
      if (reason !== 'not_given') return;
    }
    if (kept === undefined) return;
    for (const recent of this.#recent?.values() ?? []) {
      if (covers(kept, this.#numberOf(recent.priority), recent.sequence)) this.#settle(recent);
    }
    merge(this.#acked, kept);
    this.#store();
  }

  /** Good until the next acknowledgement. */
  get cursor(): Cursor {
    return this.#acked;
  }

  /** What the device has acknowledged by a pull; it is stored, and counted, there. */
  elsewhere(cursor: Cursor): void {
    merge(this.#acked, cursor);
    for (const { id, priority, sequence } of this.#recent?.values() ?? []) {
      if (covers(this.#acked, this.#numberOf(priority), sequence)) this.#recent?.delete(id);
    }
  }

  /** Tries again what could not be stored; called with the heartbeat. */
  retry(): void {
    if (this.#dirty) this.#store();
  }

  /** One look at a time: what is asked meanwhile goes with the next. */
  async #lookUp(): Promise<void> {
    this.#looking = true;
    while (this.#asked !== null) {
      const ids = this.#asked;
      this.#asked = null;
      try {
        await this.#settleStored(ids);
        if (ids.size > 0) this.#refuse(ids, 'unknown');
      } catch {
        this.#deps.counts.acksFailed++;
        this.#refuse(ids, 'inbox_away');
      }
    }
    this.#looking = false;
  }

  /** Takes out of `ids` those that the inbox has. */
  async #settleStored(ids: Set<string>): Promise<void> {
    const { inbox } = this.#deps;
    const { rows } = await readUncovered(inbox, this.#deviceId, this.#acked, LOOKED_THROUGH);
    for (const row of rows) if (ids.delete(row.id)) this.#settle(row);
    this.#store();
  }

  #refuse(ids: ReadonlySet<string>, reason: UnacknowledgedFrame['reason']): void {
    this.#deps.counts.unknownAcks += ids.size;
    this.#device.tell({ type: 'unacknowledged', reason, ids: [...ids] });
  }

  #numberOf(priority: string): number {
    return this.#deps.inbox.priorities.numberOf(priority);
  }

  #settle(recent: Recent): void {
    this.#recent?.delete(recent.id);
    if (!add(this.#acked, this.#numberOf(recent.priority), recent.sequence)) return;
    this.#dirty = true;
    this.#deps.counts.acknowledged++;
    const now = this.#deps.clock.now();
    this.#deps.outcomes.report(
      this.#deviceId,
      acknowledgedOutcome(recent, this.#deviceId, 'websocket', now),
    );
  }

  #store(): void {
    this.#dirty = true;
    if (this.#writing) return;
    this.#writing = true;
    this.#write().finally(() => {
      this.#writing = false;
    });
  }

  async #write(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      try {
        const text = formatCursor(this.#acked);
        await this.#deps.inbox.acknowledge(this.#deviceId, this.#acked.epoch, text);
        this.#deps.guarantee.acknowledged(this.#deviceId, this.#acked);
      } catch {
        this.#deps.counts.acksFailed++;
        this.#dirty = true;
        return;
      }
    }
  }
}
