/**
 * Reads an embedded log from beside it, while another process may be writing it: for tools. The
 * file is opened read-only and without the lock, so nothing can be harmed; what is seen is what was
 * committed at one moment: when the read began, or a little ago when it follows.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import type { PositionReader, ReadOptions, TopicSpec } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import { DATABASE_FILE, FORMAT, formatOf } from './database.ts';
import { Offsets } from './offsets.ts';
import { positionReader } from './positions.ts';
import { Subscription } from './subscription.ts';
import { Topics } from './topics.ts';

const LOOK_AGAIN_MS = 100;

export interface EmbeddedReader {
  /** As `Log.read`. Throws CAR605 for an unknown topic. */
  read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]>;
  topics(): readonly TopicSpec[];
  /** Where groups stood when the reader was opened. */
  readonly positions: PositionReader;
  /** The text of a schema by its id, or null. */
  schema(id: number): Promise<string | null>;
  close(): void;
}

/** Undefined when the folder has no log yet. Throws CAR603 when the file is not one. */
export function openEmbeddedReader(dir: string): EmbeddedReader | undefined {
  const file = join(dir, DATABASE_FILE);
  if (!existsSync(file)) return undefined;
  const unreadable = (why: string, cause?: unknown) =>
    new CarillonError('CAR603', `The file ${file} cannot be read: ${why}.`, {
      where: { file },
      cause,
    });
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 2_000 });
    const format = formatOf(db);
    if (format === FORMAT) return new Reader(db);
    db.close();
    throw unreadable(`its format is ${format}, and this program reads ${FORMAT}`);
  } catch (cause) {
    if (cause instanceof CarillonError) throw cause;
    throw unreadable(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

class Reader implements EmbeddedReader {
  readonly #db: DatabaseSync;
  readonly #topics: Topics;
  readonly #schema: StatementSync;
  readonly positions: PositionReader;
  /** Reads that are under way: as long as there are any, the file is looked at as it was. */
  #reads = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec('BEGIN');
    this.#topics = new Topics(db);
    const offsets = new Offsets(db);
    offsets.load();
    this.#topics.loadNew(offsets);
    db.exec('COMMIT');
    this.positions = positionReader(this.#topics, offsets);
    this.#schema = db.prepare('SELECT text FROM schemas WHERE id = ?');
  }

  async *read(topic: string, options: ReadOptions): AsyncGenerator<readonly Record[]> {
    if (this.#reads++ === 0) this.#look();
    let looking: NodeJS.Timeout | undefined;
    try {
      const partitions = this.#topics.partitionsOf(topic);
      const subscription = new Subscription(partitions, options.from, () => {});
      const look = () => {
        this.#db.exec('COMMIT');
        this.#look();
        subscription.wake();
      };
      // Another process cannot tell us of its commits.
      if (options.follow) looking = setInterval(look, LOOK_AGAIN_MS);
      for await (const batch of subscription.batches(options)) yield readBatch(batch);
    } finally {
      clearInterval(looking);
      if (--this.#reads === 0) this.#db.exec('COMMIT');
    }
  }

  topics(): readonly TopicSpec[] {
    const specs = new Map<string, TopicSpec>();
    for (const { spec } of this.#topics.all) specs.set(spec.name, spec);
    return [...specs.values()];
  }

  async schema(id: number): Promise<string | null> {
    const row = this.#schema.get(id);
    return row === undefined ? null : String(row.text);
  }

  close(): void {
    this.#db.close();
  }

  /** Begins to look at the file as it is now. */
  #look(): void {
    this.#db.exec('BEGIN');
    this.#topics.refresh();
  }
}
