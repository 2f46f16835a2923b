/**
 * CEL expressions over `value`, `key` and `timestamp`: parsed, checked against the schema's shape
 * when the file is loaded, made into a function. The library is loaded when the first expression is
 * met.
 */
import { createRequire } from 'node:module';
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import type { ErrorCode } from '../core/error-table.ts';
import type { Record } from '../core/record.ts';
import type { Expression } from '../core/spec.ts';
import { BranchChecks } from './cel-branches.ts';
import { constantOf, constantParts, truthOf, VARIABLES } from './cel-constant.ts';
import { readsEvent, withEvent, withEventShape } from './cel-event.ts';
import { type Known, knownWhen, NONE } from './cel-facts.ts';
import { functionMeant, habitAt, variableMeant } from './cel-habits.ts';
import { type NullWarning, nullWarnings } from './cel-nulls.ts';
import { childrenOf, type Reads, readsOf, shapeOfPath } from './cel-paths.ts';
import { fromCel, Views } from './cel-views.ts';
import { branchMend } from './field-path.ts';
import { withLiterals } from './literals.ts';
import { didYouMean, listed } from './report.ts';
import {
  ANY_SHAPE,
  type RecordShape,
  type Shape,
  shapeName,
  type UnionShape,
  withoutNull,
} from './shape.ts';

type Library = typeof import('@marcbachmann/cel-js');

export interface ResolvedExpression {
  readonly expression: Expression<unknown>;
  /** CEL's name of its type: `bool`, `string`, `dyn` … */
  readonly type: string;
  readonly shape: Shape;
  /** The top-level fields that it reads; `*`: all. */
  readonly fields: ReadonlySet<string>;
  /** Its value, when it reads nothing of a record. */
  readonly constant: unknown;
  /** It can be used, and hardly does what is meant. */
  readonly warnings: readonly NullWarning[];
  /** What is known of a record for which it gives true. */
  readonly holds: Known;
}

/** Why an expression is refused; `at` counts characters of its source. */
export interface ExpressionFault {
  readonly code: ErrorCode;
  readonly what: string;
  readonly mend: string | undefined;
  readonly at: { readonly start: number; readonly end: number } | undefined;
}

/** Far above what a person writes; a bound on what one file can cost. */
const LIMITS = { maxAstNodes: 1000, maxDepth: 50, maxListElements: 500 };

let library: Library | undefined;

function celLibrary(): Library {
  library ??= createRequire(import.meta.url)('@marcbachmann/cel-js') as Library;
  return library;
}

interface Typed {
  readonly env: Environment;
  readonly view: (value: unknown) => unknown;
}

/** The typed environments of one compilation: making one costs more than an expression. */
export class CelCompiler {
  readonly #typed = new Map<Shape, Typed>();

