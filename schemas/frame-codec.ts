/** Frames as Avro, on the gateway's side: what it tells is written, what devices send is read. */

import { CLIENT_FRAME_SCHEMAS, SERVER_FRAME_SCHEMAS } from './frame-schemas.ts';
import type { ServerFrame } from './frames.ts';
import { Out, type Write } from './out.ts';
import { parseSchema } from './parse-schema.ts';
import { type Read, Tap } from './tap.ts';
import { resolve } from './value-reader.ts';
import { writerOf } from './value-writer.ts';

const BYTES_FIRST = 512;
/** A frame of the largest notification (64 KiB), as JSON text, and some. */
const BYTES_MAX = 16 * 1024 * 1024;

type Schemas = { readonly [type: string]: unknown };

/** The records of a union, which name each other's types. */
function typesOf(schemas: Schemas) {
  const union = parseSchema(Object.values(schemas));
  if (union.kind !== 'union') throw new Error('frames are a union');
  return Object.keys(schemas).map((type, n) => ({ type, of: union.types[n]! }));
}

const WRITERS = new Map<string, { readonly branch: number; readonly write: Write }>(
  typesOf(SERVER_FRAME_SCHEMAS).map(({ type, of }, branch) => [
    type,
    { branch, write: writerOf(of) },
  ]),
);

const READERS: readonly { readonly type: string; readonly read: Read }[] = typesOf(
  CLIENT_FRAME_SCHEMAS,
).map(({ type, of }) => ({ type, read: resolve(of, of).read }));

/** What is written now: a frame is written whole before the next begins. */
const out = new Out(Buffer.alloc(BYTES_FIRST), 0);

/** A copy: the socket keeps it until it is sent. */
export function encodeServerFrame(frame: ServerFrame): Buffer {
  const { branch, write } = WRITERS.get(frame.type)!;
  const form =
    frame.type === 'notification' ? { ...frame, value: JSON.stringify(frame.value) } : frame;
  for (;;) {
    out.at = 0;
    out.long(branch);
    write(out, form);
    if (out.hasRoom) return Buffer.from(out.bytes.subarray(0, out.at));
    if (out.at > BYTES_MAX) throw new Error('a frame is larger than any can be');
    out.bytes = Buffer.alloc(2 * out.at);
  }
}

const tap = new Tap();

/**
 * A frame of a device as JSON would have it: what is null was left out. Throws for what is no value
 * of the schema.
 */
export function decodeClientFrame(bytes: Buffer): { readonly [field: string]: unknown } {
  tap.open(bytes, 0, bytes.length);
  const branch = tap.wholeNumber();
  const { type, read } = READERS[Number(branch)] ?? {};
  if (type === undefined || read === undefined) throw new Error('there is no such frame');
  const fields = Object.entries(read(tap) as object).filter(([, value]) => value !== null);
  if (tap.at !== bytes.length) throw new Error('bytes are left over');
  return Object.fromEntries([['type', type], ...fields]);
}
