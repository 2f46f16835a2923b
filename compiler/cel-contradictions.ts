/**
 * Conditions that no record can meet, as `a > 5 && a < 3`: what holds together is looked at as
 * bounds, values and negations of each path. Whatever is never false is told by the same way, as
 * its opposite is never true. Where a part fails on a record, that is no answer, and not asked
 * here.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf, type Evaluate, readsNothing, shapeOfPath } from './cel-paths.ts';
import { domainOf } from './cel-ranges.ts';
import type { Shape } from './shape.ts';

/** What an expression is asked about its parts. */
export interface Asked {
  readonly shape: Shape;
  readonly evaluate: Evaluate;
  /** As the library writes a node. */
  serialize(node: ASTNode): string;
}

/** A part that is no combination of others, and whether it has to hold. */
interface Literal {
  readonly node: ASTNode;
  readonly holds: boolean;
}

/** Ways to meet a condition; more are not looked at. */
const WAYS_MAX = 64;
/** Values that a path may have, as far as each is tried. */
const VALUES_MAX = 32;

/** True: no record meets it. */
export function isNeverMet(node: ASTNode, holds: boolean, asked: Asked): boolean {
  const ways = waysOf(node, holds);
  return ways?.every((way) => isContradiction(way, asked)) ?? false;
}

/** The ways to meet a condition, each a list of what holds then; undefined: too many. */
function waysOf(node: ASTNode, holds: boolean): Literal[][] | undefined {
  switch (node.op) {
    case '!_':
      return waysOf(node.args, !holds);
    case '&&':
    case '||': {
      const [a, b] = node.args as [ASTNode, ASTNode];
      const [one, other] = [waysOf(a, holds), waysOf(b, holds)];
      return (node.op === '&&') === holds ? both(one, other) : either(one, other);
    }
    case '?:': {
      const [condition, yes, no] = node.args as [ASTNode, ASTNode, ASTNode];
      return either(
        both(waysOf(condition, true), waysOf(yes, holds)),
        both(waysOf(condition, false), waysOf(no, holds)),
      );
    }
    default:
      return [[{ node, holds }]];
  }
}

type Ways = Literal[][] | undefined;

function either(a: Ways, b: Ways): Ways {
  if (a === undefined || b === undefined || a.length + b.length > WAYS_MAX) return undefined;
  return [...a, ...b];
}

function both(a: Ways, b: Ways): Ways {
  if (a === undefined || b === undefined || a.length * b.length > WAYS_MAX) return undefined;
  return a.flatMap((one) => b.map((other) => [...one, ...other]));
}

type Value = string | number | bigint | boolean | null;
type Order = '<' | '=' | '>';

interface Bound {
  readonly value: Value;
  readonly isIn: boolean;
}

/** What is known of a path, or of another part that is compared. */
interface Known {
  /** Undefined: any. */
  values: readonly Value[] | undefined;
  readonly not: Value[];
  least: Bound | undefined;
  most: Bound | undefined;
  readonly isWhole: boolean;
}

function isContradiction(way: readonly Literal[], asked: Asked): boolean {
  const opaque = new Map<string, boolean>();
  const known = new Map<string, Known>();
  const orders = new Map<string, readonly Order[]>();
  const nodes = new Map<string, ASTNode>();
  const starts = new Map<string, string>();
  const knownOf = (node: ASTNode): Known => {
    const key = asked.serialize(node);
    let found = known.get(key);
    if (found === undefined) {
      found = startOf(node, asked);
      known.set(key, found);
      nodes.set(key, node);
    }
    return found;
  };
  for (const { node, holds } of way) {
    if (readsNothing(node)) {
      if (asked.evaluate(node) === !holds) return true;
      continue;
    }
    const key = asked.serialize(node);
    if (opaque.get(key) === !holds) return true;
    opaque.set(key, holds);
    if (take(node, holds, knownOf, asked)) continue;
    if (isOrderBroken(node, holds, orders, asked)) return true;
    for (const path of symbolsIn(node, asked)) knownOf(path);
    if (holds && isOtherStart(node, starts, asked)) return true;
  }
  for (const [key, of] of known) if (isEmpty(of, way, nodes.get(key)!, asked)) return true;
  return false;
}

