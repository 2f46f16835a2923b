/**
 * Small faults that can be put into a file: an operator that is another one, a condition that
 * always or never holds, a number that is one more, a statement that is left out. Types, imports
 * and texts stay as they are.
 */
import { parse } from '@babel/parser';

export interface Mutant {
  readonly file: string;
  /** In the text: what stands at [start, end) becomes `to`. */
  readonly start: number;
  readonly end: number;
  readonly to: string;
  readonly line: number;
  readonly column: number;
  /** What is around it that can stand in both forms side by side. */
  readonly whole: Whole;
}

export interface Whole {
  readonly start: number;
  readonly end: number;
  /** A `name` is the number before a colon in an object. */
  readonly form: 'value' | 'statement' | 'name';
}

interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };
  readonly [key: string]: unknown;
}

const OPERATORS: { readonly [operator: string]: readonly string[] } = {
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '<<': ['>>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&&': ['||'],
  '||': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '++': ['--'],
  '--': ['++'],
};
/** Of a node, what is a type or a name. */
const LEFT_OUT = /^(TS|Import)|^(Directive|TemplateElement)$/;
const TYPE_KEYS = new Set([
  'typeAnnotation',
  'returnType',
  'typeParameters',
  'superTypeParameters',
]);

/** All faults of a file, in the order of their places. Throws for what is not TypeScript. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const { program } = parse(text, { sourceType: 'module', plugins: ['typescript'] });
  const found: Mutant[] = [];
  const add = (at: Syntax, start: number, end: number, to: string) => {
    const { line, column } = at.loc.start;
    if (text.slice(start, end) === to) return;
    const form = /Statement$/.test(at.type) ? 'statement' : isName ? 'name' : 'value';
    const whole = { start: at.start, end: at.end, form } as const;
    found.push({ file, start, end, to, line, column, whole });
  };
  let isName = false;
  visit(program as unknown as Syntax, (node, isKey) => {
    isName = isKey;
    mutate(node, text, add);
  });
  return found.sort((a, b) => a.start - b.start || a.end - b.end || (a.to < b.to ? -1 : 1));
}

/** What it is called in a report, the same as long as its file is. */
export function nameOf({ file, line, column, start, end, to }: Mutant, text: string): string {
  const was = text.slice(start, end).replace(/\s+/g, ' ');
  const shown = was.length > 60 ? `${was.slice(0, 57)}...` : was;
  return `${file}:${line}:${column + 1} ${shown} -> ${to === '' ? '(left out)' : to}`;
}

type See = (node: Syntax, isName: boolean) => void;

function visit(node: Syntax, see: See, isName = false): void {
  if (LEFT_OUT.test(node.type) && !isValue(node)) return;
  see(node, isName);
  for (const [key, child] of Object.entries(node)) {
    if (TYPE_KEYS.has(key)) continue;
    const isKey = key === 'key' && node.computed === false;
    for (const one of Array.isArray(child) ? child : [child]) {
      if (isSyntax(one)) visit(one, see, isKey);
    }
  }
}

/** Type syntax around a value: `x!`, `x as T`, `x satisfies T`. */
function isValue({ type }: Syntax): boolean {
  return /^TS(NonNull|As|Satisfies)Expression$/.test(type);
}

function isSyntax(of: unknown): of is Syntax {
  return typeof of === 'object' && of !== null && typeof (of as Syntax).type === 'string';
}

type Add = (at: Syntax, start: number, end: number, to: string) => void;

function mutate(node: Syntax, text: string, add: Add): void {
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression':
      mutateOperator(node, text, add);
      break;
    case 'UpdateExpression': {
      const at = node.prefix === true ? node.start : node.end - 2;
      add(node, at, at + 2, OPERATORS[node.operator as string]![0]!);
      break;
    }
    case 'UnaryExpression':
      if (node.operator === '!' || node.operator === '-') add(node, node.start, node.start + 1, '');
      break;
    case 'BooleanLiteral':
      add(node, node.start, node.end, String(node.value !== true));
      break;
    case 'NumericLiteral':
      add(node, node.start, node.end, String((node.value as number) + 1));
      break;
    case 'IfStatement':
    case 'ConditionalExpression':
      replaceTest(node, ['true', 'false'], add);
      break;
    case 'WhileStatement':
      replaceTest(node, ['false'], add);
      break;
    case 'ExpressionStatement':
      add(node, node.start, node.end, ';');
      break;
    case 'ReturnStatement':
      if (isSyntax(node.argument) && node.argument.name !== 'undefined') {
        add(node, node.start, node.end, 'return;');
      }
  }
}

function mutateOperator(node: Syntax, text: string, add: Add): void {
  const [left, right] = [node.left as Syntax, node.right as Syntax];
  const operator = node.operator as string;
  if (operator === '??') add(node, left.end, right.end, '');
  // Between the sides stand white space, brackets and the operator.
  const at = text.slice(left.end, right.start).indexOf(operator);
  for (const to of at < 0 ? [] : (OPERATORS[operator] ?? [])) {
    add(node, left.end + at, left.end + at + operator.length, to);
  }
}

function replaceTest(node: Syntax, by: readonly string[], add: Add): void {
  const { start, end, type } = node.test as Syntax;
  if (type === 'BooleanLiteral') return;
  for (const to of by) add(node.test as Syntax, start, end, to);
}
