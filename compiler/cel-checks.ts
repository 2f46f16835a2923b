/** What the type check of the library does not see, told for each node on its own. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type ExpressionFault, noField } from './cel-faults.ts';
import { childrenOf, type Evaluate, readsNothing, shapeOfPath } from './cel-paths.ts';
import { branchMend } from './field-path.ts';
import { didYouMean, listed } from './report.ts';
import { type Shape, shapeName, type UnionShape, withoutNull } from './shape.ts';

/** By the node that is at fault; a node that holds one of them is not judged by its type. */
export type NodeFaults = ReadonlyMap<ASTNode, readonly ExpressionFault[]>;

/** matches() may hang, an enum has only its symbols, and what may be null is `dyn` to CEL. */
export function nodeFaults(root: ASTNode, shape: Shape, evaluate: Evaluate): NodeFaults {
  const found = new Map<ASTNode, readonly ExpressionFault[]>();
  const visit = (node: ASTNode): void => {
    const faults = faultsOf(node, shape, evaluate);
    if (faults.length > 0) found.set(node, faults);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(root);
  return found;
}

function faultsOf(node: ASTNode, shape: Shape, evaluate: Evaluate): readonly ExpressionFault[] {
  if ((node.op === 'rcall' || node.op === 'call') && node.args[0] === 'matches') {
    const what = 'matches() is a regular expression, and one that hangs would stop its task.';
    return [{ code: 'CAR313', what, mend: undefined, at: node.range }];
  }
  const number = checkNumbers(node, evaluate);
  if (number !== undefined) return [number];
  if (node.op === '.') {
    const fault = checkField(node.args[0], node.args[1], shape, node);
    return fault === undefined ? [] : [fault];
  }
  if (!COMPARISONS.has(node.op)) return [];
  const [left, right] = node.args as [ASTNode, ASTNode];
  const symbols = [...checkSymbols(left, right, shape), ...checkSymbols(right, left, shape)];
  if (symbols.length > 0) return symbols;
  const fault = checkNullable(left, right, shape, node) ?? checkNullable(right, left, shape, node);
  return fault === undefined ? [] : [fault];
}

/** Literals that fail on every record, whatever is in it. */
function checkNumbers(node: ASTNode, evaluate: Evaluate): ExpressionFault | undefined {
  if (node.op === 'value' && typeof node.args === 'bigint' && node.args > INT64_END) {
    const what = `${node.args} is no whole number of 64 bits, so nothing is equal to it.`;
    return { code: 'CAR311', what, mend: undefined, at: node.range };
  }
  if (node.op === '[]') return checkIndex(node, evaluate);
  if (node.op !== '/' && node.op !== '%') return undefined;
  const [, divisor] = node.args as [ASTNode, ASTNode];
  if (!readsNothing(divisor) || evaluate(divisor) !== 0n) return undefined;
  const what = 'it divides by 0, which fails on every record.';
  return { code: 'CAR311', what, mend: undefined, at: node.range };
}

/** No list has a place before its first. */
function checkIndex(node: ASTNode, evaluate: Evaluate): ExpressionFault | undefined {
  const [, at] = node.args as [ASTNode, ASTNode];
  const place = readsNothing(at) ? evaluate(at) : undefined;
  if (typeof place !== 'bigint' || place >= 0n) return undefined;
  const what = `a list has no place ${place}, so this fails on every record.`;
  return {
    code: 'CAR311',
    what,
    mend: 'The first is [0], the last [size(value.a) - 1].',
    at: at.range,
  };
}

/** With a minus before it, which is a node of its own, it is the least. */
const INT64_END = 2n ** 63n;

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', 'in', '<', '<=', '>', '>=']);

/**
 * What may be null is `dyn` to CEL, which then lets everything through: its fields are checked
 * here.
 */
function checkField(
  owner: ASTNode,
  name: string,
  shape: Shape,
  node: ASTNode,
): ExpressionFault | undefined {
  const of = shapeOfPath(owner, shape);
  const union = of === undefined ? undefined : withoutNull(of);
  if (union?.kind === 'union') return noBranchField(owner, union, name, node);
  if (of === undefined) return undefined;
  const record = withoutNull(of);
  if (record.kind !== 'record' || record.fields.has(name)) return undefined;
  return noField(record, name, { start: node.range.end - name.length, end: node.range.end });
}

/** Its values are of any of the branches, each in an object of the branch's name. */
function noBranchField(
  owner: ASTNode,
  union: UnionShape,
  name: string,
  node: ASTNode,
): ExpressionFault {
  const path = pathOf(owner);
  const what = `${path} is a ${shapeName(union)}: it has no fields of its own, as "${name}".`;
  const at = { start: node.range.end - name.length, end: node.range.end };
  return { code: 'CAR404', what, mend: branchMend(path, union), at };
}

/** A node that is `value.a.b`, as it is written. */
function pathOf(node: ASTNode): string {
  return node.op === '.' ? `${pathOf(node.args[0])}.${node.args[1]}` : 'value';
}

/** The types of shapes that a literal can be compared with. */
const LITERAL_KINDS: { readonly [type: string]: readonly Shape['kind'][] } = {
  string: ['string', 'enum'],
  bigint: ['int', 'double'],
  number: ['int', 'double'],
  boolean: ['bool'],
};

/** As for fields: a nullable value against a literal of another type never holds, or fails. */
function checkNullable(
  path: ASTNode,
  literal: ASTNode,
  shape: Shape,
  node: ASTNode,
): ExpressionFault | undefined {
  const of = shapeOfPath(path, shape);
  if (of === undefined || literal.op !== 'value' || literal.args === null) return undefined;
  const union = withoutNull(of);
  if (union.kind === 'union' && node.op !== 'in') {
    const name = pathOf(path);
    const what = `${name} is a ${shapeName(union)}: no branch of it is compared with a value.`;
    return { code: 'CAR404', what, mend: branchMend(name, union), at: node.range };
  }
  if (of.kind !== 'nullable') return undefined;
  // What a list has in it is another matter than the list.
  if (node.op === 'in' && node.args[1] === path) return undefined;
  const kinds = LITERAL_KINDS[typeof literal.args];
  const inner = withoutNull(of);
  if (kinds === undefined || inner.kind === 'any' || kinds.includes(inner.kind)) return undefined;
  const given = { string: 'a text', bigint: 'a whole number', boolean: 'a boolean' };
  const what = `a ${shapeName(of)} is compared with ${given[typeof literal.args as 'string'] ?? 'a number'}.`;
  return { code: 'CAR311', what, mend: undefined, at: node.range };
}

function checkSymbols(path: ASTNode, value: ASTNode, shape: Shape): ExpressionFault[] {
  const of = shapeOfPath(path, shape);
  const symbols = of === undefined ? undefined : withoutNull(of);
  if (symbols?.kind !== 'enum') return [];
  const literals: readonly ASTNode[] = value.op === 'list' ? value.args : [value];
  return literals.flatMap((literal): ExpressionFault[] => {
    if (literal.op !== 'value' || typeof literal.args !== 'string') return [];
    if (symbols.symbols.includes(literal.args)) return [];
    const known = `${symbols.name}: ${listed(symbols.symbols)}.`;
    return [
      {
        code: 'CAR405',
        what: `"${literal.args}" is not a symbol of ${symbols.name}, so the two are never equal.`,
        mend: didYouMean(literal.args, symbols.symbols, known),
        at: literal.range,
      },
    ];
  });
}

/**
 * Parts that read nothing of a record, and fail: they fail on each. Of an expression whose types
 * are right; `fails` says why.
 */
export function constantFaults(
  node: ASTNode,
  told: NodeFaults,
  fails: (node: ASTNode) => string | undefined,
): readonly ExpressionFault[] {
  if (told.has(node)) return [];
  if (!readsNothing(node)) {
    return childrenOf(node).flatMap((child) => constantFaults(child, told, fails));
  }
  const why = node.op === 'value' ? undefined : fails(node);
  if (why === undefined) return [];
  const isWithin = childrenOf(node).flatMap((child) => constantFaults(child, told, fails));
  if (isWithin.length > 0) return isWithin;
  const what = `this fails on every record: ${why}.`;
  return [{ code: 'CAR311', what, mend: undefined, at: node.range }];
}
