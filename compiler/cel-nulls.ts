/**
 * Where an expression fails on null, and where has() is never false. What may be null is `dyn` to
 * CEL, which finds out when the record is there: the record is a dead letter then. CEL takes `&&`
 * and `||` in either order, and one side's failure is no matter where the other decides, so a check
 * for null counts wherever it stands.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf, shapeOfPath } from './cel-paths.ts';
import { type Shape, withoutNull } from './shape.ts';

export interface NullWarning {
  readonly code: 'CAR316' | 'CAR317';
  readonly what: string;
  readonly mend: string;
  readonly at: { readonly start: number; readonly end: number };
}

/** Paths that are known not to be null. */
type Known = ReadonlySet<string>;
const NONE: Known = new Set();

/** They fail on null, whichever side it stands on. */
const STRICT: ReadonlySet<string> = new Set([
  ...['<', '<=', '>', '>=', '+', '-', '*', '/', '%', '[]'],
]);
/** Functions that take null. */
const LENIENT: ReadonlySet<string> = new Set(['type', 'dyn', 'has']);
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

export function nullWarnings(root: ASTNode, shape: Shape): NullWarning[] {
  const search = new Search(shape);
  search.visit(root, NONE);
  return search.found;
}

/** `value.a.b`; undefined: it is no path. */
function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args === 'value' ? 'value' : undefined;
  if (node.op !== '.') return undefined;
  const owner = pathOf(node.args[0]);
  return owner === undefined ? undefined : `${owner}.${node.args[1]}`;
}

/** Of what has() finds the owners are not null either. */
function withOwners(path: string): string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 2).join('.'));
}

const isNull = (node: ASTNode) => node.op === 'value' && node.args === null;
const isLiteral = (node: ASTNode): boolean =>
  node.op === 'list' ? node.args.every(isLiteral) : node.op === 'value' && node.args !== null;

function union(a: Known, b: Known): Known {
  return b.size === 0 ? a : new Set([...a, ...b]);
}

function both(a: Known, b: Known): Known {
  return new Set([...a].filter((path) => b.has(path)));
}

/** What is not null when a node came out as `truth`. */
function knownWhen(node: ASTNode, truth: boolean): Known {
  if (node.op === '!_') return knownWhen(node.args, !truth);
  if (node.op === '&&' || node.op === '||') {
    const [a, b] = node.args.map((side: ASTNode) => knownWhen(side, truth)) as [Known, Known];
    return (node.op === '&&') === truth ? union(a, b) : both(a, b);
  }
  if (node.op === 'call' && node.args[0] === 'has' && truth) {
    const path = pathOf(node.args[1][0]!);
    return path === undefined ? NONE : new Set(withOwners(path));
  }
  if (node.op === 'in' && truth && isLiteral(node.args[1])) return named(node.args[0] as ASTNode);
  if (node.op !== '==' && node.op !== '!=') return NONE;
  const [left, right] = node.args as [ASTNode, ASTNode];
  const isSame = (node.op === '==') === truth;
  const other = isNull(left) || isLiteral(left) ? left : right;
  const path = other === left ? right : left;
  // Equal to something that is not null, or not equal to null.
  return (isNull(other) && !isSame) || (isLiteral(other) && isSame) ? named(path) : NONE;
}

/** Not its owners: where they are null it has failed, and is no answer. */
function named(node: ASTNode): Known {
  const path = pathOf(node);
  return path === undefined ? NONE : new Set([path]);
}

class Search {
  readonly found: NullWarning[] = [];
  readonly #shape: Shape;
  readonly #told = new Set<string>();

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  visit(node: ASTNode, known: Known): void {
    switch (node.op) {
      case '&&':
      case '||': {
        const [a, b] = node.args as [ASTNode, ASTNode];
        const matters = node.op === '&&';
        for (const [side, other] of [
          [a, b],
          [b, a],
        ] as const) {
          this.#need(side, union(known, knownWhen(other, matters)));
        }
        return;
      }
      case '?:': {
        const [condition, yes, no] = node.args as [ASTNode, ASTNode, ASTNode];
        this.#need(condition, known);
        this.visit(yes, union(known, knownWhen(condition, true)));
        this.visit(no, union(known, knownWhen(condition, false)));
        return;
      }
      case '!_':
      case '-_':
        this.#need(node.args, known);
        return;
      case '.':
        this.#need(node.args[0], known);
        return;
      case 'in':
        this.visit(node.args[0], known);
        this.#need(node.args[1], known);
        return;
      case 'call':
      case 'rcall':
        this.#call(node, known);
        return;
      default:
        for (const child of childrenOf(node)) {
          if (STRICT.has(node.op)) this.#need(child, known);
          else this.visit(child, known);
        }
    }
  }

  #call(node: ASTNode & { op: 'call' | 'rcall' }, known: Known): void {
    const [name] = node.args;
    if (name === 'has' && node.op === 'call') {
      this.#has(node.args[1][0]!);
      return;
    }
    const isLoop = node.op === 'rcall' && LOOPS.has(name);
    if (node.op === 'rcall') this.#need(node.args[1], known);
    for (const argument of (node.op === 'rcall' ? node.args[2] : node.args[1]) as ASTNode[]) {
      if (isLoop || LENIENT.has(name)) this.visit(argument, known);
      else this.#need(argument, known);
    }
  }

  /** Here null fails. */
  #need(node: ASTNode, known: Known): void {
    this.visit(node, known);
    const path = pathOf(node);
    if (path === undefined || known.has(path) || this.#told.has(path)) return;
    if (shapeOfPath(node, this.#shape)?.kind !== 'nullable') return;
    this.#told.add(path);
    this.found.push({
      code: 'CAR316',
      what: `${path} may be null, and there this fails: the record would be a dead letter.`,
      mend: `Say what null means: ${path} != null && …, or ${path} == null || …`,
      at: node.range,
    });
  }

  /** A field of an Avro record is always there; only its owner may be null, or be a map. */
  #has(field: ASTNode): void {
    if (field.op !== '.') return;
    for (let owner: ASTNode = field.args[0]; ; owner = owner.args[0] as ASTNode) {
      const shape = shapeOfPath(owner, this.#shape);
      if (shape?.kind !== 'record') return;
      if (owner.op !== '.') break;
    }
    const path = pathOf(field);
    const of = shapeOfPath(field, this.#shape);
    if (path === undefined || of === undefined) return;
    const isNullable = of.kind === 'nullable' || withoutNull(of).kind === 'any';
    this.found.push({
      code: 'CAR317',
      what: `has(${path}) is never false: a field of the schema is always there.`,
      mend: isNullable ? `Write ${path} != null.` : 'Leave it out, or compare the field.',
      at: field.range,
    });
  }
}
