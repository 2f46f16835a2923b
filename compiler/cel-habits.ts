/**
 * What people write in CEL out of the habit of another language, and what CEL says in its place. An
 * expression that is refused is looked through for these, so that the mend is an edit.
 */
import { parseDuration } from '../core/duration.ts';
import { nearest } from '../core/nearest.ts';

export interface Habit {
  readonly what: string;
  readonly mend: string;
  readonly at: { readonly start: number; readonly end: number };
  /** What may stand in its place, so that the rest can be read; undefined: more has to change. */
  readonly meant: string | undefined;
}

interface Rule {
  readonly pattern: string;
  /** What is meant in its place. */
  readonly meant: string;
  /** More than another word or sign. */
  readonly how?: string;
}

const EQUAL_NULL = 'value.a == null';
const CHOICE = 'write condition ? one : other.';
const STARTS = 'write value.a.startsWith("…"), endsWith("…") or contains("…").';

/** Of two at one place the first; words as words, whatever their case. */
const RULES: readonly Rule[] = [
  { pattern: 'is\\s+not\\s+(?:null|none|nil)|is\\s+not', meant: '!=' },
  { pattern: 'is\\s+(?:null|none|nil)', meant: '==', how: `write ${EQUAL_NULL}.` },
  { pattern: 'is', meant: '==' },
  { pattern: 'not\\s+in', meant: '!', how: 'write !(value.a in ["…"]).' },
  { pattern: 'not\\s+like|i?like|rlike|regexp', meant: 'contains', how: STARTS },
  { pattern: 'between', meant: '>=', how: 'write value.a >= 1 && value.a <= 9.' },
  { pattern: 'and', meant: '&&' },
  { pattern: 'or', meant: '||' },
  { pattern: 'not', meant: '!' },
  { pattern: 'xor|ne|neq', meant: '!=' },
  { pattern: 'eq|equals', meant: '==' },
  { pattern: 'gt', meant: '>' },
  { pattern: 'ge|gte', meant: '>=' },
  { pattern: 'lt', meant: '<' },
  { pattern: 'le|lte', meant: '<=' },
  { pattern: 'mod', meant: '%' },
  { pattern: 'none|nil|nul|undefined|missing|NULL', meant: 'null' },
  { pattern: 'true|yes', meant: 'true' },
  { pattern: 'false|no', meant: 'false' },
  { pattern: 'if|then|else|elif|elseif|case|when|switch|unless', meant: '?:', how: CHOICE },
  { pattern: 'typeof|instanceof', meant: 'type', how: 'write type(value.a) == string.' },
  { pattern: 'contains', meant: 'contains', how: 'write value.a.contains("…").' },
  { pattern: 'startswith', meant: 'startsWith', how: 'write value.a.startsWith("…").' },
  { pattern: 'endswith', meant: 'endsWith', how: 'write value.a.endsWith("…").' },
];

const SIGNS: readonly Rule[] = [
  { pattern: '===|=(?![=~><!])', meant: '==' },
  { pattern: '!==|<>|=!|/=', meant: '!=' },
  { pattern: '=>', meant: '>=' },
  { pattern: '=<', meant: '<=' },
  { pattern: '=~|!~|~=?', meant: 'contains', how: STARTS },
  { pattern: '&&&+', meant: '&&' },
  { pattern: '\\|\\|\\|+', meant: '||' },
  { pattern: '(?<!&)&(?!&)', meant: '&&' },
  { pattern: '(?<!\\|)\\|(?!\\|)', meant: '||' },
  { pattern: '\\?\\?', meant: '?:', how: 'write value.a != null ? value.a : "…".' },
  { pattern: '\\?\\.', meant: '.', how: 'write value.a != null && value.a.b == 1.' },
  { pattern: '[“”„‟″«»]', meant: '"', how: 'write plain quotes: "…".' },
  { pattern: '[‘’‚`´′]', meant: "'", how: 'write plain quotes: "…".' },
  { pattern: ';', meant: '', how: 'an expression has no end sign: leave it out.' },
  { pattern: '\\$\\{?', meant: '', how: 'write the name alone: value.a.' },
  { pattern: '\\+\\+|--', meant: '+ 1' },
  { pattern: '\\*\\*|\\^', meant: '*', how: 'CEL has no powers.' },
  { pattern: '≤', meant: '<=' },
  { pattern: '≥', meant: '>=' },
  { pattern: '≠', meant: '!=' },
  {
    pattern: '[\\u00a0\\u200b-\\u200d\\u202f\\u3000\\ufeff]',
    meant: ' ',
    how: 'write a plain space.',
  },
];

const NUMBER = '(?<![\\w.$])\\d+';

/** Numbers as other languages write them. */
const NUMBERS: readonly { readonly pattern: string; how(written: string): string }[] = [
  {
    pattern: `${NUMBER}(?:_\\d+)+(?:\\.\\d+)?(?!\\w)`,
    how: (written) => `write ${written.replaceAll('_', '')}.`,
  },
  {
    // 5u, 2e5 and 0xFF are CEL's own.
    pattern: `${NUMBER}(?:\\.\\d+)?(?!\\d|[uU](?!\\w)|[eE][+-]?\\d|[xX][\\da-fA-F])[A-Za-z]+(?!\\w)`,
    how: (written) => {
      const ms = parseDuration(written);
      const how = ms === undefined ? 'write it whole' : `${written} is ${ms}, in milliseconds`;
      return `a number has no unit: ${how}.`;
    },
  },
];

