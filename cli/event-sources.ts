/** Where `carillon produce` has its events from: the sample generator, or lines of JSON. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CarillonError } from '../core/error.ts';
import { parseExact } from '../core/exact-json.ts';
import { SampleEvents, type SampleEventsOptions } from './demo/sample-events.ts';
import { unreadable } from './read-text.ts';

export interface GivenEvent {
  readonly type: string;
  readonly value: { readonly [field: string]: unknown };
  /** Of a type whose events have no key of their own. */
  readonly key?: string;
  /** Where it stands in the input; undefined for samples. */
  readonly line?: number;
}

/** Gives the next event, or undefined at the end of the input. */
export type EventSource = (nowMs: number) => Promise<GivenEvent | undefined>;

export function sampleSource(options: SampleEventsOptions): EventSource {
  const events = new SampleEvents(options);
  return async (nowMs) => {
    const { type, key, value, sample } = events.next(nowMs);
    return sample?.key === null ? { type, value, key } : { type, value };
  };
}

/** A line longer than any topic takes is not read on. */
const LINE_CHARS_MAX = 1024 * 1024;

/**
 * One JSON object a line: the event itself with `type` given, else `{"type": …, "value": {…}}`,
 * with `"key"` for events that have none of their own.
 * Empty lines are passed over. Throws CAR902, and CAR909 with the line.
 */
export function lineSource(file: string, type: string | undefined): EventSource {
  const input = file === '-' ? process.stdin : createReadStream(file, 'utf8');
  const failed = new Promise<never>((_, reject) => {
    input.once('error', (cause: Error) => reject(unreadable(file, cause)));
  });
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[
    Symbol.asyncIterator
  ]();
  const shown = file === '-' ? 'standard input' : file;
  let line = 0;
  return async () => {
    for (;;) {
      // A file that is not there fails both, and only one of the two says it as CAR902.
      const next = await Promise.race([failed, lines.next()]);
      // A stream that fails ends its lines too; the reason comes first.
      if (next.done === true) {
        await Promise.race([failed, new Promise((resolve) => setImmediate(resolve))]);
        return undefined;
      }
      line++;
      if (next.value.trim() === '') continue;
      return { ...readLine(next.value, type, { file: shown, line }), line };
    }
  };
}

function readLine(
  text: string,
  type: string | undefined,
  where: { file: string; line: number },
): GivenEvent {
  const wrong = (what: string, mend?: string) =>
    new CarillonError('CAR909', what, { where, ...(mend === undefined ? {} : { mend }) });
  if (text.length > LINE_CHARS_MAX) throw wrong(`it has more than ${LINE_CHARS_MAX} characters.`);
  let json: unknown;
  try {
    json = parseExact(text);
  } catch (cause) {
    throw wrong(`not JSON: ${cause instanceof Error ? cause.message : ''}`);
  }
  if (!isObject(json)) throw wrong('it is not a JSON object.');
  if (type !== undefined) return { type, value: json };
  if (typeof json.type === 'string' && isObject(json.value)) {
    if (json.key === undefined) return { type: json.type, value: json.value };
    if (typeof json.key !== 'string') throw wrong('its "key" is not a text.');
    return { type: json.type, value: json.value, key: json.key };
  }
  throw wrong(
    'it does not say its type.',
    'write {"type": "plan-change", "value": {…}}, or name the type of all with --type.',
  );
}

function isObject(json: unknown): json is { readonly [field: string]: unknown } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
