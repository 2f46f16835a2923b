/** Options that a step or sink does not have, and those that it cannot do without. */
import type { Option } from '../core/spec.ts';
import type { OptionScope } from './options.ts';
import { didYouMean, listed, type Span } from './report.ts';
import type { Entry } from './tree.ts';

export function unknownOption(
  scope: OptionScope,
  entry: Entry,
  known: readonly string[],
  skip: readonly string[],
): void {
  const all = [...known, ...skip];
  scope.report.error(
    'CAR301',
    entry.keySpan,
    `${scope.subject}: there is no option "${entry.key}".`,
    didYouMean(entry.key, all, `Options: ${listed(all)}.`),
  );
}

export function missingOption(
  scope: OptionScope,
  name: string,
  option: Option<unknown>,
  place: Span,
): void {
  scope.report.error(
    'CAR302',
    place,
    `${scope.subject}: option "${name}" is missing.`,
    `Give it: ${option.doc.charAt(0).toLowerCase()}${option.doc.slice(1)}`,
  );
}
