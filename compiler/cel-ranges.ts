/**
 * Comparisons of whole numbers that are decided by their types: an int of Avro has 32 bits, a size
 * is never negative, and a rest is less than what is divided by. Nothing is equal to NaN.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type Evaluate, readsNothing, shapeOfPath } from './cel-paths.ts';
import { INT_END } from './literals.ts';
import { type Shape, withoutNull } from './shape.ts';

/** Both inclusive; the numbers of a range of the double type are not known. */
export interface Range {
  readonly least: bigint | number;
  readonly most: bigint | number;
}

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

const INT64_END = 2n ** 63n;

/** True or false, when it is that for all values that the two sides can have. */
export function truthOfRange(
  node: ASTNode,
  op: Comparison,
  shape: Shape,
  evaluate: Evaluate,
): boolean | undefined {
  const [left, right] = node.args as [ASTNode, ASTNode];
  // What reads nothing at all is known already.
  if (readsNothing(left) === readsNothing(right)) return undefined;
  const [one, other] = [left, right].map((side) => rangeOf(side, shape, evaluate));
  if (one === NOT_A_NUMBER || other === NOT_A_NUMBER) return op === '!=';
  if (one === undefined || other === undefined) return undefined;
  return decided(one, other, op);
}

function decided(a: Range, b: Range, op: Comparison): boolean | undefined {
  const isBelow = a.most < b.least;
  const isAbove = a.least > b.most;
  switch (op) {
    case '==':
      return isBelow || isAbove ? false : undefined;
    case '!=':
      return isBelow || isAbove ? true : undefined;
    case '<':
      return isBelow ? true : a.least >= b.most ? false : undefined;
    case '<=':
      return a.most <= b.least ? true : isAbove ? false : undefined;
    case '>':
      return isAbove ? true : a.most <= b.least ? false : undefined;
    case '>=':
      return a.least >= b.most ? true : isBelow ? false : undefined;
  }
}

const NOT_A_NUMBER = 'NaN';

function rangeOf(
  node: ASTNode,
  shape: Shape,
  evaluate: Evaluate,
): Range | typeof NOT_A_NUMBER | undefined {
  if (readsNothing(node)) {
    const value = evaluate(node);
    if (typeof value === 'number' && Number.isNaN(value)) return NOT_A_NUMBER;
    const isNumber = typeof value === 'bigint' || typeof value === 'number';
    return isNumber ? { least: value, most: value } : undefined;
  }
  if (isSize(node)) return { least: 0n, most: INT64_END - 1n };
  if (node.op === '%') return rangeOfRest(node.args[1], evaluate);
  const path = shapeOfPath(node, shape);
  const of = path === undefined ? undefined : withoutNull(path);
  if (of?.kind !== 'int' || (of.bits !== 32 && of.least === undefined)) return undefined;
  const end = of.bits === 32 ? INT_END : INT64_END;
  return { least: of.least ?? -end, most: end - 1n };
}

function isSize(node: ASTNode): boolean {
  return (node.op === 'call' || node.op === 'rcall') && node.args[0] === 'size';
}

/** Of a whole number that is divided; its sign is that of what is divided. */
function rangeOfRest(divisor: ASTNode, evaluate: Evaluate): Range | undefined {
  const by = readsNothing(divisor) ? evaluate(divisor) : undefined;
  if (typeof by !== 'bigint' || by === 0n) return undefined;
  const most = (by < 0n ? -by : by) - 1n;
  return { least: -most, most };
}

export interface Domain {
  /** All that it can be. */
  readonly values: readonly (string | boolean | null)[] | undefined;
  readonly range: Range | undefined;
  readonly isWhole: boolean;
}

/** What a path, or another part of an expression, can be at all. */
export function domainOf(node: ASTNode, shape: Shape, evaluate: Evaluate): Domain {
  const path = shapeOfPath(node, shape);
  const of = path === undefined ? undefined : withoutNull(path);
  const orNull = path?.kind === 'nullable' ? [null] : [];
  const values =
    of?.kind === 'enum'
      ? [...of.symbols, ...orNull]
      : of?.kind === 'bool'
        ? [true, false, ...orNull]
        : undefined;
  const range = rangeOf(node, shape, evaluate);
  const isTime = node.op === 'id' && node.args === 'timestamp';
  return {
    values,
    range: range === NOT_A_NUMBER ? undefined : range,
    isWhole: of?.kind === 'int' || isSize(node) || isTime || node.op === '%',
  };
}
