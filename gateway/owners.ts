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
  readonly memberId: string;
  /** Epoch ms of the row that began the epoch, or of a later one. */
  readonly since: number;
  /**
   * Epoch ms of the last deletion that this gateway knows of; 0: none. Tokens of the device that
   * are not younger are void.
   */
  readonly deletedAt: number;
}

/** Deletions that were asked for here and are not in the table yet. */
export const DELETIONS_MAX = 10_000;

export class Owners {
  readonly #owners = new Map<string, Owner>();
  #onChange: (deviceId: string, owner: Owner | undefined) => void = () => undefined;
  readonly #waiting = new Map<string, Set<(owner: Owner) => void>>();
  readonly #deletions = new Map<string, number>();
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

  /** A deletion that is in the log; the table will say so a moment later. */
  deleting(deviceId: string, atMs: number): void {
    this.#deletions.delete(deviceId);
    this.#deletions.set(deviceId, atMs);
    if (this.#deletions.size <= DELETIONS_MAX) return;
    this.#deletions.delete(this.#deletions.keys().next().value!);
  }

  /** Epoch ms of the device's last deletion that is known here; 0: none. */
  deletedAt(deviceId: string): number {
    const asked = this.#deletions.get(deviceId) ?? 0;
    return Math.max(asked, this.#owners.get(deviceId)?.deletedAt ?? 0);
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
    const { epoch, memberId, updatedAt: since } = row;
    const deletedAt = active ? (before?.deletedAt ?? 0) : since;
    const owner = { epoch, active, memberId, since, deletedAt };
    this.#owners.set(deviceId, owner);
    for (const done of [...(this.#waiting.get(deviceId) ?? [])]) done(owner);
    this.#onChange(deviceId, owner);
  }
}
