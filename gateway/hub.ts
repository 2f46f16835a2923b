/**
 * The connections of this gateway: one per device, the newest. Pings are spread over a wheel,
 * because a sweep over 15,000 sockets stops the loop for 0.3–0.4 s (measured, design section 6).
 */
import type { Clock } from '../core/clock.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';
import type { Connection } from './connection.ts';

const SLOTS = 64;

export class Hub {
  readonly #clock: Clock;
  readonly #byId = new Map<string, Connection>();
  readonly #byDevice = new Map<string, Connection>();
  readonly #wheel: Set<Connection>[] = Array.from({ length: SLOTS }, () => new Set());
  #at = 0;
  #nextSlot = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(connectionId: string): Connection | undefined {
    return this.#byId.get(connectionId);
  }

  all(): Iterable<Connection> {
    return this.#byId.values();
  }

  ofDevice(deviceId: string): Connection | undefined {
    return this.#byDevice.get(deviceId);
  }

  /** The device's older connection, if any, is closed as replaced. */
  add(connection: Connection): void {
    const old = this.#byDevice.get(connection.deviceId);
    this.#byId.set(connection.id, connection);
    this.#byDevice.set(connection.deviceId, connection);
    connection.slot = this.#nextSlot;
    this.#nextSlot = (this.#nextSlot + 1) % SLOTS;
    this.#wheel[connection.slot]!.add(connection);
    old?.close(CLOSE_CODES.replaced);
  }

  /** The device's entry goes only when it is still this connection's. */
  remove(connection: Connection): void {
    this.#byId.delete(connection.id);
    this.#wheel[connection.slot]!.delete(connection);
    if (this.#byDevice.get(connection.deviceId) === connection) {
      this.#byDevice.delete(connection.deviceId);
    }
  }

  start(heartbeatMs: number): void {
    this.#timer = setInterval(() => this.tick(), heartbeatMs / SLOTS);
    this.#timer.unref();
  }

  /** Beats the connections of the next slot; `start` calls it 64 times per heartbeat. */
  tick(): void {
    const now = this.#clock.now();
    for (const connection of this.#wheel[this.#at]!) connection.beat(now);
    this.#at = (this.#at + 1) % SLOTS;
  }

  /** Asks all to go elsewhere, and each when: spread, so that they do not all come at once. */
  goAway(code: CloseCode, withinMs: number): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    const all = [...this.#byId.values()];
    all.forEach((connection, i) => {
      connection.goAway(code, Math.floor((withinMs * i) / all.length));
    });
  }
}
