/**
 * JSON bodies, read strictly, and where exactly one is wrong. The engine's own messages quote the
 * body, which is member data, and do not always name the place: so the place is looked for here,
 * once it is known that there is one.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseExact } from '../core/exact-json.ts';
import { HttpProblem } from './problem.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Throws CAR709 with line and column. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw new HttpProblem('CAR709', 'the body is empty.');
  let text: string;
  try {
    text = UTF8.decode(body);
  } catch {
    throw new HttpProblem('CAR709', 'the body is not UTF-8.');
  }
  try {
    return parseExact(text);
  } catch {
    const at = firstFault(text);
    const before = text.slice(0, at).split('\n');
    const column = before.at(-1)!.length + 1;
    const what = at >= text.length ? 'it ends too early' : 'it is not JSON from there';
    throw new HttpProblem('CAR709', `line ${before.length}, column ${column}: ${what}.`);
  }
}

const BODIES = new WeakMap<FastifyRequest, Buffer>();

/** The bytes that a JSON body was, unpacked. */
export function bytesOf(request: FastifyRequest): Buffer {
  return BODIES.get(request) ?? Buffer.alloc(0);
}

export function takeJson(app: FastifyInstance): void {
  // Fastify's own, the one for text/plain too: that would be told what is wrong with its body.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      BODIES.set(request, body as Buffer);
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids just these in a string.
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The offset from which a text stops being JSON. Follows the grammar with a stack of its own. */
export function firstFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let at = 0;
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found !== null;
  };
  const take = (char: string): boolean => {
    match(SPACE);
    if (text[at] !== char) return false;
    at++;
    return true;
  };
  const name = (): boolean => {
    match(SPACE);
    return text[at] === '"' && match(SCALAR) && take(':');
  };
  /** After a value: closes what ends, until another value must follow. Null: a fault. */
  const afterValue = (): 'value' | 'end' | null => {
    for (;;) {
      const inside = open.at(-1);
      if (inside === undefined) return match(SPACE) && at === text.length ? 'end' : null;
      if (take(',')) return inside === '[' || name() ? 'value' : null;
      if (!take(inside === '[' ? ']' : '}')) return null;
      open.pop();
    }
  };
  for (;;) {
    match(SPACE);
    const char = text[at];
    if (char === '{' || char === '[') {
      at++;
      open.push(char);
      const empty = take(char === '[' ? ']' : '}');
      if (!empty) {
        if (char === '{' && !name()) return at;
        continue;
      }
      open.pop();
    } else if (!match(SCALAR)) return at;
    if (afterValue() !== 'value') return at;
  }
}
