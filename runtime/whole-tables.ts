/** The tables that a process holds whole: each once, whichever of its tasks join it. */
import type { TablePlan } from '../compiler/plan.ts';
import type { Log } from '../core/log.ts';
import type { Record } from '../core/record.ts';
import type { Schemas } from '../core/schema.ts';
import { MemoryBudget, MemoryPart } from './state/memory-budget.ts';
import { WholeTable } from './state/whole-table.ts';

export class WholeTables {
  readonly #log: Pick<Log, 'follow'>;
  readonly #schemas: Schemas;
  readonly #onUnreadable: (table: string, row: Record, why: string) => void;
  readonly #memory: MemoryPart;
  readonly #tables = new Map<string, { table: WholeTable; opened: Promise<void> }>();

  /** `onUnreadable` hears of rows that cannot be read; those before them stay in force. */
  constructor(
    log: Pick<Log, 'follow'>,
    schemas: Schemas,
    onUnreadable: (table: string, row: Record, why: string) => void,
    memory: MemoryBudget = new MemoryBudget(),
  ) {
    this.#log = log;
    this.#schemas = schemas;
    this.#onUnreadable = onUnreadable;
    this.#memory = new MemoryPart(memory);
  }

  /** Resolves when all of their rows are here. */
  async open(plans: readonly TablePlan[]): Promise<void> {
    for (const { name, topic, schema } of plans) {
      let known = this.#tables.get(name);
      if (known === undefined) {
        const table = new WholeTable(schema, this.#schemas, (row, why) =>
          this.#onUnreadable(name, row, why),
        );
        table.onChange = () => this.#memory.look();
        this.#memory.add(table);
        known = { table, opened: table.follow(this.#log, topic) };
        this.#tables.set(name, known);
      }
      await known.opened;
    }
  }

  get(name: string): WholeTable | undefined {
    return this.#tables.get(name)?.table;
  }

  /** What has come is applied, or waits for a registry that is away. */
  async settled(): Promise<void> {
    for (const { table } of this.#tables.values()) await table.settled();
  }

  async close(): Promise<void> {
    for (const { table } of this.#tables.values()) await table.close();
    this.#tables.clear();
    this.#memory.close();
  }
}
