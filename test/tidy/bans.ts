/** What may not be written, where, and what to write in its place. */
import { CODE, COMMENT, LITERAL, lineAt, type Source } from './source.ts';
import { isTest } from './tree.ts';

export interface Ban {
  readonly what: string;
  readonly instead: string;
  /** Matched against the text; the match must begin in `within`. */
  readonly pattern: RegExp;
  readonly within: typeof CODE | typeof COMMENT | typeof LITERAL;
  /** Paths that it holds for. */
  holdsFor(path: string): boolean;
}

const isIn =
  (...folders: readonly string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(`${folder}/`));

/** Where the machine's clock and chance come in; everything else is handed them. */
const WIRING: ReadonlySet<string> = new Set(['core/clock.ts']);

const isOurs = (path: string) => !isIn('cli', 'test', 'bench', 'console')(path);
/** The client runs on devices: nobody replays it, and it has nobody to hand it a clock. */
const isReplayable = (path: string) =>
  isOurs(path) &&
  !isIn('client')(path) &&
  !isTest(path) &&
  !WIRING.has(path) &&
  !/(^|\/)(fake|stand-in)/.test(path);
/** Nothing here waits: what must act later is a row with a due time (rule D11). */
const isTimeless = (path: string) =>
  isIn('core', 'processors', 'compiler')(path) && isReplayable(path);

export const BANS: readonly Ban[] = [
  {
    what: "the machine's clock",
    instead: 'take a Clock (core/clock.ts) as an argument',
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)/g,
    within: CODE,
    holdsFor: (path) => isReplayable(path),
  },
  {
    what: 'a stop-watch',
    instead: 'count in records; times are measured by the runtime, around the step',
    pattern: /\bperformance\.now\b|\bhrtime\b/g,
    within: CODE,
    holdsFor: isTimeless,
  },
  {
    what: 'chance',
    instead: 'take a seeded source of numbers as an argument, or derive it from the record',
    pattern: /\bMath\.random\b/g,
    within: CODE,
    holdsFor: isReplayable,
  },
  {
    what: 'a timer',
    instead: 'put a row with a due time into the store (rule D11), or do it in the runtime',
    pattern: /\b(?:setTimeout|setInterval|setImmediate)\s*\(/g,
    within: CODE,
    holdsFor: isTimeless,
  },
  {
    what: 'an enum',
    instead: 'use a union of texts, or an array `as const`: types are stripped, not compiled',
    pattern: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w+/gm,
    within: CODE,
    holdsFor: () => true,
  },
  {
    what: 'a parameter property',
    instead: 'declare the field and set it in the constructor: types are stripped, not compiled',
    pattern: /(?<=\bconstructor\s*\([^){}]*)\b(?:private|public|protected|readonly)\s+\w+\s*[?:]/g,
    within: CODE,
    holdsFor: () => true,
  },
  {
    what: 'console output',
    instead: 'take a logger, return a value, or count it',
    pattern: /\bconsole\.\w+\s*\(/g,
    within: CODE,
    holdsFor: (path) => isOurs(path) && !isTest(path),
  },
  {
    what: 'a test that leaves out all others',
    instead: 'run one with `node --test --test-name-pattern`',
    pattern: /\b(?:test|it|describe)\.only\s*\(|\bonly:\s*true\b/g,
    within: CODE,
    holdsFor: isTest,
  },
  {
    what: 'a silenced type error',
    instead: 'mend the type, or narrow the value where it comes in',
    pattern: /@ts-(?:ignore|expect-error|nocheck)/g,
    within: COMMENT,
    holdsFor: () => true,
  },
  {
    what: 'a numbered parameter of SQL',
    instead: 'write ? for each, and give the value again: node:sqlite of Node 22 binds no ?1',
    pattern: /(?<=[\s(,=])\?[1-9]\b/g,
    within: LITERAL,
    holdsFor: isIn('connectors/embedded'),
  },
  {
    what: 'work left for later in a comment',
    instead: 'do it, or open an issue and say here what is so for now',
    // In two parts, so that this line is not a fault itself.
    pattern: new RegExp(
      `\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|XXX|HACK)\\b`,
      'g',
    ),
    within: COMMENT,
    holdsFor: () => true,
  },
];

/** One line per fault: where, what, and what to do instead. */
export function bannedIn(source: Source, bans: readonly Ban[] = BANS): string[] {
  const faults: string[] = [];
  for (const { what, instead, pattern, within, holdsFor } of bans) {
    if (!holdsFor(source.path)) continue;
    for (const match of source.text.matchAll(pattern)) {
      const at = match.index + match[0].search(/\S/);
      if (source.kinds[at] !== within) continue;
      const line = lineAt(source.text, at);
      faults.push(`${source.path}:${line}: ${what} (${match[0].trim()}). Mend: ${instead}.`);
    }
  }
  return faults;
}
