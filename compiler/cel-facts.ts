/**
 * What is known of a value where an expression has come to: which types it is not. CEL takes `&&`
 * and `||` in either order, and one side's failure is no matter where the other decides, so a check
 * counts wherever it stands.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

/** What a value can be to CEL; a record is a map to it. */
export const KINDS = ['null', 'bool', 'int', 'double', 'string', 'bytes', 'list', 'map'] as const;
export type Kind = (typeof KINDS)[number];

/** Each fact is a path with a kind that it is not, or with a branch that it has. */
export type Known = ReadonlySet<string>;
export const NONE: Known = new Set();
/** It is not known what is known: what would make sure of it is broken. */
export const ANYTHING = 'anything';

export const isNot = (path: string, kind: Kind): string => `${path} ${kind}`;
/** `key`: as `keyOf` has it. */
export const hasKey = (path: string, key: string): string => `${path} has ${key}`;

/** What a map is asked for: `"k"`, or the path that gives it; undefined: it is put together. */
export function keyOf(node: ASTNode): string | undefined {
  return isText(node) ? `"${node.args}"` : pathOf(node);
}

/** `value.a[0].b`, or the like of a loop's own variable; undefined: it is no path. */
export function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op === '[]') {
    const [list, at] = node.args as [ASTNode, ASTNode];
    const owner = pathOf(list);
    const isPlace = at.op === 'value' && typeof at.args === 'bigint';
    const place = isPlace ? String(at.args) : keyOf(at);
    return owner === undefined || place === undefined ? undefined : `${owner}[${place}]`;
  }
  if (node.op !== '.') return undefined;
  const owner = pathOf(node.args[0]);
  return owner === undefined ? undefined : `${owner}.${node.args[1]}`;
}

export function union(a: Known, b: Known): Known {
  return b.size === 0 ? a : new Set([...a, ...b]);
}

/** `fields`: the expression of each field of a new value; a path brings what was known of it. */
export function carriedBy(known: Known, fields: ReadonlyMap<string, string>): Known {
  const carried = new Set<string>();
  for (const [field, source] of fields) {
    for (const fact of known) {
      const rest = fact.slice(source.length);
      if (fact.startsWith(source) && /^[ .[]/.test(rest)) carried.add(`value.${field}${rest}`);
    }
  }
  return carried;
}

/** What is known whichever of the two it is. */
export function both(a: Known, b: Known): Known {
  return new Set([...a].filter((fact) => b.has(fact)));
}

const isNull = (node: ASTNode) => node.op === 'value' && node.args === null;
const isLiteral = (node: ASTNode): boolean =>
  node.op === 'list' ? node.args.every(isLiteral) : node.op === 'value' && node.args !== null;
const isText = (node: ASTNode) => node.op === 'value' && typeof node.args === 'string';

const LITERAL_KINDS: { readonly [type: string]: readonly Kind[] } = {
  // Numbers are equal across their types.
  bigint: ['int', 'double'],
  number: ['int', 'double'],
  string: ['string'],
  boolean: ['bool'],
};

function kindsOf(literal: ASTNode): readonly Kind[] {
  if (literal.op === 'list') return ['list'];
  if (isNull(literal)) return ['null'];
  return LITERAL_KINDS[typeof literal.args] ?? ['bytes'];
}

/** It is of one of these. Not so its owners: where they are null it has failed, and no answer. */
function isOneOf(node: ASTNode, kinds: readonly Kind[]): Known {
  const path = pathOf(node);
  if (path === undefined) return NONE;
  return new Set(KINDS.filter((kind) => !kinds.includes(kind)).map((kind) => isNot(path, kind)));
}

function isNoneOf(node: ASTNode, kinds: readonly Kind[]): Known {
  const path = pathOf(node);
  return path === undefined ? NONE : new Set(kinds.map((kind) => isNot(path, kind)));
}

/** What is known when a node came out as `truth`. */
export function knownWhen(node: ASTNode, truth: boolean): Known {
  switch (node.op) {
    case '!_':
      return knownWhen(node.args, !truth);
    case '&&':
    case '||': {
      const [a, b] = node.args.map((side: ASTNode) => knownWhen(side, truth)) as [Known, Known];
      return (node.op === '&&') === truth ? union(a, b) : both(a, b);
    }
    case 'call':
      return node.args[0] === 'has' && truth ? knownOfHas(node.args[1][0]!) : NONE;
    case 'in':
      return truth ? knownOfIn(node.args[0], node.args[1]) : NONE;
    case '==':
    case '!=': {
      const [left, right] = node.args as [ASTNode, ASTNode];
      const isSame = (node.op === '==') === truth;
      return union(knownOfEqual(left, right, isSame), knownOfEqual(right, left, isSame));
    }
    default:
      return NONE;
  }
}

/** Of what has() finds the owners have fields, and it is not null itself. */
function knownOfHas(field: ASTNode): Known {
  let known = isNoneOf(field, ['null']);
  for (let at = field; at.op === '.'; ) {
    const name = at.args[1] as string;
    at = at.args[0] as ASTNode;
    const path = pathOf(at);
    known = union(known, isOneOf(at, ['map']));
    if (path !== undefined) known = union(known, new Set([hasKey(path, `"${name}"`)]));
  }
  return known;
}

function knownOfIn(one: ASTNode, many: ASTNode): Known {
  if (many.op === 'list' && isLiteral(many)) {
    return isOneOf(one, many.args.flatMap(kindsOf));
  }
  const path = pathOf(many);
  const known = isOneOf(many, ['list', 'map']);
  const key = keyOf(one);
  if (path === undefined || key === undefined) return known;
  return union(known, new Set([hasKey(path, key)]));
}

/** Equal to something that is not null, or not equal to null, or of a type that is asked for. */
function knownOfEqual(path: ASTNode, other: ASTNode, isSame: boolean): Known {
  const asked = typeAskedOf(path);
  if (asked !== undefined) {
    const kind = kindNamed(other);
    if (kind === undefined) return NONE;
    return isSame ? isOneOf(asked, [kind]) : isNoneOf(asked, [kind]);
  }
  if (isNull(other)) return isSame ? isOneOf(path, ['null']) : isNoneOf(path, ['null']);
  return isLiteral(other) && isSame ? isOneOf(path, kindsOf(other)) : NONE;
}

/** Of `type(x)` the x. */
function typeAskedOf(node: ASTNode): ASTNode | undefined {
  return node.op === 'call' && node.args[0] === 'type' ? node.args[1][0] : undefined;
}

/** `int`, or `type(1)`. */
function kindNamed(node: ASTNode): Kind | undefined {
  if (node.op === 'id') {
    return KINDS.find((kind) => node.args === (kind === 'null' ? 'null_type' : kind));
  }
  const like = typeAskedOf(node);
  if (like === undefined || !(isLiteral(like) || isNull(like))) return undefined;
  return typeof like.args === 'number' ? 'double' : kindsOf(like)[0];
}
