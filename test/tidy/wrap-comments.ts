/**
 * Breaks the comment lines that are longer than the limit, and pushes what is over into the next
 * line of the same paragraph; the formatter leaves comments as they are.
 *
 *   node test/tidy/wrap-comments.ts FILE…
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { COLUMNS_MAX, longComments } from './lengths.ts';
import { readSource } from './source.ts';

/** What a comment line begins with: indent and `* ` or `// `. */
const LINE = /^(\s*(?:\*|\/\/) ?)(.*)$/;
const ONE_LINE_BLOCK = /^(\s*)\/\*\*? (.*) \*\/$/;
/** Such a line begins a paragraph of its own: a list, a table, a tag, a heading, code. */
const OWN_PARAGRAPH = /^(?:[-*|@#>]|\d+[.)]| {2,}|biome-ignore|$)/;

/** The text with its long comments broken; code is not touched. */
export function wrapComments(path: string, text: string): string {
  const long = longComments(readSource(path, text));
  if (long.length === 0) return text;
  const lines = text.split('\n');
  // From the end, so that the numbers of the lines before stay right.
  for (const number of long.reverse()) wrapAt(lines, number - 1);
  return lines.join('\n');
}

function wrapAt(lines: string[], at: number): void {
  const block = ONE_LINE_BLOCK.exec(lines[at]!);
  if (block !== null) {
    const [, indent, text] = block;
    lines.splice(at, 1, `${indent}/**`, `${indent} * ${text}`, `${indent} */`);
    wrapAt(lines, at + 1);
    return;
  }
  const [, prefix, text] = LINE.exec(lines[at]!) ?? [];
  // Behind code, or a drawing: left for a person.
  if (prefix === undefined || /^ {2}/.test(text!) || lines[at]!.length <= COLUMNS_MAX) return;
  const cut = text!.lastIndexOf(' ', COLUMNS_MAX - prefix.length);
  if (cut <= 0) return;
  lines[at] = prefix + text!.slice(0, cut).trimEnd();
  const rest = text!.slice(cut + 1);
  const next = LINE.exec(lines[at + 1] ?? '');
  const goesOn =
    next !== null && next[1] === prefix && !OWN_PARAGRAPH.test(next[2]!) && next[2] !== '/';
  if (goesOn) lines[at + 1] = `${prefix}${rest} ${next[2]}`;
  else lines.splice(at + 1, 0, prefix + rest);
  wrapAt(lines, at + 1);
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    const text = readFileSync(file, 'utf8');
    const wrapped = wrapComments(file, text);
    if (wrapped === text) continue;
    writeFileSync(file, wrapped);
    process.stdout.write(`${file}\n`);
  }
}