  /** `known`: what steps before it have made sure of. */
  compile(source: string, of: Shape, known = NONE): ResolvedExpression | ExpressionFault {
    const shape = withEventShape(of);
    const { env, view } = this.#typedOf(shape);
    let program: ParseResult;
    try {
      program = env.parse(source);
    } catch (error) {
      const fault = faultOf('CAR310', error, shape);
      const at = fault.at?.start;
      const habit = at === undefined ? undefined : habitAt(source, at);
      if (habit !== undefined) return { ...fault, ...habit };
      return { ...fault, mend: fault.mend ?? fieldMeant(source, at) };
    }
    const fault = checkTree(program.ast, shape);
    if (fault !== undefined) return fault;
    const checked = program.check();
    if (!checked.valid) {
      const fault = faultOf('CAR311', checked.error, shape);
      return { ...fault, mend: fault.mend ?? memberMeant(source, fault) };
    }
    const reads = readsOf(program.ast);
    const expression: Expression<unknown> = {
      source,
      evaluate: evaluator(
        program,
        readsEvent(of, reads.fields) ? (value) => view(withEvent(value)) : view,
        reads,
        checked.type === 'bool',
      ),
    };
    const type = checked.type ?? 'dyn';
    const constant = constantOf(expression, reads) ?? this.#truthOf(program.ast, shape);
    const fields = reads.fields;
    return {
      expression,
      type,
      fields,
      constant,
      warnings: [
        ...nullWarnings(program.ast, shape, new BranchChecks(celLibrary()), known),
        // Of what is always the same the parts say nothing more.
        ...(constant === undefined ? this.#idleParts(program.ast, shape, source) : []),
      ],
      holds: knownWhen(program.ast, true),
      shape: withLiterals(
        shapeOfPath(program.ast, shape) ?? shapeOfType(type),
        program.ast,
        (part) => this.#evaluate(part),
      ),
    };
  }

  #truthOf(node: ASTNode, shape: Shape): boolean | undefined {
    return truthOf(node, shape, (part) => this.#evaluate(part));
  }

  #idleParts(node: ASTNode, shape: Shape, source: string): NullWarning[] {
    return constantParts(node, shape, (part) => this.#evaluate(part)).map(({ value, at }) => ({
      code: 'CAR246',
      what: `${source.slice(at.start, at.end)} is always ${value}, so it decides nothing.`,
      mend: 'Take it out, or write what was meant.',
      at,
    }));
  }

  /** A part that reads nothing of a record. */
  #evaluate(node: ASTNode): unknown {
    try {
      return celLibrary().evaluate(celLibrary().serialize(node));
    } catch {
      return undefined;
    }
  }

  #typedOf(shape: Shape): Typed {
    let typed = this.#typed.get(shape);
    if (typed === undefined) {
      const env = new (celLibrary().Environment)({ limits: LIMITS });
      const views = new Views(env);
      env.registerVariable('value', views.typeOf(shape));
      env.registerVariable('key', 'string');
      env.registerVariable('timestamp', 'int');
      typed = { env, view: views.converter(shape) };
      this.#typed.set(shape, typed);
    }
    return typed;
  }
}

function evaluator(
  program: ParseResult,
  view: (value: unknown) => unknown,
  { variables }: Reads,
  isBool: boolean,
): (record: Record) => unknown {
  const [value, key, timestamp] = VARIABLES.map((name) => variables.has(name));
  const run = (record: Record) =>
    program({
      value: value ? view(record.value) : undefined,
      key: key ? (record.key ?? '') : undefined,
      timestamp: timestamp ? BigInt(record.timestamp) : undefined,
    });
  return isBool ? run : (record) => fromCel(run(record));
}

function faultOf(code: ErrorCode, error: unknown, shape: Shape): ExpressionFault {
  const cel = error as {
    code?: string;
    summary?: string;
    message: string;
    range?: { start: number; end: number };
    node?: ASTNode;
  };
  const summary = cel.summary ?? cel.message;
  const at = cel.range;
  if (cel.code === 'no_such_key') {
    const name = summary.slice(summary.lastIndexOf(' ') + 1);
    const owner = cel.node?.op === '.' ? shapeOfPath(cel.node.args[0], shape) : undefined;
    const record = owner === undefined ? undefined : withoutNull(owner);
    if (record?.kind === 'record') {
      return noField(record, name, at);
    }
  }
  if (cel.code === 'unknown_variable') {
    const name = summary.slice(summary.lastIndexOf(' ') + 1);
    return { code, what: `"${name}" is not known.`, mend: nameMeant(name, shape), at };
  }
  const called = /^found no matching overload for '(?:.*\.)?(\w+)\(/.exec(summary)?.[1];
  const meant = called === undefined ? undefined : functionMeant(called);
  if (called !== undefined && meant !== undefined) {
    return { code, what: `CEL has no function "${called}".`, mend: meant, at };
  }
  const what = `${summary.charAt(0).toLowerCase()}${summary.slice(1)}.`;
  return { code, what, mend: undefined, at };
}

/** A member of a text or a list is a function: `value.title.length` in other languages. */
function memberMeant(source: string, { at, what }: ExpressionFault): string | undefined {
  const name = at === undefined ? '' : source.slice(at.start, at.end);
  if (!/index/.test(what) || !/^[A-Za-z]\w*$/.test(name)) return undefined;
  return functionMeant(name) ?? `did you mean "${name}()"?`;
}

