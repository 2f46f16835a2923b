/**
 * From text to a small tree with a place for everything: YAML's own rules, an integer tag of our
 * own for `1_000_000` (which `yaml` reads as text), and `${VAR}` or `${VAR:-default}` in texts.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  Scalar,
  type ScalarTag,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { indentAt } from './indents.ts';
import { clearNoise } from './noise.ts';
import { pastedAt } from './pasted.ts';
import { Report, type Span } from './report.ts';
import { type Environment, expand } from './variables.ts';

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly span: Span;
  readonly value: string | number | boolean | null;
  /** True: its text came, wholly or in part, from the environment. */
  readonly expanded: boolean;
  /** True: why it has no value was told already, and nothing else is told of it. */
  readonly told: boolean;
  /** Where the first character of the text stands, when text and source agree; -1 otherwise. */
  readonly textStart: number;
}

export interface ListTree {
  readonly kind: 'list';
  readonly span: Span;
  readonly items: readonly Tree[];
}

export interface Entry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Tree;
}

export interface MapTree {
  readonly kind: 'map';
  readonly span: Span;
  readonly entries: readonly Entry[];
  /** True: a key could not be read, which was told; it may be any that is missing. */
  readonly isPartial?: true;
}

export type Tree = ScalarTree | ListTree | MapTree;

/** A topology is written by hand; what is larger is something else. */
const TEXT_CHARS_MAX = 1024 * 1024;

const groupedInteger: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?[0-9]+(?:_[0-9]+)+$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
  identify: () => false,
};

/** The tree is undefined when the text is not YAML; then the report says why. */
export function parseTree(
  text: string,
  file: string,
  env: Environment,
): { tree: Tree | undefined; report: Report } {
  const lines = new LineCounter();
  const report = new Report(file, lines);
  lines.addNewLine(0);
  if (text.length > TEXT_CHARS_MAX) {
    report.error('CAR110', { start: 0, end: 1 }, `the text has ${text.length} characters.`);
    return { tree: undefined, report };
  }
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    lines.addNewLine(at + 1);
  }
  const { text: cleared, unknown } = clearNoise(text, report);
  if (cleared === undefined) return { tree: undefined, report };
  const document = parseDocument(cleared, {
    customTags: (tags) => [groupedInteger, ...tags],
    prettyErrors: false,
    strict: true,
    stringKeys: false,
  });
  tellFaults(report, cleared, document.errors);
  for (const { pos, message } of document.warnings) {
    report.error('CAR101', spanAt(pos), firstSentence(message));
  }
  // A variable without quotes, or an odd space, leaves a tree of which the rest can be told.
  if (document.errors.length + document.warnings.length > 0) return { tree: undefined, report };
  const walk = new Walk(cleared, unknown, env, report);
  const { contents } = document;
  const tree =
    contents === null ? emptyScalar({ start: 0, end: 1 }) : walk.tree(contents as ParsedNode);
  // Where an alias stands nothing is known, so whatever else is told may only follow from it.
  return { tree: walk.isAliased ? undefined : tree, report };
}

function spanAt([start, end]: readonly [number, number]): Span {
  return { start, end: Math.max(end, start + 1) };
}

/** By the library's own code. */
const MENDS: { readonly [code: string]: string } = {
  TAB_AS_INDENT: 'Indent with spaces: YAML takes no tabs there.',
  BLOCK_AS_IMPLICIT_KEY:
    'Put a text with ": " in it into quotes, and begin keys of one mapping in one column.',
};

const TABS = 'Tabs are not allowed as indentation.';

/**
 * The first tab that indents a line from the fault on, when the text would be right, or wrong
 * elsewhere, with spaces in the place of such: the library tells the text before it.
 */
function tabBehind(text: string, { code, pos }: YAMLError): Span | undefined {
  if (code === 'TAB_AS_INDENT') return undefined;
  const from = text.lastIndexOf('\n', pos[0] - 1) + 1;
  const found = INDENTED.exec(text.slice(from));
  if (found === null) return undefined;
  const plain = text.slice(0, from) + text.slice(from).replaceAll(ALL_INDENTED, '$1$2        ');
  const [next] = parseDocument(plain, { prettyErrors: false }).errors;
  if (next?.code === code && next.pos[0] === pos[0]) return undefined;
  const at = from + found.index + found[0].length - 1;
  return { start: at, end: at + 1 };
}

