/** How long files, functions and comment lines are. The code is formatted, so indentation tells. */
import { COMMENT, type Source } from './source.ts';

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;
export const COLUMNS_MAX = 100;

export function fileLines(source: Source): number {
  const lines = source.text.split('\n').length;
  return source.text.endsWith('\n') ? lines - 1 : lines;
}

export interface FunctionLength {
  readonly name: string;
  /** 1-based line of its head. */
  readonly line: number;
  readonly lines: number;
}

const indentOf = (line: string) => line.length - line.trimStart().length;

/** The last line of a function's head: `f(a): B {`, `}): B {`, `(a) => {`. */
const HEAD_END = /(?:\)(?::\s*[^=;]+)?|=>)\s*\{$/;
/** Heads of blocks that are no functions. */
const NO_FUNCTION = /^(?:\}\s*)?(?:if|else|for|while|switch|catch|do|with)\b/;
/**
 * A function that only gathers tests, as `describe` and the contracts do, is as long as its list.
 */
const A_TEST = /^(?:await\s+)?(?:test|it|describe|suite)(?:\.\w+)?\(/;

/**
 * All functions with a body of several lines. A head may go over several lines; a body ends with
 * the first line that is indented like its head and begins with a brace.
 */
export function functionLengths(source: Source): FunctionLength[] {
  const lines = source.code.split('\n').map((line) => line.trimEnd());
  const found: FunctionLength[] = [];
  for (const [at, line] of lines.entries()) {
    if (!HEAD_END.test(line)) continue;
    const indent = indentOf(line);
    let head = at;
    while (head > 0 && /^[)\]}>]/.test(lines[head]!.trim())) {
      head--;
      while (head > 0 && (lines[head] === '' || indentOf(lines[head]!) > indent)) head--;
    }
    const text = lines[head]!.trim();
    if (NO_FUNCTION.test(text) || NO_FUNCTION.test(line.trim())) continue;
    let end = at + 1;
    while (
      end < lines.length &&
      !(indentOf(lines[end]!) === indent && /^\s*\}/.test(lines[end]!))
    ) {
      end++;
    }
    const body = lines.slice(at + 1, end).filter((of) => indentOf(of) === indent + 2);
    if (body.some((of) => A_TEST.test(of.trim()))) continue;
    const name = nameOf(source.text.split('\n')[head]!.trim());
    found.push({ name, line: head + 1, lines: end - head + 1 });
  }
  return found;
}

const FUNCTION = /(?:function\*?|const|let|get|set)\s+(#?\w+)/;
const METHOD = /^(?:(?:static|async|override|private|public)\s+|\*)*(#?\w+)\s*[(<=:]/;

/** The name, or, of an arrow that is an argument or a result, how its line begins. */
function nameOf(head: string): string {
  const name = FUNCTION.exec(head)?.[1];
  if (name !== undefined) return name;
  const isArrow = /=>\s*\{$/.test(head) && !/^#?\w+\s*[:=]/.test(head);
  return (isArrow ? undefined : METHOD.exec(head)?.[1]) ?? head.slice(0, 40);
}

/** Lines of comments over the limit; those with an address cannot be broken. */
export function longComments(source: Source): number[] {
  const found: number[] = [];
  let start = 0;
  for (const [at, line] of source.text.split('\n').entries()) {
    const isComment = source.kinds[start + COLUMNS_MAX] === COMMENT;
    if (line.length > COLUMNS_MAX && isComment && !/https?:\/\//.test(line)) found.push(at + 1);
    start += line.length + 1;
  }
  return found;
}