/** Texts in quotes, which hold no signs and no words. */
const TEXTS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;

interface Found extends Rule {
  /** What is meant can stand in its place, so that the rest is read. */
  readonly isNumber?: true;
  readonly start: number;
  readonly written: string;
}

function foundIn(source: string): Found[] {
  // As long as the source, so that places stay.
  const bare = source.replace(TEXTS, (text) => '"'.repeat(text.length));
  const taken = new Set<number>();
  const found: Found[] = [];
  const gather = (rule: Rule, regex: RegExp) => {
    for (const match of bare.matchAll(regex)) {
      const { index } = match;
      if (taken.has(index)) continue;
      for (let i = 0; i < match[0].length; i++) taken.add(index + i);
      found.push({ ...rule, start: index, written: source.slice(index, index + match[0].length) });
    }
  };
  // A word behind a point is a field's name or a function's.
  for (const rule of RULES) {
    gather(rule, new RegExp(`(?<![\\w.$])(?:${rule.pattern})(?!\\w)`, 'gi'));
  }
  for (const rule of SIGNS) {
    const isEqual = rule.meant === '==';
    gather(rule, new RegExp(isEqual ? `(?<![=!<>])(?:${rule.pattern})` : rule.pattern, 'g'));
  }
  for (const { pattern, how } of NUMBERS) {
    for (const { index, 0: written } of bare.matchAll(new RegExp(pattern, 'g'))) {
      const meant = /^[\d_.]+/.exec(written)![0].replaceAll('_', '');
      found.push({ pattern, meant, how: how(written), isNumber: true, start: index, written });
    }
  }
  return found.filter(({ written, meant }) => written !== meant).sort((a, b) => a.start - b.start);
}

/** The habit that a parser stumbled over at `at`, or just before it. */
export function habitAt(source: string, at: number): Habit | undefined {
  const found = foundIn(source);
  const habit = found.findLast(({ start }) => start <= at) ?? found[0];
  if (habit === undefined) return undefined;
  const { written, meant, how, start, isNumber } = habit;
  return {
    what: `CEL has no "${written}".`,
    mend: how ?? `did you mean "${meant}"?`,
    at: { start, end: start + written.length },
    // A sign before what it turns round is meant for more of it.
    meant: isNumber === true || (how === undefined && meant !== '!') ? meant : undefined,
  };
}

/** What other languages call CEL's functions; an empty one is an operator there. */
const FUNCTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    includes: 'contains',
    has_substring: 'contains',
    length: 'size',
    len: 'size',
    count: 'size',
    startswith: 'startsWith',
    starts_with: 'startsWith',
    hasprefix: 'startsWith',
    endswith: 'endsWith',
    ends_with: 'endsWith',
    hassuffix: 'endsWith',
    lower: 'lowerAscii',
    tolower: 'lowerAscii',
    tolowercase: 'lowerAscii',
    upper: 'upperAscii',
    toupper: 'upperAscii',
    touppercase: 'upperAscii',
    strip: 'trim',
    tostring: 'string',
    str: 'string',
    parseint: 'int',
    tonumber: 'double',
    number: 'double',
    float: 'double',
    any: 'exists',
    some: 'exists',
    every: 'all',
  }),
);

/** What other languages write as a function, and CEL with an operator. */
const OPERATORS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    equals: 'write value.a == "…".',
    eq: 'write value.a == "…".',
    not: 'write !value.a.',
    and: 'write one && other.',
    or: 'write one || other.',
    if: CHOICE,
    iif: CHOICE,
    isempty: 'write size(value.a) == 0.',
    isnull: `write ${EQUAL_NULL}.`,
    is_null: `write ${EQUAL_NULL}.`,
    defined: `write ${EQUAL_NULL.replace('==', '!=')}.`,
    coalesce: 'write value.a != null ? value.a : "…".',
    now: 'an expression knows no clock; timestamp is the time of the event, in milliseconds.',
    currenttimemillis:
      'an expression knows no clock; timestamp is the time of the event, in milliseconds.',
  }),
);

const KNOWN = [
  ...['size', 'contains', 'startsWith', 'endsWith', 'indexOf', 'lastIndexOf', 'lowerAscii'],
  ...['upperAscii', 'substring', 'split', 'trim', 'join', 'exists', 'all', 'filter', 'map', 'has'],
  ...['string', 'int', 'double', 'bool', 'bytes', 'type'],
];

/** Undefined: a function of CEL's own, given something that it does not take. */
export function functionMeant(name: string): string | undefined {
  const word = name.toLowerCase();
  const operator = OPERATORS.get(word);
  if (operator !== undefined) return operator;
  if (KNOWN.includes(name)) return undefined;
  const known = FUNCTIONS.get(word) ?? nearest(name, KNOWN);
  const all = `Functions: ${KNOWN.join(', ')}.`;
  return known === undefined ? all : `did you mean "${known}"?   ${all}`;
}

/** What people call the event, its time and its key elsewhere. */
const VARIABLES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    event: 'value',
    record: 'value',
    payload: 'value',
    message: 'value',
    msg: 'value',
    data: 'value',
    body: 'value',
    row: 'value',
    this: 'value',
    self: 'value',
    it: 'value',
    ts: 'timestamp',
    time: 'timestamp',
    now: 'timestamp',
    id: 'key',
  }),
);

export function variableMeant(name: string): string | undefined {
  return VARIABLES.get(name.toLowerCase());
}