/** Lines of nothing, and those of a comment, may begin with tabs. */
const INDENTED = /(?:^|\n) *\t(?=[ \t]*[^\s#])/;
const ALL_INDENTED = /(^|\n)( *)\t+(?=[ \t]*[^\s#])/g;

/** Of what is no YAML only the first is told: where it begins again after that is guessed. */
function tellFaults(report: Report, text: string, errors: readonly YAMLError[]): void {
  const isOurs = ({ code }: YAMLError) => code === 'DUPLICATE_KEY' || code === 'MULTIPLE_DOCS';
  const first = errors.filter((error) => !isOurs(error)).sort((a, b) => a.pos[0] - b.pos[0])[0];
  // After what was told of the text before, it is hardly another fault.
  if (first !== undefined && !report.hasErrors) {
    const tab = tabBehind(text, first);
    if (tab !== undefined) {
      report.error('CAR101', tab, TABS, MENDS.TAB_AS_INDENT);
      return;
    }
    const pasted = pastedAt(text, first.pos[0]);
    if (pasted !== undefined) {
      report.error('CAR101', pasted.span, pasted.what, pasted.mend);
      return;
    }
    const indent = indentAt(text, first.message, first.pos[0]);
    const what = indent?.what ?? firstSentence(first.message);
    report.error(
      'CAR101',
      indent?.span ?? spanAt(first.pos),
      what,
      indent?.mend ?? MENDS[first.code],
    );
  }
  for (const error of errors.filter(isOurs)) {
    const [start] = error.pos;
    if (first !== undefined && start > first.pos[0]) continue;
    if (error.code === 'MULTIPLE_DOCS') {
      const end = /(?:^|\n)(\.\.\.)[ \t\r]*(?:#.*)?\n\s*$/.exec(text.slice(0, start));
      if (end !== null) {
        const at = end.index + end[0].indexOf('...');
        const what = 'here the document ends, and what follows would not be read.';
        report.error('CAR115', { start: at, end: at + 3 }, what, 'Take the line with ... out.');
        continue;
      }
      const what = 'a second document begins here, and only the first would be read.';
      report.error('CAR115', { start, end: start + 3 }, what);
      continue;
    }
    const key = /^[^:\s]*/.exec(text.slice(start))?.[0] ?? '';
    const what = `key "${key}" stands twice in one mapping.`;
    report.error('CAR102', { start, end: start + Math.max(key.length, 1) }, what);
  }
}

function firstSentence(message: string): string {
  const line = message.split('\n')[0]!.trim();
  return /[.?!]$/.test(line) ? line : `${line}.`;
}

function emptyScalar(span: Span): ScalarTree {
  return { kind: 'scalar', span, value: null, expanded: false, told: false, textStart: -1 };
}

function spanOf(node: Node): Span {
  const range = node.range;
  if (range === null || range === undefined) return { start: 0, end: 1 };
  return { start: range[0], end: Math.max(range[1], range[0] + 1) };
}

class Walk {
  readonly #text: string;
  /** Where variables stand without quotes, which has been told. */
  readonly #unknown: readonly Span[];
  readonly #env: Environment;
  readonly #report: Report;
  #aliased = false;

  constructor(text: string, unknown: readonly Span[], env: Environment, report: Report) {
    this.#text = text;
    this.#unknown = unknown;
    this.#env = env;
    this.#report = report;
  }

  get isAliased(): boolean {
    return this.#aliased;
  }

  tree(node: Node): Tree {
    const span = spanOf(node);
    if (isAlias(node) || ('anchor' in node && node.anchor !== undefined)) {
      this.#aliased = true;
      this.#report.error('CAR111', span, 'anchors and aliases are not read here.');
      return emptyScalar(span);
    }
    if (isMap(node)) {
      const entries = this.#entries(node);
      const isPartial = node.items.some(({ key }) => this.#isUnknown(spanOf(key as Node)));
      return { kind: 'map', span, entries, ...(isPartial ? { isPartial } : {}) };
    }
    if (isSeq(node)) {
      return { kind: 'list', span, items: node.items.map((item) => this.tree(item as Node)) };
    }
    return this.#scalar(node as Scalar, span);
  }

  #entries(map: YAMLMap): Entry[] {
    const entries: Entry[] = [];
    for (const { key, value } of map.items) {
      const keySpan = spanOf(key as Node);
      if (this.#isUnknown(keySpan)) continue;
      if (isAlias(key) || (isScalar(key) && key.anchor !== undefined)) this.tree(key as Node);
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        this.#report.error('CAR103', keySpan, 'a key must be a text.');
        continue;
      }
      const tree = value === null ? emptyScalar(keySpan) : this.tree(value as Node);
      entries.push({ key: String(key.value), keySpan, value: tree });
    }
    return entries;
  }

  #isUnknown({ start, end }: Span): boolean {
    return this.#unknown.some((span) => span.start < end && start < span.end);
  }

  #scalar({ value, type }: Scalar, span: Span): ScalarTree {
    const plain = { kind: 'scalar', span, expanded: false, told: false, textStart: -1 } as const;
    if (this.#isUnknown(span)) return { ...plain, value: '', expanded: true, told: true };
    if (typeof value === 'bigint') return { ...plain, value: Number(value) };
    if (typeof value !== 'string') {
      return {
        ...plain,
        value: typeof value === 'number' || typeof value === 'boolean' ? value : null,
      };
    }
    const textStart = this.#textStart(type, value, span);
    if (!value.includes('${')) return { ...plain, value, textStart };
    const { text, told } = expand(this.#env, this.#report, { value, span }, textStart);
    // What comes from the environment may be a secret, wherever it was put.
    this.#report.hide(text, value);
    this.#report.expanded(span, value, text);
    return { ...plain, value: text, expanded: true, told };
  }

  #textStart(type: Scalar['type'], value: string, span: Span): number {
    const isQuoted = type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE;
    const start = span.start + (isQuoted ? 1 : 0);
    return this.#text.startsWith(value, start) ? start : -1;
  }
}