function startOf(node: ASTNode, { shape, evaluate }: Asked): Known {
  const domain = domainOf(node, shape, evaluate);
  return {
    values: domain.values?.length === 0 ? undefined : domain.values,
    not: [],
    least: domain.range && { value: domain.range.least, isIn: true },
    most: domain.range && { value: domain.range.most, isIn: true },
    isWhole: domain.isWhole,
  };
}

const OPPOSITES: { readonly [op: string]: string } = {
  ...{ '==': '!=', '!=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' },
};
const MIRRORED: { readonly [op: string]: string } = {
  ...{ '==': '==', '!=': '!=', '<': '>', '>=': '<=', '>': '<', '<=': '>=' },
};

/** False: it is no comparison of something with what is written out. */
function take(
  node: ASTNode,
  holds: boolean,
  knownOf: (node: ASTNode) => Known,
  { evaluate }: Asked,
): boolean {
  if (node.op === 'in') {
    const [one, many] = node.args as [ASTNode, ASTNode];
    if (!readsNothing(many) || readsNothing(one)) return false;
    const values = evaluate(many);
    if (!Array.isArray(values) || !values.every(isValue)) return false;
    const of = knownOf(one);
    if (holds) of.values = narrowed(of.values, values);
    else of.not.push(...values);
    return true;
  }
  if (!Object.hasOwn(OPPOSITES, node.op)) {
    // A condition by itself: `value.flag`.
    if (node.op !== 'id' && node.op !== '.') return false;
    const of = knownOf(node);
    of.values = narrowed(of.values, [holds]);
    return true;
  }
  const [left, right] = node.args as [ASTNode, ASTNode];
  if (readsNothing(left) === readsNothing(right)) return false;
  const [path, literal] = readsNothing(left) ? [right, left] : [left, right];
  const value = evaluate(literal);
  if (!isValue(value)) return false;
  const written = path === left ? node.op : MIRRORED[node.op]!;
  compare(knownOf(path), holds ? written : OPPOSITES[written]!, value);
  return true;
}

function compare(of: Known, op: string, value: Value): void {
  if (op === '==') of.values = narrowed(of.values, [value]);
  else if (op === '!=') of.not.push(value);
  else if (op.startsWith('<')) {
    const isIn = op === '<=';
    if (of.most === undefined || isBelow(value, of.most.value, !isIn)) of.most = { value, isIn };
  } else {
    const isIn = op === '>=';
    if (of.least === undefined || isBelow(of.least.value, value, !isIn)) of.least = { value, isIn };
  }
}

function narrowed(values: readonly Value[] | undefined, to: readonly Value[]): readonly Value[] {
  return values === undefined ? to : values.filter((one) => to.some((other) => isSame(one, other)));
}

const isValue = (value: unknown): value is Value =>
  value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);

const isNumber = (value: Value): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

// 1 and 1.0 are equal.
const isSame = (a: Value, b: Value): boolean =>
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number are compared by value.
  isNumber(a) && isNumber(b) ? a == b : a === b;

/** Of two kinds, which have no order, false; `orSame`: or equal. */
function isBelow(a: Value, b: Value, orSame = false): boolean {
  if (a === null || b === null || isNumber(a) !== isNumber(b)) return false;
  return a < b || (orSame && isSame(a, b));
}

/** No value is left. */
function isEmpty(of: Known, way: readonly Literal[], path: ASTNode, asked: Asked): boolean {
  const { values, not, least, most } = of;
  if (values === undefined) return least !== undefined && most !== undefined && isGap(of);
  const left = values.filter(
    (value) => !not.some((other) => isSame(other, value)) && isWithin(value, least, most),
  );
  return left.length <= VALUES_MAX && left.every((value) => failsWith(value, way, path, asked));
}

/** Where null is compared the expression fails, which is told otherwise. */
function isWithin(value: Value, least: Bound | undefined, most: Bound | undefined): boolean {
  if (value === null) return true;
  const isOver = least === undefined || isBelow(least.value, value, least.isIn);
  return isOver && (most === undefined || isBelow(value, most.value, most.isIn));
}