/** A field whose name is a word of CEL's, or has letters that CEL's names have not. */
function fieldMeant(source: string, at: number | undefined): string | undefined {
  const before = source.slice(0, at ?? 0);
  const owner = /([\w.]+)\.([\p{L}\p{N}_]*)$/u.exec(before);
  const rest = /^[\p{L}\p{N}_]+/u.exec(source.slice(at ?? 0))?.[0] ?? '';
  if (owner === null || owner[2] === undefined || rest === '') return undefined;
  return `write ${owner[1]}["${owner[2]}${rest}"].`;
}

/** An expression has three names; others are fields, or words of another language. */
function nameMeant(name: string, shape: Shape): string {
  const known = 'An expression knows value, key and timestamp.';
  const isField = shape.kind === 'record' && shape.fields.has(name);
  if (isField) return `did you mean "value.${name}"?   ${known}`;
  const habit = habitAt(name, 0);
  if (habit !== undefined) return habit.mend;
  const variable = variableMeant(name);
  return variable === undefined
    ? didYouMean(name, VARIABLES, known)
    : `did you mean "${variable}"?   ${known}`;
}

/** What the type check does not see: matches() may hang, and an enum has only its symbols. */
function checkTree(node: ASTNode, shape: Shape): ExpressionFault | undefined {
  if ((node.op === 'rcall' || node.op === 'call') && node.args[0] === 'matches') {
    const what = 'matches() is a regular expression, and one that hangs would stop its task.';
    return { code: 'CAR313', what, mend: undefined, at: node.range };
  }
  const number = checkNumbers(node);
  if (number !== undefined) return number;
  if (node.op === '.') {
    const fault = checkField(node.args[0], node.args[1], shape, node);
    if (fault !== undefined) return fault;
  }
  if (COMPARISONS.has(node.op)) {
    const [left, right] = node.args as [ASTNode, ASTNode];
    const fault =
      checkSymbols(left, right, shape) ??
      checkSymbols(right, left, shape) ??
      checkNullable(left, right, shape, node) ??
      checkNullable(right, left, shape, node);
    if (fault !== undefined) return fault;
  }
  for (const child of childrenOf(node)) {
    const fault = checkTree(child, shape);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Literals that fail on every record, whatever is in it. */
function checkNumbers(node: ASTNode): ExpressionFault | undefined {
  if (node.op === 'value' && typeof node.args === 'bigint' && node.args > INT64_END) {
    const what = `${node.args} is no whole number of 64 bits, so nothing is equal to it.`;
    return { code: 'CAR311', what, mend: undefined, at: node.range };
  }
  if (node.op !== '/' && node.op !== '%') return undefined;
  const [, divisor] = node.args as [ASTNode, ASTNode];
  if (divisor.op !== 'value' || divisor.args !== 0n) return undefined;
  const what = 'it divides by 0, which fails on every record.';
  return { code: 'CAR311', what, mend: undefined, at: node.range };
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

function noField(record: RecordShape, name: string, at: ExpressionFault['at']): ExpressionFault {
  const names = [...record.fields.keys()];
  const mend = didYouMean(name, names, `Its fields: ${listed(names)}.`);
  return { code: 'CAR402', what: `${record.name} has no field "${name}".`, mend, at };
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

function checkSymbols(path: ASTNode, value: ASTNode, shape: Shape): ExpressionFault | undefined {
  const of = shapeOfPath(path, shape);
  const symbols = of === undefined ? undefined : withoutNull(of);
  if (symbols?.kind !== 'enum') return undefined;
  const literals = value.op === 'list' ? value.args : [value];
  for (const literal of literals) {
    if (literal.op !== 'value' || typeof literal.args !== 'string') continue;
    if (symbols.symbols.includes(literal.args)) continue;
    const known = `${symbols.name}: ${listed(symbols.symbols)}.`;
    return {
      code: 'CAR405',
      what: `"${literal.args}" is not a symbol of ${symbols.name}, so the two are never equal.`,
      mend: didYouMean(literal.args, symbols.symbols, known),
      at: literal.range,
    };
  }
  return undefined;
}

const TYPE_SHAPES: { readonly [type: string]: Shape } = {
  int: { kind: 'int' },
  double: { kind: 'double' },
  string: { kind: 'string' },
  bool: { kind: 'bool' },
  bytes: { kind: 'bytes' },
  null: { kind: 'null' },
};

function shapeOfType(type: string): Shape {
  return TYPE_SHAPES[type] ?? ANY_SHAPE;
}
