/**
 * Where an expression fails on null or on a type that a field may have, and where has() is never
 * false. What may be null, or of several types, is `dyn` to CEL, which finds out when the record is
 * there: the record is a dead letter then.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { type Branch, type BranchChecks, branchesOf } from './cel-branches.ts';
import { hasKey, isNot, type Known, keyOf, knownWhen, NONE, pathOf, union } from './cel-facts.ts';
import { childrenOf } from './cel-paths.ts';
import { branchMend } from './field-path.ts';
import { ANY_SHAPE, type Shape, withoutNull } from './shape.ts';

export interface NullWarning {
  /** CAR311: whatever the record has, it fails, so it is an error. */
  readonly code: 'CAR246' | 'CAR311' | 'CAR316' | 'CAR317' | 'CAR318' | 'CAR319';
  readonly what: string;
  readonly mend: string;
  readonly at: { readonly start: number; readonly end: number };
  /** Of a CAR311: what fails. */
  readonly node?: ASTNode;
}

/** They fail on null, whichever side it stands on. */
const STRICT: ReadonlySet<string> = new Set([
  ...['<', '<=', '>', '>=', '+', '-', '*', '/', '%', '[]'],
]);
/** Functions that take null. */
const LENIENT: ReadonlySet<string> = new Set(['type', 'dyn', 'has']);
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/**
 * `known`: what is known of each record that comes here; `broken`: nodes of which something was
 * told, as what holds one of them is not judged.
 */
export function nullWarnings(
  root: ASTNode,
  shape: Shape,
  checks: BranchChecks,
  known: Known = NONE,
  broken: ReadonlyMap<ASTNode, unknown> = new Map(),
): NullWarning[] {
  const search = new Search(shape, checks, broken);
  search.visit(root, known);
  return search.found;
}

class Search {
  readonly found: NullWarning[] = [];
  readonly #checks: BranchChecks;
  readonly #broken: ReadonlyMap<ASTNode, unknown>;
  readonly #told = new Set<string>();
  /** `value`, and the variables of the loops around. */
  #variables: ReadonlyMap<string, Shape>;

  constructor(shape: Shape, checks: BranchChecks, broken: ReadonlyMap<ASTNode, unknown>) {
    this.#variables = new Map([['value', shape]]);
    this.#checks = checks;
    this.#broken = broken;
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
        this.#need(node.args, known);
        return;
      case '-_':
        this.#need(node.args, known, node);
        return;
      case '.':
        this.#need(node.args[0], known, node);
        this.#key(node, node.args[0], `"${node.args[1]}"`, known);
        return;
      case '[]':
        this.#need(node.args[0], known, node);
        this.#need(node.args[1], known, node);
        this.#key(node, node.args[0], keyOf(node.args[1]), known);
        return;
      case 'in':
        this.visit(node.args[0], known);
        this.#need(node.args[1], known, node);
        return;
      case 'call':
      case 'rcall':
        this.#call(node, known);
        return;
      default:
        for (const child of childrenOf(node)) {
          if (STRICT.has(node.op)) this.#need(child, known, node);
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
    if (node.op === 'rcall') this.#need(node.args[1], known, node);
    if (node.op === 'rcall' && LOOPS.has(name)) {
      this.#loop(node.args[1], node.args[2] as ASTNode[], known);
      return;
    }
    for (const argument of (node.op === 'rcall' ? node.args[2] : node.args[1]) as ASTNode[]) {
      if (LENIENT.has(name)) this.visit(argument, known);
      else this.#need(argument, known, node);
    }
  }

  /** `list.exists(x, …)`: what comes before the last argument and is a name is its own. */
  #loop(of: ASTNode, [name, ...rest]: readonly ASTNode[], known: Known): void {
    const outer = this.#variables;
    const path = pathOf(of);
    let inner = known;
    if (name?.op === 'id') {
      this.#variables = new Map([...outer, [name.args, this.#elementsOf(of)]]);
      // Of a map, these are its keys.
      if (path !== undefined) inner = union(known, new Set([hasKey(path, name.args)]));
    }
    for (const one of rest) this.visit(one, inner);
    this.#variables = outer;
  }

