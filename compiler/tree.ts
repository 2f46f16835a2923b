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
  type YAMLMap,
} from 'yaml';
import { nearest } from '../core/nearest.ts';
import { Report, type Span } from './report.ts';

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly span: Span;
  readonly value: string | number | boolean | null;
  /** True: its text came, wholly or in part, from the environment. */
  readonly expanded: boolean;
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
}

export type Tree = ScalarTree | ListTree | MapTree;
export type Environment = Readonly<Record<string, string | undefined>>;

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
  if (text.length > TEXT_CHARS_MAX) {
    lines.addNewLine(0);
    report.error('CAR110', { start: 0, end: 1 }, `the text has ${text.length} characters.`);
    return { tree: undefined, report };
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    customTags: (tags) => [groupedInteger, ...tags],
    prettyErrors: false,
    strict: true,
    stringKeys: false,
  });
  for (const error of document.errors) {
    const span = { start: error.pos[0], end: Math.max(error.pos[1], error.pos[0] + 1) };
    if (error.code === 'DUPLICATE_KEY') {
      const key = /^[^:\s]*/.exec(text.slice(span.start))?.[0] ?? '';
      const end = span.start + Math.max(key.length, 1);
      report.error(
        'CAR102',
        { start: span.start, end },
        `key "${key}" stands twice in one mapping.`,
      );
    } else {
      report.error('CAR101', span, firstSentence(error.message));
    }
  }
  for (const { pos, message } of document.warnings) {
    report.error(
      'CAR101',
      { start: pos[0], end: Math.max(pos[1], pos[0] + 1) },
      firstSentence(message),
    );
  }
  if (report.hasErrors) return { tree: undefined, report };
  const walk = new Walk(text, env, report);
  const { contents } = document;
  const tree =
    contents === null ? emptyScalar({ start: 0, end: 1 }) : walk.tree(contents as ParsedNode);
  // Where an alias stands nothing is known, so whatever else is told may only follow from it.
  return { tree: walk.isAliased ? undefined : tree, report };
}

function firstSentence(message: string): string {
  const line = message.split('\n')[0]!.trim();
  return /[.?!]$/.test(line) ? line : `${line}.`;
}

function emptyScalar(span: Span): ScalarTree {
  return { kind: 'scalar', span, value: null, expanded: false, textStart: -1 };
}

function spanOf(node: Node): Span {
  const range = node.range;
  if (range === null || range === undefined) return { start: 0, end: 1 };
  return { start: range[0], end: Math.max(range[1], range[0] + 1) };
}

class Walk {
  readonly #text: string;
  readonly #env: Environment;
  readonly #report: Report;
  #aliased = false;

  constructor(text: string, env: Environment, report: Report) {
    this.#text = text;
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
    if (isMap(node)) return { kind: 'map', span, entries: this.#entries(node) };
    if (isSeq(node)) {
      return { kind: 'list', span, items: node.items.map((item) => this.tree(item as Node)) };
    }
    return this.#scalar(node as Scalar, span);
  }

  #entries(map: YAMLMap): Entry[] {
    const entries: Entry[] = [];
    for (const { key, value } of map.items) {
      const keySpan = spanOf(key as Node);
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        this.#report.error('CAR103', keySpan, 'a key must be a text.');
        continue;
      }
      const tree = value === null ? emptyScalar(keySpan) : this.tree(value as Node);
      entries.push({ key: String(key.value), keySpan, value: tree });
    }
    return entries;
  }

  #scalar(node: Scalar, span: Span): ScalarTree {
    const { value } = node;
    if (typeof value === 'bigint') {
      return { kind: 'scalar', span, value: Number(value), expanded: false, textStart: -1 };
    }
    if (typeof value !== 'string') {
      const plain = typeof value === 'number' || typeof value === 'boolean' ? value : null;
      return { kind: 'scalar', span, value: plain, expanded: false, textStart: -1 };
    }
    const textStart = this.#textStart(node, value, span);
    if (!value.includes('${')) {
      return { kind: 'scalar', span, value, expanded: false, textStart };
    }
    const expanded = this.#expand(value, span, textStart);
    // What comes from the environment may be a secret, wherever it was put.
    this.#report.hide(expanded, value);
    return { kind: 'scalar', span, value: expanded, expanded: true, textStart: -1 };
  }

  #textStart(node: Scalar, value: string, span: Span): number {
    const isQuoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    const start = span.start + (isQuoted ? 1 : 0);
    return this.#text.startsWith(value, start) ? start : -1;
  }

  #expand(value: string, span: Span, textStart: number): string {
    return value.replace(
      /\$\{([^}]*)(\}?)/g,
      (all: string, inside: string, close: string, at: number) => {
        const place =
          textStart < 0 ? span : { start: textStart + at, end: textStart + at + all.length };
        const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(inside);
        if (match === null || close === '') {
          this.#report.error('CAR107', place, `"${all}" is not a variable.`);
          return '';
        }
        const name = match[1]!;
        const set = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
        if (set !== undefined && set !== '') {
          this.#report.hide(set, all);
          return set;
        }
        if (match[2] !== undefined) return match[2];
        const near = nearest(name, setNames(this.#env));
        this.#report.error(
          'CAR106',
          place,
          `variable ${name} is not set, and has no default.`,
          near === undefined
            ? `set it (export ${name}=…), or write \${${name}:-default}.`
            : `did you mean \${${near}}?   Or set it: export ${name}=…`,
        );
        return '';
      },
    );
  }
}

function setNames(env: Environment): string[] {
  return Object.keys(env).filter((name) => env[name] !== undefined);
}
