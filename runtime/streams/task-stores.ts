/** The stores of one task: what is restored, committed and looked at of all of them. */
import type { SubTopologyPlan } from '../../compiler/plan.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import type { Collector } from '../collector.ts';
import type { MemoryPart, Sized } from '../state/memory-budget.ts';
import type { TaskStore } from '../state/task-store.ts';

/** In one batch of a snapshot. */
const SNAPSHOT_ROWS = 2_000;

/** How large a store is. */
export interface StoreSize {
  readonly store: string;
  readonly rows: number;
  readonly bytes: number;
}

export class TaskStores {
  readonly #changelogs: ReadonlyMap<string, string>;
  readonly #stores = new Map<string, TaskStore>();
  readonly #memory: MemoryPart;

  constructor(of: SubTopologyPlan['stores'], memory: MemoryPart) {
    this.#changelogs = new Map(of.map(({ store, changelog }) => [store, changelog]));
    this.#memory = memory;
  }

  add(store: TaskStore): void {
    if (!this.#changelogs.has(store.name)) throw new Error(`store ${store.name} has no changelog`);
    this.#stores.set(store.name, store);
    this.#memory.add(store);
  }

  /** What takes memory of the task and is no store of it: the tables that it follows. */
  addTables(tables: Sized): void {
    this.#memory.add(tables);
  }

  get names(): readonly string[] {
    return [...this.#stores.keys()];
  }

  get hasChanges(): boolean {
    for (const store of this.#stores.values()) if (store.changedCount > 0) return true;
    return false;
  }

  /** Throws CAR697 when the state of this process does not fit its memory. */
  restore(name: string, batch: LogBatch, nowMs: number): void {
    this.#stores.get(name)?.restore(batch, nowMs);
    this.#memory.restored(name);
  }

  /** A batch of a table was read. Throws as `restore`. */
  tableRead(topic: string): void {
    this.#memory.restored(topic);
  }

  get isSpent(): boolean {
    return this.#memory.isSpent;
  }

  writeChanged(to: Collector, partition: number, nowMs: number): void {
    for (const [name, store] of this.#stores) {
      if (store.changedCount === 0) continue;
      store.writeChanged(to.builder(this.#changelogs.get(name)!, partition), nowMs);
    }
  }

  /** Says to the stores whether they are full; gives whether nothing more is to be taken. */
  look(): boolean {
    return this.#memory.look();
  }

  *rows(name: string): IterableIterator<[string, unknown]> {
    const store = this.#stores.get(name);
    if (store !== undefined) yield* store.rows();
  }

  /** As TaskHost.snapshot. */
  *snapshot(nowMs: number): Generator<{ readonly store: string; readonly bytes: Buffer }> {
    for (const [name, store] of this.#stores) {
      const builder = new BatchBuilder(this.#changelogs.get(name)!, 0);
      for (let from: number | null = null; store.size > 0; ) {
        from = store.touch(from, SNAPSHOT_ROWS);
        store.writeChanged(builder, nowMs);
        yield { store: name, bytes: builder.finish().bytes };
        if (from === null) break;
      }
    }
  }

  sizes(): StoreSize[] {
    return [...this.#stores.values()].map(({ name, size, bytes }) => {
      return { store: name, rows: size, bytes };
    });
  }

  close(): void {
    this.#memory.close();
  }
}
