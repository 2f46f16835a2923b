/** Two runs of the driver beside each other: what only one has, what differs, what moved. */
import { isObject, type Told } from './driven-lines.ts';

export interface Comparison {
  readonly onlyInFirst: readonly string[];
  readonly onlyInSecond: readonly string[];
  readonly changed: readonly { readonly name: string; readonly fields: readonly Change[] }[];
  /** Sinks and devices, or topics and keys, whose common ones came in another order. */
  readonly moved: readonly string[];
  readonly counts: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly equal: number;
}

export interface Change {
  /** `value.status`. */
  readonly path: string;
  /** Undefined: it has no such field. */
  readonly from: unknown;
  readonly to: unknown;
}

/** `ignored`: paths of fields that may differ, with what is below them. */
export function compare(first: Told, second: Told, ignored: ReadonlySet<string>): Comparison {
  const onlyIn = (a: Told, b: Told) => [...a.named.keys()].filter((name) => !b.named.has(name));
  const common = [...first.named].filter(([name]) => second.named.has(name));
  const changed = common
    .map(([name, line]) => ({ name, fields: changes(line, second.named.get(name), ignored) }))
    .filter(({ fields }) => fields.length > 0);
  const names = new Set([...first.counts.keys(), ...second.counts.keys()]);
  const counts = [...names]
    .map((name) => ({
      name,
      from: first.counts.get(name) ?? 0,
      to: second.counts.get(name) ?? 0,
    }))
    .filter(({ from, to }) => from !== to);
  return {
    onlyInFirst: onlyIn(first, second),
    onlyInSecond: onlyIn(second, first),
    changed,
    moved: [...first.orders.keys()].filter((place) => isMoved(first, second, place)),
    counts,
    equal: common.length - changed.length,
  };
}

export function isSame(one: Comparison): boolean {
  const { onlyInFirst, onlyInSecond, changed, moved, counts } = one;
  return [onlyInFirst, onlyInSecond, changed, moved, counts].every(({ length }) => length === 0);
}

function isMoved(first: Told, second: Told, place: string): boolean {
  const order = (a: Told, b: Told) =>
    (a.orders.get(place) ?? []).filter((name) => b.named.has(name));
  const [before, after] = [order(first, second), order(second, first)];
  return before.some((name, n) => name !== after[n]);
}

/** Fields that differ, deepest first named; lists are compared as wholes. */
export function changes(
  a: unknown,
  b: unknown,
  ignored: ReadonlySet<string>,
  path = '',
): readonly Change[] {
  if (isObject(a) && isObject(b)) {
    const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...fields].flatMap((field) => {
      const at = path === '' ? field : `${path}.${field}`;
      return ignored.has(at) ? [] : changes(a[field], b[field], ignored, at);
    });
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ path, from: a, to: b }];
}
