/** What a value of several types can be, one after the other, and whether a node takes it. */
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import type { Kind } from './cel-facts.ts';
import { Views } from './cel-views.ts';
import { ANY_SHAPE, type Shape, shapeName } from './shape.ts';

export interface Branch {
  /** What it is to CEL: a double without a fraction may come as an int. */
  readonly kinds: readonly Kind[];
  readonly shape: Shape;
  /** As people say it: `a text`, `null`. */
  readonly name: string;
}

const CEL_KINDS: { readonly [kind in Shape['kind']]?: Kind } = {
  null: 'null',
  bool: 'bool',
  int: 'int',
  double: 'double',
  string: 'string',
  enum: 'string',
  bytes: 'bytes',
  list: 'list',
  map: 'map',
  record: 'map',
  union: 'map',
};

/** Empty: it is of one type, or nothing is known of it. */
export function branchesOf(shape: Shape): readonly Branch[] {
  switch (shape.kind) {
    case 'nullable':
      return [NULL, ...(branchesOf(shape.of).length > 0 ? [] : [branchOf(shape.of, false)])];
    case 'any':
      return (shape.of ?? []).map((of) => (of.kind === 'null' ? NULL : branchOf(of, true)));
    case 'null':
      return [NULL];
    case 'union':
      return [...(shape.hasNull ? [NULL] : []), branchOf(shape, false)];
    default:
      return [];
  }
}

const NULL: Branch = { kinds: ['null'], shape: { kind: 'null' }, name: 'null' };

function branchOf(shape: Shape, isLoose: boolean): Branch {
  const kind = CEL_KINDS[shape.kind];
  const name = shape.kind === 'enum' ? shapeName(shape) : `a ${shapeName(shape)}`;
  if (kind === undefined) return { kinds: [], shape, name };
  return { kinds: kind === 'double' && isLoose ? ['double', 'int'] : [kind], shape, name };
}

type Library = typeof import('@marcbachmann/cel-js');

/** By name: `value`, and the variables of the loops around. */
export type Variables = ReadonlyMap<string, Shape>;

/** Whether a node fails for what is at `path` when that is of one kind. */
export class BranchChecks {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  fails(node: ASTNode, path: string, as: Shape, variables: Variables): boolean {
    const env: Environment = new this.#library.Environment();
    const views = new Views(env);
    const [root, ...parts] = path.replaceAll('[', '.[').split('.') as [string, ...string[]];
    for (const [name, shape] of variables) {
      env.registerVariable(name, views.typeOf(name === root ? withAt(shape, parts, as) : shape));
    }
    for (const [name, type] of Object.entries({ key: 'string', timestamp: 'int' })) {
      if (!variables.has(name)) env.registerVariable(name, type);
    }
    const checked = env.parse(this.#library.serialize(node)).check();
    return !checked.valid;
  }
}

/** The shape, with another one in the place of a field. Its owners are there. */
function withAt(shape: Shape, [part, ...rest]: readonly string[], as: Shape): Shape {
  if (part === undefined) return as;
  if (shape.kind === 'nullable') return withAt(shape.of, [part, ...rest], as);
  if (shape.kind === 'list' && part.startsWith('[')) {
    return { kind: 'list', items: withAt(shape.items, rest, as) };
  }
  if (shape.kind !== 'record') return ANY_SHAPE;
  const inner = shape.fields.get(part) ?? ANY_SHAPE;
  return { ...shape, fields: new Map([...shape.fields, [part, withAt(inner, rest, as)]]) };
}
