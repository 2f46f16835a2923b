/** The tables of a task: applies their records in order, and waits for schemas that are missing. */
import type { TablePlan } from '../compiler/plan.ts';
import type { Record } from '../core/record.ts';
import { type Schemas, schemaIdOf } from '../core/schema.ts';
import type { TableView } from '../core/store.ts';
import type { SchemaLoader } from './schema-loader.ts';
import { TableStore } from './table-store.ts';

interface Chunk {
  readonly table: TableStore;
  readonly records: readonly Record[];
  at: number;
}

export class TableFeed {
  readonly #byName = new Map<string, TableStore>();
  readonly #byTopic = new Map<string, TableStore>();
  readonly #loader: SchemaLoader;
  readonly #waiting: Chunk[] = [];

  constructor(plans: readonly TablePlan[], schemas: Schemas, loader: SchemaLoader) {
    this.#loader = loader;
    for (const plan of plans) {
      const store = new TableStore(plan.name, plan.schema, schemas);
      this.#byName.set(plan.name, store);
      this.#byTopic.set(plan.topic, store);
    }
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  view(name: string): TableView {
    const table = this.#byName.get(name);
    if (table === undefined) throw new Error(`table ${name} is not a table of this sub-topology`);
    return table;
  }

  add(topic: string, records: readonly Record[]): void {
    const table = this.#byTopic.get(topic);
    if (table === undefined) return;
    this.#waiting.push({ table, records, at: 0 });
    this.drain();
  }

  /** Applies what can be; true when nothing waits. */
  drain(): boolean {
    for (;;) {
      const chunk = this.#waiting[0];
      if (chunk === undefined) return true;
      chunk.at = chunk.table.apply(chunk.records, chunk.at);
      const stuck = chunk.records[chunk.at];
      if (stuck === undefined) {
        this.#waiting.shift();
        continue;
      }
      this.#loader.need([schemaIdOf(stuck.valueBytes, stuck.valueStart, stuck.valueEnd)]);
      return false;
    }
  }
}
