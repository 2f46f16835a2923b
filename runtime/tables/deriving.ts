/** What a task does for a derived table, put together by its plan. */
import type { DerivingPlan, SubTopologyPlan } from '../../compiler/plan.ts';
import { type Schemas, schemaIdOf } from '../../core/schema.ts';
import type { Node } from '../node.ts';
import type { TaskStore } from '../state/task-store.ts';
import type { InputReader } from '../streams/input-reader.ts';
import { TableInput } from '../streams/table-input.ts';
import type { TaskParts } from '../streams/task-parts.ts';
import { AskedRows } from './asked-rows.ts';
import { DerivedWriter } from './derived-writer.ts';
import { ForeignLeft } from './foreign-left.ts';
import { ForeignRight } from './foreign-right.ts';
import { HopInput } from './hop-input.ts';
import { readAnswer, readAsk } from './hop-messages.ts';
import { PairJoin } from './pair-join.ts';
import { TimedRows } from './timed-rows.ts';

type Hop = InputReader & { readonly topic: string };

export class Deriving {
  readonly tableInputs: readonly TableInput[];
  /** What comes from the other half of a join by a foreign key. */
  readonly hops: readonly Hop[];
  /** Beside those of the table inputs. */
  readonly nodes: readonly Node[];
  /** Beside those of the table inputs. */
  readonly stores: readonly TaskStore[];
  readonly #right: ForeignRight | null;

  private constructor(
    tableInputs: readonly TableInput[],
    nodes: readonly Node[],
    hops: readonly Hop[] = [],
    stores: readonly TaskStore[] = [],
    right: ForeignRight | null = null,
  ) {
    this.#right = right;
    this.tableInputs = tableInputs;
    this.nodes = nodes;
    this.hops = hops;
    this.stores = stores;
  }

  static open({ role, tableInputs }: SubTopologyPlan, plan: DerivingPlan, parts: TaskParts) {
    const { schemas } = parts;
    const rows = tableInputs.map(({ store, schema }) => new TimedRows(store, schema, schemas));
    const inputs = tableInputs.map((of, n) => new TableInput(of, role, schemas, parts, rows[n]));
    const { derived } = plan;
    if (plan.part === 'right') {
      const asked = new AskedRows(plan.asked);
      const right = new ForeignRight(plan, role, rows[0]!, asked, parts);
      const asks = new HopInput(plan.asks, { role, name: 'asks' }, parts, {
        read: readAsk,
        missingSchema: () => -1,
        take: (key, ask, cause) => right.ask(key, ask, cause),
      });
      return new Deriving(inputs, [asks.node, right.node], [asks], [asked], right);
    }
    const out = new DerivedWriter(derived, role, parts);
    if (plan.part === 'pair') {
      new PairJoin(derived.type, rows[0]!, rows[1]!, out);
      return new Deriving(inputs, [out.node]);
    }
    const left = new ForeignLeft(plan, role, rows[0]!, out, parts);
    const answers = new HopInput(plan.answers, { role, name: 'answers' }, parts, {
      read: readAnswer,
      missingSchema: ({ row }) => missingSchema(schemas, derived.right.schema, row),
      take: (key, answer, cause) => left.answered(key, answer, cause),
    });
    return new Deriving(inputs, [left.node, answers.node, out.node], [answers]);
  }

  /** What has begun is not done yet, though no input waits. */
  get isBusy(): boolean {
    return this.#right?.isTelling === true;
  }

  /** Does a bounded piece of that; gives how much was done. */
  goOn(): number {
    return this.#right?.goOn() ?? 0;
  }

  restored(): void {
    for (const store of this.stores) store.restored();
  }

  /** As a stream's: null, or its counts do not agree. */
  gap(): { readonly node: string; readonly by: number } | null {
    const node = this.nodes.find((one) => one.gap() !== 0);
    return node === undefined ? null : { node: node.name, by: node.gap() };
  }
}

function missingSchema(schemas: Schemas, schema: string, row: Buffer): number {
  if (row.length === 0) return -1;
  const id = schemaIdOf(row, 0, row.length);
  return schemas.decoder(id, { schema }) === undefined ? id : -1;
}
