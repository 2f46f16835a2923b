/** Whether what lies at a path is of a kind that can be used there. */
import type { ValueKind } from '../core/value-kind.ts';
import { listed, type Report } from './report.ts';
import type { Placed } from './section.ts';
import { type Shape, shapeName, withoutNull } from './shape.ts';

const NAMES: { readonly [kind in ValueKind]: string } = {
  string: 'a text',
  enum: 'an enum',
  int: 'a whole number',
  double: 'a number',
  bool: 'a boolean',
  bytes: 'bytes',
  list: 'a list',
  map: 'a map',
  record: 'a record',
  union: 'a union',
};
const KINDS = Object.keys(NAMES) as ValueKind[];

/**
 * What it is, or may be, that cannot be used: `is a whole number`; undefined: it fits, or nothing
 * is known of it. Null is no matter here.
 */
export function misfit(shape: Shape, takes: readonly ValueKind[]): string | undefined {
  const of = withoutNull(shape);
  if (of.kind === 'null') return 'is always null';
  if (of.kind === 'any') {
    const branch = of.of?.find((one) => one.kind !== 'null' && misfit(one, takes) !== undefined);
    return branch === undefined ? undefined : `may be ${kindName(branch)}`;
  }
  if (of.kind === 'nullable' || takes.includes(of.kind)) return undefined;
  return `is ${kindName(shape)}`;
}

function kindName(shape: Shape): string {
  const of = withoutNull(shape);
  if (of.kind === 'enum') return shapeName(shape);
  return of.kind === 'bytes' ? shapeName(shape) : `a ${shapeName(shape)}`;
}

/** As people say it: `a text`, `a text or a whole number`, `anything but a map`. */
export function kindsName(takes: readonly ValueKind[]): string {
  const others = KINDS.filter((kind) => !takes.includes(kind));
  if (others.length < takes.length) {
    return `anything but ${others.map((kind) => NAMES[kind]).join(' or ')}`;
  }
  return takes.map((kind) => NAMES[kind]).join(' or ');
}

/** True: it was told that what lies there cannot be used. `among`: what the path goes into. */
export function isMisfit(
  report: Report,
  subject: string,
  { value, span }: Placed,
  shape: Shape,
  takes: readonly ValueKind[],
  among: Shape,
): boolean {
  const why = misfit(shape, takes);
  if (why === undefined) return false;
  const what = `${subject}: ${value} ${why}, and it takes ${kindsName(takes)}.`;
  report.error('CAR403', span, what, fittingMend(among, takes));
  return true;
}

/** The fields that can be used instead. */
function fittingMend(shape: Shape, takes: readonly ValueKind[]): string | undefined {
  if (shape.kind !== 'record') return undefined;
  const fitting = [...shape.fields].filter(([, of]) => misfit(of, takes) === undefined);
  if (fitting.length === 0) return undefined;
  return `Fields that can be used: ${listed(fitting.map(([name]) => `value.${name}`))}.`;
}
