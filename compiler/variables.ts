/** `${VAR}` and `${VAR:-default}` in a text: what the environment gives for them. */
import { nearest } from '../core/nearest.ts';
import type { Report, Span } from './report.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Written {
  readonly value: string;
  readonly span: Span;
}

const ANY = /\$\{([^}]*)(\}?)/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
/** What every shell sets, for itself: nobody means these. */
const SHELLS: ReadonlySet<string> = new Set(['_', 'OLDPWD', 'PWD', 'SHLVL', 'SHELL', 'TERM']);

/**
 * `textStart`: where the value's first character stands in the file; -1: not known. `told`: what is
 * missing was told, so the text is not what was meant.
 */
export function expand(
  env: Environment,
  report: Report,
  { value, span }: Written,
  textStart: number,
): { text: string; told: boolean } {
  let told = false;
  const text = value.replace(ANY, (all: string, inside: string, close: string, at: number) => {
    const place =
      textStart < 0 ? span : { start: textStart + at, end: textStart + at + all.length };
    const match = VARIABLE.exec(inside);
    if (match === null || close === '' || match[2]?.includes('${')) {
      told = true;
      report.error('CAR107', place, `"${all}" is not a variable.`);
      return '';
    }
    const name = match[1]!;
    const set = Object.hasOwn(env, name) ? env[name] : undefined;
    if (set !== undefined && set !== '') {
      report.hide(set, all);
      return set;
    }
    if (match[2] !== undefined) return match[2];
    told = true;
    tellUnset(env, report, name, place);
    return '';
  });
  return { text, told };
}

function tellUnset(env: Environment, report: Report, name: string, place: Span): void {
  // Names of the environment are many and short: what differs in half its letters is another one.
  const near = nearest(name, setNames(env), Math.floor(name.length / 4));
  report.error(
    'CAR106',
    place,
    `variable ${name} is not set, and has no default.`,
    near === undefined
      ? `set it (export ${name}=…), or write \${${name}:-default}.`
      : `did you mean \${${near}}?   Or set it: export ${name}=…`,
  );
}

function setNames(env: Environment): string[] {
  return Object.keys(env).filter((name) => env[name] !== undefined && !SHELLS.has(name));
}
