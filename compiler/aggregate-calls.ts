/** The functions of an aggregate as a file has them: `total: sum(value.amount)`. */
import { createRequire } from 'node:module';
import type { ASTNode } from '@marcbachmann/cel-js';
import {
  AGGREGATES,
  AggregateCall,
  type AggregateName,
  DISTINCT_DEFAULT,
  LIST_MAX,
} from '../core/aggregate-call.ts';
import { type ExpressionScope, resolveExpression } from './expressions.ts';
import { didYouMean, listed, type Span } from './report.ts';
import { type Shape, shapeName, withoutNull } from './shape.ts';
import type { ScalarTree } from './tree.ts';

type Library = typeof import('@marcbachmann/cel-js');

export interface ResolvedCall {
  readonly call: AggregateCall;
  /** Of its result. */
  readonly shape: Shape;
  /** The top-level fields that its argument reads; `*`: all. */
  readonly fields: ReadonlySet<string>;
}

/** Of a group there is at least one. */
const COUNT: Shape = { kind: 'int', bits: 64, least: 1n };
const LONG: Shape = { kind: 'int', bits: 64 };
const DOUBLE: Shape = { kind: 'double' };
const NUMBERS: readonly Shape['kind'][] = ['int', 'double', 'any'];
const ORDERED: readonly Shape['kind'][] = [...NUMBERS, 'string', 'enum'];

/** What each takes beside its name; `list`: a number of elements behind the argument. */
const TAKES: {
  readonly [N in AggregateName]: {
    readonly kinds?: readonly Shape['kind'][];
    readonly argument: 'may' | 'must';
    readonly list?: 'may' | 'must';
  };
} = {
  count: { argument: 'may' },
  sum: { argument: 'must', kinds: NUMBERS },
  min: { argument: 'must', kinds: ORDERED },
  max: { argument: 'must', kinds: ORDERED },
  avg: { argument: 'must', kinds: NUMBERS },
  first: { argument: 'must' },
  last: { argument: 'must' },
  collect: { argument: 'must', list: 'must' },
  distinct: { argument: 'must', list: 'may' },
};

/** Undefined when it was told why not. */
export function resolveCall(
  scope: ExpressionScope,
  subject: string,
  tree: ScalarTree,
): ResolvedCall | undefined {
  const source = String(tree.value);
  const parsed = parseCall(scope, subject, tree, source);
  if (parsed === undefined) return undefined;
  const { name, args } = parsed;
  const tell = (what: string, span: Span) => {
    scope.report.error('CAR255', span, `${subject}: ${what}`);
    return undefined;
  };
  const { argument, list } = TAKES[name];
  const [of, n] = args;
  const most = list === undefined ? 1 : 2;
  const least = argument === 'may' ? 0 : list === 'must' ? 2 : 1;
  if (args.length < least || args.length > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    return tell(`${name}() takes ${wanted} arguments, and has ${args.length}.`, tree.span);
  }
  const elementsMax = n === undefined ? (list === undefined ? 0 : DISTINCT_DEFAULT) : countOf(n);
  if (elementsMax === undefined) {
    return tell(
      `${name}() takes a number from 1 to ${LIST_MAX} as its second argument.`,
      tree.span,
    );
  }
  const text = source.trim();
  if (of === undefined) {
    return { call: new AggregateCall(text, name, null), shape: COUNT, fields: new Set() };
  }
  const inner = withoutSurroundings(tree, of);
  const resolved = resolveExpression(scope, `${subject}, ${name}`, inner);
  if (resolved === undefined) return undefined;
  const { shape, expression, fields } = resolved;
  const { kind } = withoutNull(shape);
  if (kind === 'null' || TAKES[name].kinds?.includes(kind) === false) {
    return tell(`${name}() of a ${shapeName(shape)} is nothing.`, inner.span);
  }
  const call = new AggregateCall(text, name, expression, elementsMax, kind === 'int');
  return { call, shape: resultShape(name, shape), fields };
}

function resultShape(name: AggregateName, of: Shape): Shape {
  const inner = withoutNull(of);
  const orNull = (shape: Shape): Shape => {
    return of.kind === 'nullable' ? { kind: 'nullable', of: shape } : shape;
  };
  switch (name) {
    case 'count':
      return LONG;
    case 'avg':
      return inner.kind === 'any' ? inner : orNull(DOUBLE);
    case 'sum':
      return inner.kind === 'int' ? orNull(LONG) : orNull(inner);
    case 'collect':
    case 'distinct':
      return { kind: 'list', items: inner };
    default:
      return of;
  }
}

function parseCall(
  scope: ExpressionScope,
  subject: string,
  tree: ScalarTree,
  source: string,
): { readonly name: AggregateName; readonly args: readonly ASTNode[] } | undefined {
  const known = `Functions: ${listed(Object.keys(AGGREGATES))}.`;
  const tell = (what: string, mend = `${known} As sum(value.amount).`) => {
    scope.report.error('CAR254', tree.span, `${subject}: ${what}`, mend);
    return undefined;
  };
  let ast: ASTNode;
  try {
    const { parse } = createRequire(import.meta.url)('@marcbachmann/cel-js') as Library;
    ({ ast } = parse(source));
  } catch {
    return tell(`"${source}" cannot be read.`);
  }
  if (ast.op !== 'call') return tell(`"${source.trim()}" is no function over the records.`);
  const [name, args] = ast.args;
  if (Object.hasOwn(AGGREGATES, name)) return { name: name as AggregateName, args };
  return tell(`there is no function "${name}".`, didYouMean(name, Object.keys(AGGREGATES), known));
}

function countOf(node: ASTNode): number | undefined {
  if (node.op !== 'value' || typeof node.args !== 'bigint') return undefined;
  return node.args >= 1n && node.args <= BigInt(LIST_MAX) ? Number(node.args) : undefined;
}

/** The argument alone, where it stands, so that its faults are told at their place. */
function withoutSurroundings(tree: ScalarTree, { range }: ASTNode): ScalarTree {
  const value = String(tree.value).slice(range.start, range.end);
  if (tree.textStart < 0) return { ...tree, value };
  const textStart = tree.textStart + range.start;
  return { ...tree, value, textStart, span: { start: textStart, end: textStart + value.length } };
}