/** Of two bounds nothing lies between. */
function isGap({ least, most, isWhole, not }: Known): boolean {
  const [from, to] = [least!, most!];
  if (!isWhole || !isNumber(from.value) || !isNumber(to.value)) {
    if (!isBelow(from.value, to.value, true)) return isBelow(to.value, from.value);
    return isSame(from.value, to.value) && !(from.isIn && to.isIn && !has(not, from.value));
  }
  let first = wholeFrom(from.value, Math.ceil);
  let last = wholeFrom(to.value, Math.floor);
  if (first === undefined || last === undefined) return false;
  if (!from.isIn && isSame(first, from.value)) first += 1n;
  if (!to.isIn && isSame(last, to.value)) last -= 1n;
  while (first <= last && has(not, first)) first += 1n;
  return first > last;
}

const has = (not: readonly Value[], value: Value) => not.some((one) => isSame(one, value));

function wholeFrom(value: number | bigint, round: (n: number) => number): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return Number.isFinite(value) ? BigInt(round(value)) : undefined;
}

/** With this value, one of the parts that read nothing else does not hold. */
function failsWith(value: Value, way: readonly Literal[], path: ASTNode, asked: Asked): boolean {
  const key = asked.serialize(path);
  return way.some(({ node, holds }) => {
    const filled = withValue(node, key, value, asked);
    if (filled === node || !readsNothing(filled)) return false;
    const given = asked.evaluate(filled);
    // What fails is no answer.
    return typeof given === 'boolean' && given !== holds;
  });
}

/** The node, with a value in place of a path. */
function withValue(node: ASTNode, key: string, value: Value, asked: Asked): ASTNode {
  if (asked.serialize(node) === key) return { ...node, op: 'value', args: value } as ASTNode;
  if (childrenOf(node).length === 0) return node;
  let isOther = false;
  const fill = (args: unknown): unknown => {
    if (Array.isArray(args)) return args.map(fill);
    if (typeof args !== 'object' || args === null || !('op' in args)) return args;
    const filled = withValue(args as ASTNode, key, value, asked);
    isOther ||= filled !== args;
    return filled;
  };
  const args = fill(node.args);
  return isOther ? ({ ...node, args } as ASTNode) : node;
}

/** Enums in a part that is no comparison: each of their symbols can be tried. */
function symbolsIn(node: ASTNode, { shape }: Pick<Asked, 'shape'>): readonly ASTNode[] {
  const of = shapeOfPath(node, shape);
  if (of !== undefined) return of.kind === 'enum' ? [node] : [];
  return childrenOf(node).flatMap((child) => symbolsIn(child, { shape }));
}

/** One text does not start, or end, in two ways of which none is the start of the other. */
function isOtherStart(
  node: ASTNode,
  starts: Map<string, string>,
  { evaluate, serialize }: Asked,
): boolean {
  if (node.op !== 'rcall') return false;
  const [name, of, args] = node.args as [string, ASTNode, ASTNode[]];
  if (name !== 'startsWith' && name !== 'endsWith') return false;
  const text = args[0] !== undefined && readsNothing(args[0]) ? evaluate(args[0]) : undefined;
  if (typeof text !== 'string') return false;
  const key = `${name} ${serialize(of)}`;
  const other = starts.get(key) ?? '';
  const [short, long] = other.length < text.length ? [other, text] : [text, other];
  starts.set(key, long);
  return name === 'startsWith' ? !long.startsWith(short) : !long.endsWith(short);
}

const ALL_ORDERS: readonly Order[] = ['<', '=', '>'];
const ORDERS: { readonly [op: string]: readonly Order[] } = {
  '==': ['='],
  '!=': ['<', '>'],
  '<': ['<'],
  '<=': ['<', '='],
  '>': ['>'],
  '>=': ['>', '='],
};

/** `a > b && a < b`: two that both change are compared twice, and not in one order. */
function isOrderBroken(
  node: ASTNode,
  holds: boolean,
  orders: Map<string, readonly Order[]>,
  { serialize }: Asked,
): boolean {
  if (!Object.hasOwn(ORDERS, node.op)) return false;
  const [a, b] = (node.args as [ASTNode, ASTNode]).map(serialize) as [string, string];
  const written = holds ? node.op : OPPOSITES[node.op]!;
  const op = a < b ? written : MIRRORED[written]!;
  const key = [a, b].sort().join('\n');
  const left = (orders.get(key) ?? ALL_ORDERS).filter((one) => ORDERS[op]!.includes(one));
  orders.set(key, left);
  return left.length === 0;
}
