/**
 * All that the library's type check finds. It stops at its first error, so the parts are asked one
 * after the other, from the innermost: what holds one that fails follows from it, unless it only
 * joins conditions.
 */
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { type ExpressionFault, faultOf } from './cel-faults.ts';
import { childrenOf } from './cel-paths.ts';
import type { Shape } from './shape.ts';

export interface TypeCheck {
  readonly root: ASTNode;
  readonly env: Environment;
  readonly shape: Shape;
  /** Of the whole expression. */
  readonly error: unknown;
  /** Nodes of which something was told. */
  readonly known: ReadonlySet<ASTNode>;
  /** As the library writes a node. */
  serialize(node: ASTNode): string;
}

interface Judged {
  readonly faults: readonly ExpressionFault[];
  readonly isBroken: boolean;
}

const WHOLE: Judged = { faults: [], isBroken: false };
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

export function typeFaults(check: TypeCheck): readonly ExpressionFault[] {
  const { faults, isBroken } = judge(check, check.root);
  if (isBroken) return faults;
  return [faultOf('CAR311', check.error, check.shape)];
}

function judge(check: TypeCheck, node: ASTNode): Judged {
  if (check.known.has(node)) return { faults: [], isBroken: true };
  const parts = partsOf(node).map((part) => ({ part, ...judge(check, part) }));
  if (!parts.some(({ isBroken }) => isBroken)) return judgeItself(check, node);
  const faults = parts.flatMap((part) => part.faults);
  if (node.op !== '&&' && node.op !== '||') return { faults, isBroken: true };
  const others = parts.filter(({ isBroken }) => !isBroken);
  return {
    faults: [...faults, ...others.flatMap(({ part }) => noCondition(check, node.op, part))],
    isBroken: true,
  };
}

/** Beside a condition that is broken. */
function noCondition(check: TypeCheck, op: string, part: ASTNode): ExpressionFault[] {
  const { type } = check.env.parse(check.serialize(part)).check();
  if (type === 'bool' || type === 'dyn') return [];
  const what = `${op} joins conditions, and this gives ${type}.`;
  return [{ code: 'CAR311', what, mend: undefined, at: part.range }];
}

/** Its parts are right: what is wrong is what it does with them. */
function judgeItself(check: TypeCheck, node: ASTNode): Judged {
  const { env, shape, error, root } = check;
  const at = (error as { readonly node?: ASTNode }).node;
  if (at !== undefined && (at === node || node === root || isInLoop(node, at))) {
    return { faults: [faultOf('CAR311', error, shape)], isBroken: true };
  }
  // A name alone is known, or is told where it is.
  const checked = env.parse(check.serialize(node)).check();
  if (checked.valid) return WHOLE;
  const fault = faultOf('CAR311', checked.error, shape);
  const isField = node.op === '.' && fault.code === 'CAR402';
  const start = isField ? node.range.end - (node.args[1] as string).length : node.range.start;
  return { faults: [{ ...fault, at: { start, end: node.range.end } }], isBroken: true };
}

/** Those that can be judged alone: within a loop there are names that only it has. */
function partsOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === 'call' && node.args[0] === 'has') return [];
  if (node.op === 'rcall' && LOOPS.has(node.args[0])) return [node.args[1]];
  return childrenOf(node);
}

const isInLoop = (node: ASTNode, at: ASTNode): boolean =>
  partsOf(node).length < childrenOf(node).length && holds(node, at);

function holds(node: ASTNode, at: ASTNode): boolean {
  return node === at || childrenOf(node).some((child) => holds(child, at));
}
