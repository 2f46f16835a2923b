/** Reads the fields of a JSON body; all that is wrong is told at once, by path. */
import type { FieldProblem } from '../schemas/json-events.ts';

export function objectOf(
  json: unknown,
  path: string,
  known: readonly string[],
  problems: FieldProblem[],
): globalThis.Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    problems.push({ path: path || '/', what: `expected an object of ${known.join(', ')}` });
    return {};
  }
  for (const name of Object.keys(json)) {
    if (known.includes(name)) continue;
    const what = `no such field; known: ${known.join(', ')}`;
    problems.push({ path: `${path}/${name.slice(0, 64)}`, what });
  }
  return json as globalThis.Record<string, unknown>;
}

export function textOf(
  json: unknown,
  path: string,
  charsMax: number,
  required: boolean,
  problems: FieldProblem[],
): string {
  if (!required && (json === undefined || json === null)) return '';
  const isText = typeof json === 'string' && json.length <= charsMax && json.isWellFormed();
  if (isText && (json !== '' || !required)) return json;
  const missing = json === undefined ? 'missing, ' : '';
  problems.push({ path, what: `${missing}expected text of 1 to ${charsMax} characters` });
  return '';
}

/** What is none of the choices is a problem, and its value of no consequence. */
export function choiceOf<T extends string>(
  json: unknown,
  path: string,
  choices: readonly T[],
  problems: FieldProblem[],
): T {
  if (choices.includes(json as T)) return json as T;
  const missing = json === undefined ? 'missing, ' : '';
  problems.push({ path, what: `${missing}expected one of ${choices.join(', ')}` });
  return '' as T;
}
