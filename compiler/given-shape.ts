/** The shape of what a step sends on, so that what follows it is checked against that. */
import type { Gives } from '../core/gives.ts';
import type { StepSpec } from '../core/spec.ts';
import { aggregatedShape } from './aggregated-shape.ts';
import type { SchemaShapes } from './declarations.ts';
import type { OptionScope } from './options.ts';
import type { Report, Span } from './report.ts';
import type { ResolvedOptions } from './resolved-options.ts';
import { ANY_SHAPE, type Shape, shapeName, withoutNull } from './shape.ts';

/** What may be the key of a row. */
const KEYS: ReadonlySet<Shape['kind']> = new Set(['string', 'enum', 'any']);
/** Rows of it are read as lines, not as objects. */
const MEMBER_DEVICES = 'MemberDevices';
const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface GivenScope extends OptionScope {
  readonly schemas: SchemaShapes;
}

/** Undefined: the value stays what it is. */
export function givenShape(
  scope: GivenScope,
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
        ['count', { kind: 'int', least: 1n }],
        ['events', { kind: 'list', items: scope.shape }],
      ]);
    case 'aggregated':
      return aggregatedShape(scope, gives, resolved, place);
    case 'elements':
      return elementShape(scope, gives, resolved, place);
    case 'joined':
      return joinedShape(scope, gives, resolved, place);
    case 'paired':
      return pairedShape(scope, gives, resolved, place);
    case 'walked':
      return walkedShape(scope, gives, resolved, place);
  }
}

function isFieldName({ report, subject }: OptionScope, name: string, place: Span): boolean {
  return fieldName(report, subject, name, place);
}

export const fieldNameMend = (name: string): string =>
  name === '__proto__'
    ? 'No step gives a field of this name: take another one.'
    : 'Write letters, digits and _ only.';

/** False: it was told that this is not a field's name. */
export function fieldName(report: Report, subject: string, name: string, place: Span): boolean {
  if (FIELD_NAME.test(name) && name !== '__proto__') return true;
  const what = `${subject}: "${name}" is not a field's name.`;
  report.error('CAR108', place, what, fieldNameMend(name));
  return false;
}

/** The value with the row beside its fields; null where the row may be missing. */
function joinedShape(
  scope: GivenScope,
  gives: Gives & { readonly kind: 'joined' },
  { config, tables, places, values, paths }: ResolvedOptions,
  place: Span,
): Shape {
  const { report, subject, shape, schemas } = scope;
  const as = config[gives.as] as string;
  const span = values.get(gives.as) ?? place;
  if (!isFieldName(scope, as, span)) return ANY_SHAPE;
  const table = tables[0];
  const own = withoutNull(shape);
  // Of a table that is broken, or a value that anything may be in, nothing is known.
  if (table === undefined || own.kind !== 'record') return ANY_SHAPE;
  if (table.schema === MEMBER_DEVICES) {
    const what = `${subject}: the devices of a member are many, and are told by fan_out.`;
    report.error('CAR261', places.get(gives.row) ?? place, what, 'Write - fan_out instead of it.');
    return ANY_SHAPE;
  }
  const row = schemas.named(subject, { value: table.schema, span });
  if (row === undefined) return ANY_SHAPE;
  const by = paths.get(gives.by);
  const key = by === undefined ? undefined : withoutNull(by.paths[0]!.shape);
  if (by !== undefined && key !== undefined && !KEYS.has(key.kind)) {
    const { path } = by.paths[0]!.reader;
    const what = `${subject}: ${path} is a ${shapeName(key)}, and the key of a row is a text.`;
    report.error('CAR403', by.at, what, 'Make a text of it with map: string(value.number).');
  }
  if (own.fields.has(as)) {
    report.error('CAR280', span, `${subject}: ${gives.as} gives "${as}", which the value has.`);
    // Under which name it is read behind it is not known.
    return ANY_SHAPE;
  }
  const of: Shape = config[gives.type] === 'inner' ? row : { kind: 'nullable', of: row };
  return recordOf(`${own.name} with ${as}`, [...own.fields, [as, of]]);
}

