/** The key of an event's record: where its topology says, or given beside it. */
import type { EventType } from './ingest.ts';

/** What is wrong with the key; `path` is a JSON pointer below the event, or empty. */
export interface KeyProblem {
  readonly path: string;
  readonly what: string;
}

/** Kafka's keys have no bound of their own; what is longer than this is no id of anything. */
const KEY_CHARS_MAX = 1_024;

/** `given`: beside the event, for events that have no key of their own. */
export function keyOf(
  { key }: EventType,
  event: unknown,
  given: string | undefined,
): { readonly key: string } | KeyProblem {
  if (key === null) {
    if (given === undefined) return { path: '', what: 'has no key of its own: give one beside it' };
    return isKey(given) ? { key: given } : { path: '', what: `needs a key that is ${KEY}` };
  }
  const path = pointerOf(key);
  if (given !== undefined) return { path, what: 'this is the key: none is given beside it' };
  const at = fieldAt(event, key);
  return isKey(at) ? { key: at } : { path, what: `expected ${KEY}: it is the key` };
}

/** A JSON pointer (RFC 6901). */
export function pointerOf(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Undefined: there is no such field. */
export function fieldAt(event: unknown, path: readonly string[]): unknown {
  let at = event;
  for (const part of path) {
    const isObject = typeof at === 'object' && at !== null && Object.hasOwn(at, part);
    at = isObject ? (at as { [field: string]: unknown })[part] : undefined;
  }
  return at;
}

const KEY = `text of 1 to ${KEY_CHARS_MAX} characters`;

function isKey(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= KEY_CHARS_MAX &&
    value.isWellFormed()
  );
}
