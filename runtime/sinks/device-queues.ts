/** Devices with a record under way, and what waits behind it: order is kept per device. */
export class DeviceQueues<T> {
  readonly #behind = new Map<string, T[]>();

  /** True: it is the device's first, and may go; else it waits its turn. */
  begin(deviceId: string, item: T): boolean {
    const behind = this.#behind.get(deviceId);
    if (behind !== undefined) {
      behind.push(item);
      return false;
    }
    this.#behind.set(deviceId, []);
    return true;
  }

  /** The device's record has ended: the one behind it, which may go now. */
  next(deviceId: string): T | undefined {
    const behind = this.#behind.get(deviceId);
    const next = behind?.shift();
    if (next === undefined) this.#behind.delete(deviceId);
    return next;
  }
}
