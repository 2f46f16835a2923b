/** The topics of the file and their partitions. */
import type { DatabaseSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import type { TopicSpec } from '../../core/log.ts';
import { Blocks } from './blocks.ts';
import { SLOTS_MAX } from './database.ts';
import type { Offsets } from './offsets.ts';
import { Partition } from './partition.ts';
import { PartitionStatements } from './partition-statements.ts';

export class Topics {
  readonly statements: PartitionStatements;
  /** What topics that are deleted by time have. */
  readonly blocks: Blocks;
  /** What compacted topics have, until it is settled. */
  readonly changes: Blocks;
  readonly #db: DatabaseSync;
  readonly #partitions = new Map<string, Partition[]>();
  readonly #bySlot: Partition[] = [];

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.statements = new PartitionStatements(db);
    this.blocks = new Blocks(db, 'blocks');
    this.changes = new Blocks(db, 'changes');
    this.#load();
  }

  spec(topic: string): TopicSpec | undefined {
    return this.#partitions.get(topic)?.[0]?.spec;
  }

  /** Throws CAR605. */
  partitionsOf(topic: string): readonly Partition[] {
    const partitions = this.#partitions.get(topic);
    if (partitions !== undefined) return partitions;
    throw new CarillonError('CAR605', `There is no topic ${topic}.`, { where: { at: topic } });
  }

  /** Throws CAR605. */
  partition(topic: string, partition: number): Partition {
    const partitions = this.partitionsOf(topic);
    const found = partitions[partition];
    if (found !== undefined) return found;
    const what = `Topic ${topic} has ${partitions.length} partitions, and none of number ${partition}.`;
    throw new CarillonError('CAR605', what, { where: { at: `${topic}/${partition}` } });
  }

  /** By slot. */
  get all(): readonly Partition[] {
    return this.#bySlot;
  }

  /** Throws CAR604 for a topic that is there otherwise, CAR611 for too many partitions. */
  check(specs: readonly TopicSpec[]): void {
    let slots = this.#bySlot.length;
    for (const spec of specs) {
      const known = this.spec(spec.name);
      if (known === undefined) {
        slots += spec.partitions;
        continue;
      }
      if (known.partitions === spec.partitions && known.cleanup === spec.cleanup) continue;
      const what =
        `Topic ${spec.name} has ${known.partitions} partitions and cleanup ${known.cleanup}, ` +
        `not ${spec.partitions} and ${spec.cleanup}.`;
      throw new CarillonError('CAR604', what, { where: { at: spec.name } });
    }
    if (slots > SLOTS_MAX) {
      throw new CarillonError('CAR611', `The topics need ${slots} partitions.`);
    }
  }

  /** Writes what is missing, and a retention that changed; inside a transaction, after `check`. */
  add(specs: readonly TopicSpec[]): void {
    const retain = this.#db.prepare('UPDATE topics SET retention_ms = ? WHERE name = ?');
    const topic = this.#db.prepare(
      'INSERT INTO topics(name, partitions, cleanup, retention_ms) VALUES (?, ?, ?, ?) RETURNING id',
    );
    const partition = this.#db.prepare(
      'INSERT INTO partitions(slot, topic_id, partition, floor_offset) VALUES (?, ?, ?, 0)',
    );
    let slot = this.#bySlot.length;
    for (const spec of specs) {
      const retention = spec.retentionMs ?? null;
      if (this.spec(spec.name) !== undefined) {
        retain.run(retention, spec.name);
        continue;
      }
      const id = Number(topic.get(spec.name, spec.partitions, spec.cleanup, retention)!.id);
      for (let p = 0; p < spec.partitions; p++) partition.run(slot++, id, p);
    }
    this.#load();
  }

  /** Looks at the blocks that came since the last time; offsets of groups are kept in `offsets`. */
  loadNew(offsets?: Offsets): void {
    for (const blocks of [this.blocks, this.changes]) {
      blocks.loadNew(({ id, runs, offsets: committed }) => {
        for (const run of runs) this.#bySlot[run.slot]!.loadRun(run);
        if (blocks === this.blocks) offsets?.replay(id, committed);
      });
    }
  }

  /** After a rollback: all that is in memory is read from the file again. */
  reload(offsets: Offsets): void {
    const count = Number(this.#db.prepare('SELECT count(*) AS n FROM partitions').get()!.n);
    for (const { spec } of this.#bySlot.splice(count)) this.#partitions.delete(spec.name);
    for (const partition of this.all) partition.load();
    this.blocks.forget();
    this.changes.forget();
    offsets.load();
    this.loadNew(offsets);
  }

  /** For a reader beside the writer: what that one has appended, settled and removed. */
  refresh(): void {
    this.#load();
    for (const partition of this.all) if (partition.isCompacted) partition.load();
    this.changes.forget();
    this.loadNew();
  }

  #load(): void {
    const rows = this.#db
      .prepare(
        'SELECT slot, partition, name, partitions, cleanup, retention_ms FROM partitions ' +
          'JOIN topics ON topics.id = topic_id ORDER BY slot',
      )
      .all();
    for (const row of rows) {
      const spec: TopicSpec = {
        name: String(row.name),
        partitions: Number(row.partitions),
        cleanup: row.cleanup as TopicSpec['cleanup'],
        ...(row.retention_ms === null ? {} : { retentionMs: Number(row.retention_ms) }),
      };
      let partitions = this.#partitions.get(spec.name);
      if (partitions === undefined) {
        partitions = [];
        this.#partitions.set(spec.name, partitions);
      }
      const number = Number(row.partition);
      const known = partitions[number];
      if (known !== undefined) {
        known.spec = spec;
        continue;
      }
      const blocks = spec.cleanup === 'delete' ? this.blocks : this.changes;
      const slot = Number(row.slot);
      const partition = new Partition(slot, spec, number, this.statements, blocks);
      partition.load();
      partitions[number] = partition;
      this.#bySlot[slot] = partition;
    }
  }
}
