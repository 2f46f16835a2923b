/**
 * Devices that were told too much: until when nothing is sent to them. Only what is remembered
 * here is spared a request, so a device that is forgotten costs one.
 */
const DEVICES_MAX = 10_000;

export class Resting {
  readonly #untilMs = new Map<string, number>();

  get size(): number {
    return this.#untilMs.size;
  }

  /** Over 10,000 devices the one that was told first is forgotten. */
  rest(deviceId: string, untilMs: number): void {
    this.#untilMs.delete(deviceId);
    this.#untilMs.set(deviceId, untilMs);
    if (this.#untilMs.size <= DEVICES_MAX) return;
    for (const oldest of this.#untilMs.keys()) {
      this.#untilMs.delete(oldest);
      return;
    }
  }

  /** 0: it does not rest. */
  untilMs(deviceId: string, nowMs: number): number {
    const until = this.#untilMs.get(deviceId);
    if (until === undefined) return 0;
    if (until > nowMs) return until;
    this.#untilMs.delete(deviceId);
    return 0;
  }
}
