/** A table as an input of its task: its records become rows, in their turn. */
import type { TableInputPlan } from '../../compiler/plan.ts';
import { type Schemas, schemaIdOf } from '../../core/schema.ts';
import { Slice } from '../../core/slice.ts';
import type { TableView } from '../../core/store.ts';
import { Node, type NodeHost } from '../node.ts';
import { JoinedTable } from '../state/joined-table.ts';
import { type RowTarget, TableReader } from '../state/table-rows.ts';
import type { TaskStore } from '../state/task-store.ts';
import type { InputReader } from './input-reader.ts';

/** Rows of a table that is an input, as state of the task. */
export interface InputRows extends RowTarget, TaskStore, TableView {
  /** Their schemas must be loaded before a row is asked for. */
  schemaIds(): Iterable<number>;
  readonly size: number;
}

export class TableInput implements InputReader {
  readonly plan: TableInputPlan;
  readonly table: InputRows;
  readonly node: Node;
  readonly slice = new Slice();
  readonly #schemas: Schemas;
  readonly #reader: TableReader;
  #isRefused = false;

  /** `role`: of the sub-topology, as what stands in none of its streams is told. */
  constructor(
    plan: TableInputPlan,
    role: string,
    schemas: Schemas,
    host: NodeHost,
    rows: InputRows = new JoinedTable(plan.store, plan.schema, schemas),
  ) {
    this.plan = plan;
    this.table = rows;
    this.node = new Node(role, `table ${plan.name}`, host);
    this.#schemas = schemas;
    this.#reader = new TableReader(plan.schema, schemas, (record, why) => {
      this.#isRefused = true;
      this.node.refuse(record, { code: 'CAR503', why });
    });
  }

  get nodes(): readonly Node[] {
    return [this.node];
  }

  /** As a stream's: null, or its counts do not agree. */
  gap(): { readonly node: string; readonly by: number } | null {
    const by = this.node.gap();
    return by === 0 ? null : { node: this.node.name, by };
  }

  missingSchema(i: number): number {
    const { bytes, valueStart, valueEnd } = this.slice;
    if (valueStart[i]! < 0) return -1;
    const id = schemaIdOf(bytes, valueStart[i]!, valueEnd[i]!);
    if (id < 0) return -1;
    return this.#schemas.decoder(id, { schema: this.plan.schema }) === undefined ? id : -1;
  }

  timeOf(i: number): number {
    return this.slice.timestamp[i]!;
  }

  run(): void {
    const { slice, node } = this;
    const { counts } = node;
    for (let j = 0; j < slice.selected; j++) {
      this.#isRefused = false;
      this.#reader.applyOne(slice, slice.selection[j]!, this.table);
      counts.in++;
      if (this.#isRefused) continue;
      counts.passed++;
      counts.out++;
    }
  }
}
