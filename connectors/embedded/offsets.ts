/**
 * The committed offsets of the groups. They are kept in memory; a COMMIT writes those that changed
 * into its block, and every so often all of them go into their table, so that old blocks can go.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { GroupOffset } from './block.ts';

interface KeptOffset {
  readonly offset: number;
  readonly metadata: string;
}

export class Offsets {
  readonly #set: StatementSync;
  readonly #all: StatementSync;
  readonly #mark: StatementSync;
  readonly #setMark: StatementSync;
  readonly #offsets = new Map<string, Map<number, KeptOffset>>();
  /** Changed in the open transaction. */
  readonly #dirty = new Map<string, Set<number>>();
  /** Changed since the table was written. */
  readonly #unsettled = new Map<string, Set<number>>();
  /** The table has what was committed up to this block. */
  #settledBlock = 0;

  constructor(db: DatabaseSync) {
    this.#set = db.prepare(
      'INSERT INTO offsets(grp, slot, offset, metadata) VALUES (?, ?, ?, ?) ' +
        'ON CONFLICT DO UPDATE SET offset = excluded.offset, metadata = excluded.metadata',
    );
    this.#all = db.prepare('SELECT grp, slot, offset, metadata FROM offsets');
    this.#mark = db.prepare("SELECT value FROM marks WHERE name = 'offsets'");
    this.#setMark = db.prepare(
      "INSERT INTO marks(name, value) VALUES ('offsets', ?) " +
        'ON CONFLICT DO UPDATE SET value = excluded.value',
    );
  }

  /** Reads the table, at the start and after a rollback; the blocks follow with `replay`. */
  load(): void {
    this.#offsets.clear();
    this.#dirty.clear();
    this.#unsettled.clear();
    this.#settledBlock = Number(this.#mark.get()?.value ?? 0);
    for (const row of this.#all.all()) {
      const { offset, metadata } = row;
      const kept = { offset: Number(offset), metadata: String(metadata) };
      mapOf(this.#offsets, String(row.grp)).set(Number(row.slot), kept);
    }
  }

  /** What a block says; blocks come in their order. */
  replay(block: number, offsets: readonly GroupOffset[]): void {
    if (block <= this.#settledBlock) return;
    for (const { group, slot, offset, metadata } of offsets) {
      mapOf(this.#offsets, group).set(slot, { offset, metadata });
      setOf(this.#unsettled, group).add(slot);
    }
  }

  get groups(): Iterable<string> {
    return this.#offsets.keys();
  }

  /** All of one group: by slot, what it has come to. */
  of(group: string): ReadonlyMap<number, KeptOffset> {
    return mapOf(this.#offsets, group);
  }

  get(group: string, slot: number): KeptOffset | undefined {
    return this.#offsets.get(group)?.get(slot);
  }

  set(group: string, slot: number, { offset, metadata }: KeptOffset): void {
    mapOf(this.#offsets, group).set(slot, { offset, metadata });
    setOf(this.#dirty, group).add(slot);
  }

  /** What changed in the open transaction, by group. */
  dirty(): ReadonlyMap<string, readonly GroupOffset[]> {
    const changed = new Map<string, GroupOffset[]>();
    for (const [group, slots] of this.#dirty) {
      const offsets = mapOf(this.#offsets, group);
      const of = [...slots].map((slot) => ({ group, slot, ...offsets.get(slot)! }));
      if (of.length > 0) changed.set(group, of);
    }
    return changed;
  }

  /** The transaction is committed. */
  committed(): void {
    for (const [group, slots] of this.#dirty) {
      const unsettled = setOf(this.#unsettled, group);
      for (const slot of slots) unsettled.add(slot);
      slots.clear();
    }
  }

  /**
   * Writes into the table what was committed up to a block; in a transaction. What the open one
   * has changed goes in as well: its own block says the same.
   */
  settle(lastBlock: number): void {
    for (const [group, slots] of this.#unsettled) {
      const offsets = mapOf(this.#offsets, group);
      for (const slot of slots) {
        const { offset, metadata } = offsets.get(slot)!;
        this.#set.run(group, slot, offset, metadata);
      }
      slots.clear();
    }
    this.#setMark.run(lastBlock);
    this.#settledBlock = lastBlock;
  }
}

function mapOf<V>(maps: Map<string, Map<number, V>>, name: string): Map<number, V> {
  let map = maps.get(name);
  if (map === undefined) {
    map = new Map();
    maps.set(name, map);
  }
  return map;
}

function setOf(sets: Map<string, Set<number>>, name: string): Set<number> {
  let set = sets.get(name);
  if (set === undefined) {
    set = new Set();
    sets.set(name, set);
  }
  return set;
}
