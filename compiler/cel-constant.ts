/**
 * What an expression is, whatever a record has: `true`, as in `a != 1 || a != 2`. Where it would
 * fail on a record it is not asked here; what is said holds for those on which it does not.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Record } from '../core/record.ts';
import type { Expression } from '../core/spec.ts';
import { pathOf } from './cel-facts.ts';
import { childrenOf, type Evaluate, type Reads, readsNothing, shapeOfPath } from './cel-paths.ts';
import { truthOfRange } from './cel-ranges.ts';
import { type Shape, withoutNull } from './shape.ts';

export const VARIABLES = ['value', 'key', 'timestamp'];

export interface ConstantPart {
  readonly value: boolean;
  readonly at: { readonly start: number; readonly end: number };
}

/** Undefined: it reads something, or fails whatever it reads. */
export function constantOf(expression: Expression<unknown>, { variables }: Reads): unknown {
  if (VARIABLES.some((name) => variables.has(name))) return undefined;
  try {
    return expression.evaluate({} as Record);
  } catch {
    return undefined;
  }
}

/** True or false, when it is always that. */
export function truthOf(node: ASTNode, shape: Shape, evaluate: Evaluate): boolean | undefined {
  const own = ownTruth(node, shape, evaluate);
  if (own !== undefined) return own;
  if (readsNothing(node)) {
    const value = evaluate(node);
    return typeof value === 'boolean' ? value : undefined;
  }
  return undefined;
}

/** Conditions within an expression that are always the same, the outermost of each. */
export function constantParts(node: ASTNode, shape: Shape, evaluate: Evaluate): ConstantPart[] {
  const asked =
    node.op === '?:' ? [node.args[0]] : node.op === '&&' || node.op === '||' ? node.args : [];
  return childrenOf(node).flatMap((child) => {
    const value = (asked as ASTNode[]).includes(child)
      ? truthOf(child, shape, evaluate)
      : undefined;
    if (value !== undefined) return [{ value, at: child.range }];
    return constantParts(child, shape, evaluate);
  });
}

function ownTruth(node: ASTNode, shape: Shape, evaluate: Evaluate): boolean | undefined {
  switch (node.op) {
    case '!_': {
      const of = truthOf(node.args, shape, evaluate);
      return of === undefined ? undefined : !of;
    }
    case '&&':
    case '||': {
      const decides = node.op === '||';
      const sides = (node.args as ASTNode[]).map((side) => truthOf(side, shape, evaluate));
      if (sides.includes(decides)) return decides;
      if (sides.every((side) => side === !decides)) return !decides;
      return decidedByValues(node, node.op, shape) ? decides : undefined;
    }
    case '==':
    case '<=':
    case '>=':
      return isSame(node) ? true : truthOfRange(node, node.op, shape, evaluate);
    case '!=':
    case '<':
    case '>':
      return isSame(node) ? false : truthOfRange(node, node.op, shape, evaluate);
    case 'in':
      return node.args[1].op === 'list' && node.args[1].args.length === 0 ? false : undefined;
    default:
      return undefined;
  }
}

/**
 * Both sides are one path. A double that is no number is not equal to itself; nobody means that.
 */
function isSame(node: ASTNode): boolean {
  const [left, right] = node.args as [ASTNode, ASTNode];
  const path = pathOf(left);
  return path !== undefined && path === pathOf(right);
}

/**
 * `a == 1 && a == 2` is never true; `a != 1 || a != 2` always is, and so is `a == X || a == Y` of
 * an enum that has no other symbols.
 */
function decidedByValues(node: ASTNode, op: '&&' | '||', shape: Shape): boolean {
  const parts = partsOf(node, op);
  const compare = op === '&&' ? '==' : '!=';
  const values = new Map<string, Set<unknown>>();
  const covered = new Map<string, Set<unknown>>();
  for (const part of parts) {
    const found = comparedOf(part);
    if (found === undefined) continue;
    const { path, value, how } = found;
    const into = how === compare ? values : covered;
    into.set(path, (into.get(path) ?? new Set()).add(value));
  }
  if ([...values.values()].some((all) => all.size > 1)) return true;
  return [...covered].some(([path, all]) => isEverySymbol(path, all, parts, shape));
}

function isEverySymbol(
  path: string,
  all: ReadonlySet<unknown>,
  parts: readonly ASTNode[],
  shape: Shape,
): boolean {
  const node = parts.flatMap(childrenOf).find((one) => pathOf(one) === path);
  const of = node === undefined ? undefined : shapeOfPath(node, shape);
  const isWhole = of?.kind === 'enum' || (of?.kind === 'nullable' && all.has(null));
  const symbols = of === undefined || !isWhole ? undefined : withoutNull(of);
  return symbols?.kind === 'enum' && symbols.symbols.every((symbol) => all.has(symbol));
}

function partsOf(node: ASTNode, op: string): readonly ASTNode[] {
  if (node.op !== op) return [node];
  return (node.args as ASTNode[]).flatMap((side) => partsOf(side, op));
}

/** `path == literal`, or the other way round. */
function comparedOf(
  node: ASTNode,
): { readonly path: string; readonly value: unknown; readonly how: string } | undefined {
  if (node.op !== '==' && node.op !== '!=') return undefined;
  const [left, right] = node.args as [ASTNode, ASTNode];
  const [literal, path] = left.op === 'value' ? [left, pathOf(right)] : [right, pathOf(left)];
  if (path === undefined || literal.op !== 'value') return undefined;
  // 1 and 1.0 are equal.
  const { args } = literal;
  return { path, value: typeof args === 'bigint' ? Number(args) : args, how: node.op };
}
