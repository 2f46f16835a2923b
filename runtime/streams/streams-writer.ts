/**
 * The last node of a stream that others go on with: each record goes to the first branch that takes
 * it, and is copied for everybody who reads that one, in the same turn of the task.
 */
import type { BranchPlan, StreamPlan, StreamsTarget } from '../../compiler/plan.ts';
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';
import { Node, type NodeHost } from '../node.ts';

export const BRANCH_STEP = 'branch';
/** No condition holds, and no branch takes what is left. */
export const NO_BRANCH = 'no_branch';

/** Who goes on with a stream's records. */
export interface StreamReader {
  /** `mark`: what is put behind the id of each event; empty: it stays. */
  take(from: Slice, picked: readonly number[], mark: string): void;
}

interface Branch {
  readonly plan: BranchPlan;
  readonly readers: { readonly to: StreamReader; readonly mark: string }[];
  /** Of the slice that is written, in order. */
  readonly picked: number[];
}

export class StreamsWriter {
  readonly node: Node;
  readonly #branches: readonly Branch[];

  constructor({ name }: StreamPlan, { branches }: StreamsTarget, host: NodeHost) {
    const isWhole = branches.length === 1 && branches[0]!.name === '';
    this.node = new Node(name, isWhole ? 'to' : BRANCH_STEP, host);
    this.#branches = branches.map((plan) => ({ plan, readers: [], picked: [] }));
  }

  add(branch: string, to: StreamReader, mark = ''): void {
    this.#branches.find(({ plan }) => plan.name === branch)!.readers.push({ to, mark });
  }

  write(slice: Slice): void {
    const { counts } = this.node;
    const record = new Record(slice, 0);
    for (const { picked } of this.#branches) picked.length = 0;
    for (let j = 0; j < slice.selected; j++) {
      record.i = slice.selection[j]!;
      counts.in++;
      const branch = this.#branchOf(record);
      if (branch === undefined) continue;
      branch.picked.push(record.i);
      counts.passed++;
      counts.out += branch.readers.length;
    }
    for (const { readers, picked } of this.#branches) {
      if (picked.length > 0) for (const { to, mark } of readers) to.take(slice, picked, mark);
    }
  }

  #branchOf(record: Record): Branch | undefined {
    try {
      for (const branch of this.#branches) {
        const { when } = branch.plan;
        if (when === null || when.evaluate(record) === true) return branch;
      }
    } catch (error) {
      this.node.failed(record, error);
      return undefined;
    }
    this.node.drop(NO_BRANCH, record);
    return undefined;
  }
}
