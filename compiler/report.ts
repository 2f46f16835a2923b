/**
 * Gathers all diagnostics of one text, so that a file's errors are told together, in file order,
 * each once. A chain that three streams copy has its mistakes told once, where they stand.
 */
import type { LineCounter } from 'yaml';
import type { Diagnostic, Place } from '../core/error.ts';
import { ERROR_TABLE, type ErrorCode } from '../core/error-table.ts';
import { nearest } from '../core/nearest.ts';

/** Offsets into the text, the end not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Found {
  readonly diagnostic: Diagnostic;
  readonly start: number;
}

export class Report {
  readonly file: string;
  readonly #lines: LineCounter;
  readonly #found = new Map<string, Found>();
  /** Texts that came from the environment, and how the file has them. */
  readonly #hidden = new Map<string, string>();
  readonly #expanded: { span: Span; written: string; text: string }[] = [];
  #errors = 0;

  constructor(file: string, lines: LineCounter) {
    this.file = file;
    this.#lines = lines;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** How many errors there are; a difference says whether a part is broken. */
  get errorCount(): number {
    return this.#errors;
  }

  /** What stands at `span` is `text` by its variables; a fault within it names them. */
  expanded(span: Span, written: string, text: string): void {
    this.#expanded.push({ span, written, text });
  }

  /** From now on, `value` in quotes is told as `written`: it may be a secret. */
  hide(value: string, written: string): void {
    if (value !== '') this.#hidden.set(`"${value}"`, `"${written}"`);
  }

  error(code: ErrorCode, span: Span, what: string, mend?: string): void {
    this.#add('error', code, span, what, mend);
  }

  warning(code: ErrorCode, span: Span, what: string, mend?: string): void {
    this.#add('warning', code, span, what, mend);
  }

  placeOf(span: Span): Place {
    const { line, col } = this.#lines.linePos(span.start);
    return {
      file: this.file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      length: Math.max(span.end - span.start, 1),
    };
  }

  /** In file order; of two at one place the one that was found first. */
  diagnostics(): Diagnostic[] {
    return [...this.#found.values()]
      .sort((a, b) => a.start - b.start)
      .map(({ diagnostic }) => diagnostic);
  }

  #add(
    level: 'error' | 'warning',
    code: ErrorCode,
    span: Span,
    what: string,
    mend: string | undefined,
  ): void {
    const from = this.#expanded.find(
      ({ span: of }) => of.start <= span.start && span.start < of.end,
    );
    const say = (text: string) => this.#withoutHidden(text);
    if (level === 'error') this.#errors++;
    const where = this.placeOf(span);
    // What a part is missing is told at the part's own place, so there can be several of one code.
    const key = `${code}:${span.start}:${/^CAR(105|302|402|904)$/.test(code) ? what : ''}`;
    if (this.#found.has(key)) return;
    this.#found.set(key, {
      diagnostic: {
        code,
        level,
        what: say(from === undefined ? what : named(what, from)),
        where,
        mend: byVariable(say(mend ?? ERROR_TABLE[code].mend), from),
      },
      start: span.start,
    });
  }

  #withoutHidden(text: string): string {
    let shown = text;
    for (const [value, written] of this.#hidden) shown = shown.replaceAll(value, () => written);
    return shown;
  }
}

interface Expanded {
  readonly written: string;
  readonly text: string;
}

/**
 * A text, or a part of it in quotes, that came from a variable is told as the file has it. Not in
 * what says of whom it is told, before the first colon.
 */
function named(what: string, { written, text }: Expanded): string {
  const at = what.indexOf(': ') + 1;
  const told = what.slice(at);
  const whole = text.length < TEXT_CHARS_MIN ? told : told.replaceAll(text, () => written);
  const parts = whole.replaceAll(/"([^"]+)"/g, (all, part: string) =>
    text.includes(part) && !written.includes(part) ? `"${written}"` : all,
  );
  return what.slice(0, at) + parts;
}

/** What is shorter may be a part of any word. */
const TEXT_CHARS_MIN = 4;

function byVariable(mend: string, from: Expanded | undefined): string {
  if (from === undefined || mend.includes(from.written)) return mend;
  return `The text comes from "${from.written}".   ${mend}`;
}

/**
 * `did you mean "dedup"?   ` and what else can be said; the closing text stands alone if none is
 * near.
 */
export function didYouMean(written: string, known: Iterable<string>, otherwise: string): string {
  const near = nearest(written, known);
  return near === undefined ? otherwise : `did you mean "${near}"?   ${otherwise}`.trimEnd();
}

/** `a, b, c`; `none` when there is nothing. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? 'none' : all.join(', ');
}
