/** Nodes of an expression, and the shapes of the paths among them. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type Shape, withoutNull } from './shape.ts';

/** The nodes below one, whatever its operator. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  const found: ASTNode[] = [];
  const gather = (arg: unknown): void => {
    if (Array.isArray(arg)) for (const inner of arg) gather(inner);
    else if (typeof arg === 'object' && arg !== null && 'op' in arg) found.push(arg as ASTNode);
  };
  gather(node.args);
  return found;
}

/** What a node that reads nothing of a record gives; undefined: it reads, or fails. */
export type Evaluate = (node: ASTNode) => unknown;

export function readsNothing(node: ASTNode): boolean {
  if (node.op === 'id') return false;
  return childrenOf(node).every(readsNothing);
}

/** The shape of `value.a.b`, when a node is such a path. */
export function shapeOfPath(node: ASTNode, shape: Shape): Shape | undefined {
  if (node.op === 'id') return node.args === 'value' ? shape : undefined;
  if (node.op !== '.') return undefined;
  const of = shapeOfPath(node.args[0], shape);
  const inner = of === undefined ? undefined : withoutNull(of);
  return inner?.kind === 'record' ? inner.fields.get(node.args[1]) : undefined;
}

export interface Reads {
  /** The top-level fields that it reads; `*`: all. */
  readonly fields: Set<string>;
  readonly variables: Set<string>;
}

/** The field that `value["name"]` reads. */
function fieldByText(node: ASTNode): string | undefined {
  if (node.op !== '[]') return undefined;
  const [of, name] = node.args as [ASTNode, ASTNode];
  const isText = name.op === 'value' && typeof name.args === 'string';
  return isText && of.op === 'id' && of.args === 'value' ? (name.args as string) : undefined;
}

export function readsOf(root: ASTNode): Reads {
  const reads: Reads = { fields: new Set(), variables: new Set() };
  const visit = (node: ASTNode): void => {
    if (node.op === 'id') {
      reads.variables.add(node.args);
      // The value as a whole: which of its fields are read cannot be told.
      if (node.args === 'value') reads.fields.add('*');
      return;
    }
    if (node.op === '.' && node.args[0].op === 'id' && node.args[0].args === 'value') {
      reads.variables.add('value');
      reads.fields.add(node.args[1]);
      return;
    }
    const name = fieldByText(node);
    if (name !== undefined) {
      reads.variables.add('value');
      reads.fields.add(name);
      return;
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(root);
  return reads;
}
