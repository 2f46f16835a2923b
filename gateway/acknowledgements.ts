/**
 * What the device of one connection has acknowledged: by the ids of recent notifications, or by a
 * cursor. It is kept in the inbox, one write at a time, and each notification becomes an outcome.
 */
import {
  add,
  type Cursor,
  covers,
  emptyCursor,
  formatCursor,
  merge,
  parseCursor,
} from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type { DeliveryOutcome } from '../core/outcome.ts';
import { priorityOf } from '../core/priority.ts';
import type { GatewayCounts } from './limits.ts';
import type { Reporter } from './reporter.ts';

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
  readonly counts: GatewayCounts;
  readonly clock: { now(): number };
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
  /** Made at the first frame: most connections are idle. */
  #recent: Map<string, Recent> | null = null;
  #writing = false;
  #dirty = false;

  constructor(deps: AckDeps, deviceId: string, acked: Cursor, recentMax: number) {
    this.#deps = deps;
    this.#deviceId = deviceId;
    this.#acked = acked;
    this.#recentMax = recentMax;
  }

  /** The stored acknowledgement of this epoch, or an empty cursor. */
  static async stored(inbox: InboxStore, deviceId: string, epoch: number): Promise<Cursor> {
    const text = await inbox.acknowledged(deviceId, epoch);
    const cursor = text === null ? undefined : parseCursor(text);
    return cursor?.epoch === epoch ? cursor : emptyCursor(epoch);
  }

  sent(notification: DeviceNotification): void {
    this.#recent ??= new Map();
    const { id, priority, sequence, useCase, born } = notification;
    this.#recent.set(id, { id, priority, sequence, useCase, born });
    if (this.#recent.size > this.#recentMax) {
      this.#recent.delete(this.#recent.keys().next().value!);
    }
  }

  byIds(ids: readonly string[]): void {
    for (const id of ids) {
      const recent = this.#recent?.get(id);
      if (recent === undefined) this.#deps.counts.unknownAcks++;
      else this.#settle(recent);
    }
    this.#store();
  }

  /** Cursors of other epochs say nothing about this one. */
  byCursor(cursor: Cursor): void {
    if (cursor.epoch !== this.#acked.epoch) return;
    for (const recent of this.#recent?.values() ?? []) {
      if (covers(cursor, priorityOf(recent.priority)!, recent.sequence)) this.#settle(recent);
    }
    merge(this.#acked, cursor);
    this.#store();
  }

  /** Tries again what could not be stored; called with the heartbeat. */
  retry(): void {
    if (this.#dirty) this.#store();
  }

  #settle(recent: Recent): void {
    this.#recent?.delete(recent.id);
    if (!add(this.#acked, priorityOf(recent.priority)!, recent.sequence)) return;
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
      } catch {
        this.#deps.counts.acksFailed++;
        this.#dirty = true;
        return;
      }
    }
  }
}
