/**
 * Tells the log which devices are connected here, and that this gateway lives (rule D10): a record
 * per connect and close, and one lease for all connections. When the lease lapses, all its rows are
 * void: a gateway that was frozen, or could not reach the log, finds out at its next renewal.
 */
import type { Clock } from '../core/clock.ts';
import type { LogWriter } from './log-writer.ts';
import type { LogLine } from './problem.ts';
import { Reporter } from './reporter.ts';

export interface PresenceOptions {
  readonly gatewayId: string;
  /** Where sinks reach this gateway. */
  readonly url: string;
  readonly leaseMs: number;
  readonly connectionsTopic: string;
  readonly gatewaysTopic: string;
  /** Connects and closes that wait for the log. */
  readonly queueMax: number;
  /**
   * Called when the lease is held again after it had lapsed: nobody was told anything meanwhile.
   */
  onLapse(): void;
}

/** A renewal so near to the end, as a part of the lease, may have come too late for some sink. */
const LATE_PART = 0.1;

export class Presence {
  readonly #options: PresenceOptions;
  readonly #writer: LogWriter;
  readonly #clock: Clock;
  readonly #log: LogLine;
  readonly #reporter: Reporter;
  readonly #startedAt: number;
  /** Epoch ms of the lease that the log has; 0: none yet. */
  #leaseUntil = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: PresenceOptions, writer: LogWriter, clock: Clock, log: LogLine) {
    this.#options = options;
    this.#writer = writer;
    this.#clock = clock;
    this.#log = log;
    this.#startedAt = clock.now();
    this.#reporter = new Reporter(writer, {
      topic: options.connectionsTopic,
      schema: 'Connection',
      queueMax: options.queueMax,
      log,
    });
  }

  get lost(): number {
    return this.#reporter.lost;
  }

  /** Takes the lease, and renews it at a third of its length, so that two renewals may fail. */
  async open(): Promise<void> {
    await this.#renew();
    this.#timer = setInterval(() => {
      this.#renew().catch((error) => this.#log('The lease was not renewed.', { error }));
    }, this.#options.leaseMs / 3);
    this.#timer.unref();
  }

  /** `written` hears the connection's generation: the offset of its record (rule D10). */
  connected(deviceId: string, connectionId: string, written: (generation: number) => void): void {
    this.#report(deviceId, connectionId, 'CONNECTED', 0, written);
  }

  closed(deviceId: string, connectionId: string, closeCode: number): void {
    this.#report(deviceId, connectionId, 'CLOSED', closeCode);
  }

  /** Call when all connections are closed: their records go first, then the gateway's row. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#reporter.close();
    const { gatewayId, gatewaysTopic } = this.#options;
    try {
      await this.#writer.write(gatewaysTopic, 'Gateway', [{ key: gatewayId, value: null }]);
    } catch (error) {
      // The lease lapses by itself.
      this.#log('The lease was not given back.', { error });
    }
  }

  async #renew(): Promise<void> {
    const { gatewayId, url, leaseMs, gatewaysTopic } = this.#options;
    const leaseUntil = this.#clock.now() + leaseMs;
    const value = { gatewayId, url, startedAt: this.#startedAt, leaseUntil };
    await this.#writer.write(gatewaysTopic, 'Gateway', [{ key: gatewayId, value }]);
    const lateFrom = this.#leaseUntil - leaseMs * LATE_PART;
    const hadLapsed = this.#leaseUntil > 0 && this.#clock.now() >= lateFrom;
    this.#leaseUntil = Math.max(this.#leaseUntil, leaseUntil);
    if (hadLapsed) this.#options.onLapse();
  }

  #report(
    deviceId: string,
    connectionId: string,
    action: string,
    closeCode: number,
    written?: (offset: number) => void,
  ): void {
    const { gatewayId } = this.#options;
    const occurredAt = this.#clock.now();
    const value = { deviceId, gatewayId, connectionId, action, closeCode, occurredAt };
    this.#reporter.report(deviceId, value, written);
  }
}
