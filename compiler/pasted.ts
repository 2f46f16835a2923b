/**
 * What comes into a file from elsewhere and is no YAML there: dashes and bullets of a word
 * processor in the place of hyphens, colons of another script, the markers of a merge that was not
 * finished.
 */
import type { Span } from './report.ts';

export interface Pasted {
  readonly span: Span;
  readonly what: string;
  readonly mend: string;
}

const MERGE = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$/;
const DASH = /^(\s*)([\u2010-\u2015\u2212\u2022\u25cf\u25e6\u00b7])(?:\s|$)/u;
const COLON = /^(\s*(?:- )?[\w-]+)([\uff1a\ufe55\u2236])/u;
/** The library tells a fault at the line of its cause, or at one beside it. */
const LINES_BESIDE = 1;

/** The cause of a fault at `at`, when it is one of these. */
export function pastedAt(text: string, at: number): Pasted | undefined {
  const fault = text.slice(0, at).split('\n').length - 1;
  let start = 0;
  let run: Pasted | undefined;
  for (const [n, line] of text.split('\n').entries()) {
    if (n > fault + LINES_BESIDE) return undefined;
    const merge = mergeIn(line);
    const sign = signIn(line);
    const found = merge ?? sign;
    // Of lines with one below the other the first is told.
    if (found === undefined) run = undefined;
    else run ??= { ...found, span: { start: start + found.from, end: start + found.to } };
    if (run !== undefined && (merge !== undefined || n >= fault - LINES_BESIDE)) return run;
    start += line.length + 1;
  }
  return undefined;
}

function mergeIn(line: string) {
  if (!MERGE.test(line.trimEnd())) return undefined;
  const what = 'here is a marker of a merge that was not finished.';
  const mend = 'Keep one of the two sides, and take the lines with the markers out.';
  return { from: 0, to: line.trimEnd().length, what, mend };
}

function signIn(line: string) {
  const dash = DASH.exec(line);
  const found = dash ?? COLON.exec(line);
  if (found === null) return undefined;
  const [, before, sign] = found as unknown as [string, string, string];
  const point = `U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  const [meant, mend] =
    dash === null ? ['colon', 'Write a colon of ASCII: ":".'] : ['hyphen', 'Write a hyphen: "- ".'];
  const what = `"${sign}" (${point}) is no ${meant} to YAML.`;
  return { from: before.length, to: before.length + 1, what, mend };
}
