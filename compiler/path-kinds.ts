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
  if (of.kind === 'nullable') return undefined;
  if (!takes.includes(of.kind)) return `is ${kindName(shape)}`;
  // What takes records takes them as identities; what goes through a list may find maps in it.
  const at = isIdentity(takes) ? mapWithin(of, '', 0) : undefined;
  return at === undefined ? undefined : `is ${kindName(shape)} with a map in it${at}`;
}

const isIdentity = (takes: readonly ValueKind[]) =>
  takes.includes('record') && !takes.includes('map');

/** Deeper than a schema is written out. */
const DEPTH_MAX = 16;

/** Where a map lies in a record, list or union: ` (labels)`; undefined: none is known of. */
function mapWithin(shape: Shape, way: string, depth: number): string | undefined {
  const of = withoutNull(shape);
  if (depth > DEPTH_MAX) return undefined;
  if (of.kind === 'map') return way === '' ? '' : ` (${way})`;
  if (of.kind === 'list') return mapWithin(of.items, way, depth + 1);
  if (of.kind === 'union') return of.branches.includes('map') ? ` (${way})` : undefined;
  const inner = of.kind === 'any' ? (of.of ?? []) : [];
  for (const one of inner) {
    const found = mapWithin(one, way, depth + 1);
    if (found !== undefined) return found;
  }
  for (const [name, field] of of.kind === 'record' ? of.fields : []) {
    const found = mapWithin(field, way === '' ? name : `${way}.${name}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
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
export function fittingMend(
  shape: Shape,
  takes: readonly ValueKind[],
  isFit: (of: Shape) => boolean = () => true,
): string | undefined {
  if (shape.kind !== 'record') return undefined;
  const fitting = [...shape.fields].filter(
    ([, of]) => misfit(of, takes) === undefined && isFit(of),
  );
  if (fitting.length === 0) return undefined;
  return `Fields that can be used: ${listed(fitting.map(([name]) => `value.${name}`))}.`;
}
