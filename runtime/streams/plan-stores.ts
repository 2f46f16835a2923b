/** The stores of a plan, by the names under which people find them. */
import type { Plan, StepPlan, SubTopologyPlan } from '../../compiler/plan.ts';
import type { Priorities } from '../../core/priority.ts';
import { CodedStore } from '../state/coded-store.ts';
import { AS_BYTES } from '../state/joined-table.ts';
import { openStore } from '../state/open-store.ts';
import type { TaskStore } from '../state/task-store.ts';
import { ASKED_ROW } from '../tables/asked-row.ts';
import { ROW_ALONE } from '../tables/timed-rows.ts';
import { DeviceNumbers } from './device-numbers.ts';

export interface PlanStore {
  /**
   * `<stream>/<step>`, `tables/<name>` of a table that is joined, `<priority>/numbers`. The same
   * step has a store in each priority that its stream has.
   */
  readonly path: string;
  readonly store: string;
  readonly changelog: string;
  /** Null: in a topology without priorities. */
  readonly priority: string | null;
  /** How many values make a key (`identityParts`); null: the key is text. */
  readonly keyParts: number | null;
  /** `wire`: a row is the bytes of a record's value. */
  readonly rows: 'plain' | 'wire';
  /** An empty one, to read its changelog into. */
  open(): TaskStore;
}

export const TABLES = 'tables/';

export function planStores({
  subTopologies,
  priorities,
}: Pick<Plan, 'subTopologies' | 'priorities'>): PlanStore[] {
  return subTopologies.flatMap((sub) => storesOf(sub, priorities));
}

function storesOf(sub: SubTopologyPlan, priorities: Priorities): PlanStore[] {
  const base = (store: string) => ({
    store,
    changelog: sub.stores.find((one) => one.store === store)!.changelog,
    priority: sub.priority < 0 ? null : priorities.nameOf(sub.priority),
  });
  const found: PlanStore[] = sub.streams.flatMap(({ name, steps }) =>
    steps.flatMap((step) => {
      const { spec, store } = step;
      const declared = spec.kind === 'operator' ? undefined : spec.rows;
      if (store === null || declared === undefined) return [];
      const open = () => openStore(store, declared);
      const path = `${name}/${step.name}`;
      return [{ ...base(store), path, keyParts: keyPartsOf(step), rows: 'plain' as const, open }];
    }),
  );
  const { deriving } = sub;
  for (const { name, store } of sub.tableInputs) {
    const open = () => new CodedStore(store, deriving === undefined ? AS_BYTES : ROW_ALONE);
    // What a derived table is made of: `tables/<derived>/left`.
    const side = deriving && `${deriving.derived.table.name}/${store.split('.').at(-1)}`;
    const path = `${TABLES}${side ?? name}`;
    found.push({ ...base(store), path, keyParts: null, rows: 'wire', open });
  }
  if (deriving?.part === 'right') {
    const open = () => new CodedStore(deriving.asked, ASKED_ROW);
    const path = `${TABLES}${deriving.derived.table.name}/asked`;
    found.push({ ...base(deriving.asked), path, keyParts: null, rows: 'plain', open });
  }
  const { numbers } = sub;
  if (numbers !== null) {
    const of = base(numbers);
    const open = () => new DeviceNumbers(numbers);
    const path = `${of.priority ?? 'streams'}/numbers`;
    found.push({ ...of, path, keyParts: null, rows: 'plain', open });
  }
  return found;
}

function keyPartsOf({ spec, config }: StepPlan): number | null {
  const option = 'keyedBy' in spec ? spec.keyedBy : undefined;
  if (option === undefined) return null;
  const readers = config[option];
  return Array.isArray(readers) ? readers.length : 1;
}
