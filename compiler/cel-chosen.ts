/** What a choice gives, `condition ? one : other`: each side has a shape of its own. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type Evaluate, readsNothing, shapeOfPath } from './cel-paths.ts';
import type { Shape } from './shape.ts';

/** Undefined: it is no choice, or of a side nothing is known. */
export function chosenShape(node: ASTNode, shape: Shape, evaluate: Evaluate): Shape | undefined {
  if (node.op !== '?:') return undefined;
  const sides = sidesOf(node).map((side) => shapeOfSide(side, shape, evaluate));
  const known = sides.flatMap((side) => side ?? []);
  if (known.length < sides.length) return undefined;
  // Of one kind it is that, whichever is chosen.
  const isOne = known.every(({ kind }) => kind === known[0]!.kind && SIMPLE.has(kind));
  if (isOne) return undefined;
  return { kind: 'any', of: known, isChosen: true };
}

const SIMPLE: ReadonlySet<Shape['kind']> = new Set(['int', 'double', 'string', 'bool', 'bytes']);

function sidesOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === '?:') return [...sidesOf(node.args[1]), ...sidesOf(node.args[2])];
  // dyn() says no more than that the types of the sides may differ.
  const isDyn = node.op === 'call' && node.args[0] === 'dyn';
  return isDyn ? sidesOf((node.args[1] as ASTNode[])[0]!) : [node];
}

function shapeOfSide(node: ASTNode, shape: Shape, evaluate: Evaluate): Shape | undefined {
  const path = shapeOfPath(node, shape);
  if (path !== undefined) return path;
  if (!readsNothing(node)) return undefined;
  const value = evaluate(node);
  if (value === null) return { kind: 'null' };
  switch (typeof value) {
    case 'string':
      return { kind: 'string', gives: [value] };
    case 'bigint':
      return { kind: 'int', gives: [value] };
    case 'number':
      return { kind: 'double' };
    case 'boolean':
      return { kind: 'bool' };
    default:
      return undefined;
  }
}