/** What came, and what was joined to it; null where one of them may be missing. */
function pairedShape(
  scope: GivenScope,
  gives: Gives & { readonly kind: 'paired' },
  { config, joined, places, values }: ResolvedOptions,
  place: Span,
): Shape {
  const { report, subject, shape } = scope;
  const as = config[gives.as] as string;
  const ownAs = config[gives.own] as string | null;
  const type = config[gives.type];
  const span = values.get(gives.as) ?? place;
  const names = ownAs === null ? [as] : [as, ownAs];
  const isNamed = names.every((name) => isFieldName(scope, name, span));
  if (ownAs === null && type === 'outer') {
    const what = `${subject}: where only the other came, there are no fields of its own.`;
    report.error('CAR263', places.get(gives.type) ?? place, what);
    return ANY_SHAPE;
  }
  if (joined === undefined || !isNamed) return ANY_SHAPE;
  const other = orNull(joined.source.shape, type !== 'inner');
  if (ownAs !== null) {
    if (ownAs === as) {
      // The other side may well be what follows it means.
      report.error('CAR280', span, `${subject}: "${as}" is the name of both sides.`);
      return ANY_SHAPE;
    }
    const own = orNull(shape, type === 'outer');
    return recordOf('the pair', [
      [ownAs, own],
      [as, other],
    ]);
  }
  const own = withoutNull(shape);
  if (own.kind !== 'record') return ANY_SHAPE;
  if (own.fields.has(as)) {
    report.error('CAR280', span, `${subject}: ${gives.as} gives "${as}", which the value has.`);
    // Under which name it is read behind it is not known.
    return ANY_SHAPE;
  }
  return recordOf(`${own.name} with ${as}`, [...own.fields, [as, other]]);
}

/** The tick with the row beside its fields. */
function walkedShape(
  scope: GivenScope,
  gives: Gives & { readonly kind: 'walked' },
  { config, tables, places }: ResolvedOptions,
  place: Span,
): Shape {
  const { report, subject, shape, schemas } = scope;
  const as = config[gives.as] as string;
  const span = places.get(gives.as) ?? place;
  if (!isFieldName(scope, as, span)) return ANY_SHAPE;
  const [table] = tables;
  const own = withoutNull(shape);
  if (table === undefined || own.kind !== 'record') return ANY_SHAPE;
  const row = schemas.named(subject, { value: table.schema, span });
  if (row === undefined) return ANY_SHAPE;
  if (own.fields.has(as)) {
    report.error('CAR280', span, `${subject}: ${gives.as} gives "${as}", which the value has.`);
    // Under which name it is read behind it is not known.
    return ANY_SHAPE;
  }
  return recordOf(`${own.name} with ${as}`, [...own.fields, [as, row]]);
}

function orNull(of: Shape, isMissing: boolean): Shape {
  return isMissing && of.kind !== 'any' && of.kind !== 'nullable' ? { kind: 'nullable', of } : of;
}

function recordOf(name: string, fields: Iterable<readonly [string, Shape]>): Shape {
  return { kind: 'record', name, fields: new Map(fields), defaulted: new Set() };
}

function elementShape(
  scope: OptionScope,
  gives: Gives & { readonly kind: 'elements' },
  { config, paths, names, gives: more }: ResolvedOptions,
  place: Span,
): Shape {
  const { report, subject } = scope;
  const of = paths.get(gives.of)!;
  const { reader, shape } = of.paths[0]!;
  const list = withoutNull(shape);
  // The option takes lists alone; of others nothing is known.
  if (list.kind !== 'list') return ANY_SHAPE;
  const item = withoutNull(list.items);
  const as = config[gives.as] as string | null;
  if (as !== null && !isFieldName(scope, as, place)) return ANY_SHAPE;
  if (as === null && item.kind === 'any') return ANY_SHAPE;
  if (as === null && item.kind !== 'record') {
    const what = `${subject}: an element of ${reader.path} is a ${shapeName(item)}, without fields.`;
    report.error('CAR403', of.at, what, `Say under which field it stands: ${gives.as}: element.`);
    return ANY_SHAPE;
  }
  const fields = new Map<string, Shape>(
    as === null && item.kind === 'record' ? item.fields : [[as ?? '', item]],
  );
  const twice = [...(more?.fields.keys() ?? [])].some((name) => fields.has(name));
  for (const [name, given] of more?.fields ?? []) {
    if (fields.has(name)) {
      const what = `${subject}: ${gives.with} gives "${name}", which the element has already.`;
      report.error('CAR280', names.get(name) ?? place, what);
    }
    fields.set(name, given);
  }
  // Of a field that is given twice nobody knows which one is meant.
  return twice ? ANY_SHAPE : recordOf(`an element of ${reader.path}`, fields);
}
