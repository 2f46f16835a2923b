/**
 * Expressions that are a path and nothing else, as most of what `map` and the functions of
 * `aggregate` are: read as they lie, without the library, which would give the same.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Record } from '../core/record.ts';
import type { Shape } from './shape.ts';

/** Whether a value is what its schema says, and what CEL would give is the value itself. */
type Holds = (value: unknown) => boolean;

/** What cannot be read so goes to `otherwise`, with all that it says of it. */
export function plainEvaluator(
  ast: ASTNode,
  shape: Shape,
  otherwise: (record: Record) => unknown,
): (record: Record) => unknown {
  if (ast.op === 'id' && ast.args === 'timestamp') return ({ timestamp }) => timestamp;
  if (ast.op === 'id' && ast.args === 'key') return ({ key }) => key ?? '';
  const names: string[] = [];
  const holds = holdsAt(ast, shape, names);
  if (holds === undefined) return otherwise;
  const [first, ...inner] = names as [string, ...string[]];
  return (record) => {
    let value: unknown = record.value?.[first];
    for (const name of inner) value = (value as { [name: string]: unknown } | undefined)?.[name];
    return holds(value) ? value : otherwise(record);
  };
}

/** Notes the names of a path below `value`; undefined: it is none, or may be null. */
function holdsAt(ast: ASTNode, shape: Shape, names: string[]): Holds | undefined {
  let node = ast;
  while (node.op === '.') {
    names.unshift(node.args[1]);
    node = node.args[0];
  }
  if (node.op !== 'id' || node.args !== 'value') return undefined;
  let of: Shape | undefined = shape;
  for (const name of names) of = of?.kind === 'record' ? of.fields.get(name) : undefined;
  return of === undefined ? undefined : HOLDS[of.kind];
}

const isText: Holds = (value) => typeof value === 'string';

const HOLDS: { readonly [kind in Shape['kind']]?: Holds } = {
  // CEL's whole numbers know no negative zero.
  int: (value) => Number.isSafeInteger(value) && !Object.is(value, -0),
  double: (value) => typeof value === 'number',
  string: isText,
  enum: isText,
  bool: (value) => typeof value === 'boolean',
};
