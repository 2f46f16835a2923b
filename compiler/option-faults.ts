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
  // A sink's options have its type among them; a step's name stands beside its type.
  const isName = entry.key === 'name' && !skip.includes('type');
  scope.report.error(
    'CAR301',
    entry.keySpan,
    `${scope.subject}: there is no option "${entry.key}".`,
    isName ? nameMend(scope, entry) : didYouMean(entry.key, all, `Options: ${listed(all)}.`),
  );
}

function nameMend({ subject }: OptionScope, { value }: Entry): string {
  const type = subject.slice(subject.lastIndexOf(' ') + 1);
  const name = value.kind === 'scalar' && typeof value.value === 'string' ? value.value : '…';
  return `A step's name stands beside its type: - { name: ${name}, ${type}: { … } }`;
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
