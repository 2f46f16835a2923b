/** An option that names a table of the topology. */
import type { Option } from '../core/spec.ts';
import type { TablePlan } from './plan.ts';
import { didYouMean, listed, type Report } from './report.ts';
import type { Placed } from './section.ts';

/**
 * Undefined when it was told why not; null: its declaration is broken, and that was told.
 * `subject`: `stream "s", fan_out: option "table"`.
 */
export function namedTable(
  report: Report,
  subject: string,
  tables: ReadonlyMap<string, TablePlan | null>,
  { schema }: Option<unknown>,
  { value, span }: Placed,
): TablePlan | null | undefined {
  const table = tables.get(value);
  if (table === undefined) {
    const names = [...tables.keys()];
    const what = `${subject} names the table "${value}", which is not declared.`;
    report.error('CAR201', span, what, didYouMean(value, names, `Tables: ${listed(names)}.`));
    return undefined;
  }
  if (table === null || schema === undefined || table.schema === schema) return table;
  const fitting = [...tables.values()].flatMap((one) => (one?.schema === schema ? [one.name] : []));
  const what = `${subject} names the table "${table.name}" of schema ${table.schema}, and reads rows of ${schema}.`;
  report.error('CAR240', span, what, `Tables of ${schema}: ${listed(fitting)}.`);
  return undefined;
}
