/**
 * What a text has that was not meant as YAML: spaces that only look like one, variables without
 * quotes, nesting without end. Each is told once, at its place; where it is plain what was meant
 * the text is read on as if it stood there, so that no other error is only its echo.
 */
import { Lexer } from 'yaml';
import type { Report, Span } from './report.ts';

export interface Cleared {
  /** As long as the text itself, so that places stay; undefined: it cannot be read on. */
  readonly text: string | undefined;
  /** Variables without quotes: what stands there is not known. */
  readonly unknown: readonly Span[];
}

/** Mappings and lists within one another; no topology has ten, and each costs a stack frame. */
const DEPTH_MAX = 100;

/** What the lexer yields beside pieces of the text: document, end of flow, scalar. */
const DOCUMENT = '\u0002';
const FLOW_END = '\u0018';
const SCALAR = '\u001f';

/** Seen as nothing or as a space, and neither to YAML. */
const ODD = /[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]/;
const ODD_RUNS = new RegExp(`${ODD.source}+`, 'g');
/** A text in quotes that are none to YAML. */
const QUOTED = /^[\u2018-\u201f\u00ab\u2039][^\n]*[\u2018-\u201f\u00bb\u203a]$/;
/** What people read may have such quotes. */
const PROSE = /\b(?:doc|title|body|(?!id|as|by|of|to)[a-z]{2}(?:-[A-Z]{2})?)\s*:\s*$/;
/** Nowhere in YAML, not even in a comment; a return of its own is a line's end of old. */
const NEVER = /(?![\t\n\r])\p{Cc}|\r(?!\n)/u;
/** With another one in its default, if need be. */
const VARIABLE = /\$\{(?:\$\{[^{}\n]*\}|[^{}\n])*\}?/y;

const NAMES: { readonly [character: string]: string } = {
  '\0': 'a NUL; is the file UTF-16?',
  '\r': 'a carriage return without a line feed',
  '\u00a0': 'a no-break space',
  '\u00ad': 'a soft hyphen',
  '\u200b': 'a zero-width space',
  '\u3000': 'an ideographic space',
  '\ufeff': 'a byte order mark',
};

