/** An option that is a mapping with just some durations: `{ size: 1m, advance: 10s }`. */
import { readDuration } from './quantity.ts';
import { didYouMean, listed, type Report, type Span } from './report.ts';
import { isTold, kindOf } from './section.ts';
import type { Tree } from './tree.ts';

/** By name, milliseconds, each at least 1; undefined when something was told. */
export function readDurations(
  report: Report,
  subject: string,
  tree: Tree,
  parts: Readonly<Record<string, string>>,
  place: Span,
): { readonly [name: string]: number } | undefined {
  const names = Object.keys(parts);
  const like = `Write { ${names.map((name) => `${name}: 1m`).join(', ')} }.`;
  if (isTold(tree)) return undefined;
  if (tree.kind !== 'map') {
    report.error('CAR303', place, `${subject} is ${kindOf(tree)}, not a mapping.`, like);
    return undefined;
  }
  const errorsBefore = report.errorCount;
  const found: { [name: string]: number } = {};
  for (const { key, keySpan, value } of tree.entries) {
    if (!names.includes(key)) {
      const mend = didYouMean(key, names, `It takes ${listed(names)}.`);
      report.error('CAR301', keySpan, `${subject} has no "${key}".`, mend);
    } else if (value.kind !== 'scalar' || value.value === null) {
      if (isTold(value)) continue;
      report.error('CAR303', keySpan, `${subject}: ${key} is ${kindOf(value)}, not a duration.`);
    } else {
      const ms = readDuration(report, `${subject}: ${key}`, value, { min: 1 });
      if (ms !== undefined) found[key] = ms;
    }
  }
  if (report.errorCount > errorsBefore || tree.isPartial === true) return undefined;
  const missing = names.filter((name) => found[name] === undefined);
  if (missing.length === 0) return found;
  report.error('CAR302', place, `${subject}: ${listed(missing)} is missing.`, like);
  return undefined;
}
