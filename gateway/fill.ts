/**
 * Fills a new connection from the inbox with what the device does not have, and once more a little
 * later, so that a notification between gate and connect is not missed (rule D10). A bounded number
 * of fills reads the inbox at one time: after a restart all devices come at once.
 */
import type { Clock } from '../core/clock.ts';
import { covers } from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { DeviceNotification } from '../core/notification.ts';
import { CLOSE_CODES } from './close-codes.ts';
import type { Connection } from './connection.ts';
import type { Guarantee } from './guarantee.ts';
import { type PageBounds, readUncovered } from './inbox-reader.ts';
import type { GatewayCounts, GatewayLimits } from './limits.ts';
import { type PayloadReader, whySkipped } from './payload.ts';
import type { LogLine } from './problem.ts';

/** Of each fill that reads at one time. */
const PAGE: PageBounds = { rows: 100, bytes: 256 * 1024 };
/** Of what is told again; the rest of it comes at the next connection, or by a pull. */
const AGAIN: PageBounds = { rows: 1_000, bytes: 1024 * 1024 };
/** Now, and a little later. */
const LOOKS = 2;
const RETRY_MS_MAX = 60_000;

export class Filler {
  readonly #inbox: InboxStore;
  readonly #payload: PayloadReader;
  readonly #guarantee: Guarantee;
  readonly #clock: Clock;
  readonly #limits: GatewayLimits;
  readonly #counts: GatewayCounts;
  readonly #log: LogLine;
  readonly #waiting: (() => void)[] = [];
  /** Looks into the inbox that are still to come, of connections that are being filled. */
  readonly #looks = new Map<Connection, number>();
  /** Connections that were not told yet what they are to acknowledge. */
  readonly #unasked = new WeakSet<Connection>();
  #running = 0;

  constructor(deps: {
    readonly inbox: InboxStore;
    readonly payload: PayloadReader;
    readonly guarantee: Guarantee;
    readonly clock: Clock;
    readonly limits: GatewayLimits;
    readonly counts: GatewayCounts;
    readonly log: LogLine;
  }) {
    this.#inbox = deps.inbox;
    this.#payload = deps.payload;
    this.#guarantee = deps.guarantee;
    this.#clock = deps.clock;
    this.#limits = deps.limits;
    this.#counts = deps.counts;
    this.#log = deps.log;
  }

  /**
   * Fills now, and once more after `fillAgainMs`; while the inbox is away, again and again. Of a
   * connection that is being filled the looks begin anew. `looks` 1: only now.
   */
  start(connection: Connection, looks = LOOKS): void {
    const known = this.#looks.get(connection);
    this.#looks.set(connection, Math.max(looks, known ?? 0));
    const isNew = known === undefined && looks === LOOKS;
    if (isNew && this.#guarantee.isAsked) this.#unasked.add(connection);
    if (known === undefined) this.#run(connection, this.#limits.fillAgainMs);
  }

  #run(connection: Connection, againMs: number): void {
    this.#looks.set(connection, (this.#looks.get(connection) ?? LOOKS) - 1);
    this.#inTurn(() => this.#fill(connection)).then(
      () => {
        if ((this.#looks.get(connection) ?? 0) <= 0) this.#looks.delete(connection);
        else this.#later(connection, this.#limits.fillAgainMs);
      },
      (error) => {
        this.#counts.fillsFailed++;
        this.#log('The inbox cannot be read; the fill is tried again.', { error });
        this.#looks.set(connection, (this.#looks.get(connection) ?? 0) + 1);
        this.#later(connection, Math.min(2 * againMs, RETRY_MS_MAX));
      },
    );
  }

  #later(connection: Connection, afterMs: number): void {
    const timer = setTimeout(() => {
      if (connection.open) this.#run(connection, afterMs);
      else this.#looks.delete(connection);
    }, afterMs);
    timer.unref();
  }

  async #inTurn(fill: () => Promise<void>): Promise<void> {
    if (this.#running >= this.#limits.fillsMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      await fill();
    } finally {
      // The place goes to the next in line, or is free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /**
   * What the device has had, has not acknowledged, and is to acknowledge: once a connection, first,
   * as far as one page of the inbox goes.
   */
  async #tellAgain(connection: Connection): Promise<void> {
    if (!this.#guarantee.isAsked || !this.#unasked.delete(connection)) return;
    const { deviceId, acks, sent } = connection;
    const { priorities } = this.#inbox;
    const { rows } = await readUncovered(this.#inbox, deviceId, acks.cursor, AGAIN);
    const nowMs = this.#clock.now();
    for (const row of rows) {
      const isHad = covers(sent, priorities.numberOf(row.priority), row.sequence);
      const isDue = this.#guarantee.asks(row.useCase) && whySkipped(row, nowMs) === undefined;
      if (isHad && isDue && !(await this.#offer(connection, row))) return;
    }
  }

  async #fill(connection: Connection): Promise<void> {
    await this.#tellAgain(connection);
    const marks = connection.sent.marks.slice();
    let more = true;
    while (more && connection.open) {
      const { deviceId, sent } = connection;
      const page = await readUncovered(this.#inbox, deviceId, sent, PAGE, marks);
      for (const row of page.rows) {
        if (!connection.open) return;
        if (!(await this.#offer(connection, row))) return;
      }
      more = page.more;
    }
    connection.flushSkipped();
  }

  /** False: the connection is no more. */
  async #offer(connection: Connection, row: DeviceNotification): Promise<boolean> {
    const why = whySkipped(row, this.#clock.now());
    if (why !== undefined) {
      connection.skip(row, why);
      return true;
    }
    if (!this.#payload.ready(row.payloadSchemaId)) await this.#payload.load(row.payloadSchemaId);
    const form = this.#payload.form(row);
    if (form === undefined) {
      connection.skip(row, 'unreadable');
      return true;
    }
    if (connection.congested && !(await connection.drained(this.#limits.stuckMs))) {
      if (connection.open) connection.close(CLOSE_CODES.slow);
      return false;
    }
    this.#counts.filled++;
    return connection.offer(row, form) === 'delivered';
  }
}
