/** The shape of what a step sends on, so that what follows it is checked against that. */
import type { Gives } from '../core/gives.ts';
import type { StepSpec } from '../core/spec.ts';
import { aggregatedShape } from './aggregated-shape.ts';
import type { OptionScope, ResolvedOptions } from './options.ts';
import type { Span } from './report.ts';
import { ANY_SHAPE, type Shape, shapeName, withoutNull } from './shape.ts';

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Undefined: the value stays what it is. */
export function givenShape(
  scope: OptionScope,
  { gives }: StepSpec,
  resolved: ResolvedOptions,
  place: Span,
): Shape | undefined {
  if (gives === undefined) return resolved.gives;
  switch (gives.kind) {
    case 'anything':
      return ANY_SHAPE;
    case 'gathered':
      return recordOf('the digest', [
        ['count', { kind: 'int' }],
        ['events', { kind: 'list', items: scope.shape }],
      ]);
    case 'aggregated':
      return aggregatedShape(scope, gives, resolved, place);
    case 'elements':
      return elementShape(scope, gives, resolved, place);
  }
}

function recordOf(name: string, fields: Iterable<readonly [string, Shape]>): Shape {
  return { kind: 'record', name, fields: new Map(fields), defaulted: new Set() };
}

function elementShape(
  scope: OptionScope,
  gives: Gives & { readonly kind: 'elements' },
  { config, paths, gives: more }: ResolvedOptions,
  place: Span,
): Shape {
  const { report, subject } = scope;
  const of = paths.get(gives.of)!;
  const { reader, shape } = of.paths[0]!;
  const list = withoutNull(shape);
  if (list.kind === 'any') return ANY_SHAPE;
  if (list.kind !== 'list') {
    const what = `${subject}: ${reader.path} is a ${shapeName(shape)}, not a list.`;
    report.error('CAR403', of.span, what, 'Name a field that is an array in the schema.');
    return ANY_SHAPE;
  }
  const item = withoutNull(list.items);
  const as = config[gives.as] as string | null;
  if (as !== null && (!FIELD_NAME.test(as) || as === '__proto__')) {
    const what = `${subject}: "${as}" is not a field's name.`;
    report.error('CAR108', place, what, 'Write letters, digits and _ only.');
    return ANY_SHAPE;
  }
  if (as === null && item.kind === 'any') return ANY_SHAPE;
  if (as === null && item.kind !== 'record') {
    const what = `${subject}: an element of ${reader.path} is a ${shapeName(item)}, without fields.`;
    report.error('CAR403', of.span, what, `Say under which field it stands: ${gives.as}: element.`);
    return ANY_SHAPE;
  }
  const fields = new Map<string, Shape>(
    as === null && item.kind === 'record' ? item.fields : [[as ?? '', item]],
  );
  for (const [name, given] of more?.fields ?? []) {
    if (fields.has(name)) {
      const what = `${subject}: ${gives.with} gives "${name}", which the element has already.`;
      report.error('CAR280', place, what);
    }
    fields.set(name, given);
  }
  return recordOf(`an element of ${reader.path}`, fields);
}