  #elementsOf(node: ASTNode): Shape {
    const of = this.#shapeOf(node);
    const inner = of === undefined ? ANY_SHAPE : withoutNull(of);
    if (inner.kind === 'list') return inner.items;
    return inner.kind === 'map' ? { kind: 'string' } : ANY_SHAPE;
  }

  /** Of `value.a.b`, or the like of a loop's variable. */
  #shapeOf(node: ASTNode): Shape | undefined {
    if (node.op === 'id') return this.#variables.get(node.args);
    if (node.op === '[]') {
      const list = this.#shapeOf(node.args[0] as ASTNode);
      const inner = list === undefined ? undefined : withoutNull(list);
      return inner?.kind === 'list' ? inner.items : valuesOf(inner);
    }
    if (node.op !== '.') return undefined;
    const of = this.#shapeOf(node.args[0]);
    const inner = of === undefined ? undefined : withoutNull(of);
    return inner?.kind === 'record' ? inner.fields.get(node.args[1]) : valuesOf(inner);
  }

  /**
   * Here some types fail: null, and what `user` does not take; without one, all but true and false.
   */
  #need(node: ASTNode, known: Known, user?: ASTNode): void {
    this.visit(node, known);
    const path = pathOf(node);
    const shape = this.#shapeOf(node);
    if (path === undefined || shape === undefined) return;
    if (user !== undefined && this.#isBroken(user)) return;
    const possible = branchesOf(shape).flatMap((branch) => {
      const kinds = branch.kinds.filter((kind) => !known.has(isNot(path, kind)));
      return kinds.length === 0 ? [] : [{ ...branch, kinds }];
    });
    const failing = possible.filter((branch) => this.#fails(branch, path, user));
    if (failing.length === 0) return;
    const names = failing.map(({ name }) => name).join(' or ');
    const isNever = !possible.some((branch) => this.#works(branch, path, user));
    if (isNever && isMoreThanNull(failing, shape)) {
      // What fails for something else, too, is told of that.
      if (user === undefined || !this.#checks.fails(user, path, ANY_SHAPE, this.#variables)) {
        this.#never(path, names, user ?? node);
      }
      return;
    }
    if (this.#told.has(path)) return;
    this.#told.add(path);
    const { range: at } = node;
    if (failing.every(({ shape: { kind } }) => kind === 'null')) {
      this.found.push({
        code: 'CAR316',
        what: `${path} may be null, and there this fails: the record would be a dead letter.`,
        mend: `Say what null means: ${path} != null && …, or ${path} == null || …`,
        at,
      });
      return;
    }
    const works = possible.find((branch) => !failing.includes(branch) && branch.kinds.length > 0);
    this.found.push({
      code: 'CAR318',
      what: `${path} may be ${names}, and there this fails: the record would be a dead letter.`,
      mend:
        shape.kind === 'union'
          ? branchMend(path, shape)
          : works === undefined
            ? NOTHING_WORKS
            : `Say what it is: type(${path}) == ${works.kinds[0]} && …`,
      at,
    });
  }

  /** It was told already, or lies in it: the same fault, seen from another of its parts. */
  #never(path: string, names: string, node: ASTNode): void {
    const { range: at } = node;
    const isWithin = this.found.some(
      (one) => one.code === 'CAR311' && at.start < one.at.end && one.at.start < at.end,
    );
    if (isWithin) return;
    const what = `${path} is ${names}, and this fails whatever it is.`;
    this.found.push({ code: 'CAR311', what, mend: NOTHING_WORKS, at, node });
  }

  #isBroken(node: ASTNode): boolean {
    return this.#broken.has(node) || childrenOf(node).some((child) => this.#isBroken(child));
  }

  #fails(branch: Branch, path: string, user: ASTNode | undefined): boolean {
    return this.#answers(branch, path, user).includes(false);
  }

  /** One of its kinds does: a double may come as an int, too. */
  #works(branch: Branch, path: string, user: ASTNode | undefined): boolean {
    return this.#answers(branch, path, user).includes(true);
  }

  /** For each of its kinds, whether the node takes it. */
  #answers({ kinds, shape }: Branch, path: string, user: ASTNode | undefined): boolean[] {
    if (shape.kind === 'null') return [false];
    if (user === undefined) return [shape.kind === 'bool' || shape.kind === 'any'];
    return kinds.map((kind) => {
      const as: Shape = kind === 'int' ? { kind: 'int' } : shape.kind === 'union' ? WRAPPED : shape;
      return !this.#checks.fails(user, path, as, this.#variables);
    });
  }

  /**
   * `value.amount["long"]` of a union fails where the value is of another branch, and
   * `value.labels["a"]` of a map where it has no such key.
   */
  #key(node: ASTNode, of: ASTNode, key: string | undefined, known: Known): void {
    const path = pathOf(of);
    const shape = this.#shapeOf(of);
    if (path === undefined || shape === undefined || key === undefined) return;
    const inner = withoutNull(shape);
    const isUnion = inner.kind === 'union' && inner.branches.length > 1 && key.startsWith('"');
    const fact = hasKey(path, key);
    if (!(isUnion || inner.kind === 'map') || known.has(fact)) return;
    if (this.#told.has(path) || this.#told.has(fact)) return;
    this.#told.add(isUnion ? path : fact);
    this.found.push({
      code: isUnion ? 'CAR318' : 'CAR319',
      what: isUnion
        ? `${path} may be of another branch than ${key}, and there this fails: the record would be a dead letter.`
        : `${path} may have no key ${key}, and there this fails: the record would be a dead letter.`,
      mend: isUnion
        ? `Ask for the branch: ${key} in ${path} && …`
        : `Ask for it: ${key} in ${path} && …`,
      at: node.range,
    });
  }

  /** A field of an Avro record is always there; only its owner may be null, or be a map. */
  #has(field: ASTNode): void {
    if (field.op !== '.') return;
    for (let owner: ASTNode = field.args[0]; ; owner = owner.args[0] as ASTNode) {
      const shape = this.#shapeOf(owner);
      if (shape?.kind !== 'record') return;
      if (owner.op !== '.') break;
    }
    const path = pathOf(field);
    const of = this.#shapeOf(field);
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

const NOTHING_WORKS = 'Nothing that it may be works here: use it in a way that its types allow.';

/** Of what is null here a check says so; a field that is nothing else has no use at all. */
function isMoreThanNull(failing: readonly Branch[], of: Shape): boolean {
  return of.kind === 'null' || failing.some(({ shape }) => shape.kind !== 'null');
}

function valuesOf(shape: Shape | undefined): Shape | undefined {
  return shape?.kind === 'map' ? shape.values : undefined;
}

/** A value of a union is an object of its branch's name. */
const WRAPPED: Shape = { kind: 'map', values: ANY_SHAPE };
