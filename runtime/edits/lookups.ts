/** Where steps look up in tables, as it is stored of the topology that runs. */
import {
  type Plan,
  partId,
  type StepPlan,
  type SubTopologyPlan,
  type TablePlan,
} from '../../compiler/plan.ts';
import type { Options } from '../../core/spec.ts';

/** A table, where a step looks up in it. */
export interface AppliedLookup {
  /** Of the part of a stream; or `sink <name>`. */
  readonly id: string;
  readonly step: string;
  readonly table: string;
  readonly topic: string;
  readonly schema: string;
}

/** Each once, whatever the number of priorities. `subs`: those of the streams. */
export function lookupsOf(
  { sinks, tables }: Pick<Plan, 'sinks' | 'tables'>,
  subs: readonly SubTopologyPlan[],
): readonly AppliedLookup[] {
  const declared = new Map(tables.map((table) => [table.name, table]));
  const found = new Map<string, AppliedLookup>();
  const add = (id: string, steps: readonly StepPlan[]) => {
    for (const { name, spec, config } of steps) {
      for (const table of tablesOf(spec.config as Options, config, declared)) {
        const { topic, schema } = table;
        found.set(`${id} ${name} ${table.name}`, {
          id,
          step: name,
          table: table.name,
          topic,
          schema,
        });
      }
    }
  };
  for (const sub of subs) {
    for (const stream of sub.streams) add(partId(stream), stream.steps);
  }
  for (const { name, steps } of sinks) add(`sink ${name}`, steps);
  return [...found.values()];
}

function tablesOf(
  options: Options,
  config: StepPlan['config'],
  declared: ReadonlyMap<string, TablePlan>,
): readonly TablePlan[] {
  const names = Object.keys(options).filter((name) => options[name]!.kind === 'table');
  return names.flatMap((name) => declared.get(String(config[name])) ?? []);
}
