/**
 * Whose a device is now, and in which epoch (rule D4): what the gateway keeps of
 * `tables.device-owners`. No tokens and no transports, so that a million devices fit.
 */
import type { Device } from '../core/device.ts';
import type { Log } from '../core/log.ts';
import type { Schemas } from '../core/schema.ts';
import type { LogLine } from './problem.ts';
import { followTable, type TableFollower } from './table-follower.ts';

export interface Owner {
  readonly epoch: number;
  readonly active: boolean;
}

export class Owners {
  readonly #owners = new Map<string, Owner>();
  #onChange: (deviceId: string, owner: Owner | undefined) => void = () => undefined;
  readonly #waiting = new Map<string, Set<(owner: Owner) => void>>();
  #follower: TableFollower | null = null;

  static async follow(log: Log, schemas: Schemas, topic: string, say: LogLine): Promise<Owners> {
    const owners = new Owners();
    const options = { topic, schema: 'Device', log: say };
    owners.#follower = await followTable<Device>(log, schemas, options, (deviceId, row) => {
      owners.#apply(deviceId, row);
    });
    return owners;
  }

  get size(): number {
    return this.#owners.size;
  }

  get(deviceId: string): Owner | undefined {
    return this.#owners.get(deviceId);
  }

  /** The owner as soon as it is known; undefined after `timeoutMs`: registration takes a moment. */
  async known(deviceId: string, timeoutMs: number): Promise<Owner | undefined> {
    const now = this.#owners.get(deviceId);
    if (now !== undefined) return now;
    const waiting = this.#waiting.get(deviceId) ?? new Set();
    this.#waiting.set(deviceId, waiting);
    return await new Promise((resolve) => {
      const done = (owner: Owner | undefined) => {
        clearTimeout(timer);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(deviceId);
        resolve(owner);
      };
      const timer = setTimeout(() => done(undefined), timeoutMs);
      waiting.add(done);
    });
  }

  /** Called when a device's epoch or status is another one than before. */
  onChange(changed: (deviceId: string, owner: Owner | undefined) => void): void {
    this.#onChange = changed;
  }

  async close(): Promise<void> {
    await this.#follower?.close();
  }

  #apply(deviceId: string, row: Device | null): void {
    const before = this.#owners.get(deviceId);
    if (row === null) {
      this.#owners.delete(deviceId);
      if (before !== undefined) this.#onChange(deviceId, undefined);
      return;
    }
    const active = row.status === 'ACTIVE';
    if (before?.epoch === row.epoch && before.active === active) return;
    const owner = { epoch: row.epoch, active };
    this.#owners.set(deviceId, owner);
    for (const done of [...(this.#waiting.get(deviceId) ?? [])]) done(owner);
    this.#onChange(deviceId, owner);
  }
}
