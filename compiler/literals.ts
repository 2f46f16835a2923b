/** What an expression writes out, where a schema says which values there are. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type Evaluate, readsNothing } from './cel-paths.ts';
import { listed } from './report.ts';
import { type Shape, withoutNull } from './shape.ts';

/** Avro's int. */
export const INT_END = 2n ** 31n;

/** The shape, with what the expression gives whatever else a record has in it. */
export function withLiterals(shape: Shape, node: ASTNode, evaluate: Evaluate): Shape {
  if (shape.kind === 'list') {
    const items = node.op === 'list' ? (node.args as ASTNode[]) : [];
    const [first] = items;
    if (first === undefined) return shape;
    const gives = items.flatMap((item) => literalsOf(item, evaluate));
    const item = shape.items.kind === 'any' ? shapeOfLiteral(gives) : shape.items;
    return item === undefined ? shape : { kind: 'list', items: giving(item, gives) };
  }
  return giving(shape, literalsOf(node, evaluate));
}

function giving(shape: Shape, gives: readonly unknown[]): Shape {
  if (gives.length === 0) return shape;
  if (shape.kind !== 'string' && shape.kind !== 'bytes' && shape.kind !== 'int') return shape;
  return { ...shape, gives };
}

/** Of one type, as lists of CEL are. */
function shapeOfLiteral([first]: readonly unknown[]): Shape | undefined {
  if (typeof first === 'string') return { kind: 'string' };
  return typeof first === 'bigint' ? { kind: 'int' } : undefined;
}

function literalsOf(node: ASTNode, evaluate: Evaluate): readonly unknown[] {
  if (node.op === '?:') {
    const [, one, other] = node.args as [ASTNode, ASTNode, ASTNode];
    return [...literalsOf(one, evaluate), ...literalsOf(other, evaluate)];
  }
  if (!readsNothing(node)) return [];
  const value = evaluate(node);
  return value === undefined ? [] : [value];
}

/** Why a value that fits by its type does not: `"D", not one of A, B`. */
export function literalFault(given: Shape, wanted: Shape): string | undefined {
  const of = withoutNull(wanted);
  const has = withoutNull(given);
  if (has.kind === 'list' && of.kind === 'list') return literalFault(has.items, of.items);
  if (has.kind === 'any') {
    const faults = has.isChosen === true ? (has.of ?? []).map((one) => literalFault(one, of)) : [];
    return faults.find((why) => why !== undefined);
  }
  if (has.kind !== 'string' && has.kind !== 'bytes' && has.kind !== 'int') return undefined;
  for (const value of has.gives ?? []) {
    const why = faultOf(value, of);
    if (why !== undefined) return why;
  }
  return undefined;
}

function faultOf(value: unknown, of: Shape): string | undefined {
  if (of.kind === 'enum' && typeof value === 'string' && !of.symbols.includes(value)) {
    return `"${value}", which is none of ${listed(of.symbols)}`;
  }
  if (of.kind === 'int' && of.bits === 32 && typeof value === 'bigint') {
    const isIn = -INT_END <= value && value < INT_END;
    return isIn ? undefined : `${value}, which is no whole number of 32 bits`;
  }
  if (of.kind === 'bytes' && of.size !== undefined && value instanceof Uint8Array) {
    return value.length === of.size ? undefined : `${value.length} bytes, not ${of.size}`;
  }
  return undefined;
}
