/** One mapping of a text, read key by key: what is unknown, missing or of another form is told. */
import type { Place } from '../core/error.ts';
import { nearest } from '../core/nearest.ts';
import { formOf } from './forms.ts';
import { didYouMean, listed, type Report, type Span } from './report.ts';
import type { Entry, ListTree, MapTree, ScalarTree, Tree } from './tree.ts';

/** A text and where it stands. */
export interface Placed<T = string> {
  readonly value: T;
  readonly span: Span;
}

const KIND_NAMES = { map: 'a mapping', list: 'a list', scalar: 'a text' } as const;

export function kindOf(tree: Tree): string {
  if (tree.kind !== 'scalar') return KIND_NAMES[tree.kind];
  if (tree.value === null) return 'nothing';
  if (isBlank(tree)) return tree.expanded ? 'a variable that gives nothing' : 'an empty text';
  return typeof tree.value === 'string' ? 'a text' : `a ${typeof tree.value}`;
}

/** A text without anything to be seen, whoever wrote it. */
export function isBlank({ value }: ScalarTree): boolean {
  return typeof value === 'string' && value.trim() === '';
}

/** Why it has no value was told already. */
export function isTold(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.told;
}

/** How an empty variable is mended; undefined: it is none. */
export function emptyMend(tree: Tree): string | undefined {
  if (tree.kind !== 'scalar' || !tree.expanded || !isBlank(tree)) return undefined;
  return 'Set the variable, or write a default behind its ":-".';
}

/**
 * The underlined part of a mapping or list is its first line at most; a whole block says nothing.
 */
export function headOf(tree: Tree): Span {
  return tree.kind === 'scalar' ? tree.span : { start: tree.span.start, end: tree.span.start + 1 };
}

export class Section {
  readonly subject: string;
  readonly span: Span;
  readonly #report: Report;
  readonly #entries = new Map<string, Entry>();
  /** The keys that unknown ones were probably meant to be. */
  readonly #meant = new Set<string>();
  /** By the key that was meant. */
  readonly #misspelt = new Map<string, Entry>();
  readonly #isPartial: boolean;

  /** `place`: what is underlined when something is missing. */
  constructor(
    report: Report,
    subject: string,
    map: Pick<MapTree, 'entries' | 'isPartial'>,
    place: Span,
  ) {
    this.#report = report;
    this.subject = subject;
    this.span = place;
    this.#isPartial = map.isPartial === true;
    for (const entry of map.entries) this.#entries.set(entry.key, entry);
  }

  /** The same keys under another subject: `stream "x"` reads better than `streams, x`. */
  as(subject: string): Section {
    const map = {
      entries: [...this.entries],
      ...(this.#isPartial ? { isPartial: true as const } : {}),
    };
    return new Section(this.#report, subject, map, this.span);
  }

  get entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Where it stands, for what is told of it later. */
  get place(): Place {
    return this.#report.placeOf(this.span);
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key) ?? this.#misspelt.get(key);
  }

  tree(key: string): Tree | undefined {
    return this.entry(key)?.value;
  }

  has(key: string): boolean {
    return this.entry(key) !== undefined;
  }

  /** Tells each key that is not one of `known`. */
  only(known: readonly string[]): this {
    for (const { key, keySpan } of this.#entries.values()) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      if (meant !== undefined) this.#meant.add(meant);
      this.#readAs(key, known);
      this.#report.error(
        'CAR104',
        keySpan,
        `${this.subject}: key "${key}" is not known here.`,
        didYouMean(key, known, `Keys here: ${listed(known)}.`),
      );
    }
    return this;
  }

  /** Most of it is right, so it is read as what it was meant to be. */
  #readAs(key: string, known: readonly string[]): void {
    const letters = Math.max(1, Math.min(2, Math.floor(key.length / 2)));
    const near = nearest(key, known, letters);
    if (near === undefined || this.#entries.has(near)) return;
    this.#misspelt.set(near, this.#misspelt.get(near) ?? this.#entries.get(key)!);
  }

  missing(key: string, mend?: string): undefined {
    // A key that was misspelt is told as unknown; that it is missing only follows from it.
    if (this.#meant.has(key) || this.#isPartial) return undefined;
    this.#report.error('CAR105', this.span, `${this.subject}: key "${key}" is missing.`, mend);
    return undefined;
  }

  text(key: string): Placed | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    const { value: tree } = entry;
    if (isTold(tree)) return undefined;
    if (tree.kind === 'scalar' && typeof tree.value === 'string' && !isBlank(tree)) {
      return { value: tree.value, span: tree.span };
    }
    return this.#wrong(key, tree, 'a text');
  }