function nameOf(character: string): string {
  const point = `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  const name = NAMES[character] ?? 'a character that is not seen';
  return `${name} (${point})`;
}

export function clearNoise(text: string, report: Report): Cleared {
  const never = NEVER.exec(text);
  if (never !== null) {
    tellOdd(report, [never.index], text);
    return { text: undefined, unknown: [] };
  }
  return new Clearing(text, report).run();
}

/** Many are told as one: who pasted a page has them in each line. */
function tellOdd(report: Report, places: readonly number[], text: string): void {
  const [first] = places as [number];
  const others = places.length - 1;
  const more = others === 0 ? '' : `, and ${others} more like it`;
  report.error(
    'CAR113',
    { start: first, end: first + 1 },
    `here is ${nameOf(text[first]!)}${more}.`,
  );
}

class Clearing {
  readonly #text: string;
  readonly #report: Report;
  readonly #unknown: Span[] = [];
  readonly #odd: number[] = [];
  readonly #quotes: (readonly [at: number, plain: string])[] = [];
  /** Columns at which the blocks around begin. */
  readonly #columns: number[] = [];
  #isReadable = true;
  #flow = 0;
  #lineStart = 0;

  constructor(text: string, report: Report) {
    this.#text = text;
    this.#report = report;
  }

  run(): Cleared {
    let at = 0;
    let isScalar = false;
    let isBlock = false;
    let before = '';
    for (const piece of new Lexer().lex(this.#text)) {
      if (piece === DOCUMENT || piece === FLOW_END) continue;
      if (piece === SCALAR) {
        isScalar = true;
        continue;
      }
      const isPlain = isScalar && !isBlock;
      if (!this.#depth(piece, at, isPlain)) return { text: undefined, unknown: [] };
      if (isPlain) this.#plain(piece, at);
      else if (piece === '{' && before.endsWith('$') && this.#flow > 1) this.#variable(at - 1);
      if (!isScalar) isBlock = /^[|>]/.test(piece) || (isBlock && /^(?:\s|#|$)/.test(piece));
      else isBlock = false;
      isScalar = false;
      before = piece;
      at += piece.length;
    }
    if (this.#odd.length > 0) tellOdd(this.#report, this.#odd, this.#text);
    return { text: this.#isReadable ? this.#written() : undefined, unknown: this.#unknown };
  }

  /** False: it was told that the nesting is too deep. */
  #depth(piece: string, at: number, isPlain: boolean): boolean {
    if (this.#flow === 0 && (isPlain || /^[-?"']/.test(piece))) this.#begin(at);
    if (piece === '{' || piece === '[') this.#flow++;
    else if ((piece === '}' || piece === ']') && this.#flow > 0) this.#flow--;
    else if (piece.includes('\n')) this.#lineStart = at + piece.lastIndexOf('\n') + 1;
    if (this.#flow + this.#columns.length <= DEPTH_MAX) return true;
    const what = `mappings and lists are nested more than ${DEPTH_MAX} deep here.`;
    this.#report.error('CAR116', { start: at, end: at + 1 }, what);
    return false;
  }

  /** Something of a block begins: the column of the first on a line says how deep it lies. */
  #begin(at: number): void {
    const line = this.#text.slice(this.#lineStart, at).trimEnd();
    const column = at - this.#lineStart;
    if (line === '') while ((this.#columns.at(-1) ?? -1) >= column) this.#columns.pop();
    if (line === '' || line.endsWith('-') || line.endsWith('?')) this.#columns.push(column);
  }

  #variable(start: number): void {
    VARIABLE.lastIndex = start;
    const written = VARIABLE.exec(this.#text)?.[0] ?? '${';
    const span = { start, end: start + written.length };
    // What lies in a variable that was told already is no variable of its own.
    if (this.#unknown.some(({ end }) => start < end)) return;
    this.#unknown.push(span);
    this.#report.error(
      'CAR114',
      span,
      `${written} stands without quotes between braces or brackets, where { and } are YAML's own.`,
      `Write "${written}".`,
    );
  }

  #plain(scalar: string, at: number): void {
    if (QUOTED.test(scalar) && !PROSE.test(this.#text.slice(this.#lineStart, at)))
      this.#quoted(scalar, at);
    if (!ODD.test(scalar)) return;
    // A word in which one hides is no longer the word; a sentence may have its emoji.
    const isWord = /^[\w.{}:/-]+$/.test(scalar.replace(ODD_RUNS, ''));
    for (const run of scalar.matchAll(ODD_RUNS)) {
      const before = scalar.slice(0, run.index);
      const after = scalar.slice(run.index + run[0].length);
      const atEdge = /(?:^|[\n:,])[ \t]*$|(?:^|\n)[ \t]*[-?]$/.test(before);
      if (atEdge || /^[ \t]*(?:$|[\r\n#:])/.test(after)) {
        for (let i = 0; i < run[0].length; i++) this.#odd.push(at + run.index + i);
      } else if (isWord) {
        this.#odd.push(at + run.index);
        this.#isReadable = false;
      }
    }
  }

  /** Quotes of a word processor are letters to YAML: it is read on as if they were plain ones. */
  #quoted(scalar: string, at: number): void {
    const inner = scalar.slice(1, -1);
    const plain = inner.includes("'") ? '"' : "'";
    const span = { start: at, end: at + scalar.length };
    const what = `${scalar[0]} and ${scalar.at(-1)} are no quotes to YAML, but letters of the text.`;
    this.#report.error('CAR101', span, what, `Write plain ones: ${plain}${inner}${plain}.`);
    if (inner.includes(plain)) this.#isReadable = false;
    this.#quotes.push([at, plain], [span.end - 1, plain]);
  }

  #written(): string {
    if (this.#odd.length + this.#unknown.length + this.#quotes.length === 0) return this.#text;
    const characters = this.#text.split('');
    for (const at of this.#odd) characters[at] = ' ';
    for (const [at, plain] of this.#quotes) characters[at] = plain;
    for (const { start, end } of this.#unknown) {
      for (let i = start; i < end; i++) characters[i] = '_';
    }
    return characters.join('');
  }
}
