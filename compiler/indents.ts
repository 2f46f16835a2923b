/**
 * Lines that begin in a column where nothing of theirs can begin: what the YAML library tells as
 * "implicit keys", at the start of the line, is told as what people see.
 */
import type { Span } from './report.ts';

export interface Indent {
  readonly span: Span;
  readonly what: string;
  readonly mend: string;
}

/** What the library says of them; of a brace that is not closed it has the same code. */
const SAID = /^(?:All mapping items must start|A block sequence may not be used)/;
const KEY = /^( *)([\w.-]+) *:(?: |$)/;
const ITEM = /^( *)-(?: |$)/;
/** What is underlined of a line. */
const HEAD = /^ *-? *[\w.-]*/;
const STUCK = /^ *-([A-Za-z_][\w-]*) *:(?: |$)/;

const NESTED = /^Nested mappings are not allowed/;

/** Of a fault at `at`, of which the library says `message`; undefined: it is another one. */
export function indentAt(text: string, message: string, at: number): Indent | undefined {
  if (NESTED.test(message)) return swallowedAt(text, at);
  if (!SAID.test(message)) return undefined;
  const start = text.lastIndexOf('\n', at - 1) + 1;
  // What is told within a line is not of its indentation.
  if (text.slice(start, at).trim() !== '') return undefined;
  const [first, line] = contentFrom(text, start);
  const indent = line.length - line.trimStart().length;
  const before = linesBefore(text, first);
  const stuck = STUCK.exec(line);
  const [head] = HEAD.exec(line)!;
  const span = { start: first + indent, end: first + head.length };
  if (stuck !== null) {
    const what = `"-${stuck[1]}" is one word: no item of a list begins here.`;
    return { span, what, mend: `Write a space behind the hyphen: - ${stuck[1]}: ….` };
  }
  if (ITEM.test(line)) return itemAt(span, indent, before);
  return KEY.test(line) ? keyAt(span, indent, before) : undefined;
}

/** A line below a text that is indented deeper than its key is read as more of that text. */
function swallowedAt(text: string, at: number): Indent | undefined {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', at);
  const key = KEY.exec(text.slice(start));
  if (key === null || end < 0 || /:(?: |$)/.test(text.slice(at, end))) return undefined;
  const [first, line] = contentFrom(text, end + 1);
  const indent = indentOf(line);
  if (indent <= key[1]!.length || !(KEY.test(line) || ITEM.test(line))) return undefined;
  const [head] = HEAD.exec(line)!;
  const what = `this is read as more of the text behind "${key[2]}:", as it is indented deeper.`;
  const mend = ITEM.test(line)
    ? `Take out what stands behind "${key[2]}:", if this is its list.`
    : `Indent it by ${key[1]!.length} spaces, as "${key[2]}", or take out what stands behind "${key[2]}:".`;
  return { span: { start: first + indent, end: first + head.length }, what, mend };
}

/** The first line that is neither empty nor a comment. */
function contentFrom(text: string, from: number): readonly [start: number, line: string] {
  let start = from;
  for (const line of text.slice(from).split('\n')) {
    if (!/^\s*(?:#|$)/.test(line)) return [start, line];
    start += line.length + 1;
  }
  return [from, ''];
}

/** Nearest first. */
function linesBefore(text: string, start: number): readonly string[] {
  const lines = text.slice(0, start).split('\n').slice(0, -1).reverse();
  return lines.filter((line) => !/^\s*(?:#|$)/.test(line));
}

function itemAt(span: Span, indent: number, before: readonly string[]): Indent {
  const [above] = before;
  const item = before.find((line) => ITEM.test(line) || indentOf(line) < indent);
  const isList = item !== undefined && ITEM.test(item) && indentOf(item) !== indent;
  const ofList = isList ? `Indent it as those before it: by ${indentOf(item)} spaces.` : undefined;
  const key = above === undefined ? undefined : KEY.exec(above)?.[2];
  const ofKey =
    key === undefined
      ? 'Write the key of its list in a line before it, as steps:.'
      : `Write the key of its list in a line before it, as steps:, or take out what stands behind "${key}:".`;
  return { span, what: 'here is an item of a list, and no list is open.', mend: ofList ?? ofKey };
}

function keyAt(span: Span, indent: number, before: readonly string[]): Indent {
  const open = before.find((line) => indentOf(line) < indent && KEY.test(line));
  const keys = open === undefined ? '' : `, as "${KEY.exec(open)![2]}"`;
  const like =
    open === undefined
      ? 'Begin it where the keys of its mapping begin.'
      : `Indent it by ${indentOf(open)} spaces${keys}, if it is a key beside that.`;
  const isAtItem = before.some((line) => ITEM.test(line) && indentOf(line) === indent);
  const mend = isAtItem ? `Write "- " before it, if it is an item of the list.   ${like}` : like;
  return { span, what: 'this key does not begin where those of its mapping do.', mend };
}

const indentOf = (line: string): number => line.length - line.trimStart().length;
