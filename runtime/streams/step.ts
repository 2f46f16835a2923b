/** One step of one task: its node, its store, and what it is handed when it opens. */
import type { StepPlan } from '../../compiler/plan.ts';
import type { Clock } from '../../core/clock.ts';
import type { DeviceClasses } from '../../core/device-classes.ts';
import type { Header } from '../../core/headers.ts';
import type { Priorities } from '../../core/priority.ts';
import type { Record } from '../../core/record.ts';
import type { StepContext } from '../../core/spec.ts';
import type { ColumnKinds, Columns, DevicesView, TableView } from '../../core/store.ts';
import { Node, type NodeHost } from '../node.ts';
import { openStore } from '../state/open-store.ts';
import { RowStore } from '../state/row-store.ts';
import type { TaskStore } from '../state/task-store.ts';

/** What the task gives to its steps. */
export interface StepHost extends NodeHost {
  readonly partition: number;
  readonly clock: Clock;
  readonly priorities: Priorities;
  readonly deviceClasses: DeviceClasses;
  table(name: string): TableView;
  devices(name: string): DevicesView;
  /** The time that a step of one's own has for a record; for tests. */
  readonly stepMsMax?: number;
  /** Left out where steps put nothing aside. */
  aside?(record: Record, topic: string, headers: readonly Header[], at: StepOf): void;
}

/** A step and where it stands, as people see it. */
export interface StepOf {
  readonly stream: string;
  readonly step: string;
}

/** The stream, or sink, that steps stand in. */
export interface StepsOf {
  readonly stream: string;
  readonly useCase: string;
  readonly steps: readonly StepPlan[];
}

export class Step {
  readonly plan: StepPlan;
  readonly node: Node;
  readonly store: TaskStore | null;
  /** The same store, where its rows are columns. */
  readonly rows: RowStore<ColumnKinds> | null;

  constructor(of: StepsOf, plan: StepPlan, host: StepHost) {
    this.plan = plan;
    this.node = new Node(of.stream, plan.name, host);
    const declared = plan.spec.kind === 'operator' ? undefined : plan.spec.rows;
    const store =
      plan.store === null || declared === undefined ? null : openStore(plan.store, declared);
    this.store = store;
    this.rows = store instanceof RowStore ? store : null;
  }

  /** Rows are back: how many records are held. */
  restored(): void {
    this.store?.restored();
    const held = this.rows?.held ?? 0;
    this.node.counts.restored = held;
    this.node.counts.held = held;
  }

  /** Records that its verdicts have lost, or made up; 0 when the law of conservation holds. */
  gap(): number {
    const { counts } = this.node;
    // The counts alone would balance whatever the step says; its rows are what it really holds.
    const rowsGap = counts.held - (this.rows?.held ?? 0);
    return rowsGap !== 0 ? rowsGap : this.node.gap();
  }
}

/**
 * `later`: where what is settled and counted is put, until the step has returned; at once without.
 */
export function contextOf(
  of: StepsOf,
  step: Step,
  host: StepHost,
  later?: (() => void)[],
): StepContext<Columns> {
  const { node, store, rows } = step;
  return {
    stream: of.stream,
    step: node.name,
    useCase: of.useCase,
    partition: host.partition,
    clock: host.clock,
    priorities: host.priorities,
    deviceClasses: host.deviceClasses,
    get store() {
      if (store === null) throw new Error(`step ${node.name} declares no rows`);
      return store as never;
    },
    table: <T>(name: string) => host.table(name) as TableView<T>,
    devices: (name) => host.devices(name),
    aside(record, topic, headers) {
      if (host.aside === undefined) throw new Error(`step ${node.name} can put nothing aside`);
      const write = () =>
        host.aside!(record, topic, headers, { stream: of.stream, step: node.name });
      if (later === undefined) write();
      else later.push(write);
    },
    count(name, by = 1) {
      if (later === undefined) node.count(name, by);
      else later.push(() => node.count(name, by));
    },
    settle(verdict, by = 1, offset = -1) {
      const origin = rows?.holdsRecord === true ? rows : null;
      const topic = origin?.heldTopic() ?? '';
      const partition = origin?.heldPartition() ?? host.partition;
      const dropped = { topic, partition, offset: origin === null ? -1 : offset };
      if (later === undefined) node.release(verdict, by, dropped);
      else {
        node.mayRelease(verdict);
        later.push(() => node.release(verdict, by, dropped));
      }
    },
  };
}
