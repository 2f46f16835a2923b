/**
 * Idempotency keys of producers (the header `Idempotency-Key`, IETF httpapi draft 07): what was
 * written under one is not written again within 24 hours. A row of `tables.ingest-keys` goes to the
 * log with the events, on SQLite in one transaction, so that a restart forgets none; every gateway
 * follows the table. Two gateways that get a request at one moment may both write it, as may a
 * retry of one whose write was in doubt (CAR712): the step `dedup` is there for these.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Schemas } from '../core/schema.ts';
import type { BesideRecord } from './log-writer.ts';
import { HttpProblem, type LogLine } from './problem.ts';
import { followTable, type TableFollower } from './table-follower.ts';

/** So long a key counts. */
export const KEY_KEPT_MS = 24 * 3_600_000;
/** Printable ASCII. */
const KEY = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;
/** A string of RFC 9651. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Within an hour some of a day's keys have lapsed; which ones is not looked for. */
const FULL_RETRY_SECONDS = 3_600;

export interface KeyBounds {
  /** Keys of one producer within a day; about 200 bytes each. Over it: 429 (CAR746). */
  readonly perProducerMax: number;
  /** Of all. */
  readonly keysMax: number;
}

export const KEY_BOUNDS: KeyBounds = { perProducerMax: 100_000, keysMax: 400_000 };

interface KeyRow {
  readonly producer: string;
  readonly request: string;
  /** Epoch ms. */
  readonly usedAt: number;
}

export interface KeysOf {
  readonly topic: string;
  readonly clock: Clock;
  readonly bounds: KeyBounds;
  /** False: this gateway takes no events, and may not read the topic. */
  readonly reads: boolean;
}

/** A request that came with a key. */
export interface KeyedRequest {
  /** The token's `sub`. */
  readonly producer: string;
  readonly key: string;
  /** Of method, address and body: another one under the same key is refused. */
  readonly digest: string;
}

interface UnderWay {
  readonly digest: string;
  /** True: it was written. */
  readonly done: Promise<boolean>;
}

export class IngestKeys {
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #bounds: KeyBounds;
  /** In the order in which they were used, so that the first ones lapse first. */
  readonly #rows = new Map<string, KeyRow>();
  readonly #counts = new Map<string, number>();
  readonly #underWay = new Map<string, UnderWay>();
  #follower: TableFollower | null = null;

  private constructor(topic: string, clock: Clock, bounds: KeyBounds) {
    this.#topic = topic;
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** Knows all keys that were used before. Without the topic every key is refused (CAR747). */
  static async follow(log: Log, schemas: Schemas, of: KeysOf, say: LogLine): Promise<IngestKeys> {
    const keys = new IngestKeys(of.topic, of.clock, of.bounds);
    if (!of.reads || (await log.partitionsOf(of.topic)) === undefined) return keys;
    const options = { topic: of.topic, schema: 'IngestKey', log: say };
    keys.#follower = await followTable<KeyRow>(log, schemas, options, (id, row) => {
      if (row !== null) keys.#add(id, row);
    });
    return keys;
  }

  get size(): number {
    return this.#rows.size;
  }

  /**
   * Writes unless that was done under this key; the same request under way is waited for.
   * Undefined: it was written before. Throws CAR744, CAR746, CAR747, and what `write` throws: then
   * the key is free again.
   */
  async once<T>(
    asked: KeyedRequest,
    write: (beside: BesideRecord) => Promise<T>,
  ): Promise<T | undefined> {
    if (this.#follower === null) throw new HttpProblem('CAR747', `${this.#topic} is not there.`);
    const id = digestOf(asked.producer, asked.key);
    for (;;) {
      const row = this.#rowOf(id);
      if (row !== undefined) {
        checkSame(row.request, asked.digest);
        return undefined;
      }
      const other = this.#underWay.get(id);
      if (other === undefined) break;
      checkSame(other.digest, asked.digest);
      if (await other.done) return undefined;
    }
    return await this.#write(id, asked, write);
  }

  async close(): Promise<void> {
    await this.#follower?.close();
  }

  async #write<T>(
    id: string,
    { producer: name, digest }: KeyedRequest,
    write: (beside: BesideRecord) => Promise<T>,
  ): Promise<T> {
    const producer = digestOf(name);
    this.#checkRoom(producer);
    const { promise: done, resolve } = Promise.withResolvers<boolean>();
    this.#underWay.set(id, { digest, done });
    let isWritten = false;
    try {
      const row = { producer, request: digest, usedAt: this.#clock.now() };
      const record = { key: id, value: row };
      const written = await write({ topic: this.#topic, schema: 'IngestKey', record });
      this.#add(id, row);
      isWritten = true;
      return written;
    } finally {
      this.#underWay.delete(id);
      resolve(isWritten);
    }
  }

  #rowOf(id: string): KeyRow | undefined {
    const row = this.#rows.get(id);
    return row !== undefined && this.#isKept(row) ? row : undefined;
  }

  #isKept({ usedAt }: KeyRow): boolean {
    return usedAt + KEY_KEPT_MS > this.#clock.now();
  }

  #checkRoom(producer: string): void {
    this.#forget();
    const { perProducerMax, keysMax } = this.#bounds;
    const own = this.#counts.get(producer) ?? 0;
    if (own < perProducerMax && this.#rows.size < keysMax) return;
    const most = own < perProducerMax ? `${keysMax} of all producers` : `${perProducerMax} of one`;
    throw new HttpProblem('CAR746', `no more keys are kept for a day than ${most}.`, {
      retryAfterSeconds: FULL_RETRY_SECONDS,
    });
  }

  #add(id: string, row: KeyRow): void {
    if (!this.#isKept(row)) return;
    this.#remove(id);
    this.#rows.set(id, row);
    this.#counts.set(row.producer, (this.#counts.get(row.producer) ?? 0) + 1);
    this.#forget();
  }

  /** What has lapsed stands in front, but for clocks of gateways that differ. */
  #forget(): void {
    for (const [id, row] of this.#rows) {
      if (this.#isKept(row)) break;
      this.#remove(id);
    }
  }

  #remove(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    const left = this.#counts.get(row.producer)! - 1;
    if (left > 0) this.#counts.set(row.producer, left);
    else this.#counts.delete(row.producer);
  }
}

/**
 * The key of a request, of the header's values; undefined: it has none. It may be quoted, as the
 * draft has it, and a UUID be written in capitals: it is the same key. Throws CAR745.
 */
export function keyFrom(values: readonly string[] | undefined): string | undefined {
  if (values === undefined) return undefined;
  const [value = '', ...more] = values;
  const quoted = QUOTED.exec(value)?.[1];
  const key = quoted?.replaceAll(/\\(.)/g, '$1') ?? value;
  if (more.length === 0 && KEY.test(key)) return UUID.test(key) ? key.toLowerCase() : key;
  throw new HttpProblem('CAR745', 'Idempotency-Key is not one key of 1 to 255 characters.');
}

/** 132 bits: of all keys of a day no two are alike by chance. */
export function digestOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  // With its length before it, so that no two lists of parts read alike.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('base64url').slice(0, 22);
}

function checkSame(before: string, now: string): void {
  if (before === now) return;
  throw new HttpProblem('CAR744', 'this key was used for another request.');
}
