/** Why an expression is refused, in words with a mend: from what the library says of it. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { ErrorCode } from '../core/error-table.ts';
import { functionMeant, habitAt, variableMeant } from './cel-habits.ts';
import { shapeOfPath } from './cel-paths.ts';
import { didYouMean, listed } from './report.ts';
import { type RecordShape, type Shape, withoutNull } from './shape.ts';

/** `at` counts characters of the expression's source. */
export interface ExpressionFault {
  readonly code: ErrorCode;
  readonly what: string;
  readonly mend: string | undefined;
  readonly at: { readonly start: number; readonly end: number } | undefined;
}

export const VARIABLES = ['value', 'key', 'timestamp'];

export function faultOf(code: ErrorCode, error: unknown, shape: Shape): ExpressionFault {
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
    const { node } = cel;
    const isField = node?.op === '.' || node?.op === '[]';
    const owner = isField ? shapeOfPath(node.args[0] as ASTNode, shape) : undefined;
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
  return { code, what, mend: overloadMeant(summary), at };
}

/** Two types that an operator does not take together, though other languages do. */
function overloadMeant(summary: string): string | undefined {
  const [, left = '', sign = '', right = ''] =
    /^no such overload: (\S+) (\S+) (\S+)$/i.exec(summary.replaceAll(', ', ',')) ?? [];
  const both = [left, right];
  const isMath = /^[-+*/%]$/.test(sign);
  const hasNumber = both.some((type) => NUMBERS.has(type));
  if (isMath && both.every((type) => NUMBERS.has(type))) {
    return `Make both the same: double(value.a) ${sign} 2.5, or int(value.a) ${sign} 2.`;
  }
  if (sign === '+' && both.includes('string') && hasNumber) {
    return 'Make a text of the number: string(value.a) + "x".';
  }
  const isCounted = both.some((type) => type.startsWith('list<') || type.startsWith('map<'));
  return isCounted && hasNumber && sign !== 'in'
    ? 'How many there are is size(value.a).'
    : undefined;
}

const NUMBERS: ReadonlySet<string> = new Set(['int', 'uint', 'double']);

/** A member of a text or a list is a function: `value.title.length` in other languages. */
export function memberMeant(
  source: string,
  { at, what }: Pick<ExpressionFault, 'at' | 'what'>,
): string | undefined {
  const name = at === undefined ? '' : source.slice(at.start, at.end);
  if (!/index/.test(what) || !/^[A-Za-z]\w*$/.test(name)) return undefined;
  const meant = functionMeant(name) ?? `did you mean "${name}()"?`;
  if (!what.startsWith('list index') || meant.includes('did you mean')) return meant;
  return `It is a list: ask for one of its elements, list.exists(x, x.${name} == 1), or take one, list[0].${name}.`;
}

/** A field whose name is a word of CEL's, or has letters that CEL's names have not. */
export function fieldMeant(source: string, at: number | undefined): string | undefined {
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
    ? didYouMean(name, VARIABLES, `${known} A text has quotes of its own: '"${name}"'.`)
    : `did you mean "${variable}"?   ${known}`;
}

export function noField(
  record: RecordShape,
  name: string,
  at: ExpressionFault['at'],
): ExpressionFault {
  const names = [...record.fields.keys()];
  const mend = didYouMean(name, names, `Its fields: ${listed(names)}.`);
  return { code: 'CAR402', what: `${record.name} has no field "${name}".`, mend, at };
}
