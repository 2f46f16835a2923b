/**
 * State of tasks on the disk of this host, so that a restart reads only the ends of the changelogs.
 * A checkpoint is written when a task ends cleanly, with where each changelog ended then. It is a
 * copy of what the changelogs say, and never more: whatever does not fit the log as it is now is
 * not read, and the state is rebuilt from the changelog (docs/decisions/local-checkpoints.md).
 */
import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { GroupSpec } from '../../core/log.ts';
import { type Frame, readFrames, readHead, writeFrames } from './checkpoint-file.ts';
import type { KafkaLogger } from './client.ts';

/**
 * Older ones may lack deletions that compaction has taken out of the changelog since
 * (`delete.retention.ms`, by default 24 h).
 */
const AGE_MS_MAX = 12 * 3_600_000;
const VERSION = 1;

export type CheckpointOf = Pick<GroupSpec, 'group' | 'stores' | 'topologyHash'> & {
  readonly partition: number;
};

/** A changelog as the brokers have it. */
export interface ChangelogNow {
  /** Of the topic, not of its name; empty: the client cannot tell. */
  readonly id: string;
  readonly low: number;
  readonly end: number;
  /** Where the group has noted that it ended at its last commit; undefined: it has not. */
  readonly noted: number | undefined;
}

/** What a checkpoint has of a changelog: all of its records before that offset. */
export interface Covered {
  readonly changelog: string;
  readonly id: string;
  readonly offset: number;
}

interface Head extends CheckpointOf {
  readonly version: number;
  readonly atMs: number;
  readonly covered: readonly Covered[];
}

export interface Checkpoint {
  /** By changelog: where to read on. */
  readonly offsets: ReadonlyMap<string, number>;
  batches(): AsyncIterable<{ readonly store: string; readonly bytes: Buffer }>;
}

export class Checkpoints {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: KafkaLogger;

  constructor(folder: string, clock: Clock, logger: KafkaLogger) {
    this.#folder = folder;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** That of a task, if there is one and it fits; says why where it does not. Never rejects. */
  async find(
    of: CheckpointOf,
    now: ReadonlyMap<string, ChangelogNow>,
  ): Promise<Checkpoint | undefined> {
    const path = this.pathOf(of);
    let head: Head | undefined;
    try {
      head = (await readHead(path)) as Head | undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      return this.#refuse(of, `it cannot be read: ${String(error)}`);
    }
    const why = head === undefined ? 'it is not as it was written' : this.#faultOf(head, of, now);
    if (head === undefined || why !== null) return this.#refuse(of, why!);
    const { group, partition } = of;
    this.#logger.info({ group, partition }, 'A task reads its state from its local checkpoint.');
    return {
      offsets: new Map(head.covered.map(({ changelog, offset }) => [changelog, offset])),
      batches: () => batchesOf(path, of),
    };
  }

  /** Rows are those of all stores that are now, all of them committed. Never rejects. */
  async write(
    of: CheckpointOf,
    covered: readonly Covered[],
    rows: Iterable<{ readonly store: string; readonly bytes: Buffer }>,
  ): Promise<void> {
    const path = this.pathOf(of);
    const { group, partition, stores, topologyHash } = of;
    if (covered.length < stores.length || covered.some(({ id }) => id === '')) return;
    const atMs = this.#clock.now();
    const head: Head = { version: VERSION, group, partition, stores, topologyHash, atMs, covered };
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFrames(`${path}.new`, head, framesOf(rows, of));
      await rename(`${path}.new`, path);
    } catch (error) {
      const facts = { code: 'CAR341', group, partition, why: String(error) };
      this.#logger.warn(
        facts,
        'A local checkpoint was not written: the next start rebuilds state.',
      );
    }
  }

  /** Names of groups may have characters that names of files must not. */
  pathOf({ group, partition }: CheckpointOf): string {
    const name = createHash('sha256').update(group).digest('hex').slice(0, 16);
    return join(this.#folder, name, `${partition}.state`);
  }

  async #refuse(of: CheckpointOf, why: string): Promise<undefined> {
    const { group, partition } = of;
    const facts = { code: 'CAR340', group, partition, why };
    const sentence = 'A local checkpoint is not trusted: the state is rebuilt from the changelog.';
    this.#logger.warn(facts, sentence);
    await rm(this.pathOf(of), { force: true }).catch(() => {});
    return undefined;
  }

  /** Why it is not to be trusted; null: it is. */
  #faultOf(head: Head, of: CheckpointOf, now: ReadonlyMap<string, ChangelogNow>): string | null {
    if (head.version !== VERSION) return 'it has another form';
    if (head.group !== of.group || head.partition !== of.partition) return 'it is of another task';
    if (head.topologyHash !== of.topologyHash) return 'it is of another topology';
    if (JSON.stringify(head.stores) !== JSON.stringify(of.stores)) return 'it has other stores';
    const ageMs = this.#clock.now() - head.atMs;
    if (ageMs < 0) return 'it was written in the future';
    if (ageMs > AGE_MS_MAX) return 'it is older than 12 hours';
    const covered = new Map(head.covered.map((one) => [one.changelog, one]));
    for (const { changelog } of of.stores) {
      const [its, is] = [covered.get(changelog), now.get(changelog)];
      if (its === undefined || is === undefined) return `it lacks ${changelog}`;
      if (is.id === '' || its.id !== is.id) return `${changelog} is another topic of that name`;
      if (its.offset > is.end) return `it is ahead of ${changelog} (${its.offset} > ${is.end})`;
      if (its.offset < is.low) return `${changelog} begins behind it (${is.low} > ${its.offset})`;
      // Behind what was noted comes at most the end marker of its transaction.
      if (is.noted !== undefined && its.offset > is.noted + 1) {
        return `it is ahead of what was committed of ${changelog}`;
      }
    }
    return null;
  }
}

async function* batchesOf(path: string, { stores }: CheckpointOf) {
  for await (const { store, bytes } of readFrames(path)) {
    yield { store: stores[store]!.store, bytes };
  }
}

function* framesOf(
  rows: Iterable<{ readonly store: string; readonly bytes: Buffer }>,
  { stores }: CheckpointOf,
): Generator<Frame> {
  for (const { store, bytes } of rows) {
    yield { store: stores.findIndex((one) => one.store === store), bytes };
  }
}
