/**
 * Devices with records under way, and what waits behind them: order is kept per device. More than
 * one of a device may be under way where they travel together, in one call of the sink.
 */
interface Waiting<T> {
  underWay: number;
  /** In order; those before `from` have gone. */
  behind: T[];
  from: number;
}

export class DeviceQueues<T> {
  readonly #devices = new Map<string, Waiting<T>>();

  /** True: it is the device's first, and may go; else it waits its turn. */
  begin(deviceId: string, item: T): boolean {
    const waiting = this.#devices.get(deviceId);
    if (waiting !== undefined) {
      waiting.behind.push(item);
      return false;
    }
    this.#devices.set(deviceId, { underWay: 1, behind: [], from: 0 });
    return true;
  }

  /** What waits next behind those under way; undefined: nothing. */
  peek(deviceId: string): T | undefined {
    const waiting = this.#devices.get(deviceId);
    return waiting?.behind[waiting.from];
  }

  /** Lets what `peek` gave go along with those under way. */
  follow(deviceId: string): void {
    const waiting = this.#devices.get(deviceId)!;
    waiting.underWay++;
    shift(waiting);
  }

  /**
   * One that went along waits again, before all others: one ahead of it is held up. Of several the
   * last is given back first.
   */
  giveBack(deviceId: string, item: T): void {
    const waiting = this.#devices.get(deviceId)!;
    waiting.underWay--;
    if (waiting.from > 0) waiting.behind[--waiting.from] = item;
    else waiting.behind.unshift(item);
  }

  /** One of the device's has ended: with the last of those under way, who may go now. */
  next(deviceId: string): T | undefined {
    const waiting = this.#devices.get(deviceId);
    if (waiting === undefined || --waiting.underWay > 0) return undefined;
    const next = shift(waiting);
    if (next === undefined) this.#devices.delete(deviceId);
    else waiting.underWay = 1;
    return next;
  }
}

function shift<T>(waiting: Waiting<T>): T | undefined {
  const item = waiting.behind[waiting.from];
  if (item === undefined) return undefined;
  waiting.from++;
  // All have gone, or more than half of what is kept: the rest moves up.
  if (waiting.from * 2 > waiting.behind.length) {
    waiting.behind = waiting.behind.slice(waiting.from);
    waiting.from = 0;
  }
  return item;
}
