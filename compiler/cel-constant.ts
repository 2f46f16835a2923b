/**
 * What an expression is, whatever a record has: `true`, as in `a != 1 || a != 2`. Where it would
 * fail on a record it is not asked here; what is said holds for those on which it does not.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Record } from '../core/record.ts';
import type { Expression } from '../core/spec.ts';
import { type Asked, isNeverMet } from './cel-contradictions.ts';
import { pathOf } from './cel-facts.ts';
import { VARIABLES } from './cel-faults.ts';
import { childrenOf, type Reads, readsNothing, shapeOfPath } from './cel-paths.ts';
import { truthOfRange } from './cel-ranges.ts';
import type { Shape } from './shape.ts';

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
export function truthOf(node: ASTNode, asked: Asked): boolean | undefined {
  const own = ownTruth(node, asked);
  if (own !== undefined) return own;
  if (readsNothing(node)) {
    const value = asked.evaluate(node);
    return typeof value === 'boolean' ? value : undefined;
  }
  return undefined;
}

/** Conditions within an expression that are always the same, the outermost of each. */
export function constantParts(node: ASTNode, asked: Asked): ConstantPart[] {
  const conditions: readonly ASTNode[] =
    node.op === '?:' ? [node.args[0]] : node.op === '&&' || node.op === '||' ? node.args : [];
  return childrenOf(node).flatMap((child) => {
    const value = conditions.includes(child) ? truthOf(child, asked) : undefined;
    if (value !== undefined) return [{ value, at: child.range }];
    return constantParts(child, asked);
  });
}

function ownTruth(node: ASTNode, asked: Asked): boolean | undefined {
  const { shape, evaluate } = asked;
  switch (node.op) {
    case '!_': {
      const of = truthOf(node.args, asked);
      return of === undefined ? undefined : !of;
    }
    case '&&':
    case '||': {
      const decides = node.op === '||';
      const sides = (node.args as ASTNode[]).map((side) => truthOf(side, asked));
      if (sides.includes(decides)) return decides;
      if (sides.every((side) => side === !decides)) return !decides;
      return truthOfAll(node, asked);
    }
    case '?:':
      return truthOfAll(node, asked);
    case '==':
    case '!=':
      if (isUnlike(node, shape)) return node.op === '!=';
      if (isSame(node)) return node.op === '==';
      return truthOfRange(node, node.op, shape, evaluate);
    case '<=':
    case '>=':
      return isSame(node) ? true : truthOfRange(node, node.op, shape, evaluate);
    case '<':
    case '>':
      return isSame(node) ? false : truthOfRange(node, node.op, shape, evaluate);
    case 'in':
      return node.args[1].op === 'list' && node.args[1].args.length === 0 ? false : undefined;
    case 'call':
    case 'rcall':
      return truthOfAll(node, asked);
    default:
      return undefined;
  }
}

function truthOfAll(node: ASTNode, asked: Asked): boolean | undefined {
  if (readsNothing(node)) return undefined;
  if (isNeverMet(node, true, asked)) return false;
  return isNeverMet(node, false, asked) ? true : undefined;
}

/**
 * Both sides are one path. A double that is no number is not equal to itself; nobody means that.
 */
function isSame(node: ASTNode): boolean {
  const [left, right] = node.args as [ASTNode, ASTNode];
  const path = pathOf(left);
  return path !== undefined && path === pathOf(right);
}

/** Two fields that have no value in common: a text and a number, or two enums. */
function isUnlike(node: ASTNode, shape: Shape): boolean {
  const [left, right] = (node.args as [ASTNode, ASTNode]).map((side) => {
    const of = shapeOfPath(side, shape);
    return of === undefined ? undefined : valuesOf(of);
  });
  if (left === undefined || right === undefined) return false;
  return ![...left].some((one) => right.has(one) || isTextOf(one, right));
}

/** Kinds of values, and the symbols of an enum; undefined: nothing is known of it. */
function valuesOf(shape: Shape): ReadonlySet<string> | undefined {
  switch (shape.kind) {
    case 'nullable': {
      const of = valuesOf(shape.of);
      return of === undefined ? undefined : new Set([...of, 'null']);
    }
    case 'enum':
      return new Set(shape.symbols.map((symbol) => `"${symbol}"`));
    case 'string':
      return new Set(['text']);
    case 'int':
    case 'double':
      return new Set(['number']);
    case 'record':
    case 'map':
      return new Set(['map']);
    case 'null':
    case 'bool':
    case 'bytes':
    case 'list':
      return new Set([shape.kind]);
    default:
      return undefined;
  }
}

/** A text may be any symbol. */
function isTextOf(one: string, others: ReadonlySet<string>): boolean {
  if (one.startsWith('"')) return others.has('text');
  return one === 'text' && [...others].some((other) => other.startsWith('"'));
}
