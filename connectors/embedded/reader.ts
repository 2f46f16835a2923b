/**
 * Reads an embedded log from beside it, while another process may be writing it: for tools. The
 * file is opened read-only and without the lock, so nothing can be harmed; what is seen is what is
 * committed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import type { ReadOptions, TopicSpec } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import { DATABASE_FILE } from './database.ts';
import type { Partition } from './partition.ts';
import { Subscription } from './subscription.ts';
import { Topics } from './topics.ts';

/** Another process cannot tell us of its commits; SQLite's own counter is cheap to ask. */
const LOOK_AGAIN_MS = 100;

export interface EmbeddedReader {
  /** As `Log.read`. Throws CAR605 for an unknown topic. */
  read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]>;
  topics(): readonly TopicSpec[];
  /** The text of a schema by its id, or null. */
  schema(id: number): Promise<string | null>;
  close(): void;
}

/** Undefined when the folder has no log yet. Throws CAR603 when the file is not one. */
export function openEmbeddedReader(dir: string): EmbeddedReader | undefined {
  const file = join(dir, DATABASE_FILE);
  if (!existsSync(file)) return undefined;
  try {
    return new Reader(new DatabaseSync(file, { readOnly: true, timeout: 2_000 }));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CarillonError('CAR603', `The file ${file} cannot be read: ${why}.`, {
      where: { file },
      cause,
    });
  }
}

class Reader implements EmbeddedReader {
  readonly #db: DatabaseSync;
  readonly #topics: Topics;
  readonly #version: StatementSync;
  readonly #schema: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#topics = new Topics(db);
    this.#version = db.prepare('PRAGMA data_version');
    this.#schema = db.prepare('SELECT text FROM schemas WHERE id = ?');
  }

  async *read(topic: string, options: ReadOptions): AsyncGenerator<readonly Record[]> {
    const partitions = this.#topics.partitionsOf(topic);
    const subscription = new Subscription(partitions, options.from, () => {});
    const looking = options.follow ? this.#look(partitions, subscription) : undefined;
    try {
      for await (const batch of subscription.batches(options)) yield readBatch(batch);
    } finally {
      clearInterval(looking);
    }
  }

  topics(): readonly TopicSpec[] {
    const specs = new Map<string, TopicSpec>();
    for (const { spec } of this.#topics.all()) specs.set(spec.name, spec);
    return [...specs.values()];
  }

  async schema(id: number): Promise<string | null> {
    const row = this.#schema.get(id);
    return row === undefined ? null : String(row.text);
  }

  close(): void {
    this.#db.close();
  }

  #look(partitions: readonly Partition[], subscription: Subscription): NodeJS.Timeout {
    let seen = this.#dataVersion();
    return setInterval(() => {
      const version = this.#dataVersion();
      if (version === seen) return;
      seen = version;
      for (const partition of partitions) refresh(partition);
      subscription.wake();
    }, LOOK_AGAIN_MS);
  }

  /** Changes with every commit of another connection. */
  #dataVersion(): number {
    return Number(Object.values(this.#version.get()!)[0]);
  }
}

/** The new end; its bytes are of no interest here. */
function refresh(partition: Partition): void {
  const last = partition.statements.before.get(partition.endId - 1, partition.firstId);
  if (last === undefined) return;
  const next = Number(last.last_offset) + 1;
  if (next > partition.nextOffset) {
    partition.nextOffset = next;
    partition.committedOffset = next;
  }
}