  neededText(key: string, mend?: string): Placed | undefined {
    return this.has(key) ? this.text(key) : this.missing(key, mend);
  }

  section(key: string): Section | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    if (entry.value.kind === 'map') {
      return new Section(this.#report, `${this.subject}, ${key}`, entry.value, entry.keySpan);
    }
    const { value } = entry;
    const isWritten = value.kind === 'scalar' && !value.expanded && typeof value.value === 'string';
    const form = formOf(this.subject, key, isWritten ? String(value.value) : undefined);
    const mend = form === undefined ? undefined : `Write a mapping there: ${form}.`;
    return this.#wrong(key, value, 'a mapping', mend);
  }

  neededSection(key: string, mend?: string): Section | undefined {
    return this.has(key) ? this.section(key) : this.missing(key, mend);
  }

  /** An item of a list that is a mapping. */
  item(key: string, index: number): Section | undefined {
    const item = this.list(key)?.items[index];
    if (item === undefined) return undefined;
    if (item.kind === 'map') {
      return new Section(this.#report, `${this.subject}, ${key}`, item, headOf(item));
    }
    return this.#wrong(key, item, 'a list of mappings');
  }

  list(key: string): ListTree | undefined {
    const tree = this.tree(key);
    if (tree === undefined) return undefined;
    if (tree.kind === 'list') return tree;
    return this.#wrong(key, tree, 'a list');
  }

  scalar(key: string): ScalarTree | undefined {
    const tree = this.tree(key);
    if (tree === undefined) return undefined;
    if (isTold(tree)) return undefined;
    if (tree.kind === 'scalar') return tree;
    return this.#wrong(key, tree, 'a single value');
  }

  flag(key: string): boolean | undefined {
    const tree = this.tree(key);
    if (tree === undefined) return undefined;
    if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value;
    return this.#wrong(key, tree, 'true or false');
  }

  /** A list of texts of a closed set, without doubles. */
  choices<T extends string>(key: string, known: readonly T[]): readonly T[] | undefined {
    const list = this.list(key);
    if (list === undefined) return undefined;
    const chosen: T[] = [];
    for (const item of list.items) {
      const value = this.choiceOf(key, item, known);
      if (value === undefined) continue;
      if (chosen.includes(value)) {
        this.#report.error(
          'CAR314',
          item.span,
          `${this.subject}: "${value}" stands twice in ${key}.`,
        );
      } else {
        chosen.push(value);
      }
    }
    if (list.items.length === 0) {
      this.#report.error('CAR103', headOf(list), `${this.subject}: ${key} is an empty list.`);
      return undefined;
    }
    return chosen.length === list.items.length ? chosen : undefined;
  }

  choice<T extends string>(key: string, known: readonly T[]): T | undefined {
    const tree = this.tree(key);
    return tree === undefined ? undefined : this.choiceOf(key, tree, known);
  }

  choiceOf<T extends string>(key: string, tree: Tree, known: readonly T[]): T | undefined {
    if (isTold(tree)) return undefined;
    if (tree.kind !== 'scalar' || typeof tree.value !== 'string') {
      return this.#wrong(key, tree, `one of ${listed(known)}`);
    }
    if (known.includes(tree.value as T)) return tree.value as T;
    if (isBlank(tree)) return this.#wrong(key, tree, `one of ${listed(known)}`);
    this.#report.error(
      'CAR109',
      tree.span,
      `${this.subject}: "${tree.value}" is not a value of ${key}.`,
      didYouMean(tree.value, known, `One of: ${listed(known)}.`),
    );
    return undefined;
  }

  #wrong(key: string, tree: Tree, wanted: string, mend?: string): undefined {
    if (isTold(tree)) return undefined;
    const place =
      tree.kind === 'scalar' && tree.value === null ? this.entry(key)!.keySpan : headOf(tree);
    this.#report.error(
      'CAR103',
      place,
      `${this.subject}: ${key} is ${kindOf(tree)}, not ${wanted}.`,
      emptyMend(tree) ?? mend ?? `Write ${wanted} there.`,
    );
    return undefined;
  }
}
