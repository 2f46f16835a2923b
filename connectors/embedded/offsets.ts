/** The committed offsets of the groups: kept in memory, written once a transaction. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

interface KeptOffset {
  readonly offset: number;
  readonly metadata: string;
}

export class Offsets {
  readonly #set: StatementSync;
  readonly #all: StatementSync;
  readonly #offsets = new Map<string, Map<number, KeptOffset>>();
  /** Offsets change with every commit of a task. */
  readonly #dirty = new Map<string, Set<number>>();

  constructor(db: DatabaseSync) {
    this.#set = db.prepare(
      'INSERT INTO offsets(grp, slot, offset, metadata) VALUES (?, ?, ?, ?) ' +
        'ON CONFLICT DO UPDATE SET offset = excluded.offset, metadata = excluded.metadata',
    );
    this.#all = db.prepare('SELECT grp, slot, offset, metadata FROM offsets');
  }

  /** Reads from the file what is kept in memory: at the start, and after a rollback. */
  load(): void {
    this.#offsets.clear();
    this.#dirty.clear();
    for (const row of this.#all.all()) {
      this.#of(String(row.grp)).set(Number(row.slot), {
        offset: Number(row.offset),
        metadata: String(row.metadata),
      });
    }
  }

  get(group: string, slot: number): KeptOffset | undefined {
    return this.#offsets.get(group)?.get(slot);
  }

  set(group: string, slot: number, { offset, metadata }: KeptOffset): void {
    this.#of(group).set(slot, { offset, metadata });
    let dirty = this.#dirty.get(group);
    if (dirty === undefined) {
      dirty = new Set();
      this.#dirty.set(group, dirty);
    }
    dirty.add(slot);
  }

  /** Writes the offsets that changed; inside the transaction, before its COMMIT. */
  write(): void {
    for (const [group, slots] of this.#dirty) {
      const offsets = this.#of(group);
      for (const slot of slots) {
        const { offset, metadata } = offsets.get(slot)!;
        this.#set.run(group, slot, offset, metadata);
      }
      slots.clear();
    }
  }

  #of(group: string): Map<number, KeptOffset> {
    let offsets = this.#offsets.get(group);
    if (offsets === undefined) {
      offsets = new Map();
      this.#offsets.set(group, offsets);
    }
    return offsets;
  }
}
