/**
 * Where the fields of a value come from once `map` has given it anew: a field that repeats a path
 * of the event is that path still; of any other nothing is known.
 */

/** From a path of the value as a step sees it to that of the event; null: of neither. */
export type OriginOf = (path: string) => string | null;

const PATH = /^(?:key|timestamp|value(?:\.[A-Za-z_][A-Za-z0-9_]*)+)$/;

export const asItCame: OriginOf = (path) => path;

/** Behind a step of which it is not known what it gives: nobody is blamed for what he reads. */
export const notKnown: OriginOf = () => null;

/**
 * The value has a field more. `key`: what of it repeats the key of the record; nothing else is
 * known.
 */
export function beside(before: OriginOf, field: string, key?: string): OriginOf {
  if (before === notKnown) return before;
  return (path) => {
    const [root, first] = path.split('.');
    if (key !== undefined && path === `value.${field}.${key}`) return 'key';
    return root === 'value' && first === field ? null : before(path);
  };
}

/** The value that came is a field of the new one. */
export function below(before: OriginOf, field: string): OriginOf {
  if (before === notKnown) return before;
  return (path) => {
    const [root, first, ...rest] = path.split('.');
    if (root !== 'value') return before(path);
    return first === field ? before(['value', ...rest].join('.')) : null;
  };
}

const TICK = 'the tick: ';

/**
 * The value is that of a tick, which all rows of a table share, beside one of them; keyed by it.
 */
export function ofRow(before: OriginOf, field: string, key: string): OriginOf {
  if (before === notKnown) return before;
  return (path) => {
    if (path === 'key' || path === `value.${field}.${key}`) return 'key';
    return path.startsWith(`value.${field}.`) ? null : `${TICK}${path}`;
  };
}

/** It is the same for all rows of a table that one tick walks. */
export const isOfTick = (origin: string) => origin.startsWith(TICK);

/** `fields`: the expression of each field of the new value. */
export function afterMap(before: OriginOf, fields: ReadonlyMap<string, string>): OriginOf {
  if (before === notKnown) return before;
  return (path) => {
    const [root, field, ...rest] = path.split('.');
    if (root !== 'value') return before(path);
    const source = field === undefined ? undefined : fields.get(field);
    if (source === undefined || !PATH.test(source)) return null;
    const origin = before(source);
    return origin === null ? null : [origin, ...rest].join('.');
  };
}
