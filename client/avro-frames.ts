/**
 * Frames as Avro (sub-protocol `carillon.v1+avro`), on the device's side: what is written in
 * docs/reference/server-frame.avsc and client-frame.avsc, field by field, as there is no room for a
 * library here. A test holds both to the gateway's.
 */
import type { ServerFrame } from '../schemas/frames.ts';

type Json = { readonly [field: string]: unknown };

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Where the reading of a frame stands. */
class Bytes {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Zigzag, seven bits a byte; exact up to 2^53, as all numbers of frames are. */
  long = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('the frame ends early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 0x80;
    }
  };

  text = (): string => {
    const size = this.long();
    const end = this.#at + size;
    if (size < 0 || end > this.#bytes.length) throw new RangeError('the frame ends early');
    const text = decoder.decode(this.#bytes.subarray(this.#at, end));
    this.#at = end;
    return text;
  };

  list<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let count = this.long(); count !== 0; count = this.long()) {
      if (count < 0) this.long();
      for (let n = 0; n < Math.abs(count); n++) items.push(item());
    }
    return items;
  }

  /** Undefined: null. */
  optional<T>(of: () => T): T | undefined {
    return this.long() === 0 ? undefined : of();
  }
}

type Read = (bytes: Bytes) => unknown;
type Fields = { readonly [field: string]: Read };

const long: Read = (bytes) => bytes.long();
const text: Read = (bytes) => bytes.text();
const json: Read = (bytes) => JSON.parse(bytes.text());
const skipped: Read = (bytes) => bytes.list(() => fieldsOf(SKIPPED, bytes));
const texts: Read = (bytes) => bytes.list(bytes.text);
const optional =
  (of: Read): Read =>
  (bytes) =>
    bytes.optional(() => of(bytes));

const SKIPPED: Fields = { priority: text, sequence: long, id: text, reason: text };

/** In the order of the union; a frame of a newer gateway is none that this client knows. */
const SERVER_FRAMES: readonly (readonly [ServerFrame['type'], Fields])[] = [
  ['welcome', { connectionId: text, deviceId: text, epoch: long, heartbeatMs: long, cursor: text }],
  [
    'notification',
    {
      id: text,
      sequence: long,
      previous: long,
      priority: text,
      useCase: text,
      count: long,
      born: long,
      deadline: long,
      value: json,
      cursor: text,
      skipped: optional(skipped),
    },
  ],
  ['skipped', { skipped, cursor: text }],
  ['pong', {}],
  ['going-away', { afterMs: long }],
  ['unacknowledged', { reason: text, ids: optional(texts), asked: optional(text) }],
  ['reported', { eventId: text, code: optional(text), what: optional(text) }],
];

function fieldsOf(fields: Fields, bytes: Bytes): Json {
  const values = Object.entries(fields).map(([name, read]) => [name, read(bytes)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Undefined: of a kind that this client does not know. Throws for what is no frame. */
export function readAvroFrame(data: ArrayBuffer): ServerFrame | undefined {
  const bytes = new Bytes(new Uint8Array(data));
  const [type, fields] = SERVER_FRAMES[bytes.long()] ?? [];
  if (type === undefined || fields === undefined) return undefined;
  return { type, ...fieldsOf(fields, bytes) } as unknown as ServerFrame;
}

function long64(value: number): number[] {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

const textBytes = (value: string): number[] => {
  const bytes = encoder.encode(value);
  return [...long64(bytes.length), ...bytes];
};
const optionalBytes = <T>(value: T | null | undefined, of: (value: T) => number[]): number[] =>
  value === undefined || value === null ? [0] : [2, ...of(value)];
const listBytes = <T>(values: readonly T[], of: (value: T) => number[]): number[] =>
  values.length === 0 ? [0] : [...long64(values.length), ...values.flatMap(of), 0];

export type SentFrame = {
  readonly type: string;
  readonly token?: string;
  readonly after?: string | undefined;
  readonly ids?: readonly string[];
  readonly cursor?: string;
};

/** What a client sends on its stream: who it is, acknowledgements, pings. */
export function writeAvroFrame({ type, token = '', after, ids, cursor }: SentFrame): Uint8Array {
  if (type === 'authenticate') {
    return Uint8Array.from([0, ...textBytes(token), ...optionalBytes(after, textBytes)]);
  }
  if (type === 'ping') return Uint8Array.of(4);
  const listed = optionalBytes(ids, (all) => listBytes(all, textBytes));
  return Uint8Array.from([2, ...listed, ...optionalBytes(cursor, textBytes)]);
}
