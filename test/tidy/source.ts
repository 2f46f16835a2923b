/**
 * TypeScript text with every character told apart: code, comment or literal. TypeScript 7 has no
 * compiler API, and a search without this would find words in comments and strings.
 */
export const CODE = 0;
export const COMMENT = 1;
export const LITERAL = 2;

export interface Source {
  readonly path: string;
  readonly text: string;
  /** CODE, COMMENT or LITERAL for each character; the quotes belong to the literal. */
  readonly kinds: Uint8Array;
  /** The text with comments and literals blanked; lines and columns stay. */
  readonly code: string;
}

/** After these a slash begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[=(,;:!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void))$/;

export function readSource(path: string, text: string): Source {
  const kinds = new Uint8Array(text.length);
  // Depths of braces at which a template's `${` was opened: its `}` goes on with the template.
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const mark = (end: number, kind: number) => {
    kinds.fill(kind, at, end);
    at = end;
  };
  while (at < text.length) {
    const char = text[at]!;
    const two = text.slice(at, at + 2);
    if (two === '//') mark(endOf(text, '\n', at), COMMENT);
    else if (two === '/*') mark(endOf(text, '*/', at + 2, 2), COMMENT);
    else if (char === "'" || char === '"') mark(endOfQuoted(text, at + 1, char), LITERAL);
    else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop();
      const end = endOfTemplate(text, at + 1);
      if (text[end - 1] === '{') templates.push(depth);
      mark(end, LITERAL);
    } else if (char === '/' && BEFORE_REGEX.test(codeBefore(text, kinds, at))) {
      mark(endOfRegex(text, at + 1), LITERAL);
    } else {
      if (char === '{') depth++;
      else if (char === '}') depth--;
      mark(at + 1, CODE);
    }
  }
  return { path, text, kinds, code: blanked(text, kinds) };
}

function endOf(text: string, mark: string, from: number, size = 0): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + size;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n')
    at += text[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** Behind the closing backtick, or behind the `{` of the next `${`. */
function endOfTemplate(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`') return at + 1;
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2;
  }
  return text.length;
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let at = from; at < text.length && text[at] !== '\n'; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return endOf(text, '\n', from);
}

/** The last few characters of code before a place, without white space. */
function codeBefore(text: string, kinds: Uint8Array, at: number): string {
  let before = '';
  for (let n = at - 1; n >= 0 && before.length < 8; n--) {
    if (kinds[n] === COMMENT) continue;
    const char = text[n]!;
    if (/\s/.test(char)) {
      if (before !== '') break;
    } else before = char + before;
  }
  return before;
}

function blanked(text: string, kinds: Uint8Array): string {
  const out: string[] = [];
  for (let at = 0; at < text.length; at++) {
    out.push(kinds[at] === CODE || text[at] === '\n' ? text[at]! : ' ');
  }
  return out.join('');
}

/** The 1-based line of a place. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let n = text.indexOf('\n'); n >= 0 && n < at; n = text.indexOf('\n', n + 1)) line++;
  return line;
}
