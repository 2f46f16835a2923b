/** The rows of the stores and the committed offsets of the groups, in the open transaction. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CommittedOffset, StateRow } from '../../core/log.ts';

interface KeptOffset {
  readonly offset: number;
  readonly metadata: string;
}

/** How many rows one statement writes: most of a statement's cost is its call, not its row. */
const ROWS_PER_STATEMENT = 16;

export class StateTable {
  readonly #upsert: StatementSync;
  readonly #upsertMany: StatementSync;
  readonly #delete: StatementSync;
  readonly #page: StatementSync;
  readonly #addStore: StatementSync;
  readonly #allStores: StatementSync;
  readonly #setOffset: StatementSync;
  readonly #allOffsets: StatementSync;
  readonly #stores = new Map<string, number>();
  readonly #offsets = new Map<string, Map<number, KeptOffset>>();
  /** Offsets change with every commit of a task; they are written once a transaction. */
  readonly #dirty = new Map<string, Set<number>>();

  constructor(db: DatabaseSync) {
    const upsert = (rows: number) =>
      db.prepare(
        `INSERT INTO state(store, key, value) VALUES ${new Array(rows).fill('(?, ?, ?)').join(', ')} ` +
          'ON CONFLICT DO UPDATE SET value = excluded.value',
      );
    this.#upsert = upsert(1);
    this.#upsertMany = upsert(ROWS_PER_STATEMENT);
    this.#delete = db.prepare('DELETE FROM state WHERE store = ? AND key = ?');
    this.#page = db.prepare(
      'SELECT key, value FROM state WHERE store = ? AND key > ? ORDER BY key LIMIT ?',
    );
    this.#addStore = db.prepare(
      'INSERT INTO stores(grp, partition, store) VALUES (?, ?, ?) RETURNING id',
    );
    this.#allStores = db.prepare('SELECT id, grp, partition, store FROM stores');
    this.#setOffset = db.prepare(
      'INSERT INTO offsets(grp, slot, offset, metadata) VALUES (?, ?, ?, ?) ' +
        'ON CONFLICT DO UPDATE SET offset = excluded.offset, metadata = excluded.metadata',
    );
    this.#allOffsets = db.prepare('SELECT grp, slot, offset, metadata FROM offsets');
  }

  /** Reads from the file what is kept in memory: at the start, and after a rollback. */
  load(): void {
    this.#stores.clear();
    this.#offsets.clear();
    this.#dirty.clear();
    for (const row of this.#allStores.all()) {
      const name = storeName(String(row.grp), Number(row.partition), String(row.store));
      this.#stores.set(name, Number(row.id));
    }
    for (const row of this.#allOffsets.all()) {
      this.#of(String(row.grp)).set(Number(row.slot), {
        offset: Number(row.offset),
        metadata: String(row.metadata),
      });
    }
  }

  offset(group: string, slot: number): KeptOffset | undefined {
    return this.#offsets.get(group)?.get(slot);
  }

  setOffset(group: string, slot: number, { offset, metadata }: CommittedOffset): void {
    this.#of(group).set(slot, { offset, metadata });
    let dirty = this.#dirty.get(group);
    if (dirty === undefined) {
      dirty = new Set();
      this.#dirty.set(group, dirty);
    }
    dirty.add(slot);
  }

  /** Writes the offsets that changed; inside the transaction, before its COMMIT. */
  writeOffsets(): void {
    for (const [group, slots] of this.#dirty) {
      const offsets = this.#of(group);
      for (const slot of slots) {
        const { offset, metadata } = offsets.get(slot)!;
        this.#setOffset.run(group, slot, offset, metadata);
      }
      slots.clear();
    }
  }

  /** Inside the transaction. Rows of one set may name a key twice; the last one holds. */
  writeRows(group: string, partition: number, rows: readonly StateRow[]): void {
    let parameters: (number | Buffer)[] = [];
    for (const { store, key, value } of rows) {
      const id = this.#storeId(group, partition, store);
      if (value === null) {
        // Rows keep their order, so what is gathered goes first.
        this.#writeGathered(parameters);
        parameters = [];
        this.#delete.run(id, key);
        continue;
      }
      parameters.push(id, key, value);
      if (parameters.length === 3 * ROWS_PER_STATEMENT) {
        this.#upsertMany.run(...parameters);
        parameters = [];
      }
    }
    this.#writeGathered(parameters);
  }

  page(
    group: string,
    partition: number,
    store: string,
    after: Buffer | undefined,
    limit: number,
  ): { [column: string]: unknown }[] {
    const id = this.#stores.get(storeName(group, partition, store));
    if (id === undefined) return [];
    // Any text sorts before any blob, so '' stands before the first key, the empty one included.
    return this.#page.all(id, after ?? '', limit);
  }

  #writeGathered(parameters: readonly (number | Buffer)[]): void {
    for (let i = 0; i < parameters.length; i += 3) {
      this.#upsert.run(parameters[i]!, parameters[i + 1]!, parameters[i + 2]!);
    }
  }

  #storeId(group: string, partition: number, store: string): number {
    const name = storeName(group, partition, store);
    const known = this.#stores.get(name);
    if (known !== undefined) return known;
    const id = Number(this.#addStore.get(group, partition, store)!.id);
    this.#stores.set(name, id);
    return id;
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

function storeName(group: string, partition: number, store: string): string {
  return `${group}\n${partition}\n${store}`;
}
