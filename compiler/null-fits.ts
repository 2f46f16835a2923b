/**
 * Where a value that may be null would go to a place that has no null. Whether it is shows only in
 * the record, so the two fit by their types.
 */
import { ANYTHING, isNot, type Known } from './cel-facts.ts';
import { type Shape, withoutNull } from './shape.ts';

/** Paths, from `path` on; `known`: what steps before it have made sure of. */
export function nullsIn(
  given: Shape,
  wanted: Shape,
  known: Known,
  path = 'value',
): readonly string[] {
  if (known.has(ANYTHING)) return [];
  if (mayBeNull(given) && !takesNull(wanted)) return known.has(isNot(path, 'null')) ? [] : [path];
  const [has, of] = [withoutNull(given), withoutNull(wanted)];
  if (has.kind === 'list' && of.kind === 'list') {
    return nullsIn(has.items, of.items, known, `${path}[…]`);
  }
  if (has.kind === 'map' && of.kind === 'map') {
    return nullsIn(has.values, of.values, known, `${path}["…"]`);
  }
  if (has.kind !== 'record' || of.kind !== 'record') return [];
  return [...of.fields].flatMap(([name, to]) => {
    const from = has.fields.get(name);
    return from === undefined ? [] : nullsIn(from, to, known, `${path}.${name}`);
  });
}

export function mayBeNull(shape: Shape): boolean {
  switch (shape.kind) {
    case 'null':
    case 'nullable':
      return true;
    case 'union':
      return shape.hasNull;
    case 'any':
      return shape.of?.some(mayBeNull) ?? false;
    default:
      return false;
  }
}

function takesNull(shape: Shape): boolean {
  return mayBeNull(shape) || (shape.kind === 'any' && shape.of === undefined);
}
