/** Whether an expression may give null, as far as its shape and what is known of a record say. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { isNot, type Known, knownWhen, pathOf, union } from './cel-facts.ts';
import { shapeOfPath } from './cel-paths.ts';
import { mayBeNull } from './null-fits.ts';
import type { Shape } from './shape.ts';

export function mayGiveNull(node: ASTNode, shape: Shape, known: Known): boolean {
  if (node.op === 'value') return node.args === null;
  if (node.op === '?:') {
    const [condition, yes, no] = node.args as [ASTNode, ASTNode, ASTNode];
    return (
      mayGiveNull(yes, shape, union(known, knownWhen(condition, true))) ||
      mayGiveNull(no, shape, union(known, knownWhen(condition, false)))
    );
  }
  if (node.op === 'call' && node.args[0] === 'dyn') {
    return mayGiveNull((node.args[1] as ASTNode[])[0]!, shape, known);
  }
  const path = pathOf(node);
  if (path === undefined) return false;
  const of = shapeOfPath(node, shape);
  // Of what no shape is known it is not known either.
  if (of === undefined) return false;
  return mayBeNull(of) && !known.has(isNot(path, 'null'));
}
