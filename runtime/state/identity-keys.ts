/**
 * The identity of records under some paths, as keys of stores: bytes that two different identities
 * never share. Each part says its type, and, when there are several, its length in UTF-16 units. So
 * `["a", "bc"]` and `["ab", "c"]` differ, and so do the number 1 and the text "1". The keys of a
 * whole slice are made at once, so that the store can read ahead (`warm`).
 *
 * What lies in the record's bytes and is ASCII, or is a number, makes no text on the way; all else
 * is read as the step would read it.
 */
import { stringifyExact } from '../../core/exact-json.ts';
import type { Record } from '../../core/record.ts';
import {
  FIELD_FALSE,
  FIELD_NUMBER,
  FIELD_TRUE,
  GIVEN,
  NONE,
  SLICE_RECORDS_MAX,
  type Slice,
} from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import type { Key } from '../../core/store.ts';
import { KeyBytes, putAscii } from './key-bytes.ts';
import { hashKey } from './key-hash.ts';

const BYTES_FIRST = 64 * SLICE_RECORDS_MAX;
/** More than a number's text, `true` and a length with its colon take. */
const SHORT_BYTES_MAX = 48;
const TEXT = 's'.charCodeAt(0);
const NUMBER = 'n'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);

/** A store that can read ahead. */
interface Warmed {
  warm(hashes: Int32Array, n: number): void;
}

export class IdentityKeys {
  readonly #readers: readonly FieldReader[];
  readonly #key = new KeyBytes();
  #bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  #at = 0;
  /** By selected record; NONE: it has no key. */
  #starts = new Int32Array(SLICE_RECORDS_MAX);
  #ends = new Int32Array(SLICE_RECORDS_MAX);
  #hashes = new Int32Array(SLICE_RECORDS_MAX);
  /** Hashes of those that have a key, one behind the other. */
  #warm = new Int32Array(SLICE_RECORDS_MAX);
  #warmed = 0;

  constructor(readers: readonly FieldReader[]) {
    this.#readers = readers;
    this.#take(this.#bytes);
  }

  /**
   * Makes the keys of all selected records; `record` is moved over them. Throws what reading a
   * value throws: then the slice is tried again record by record.
   */
  fill(slice: Slice, record: Record): void {
    const { selection, selected } = slice;
    if (selected > this.#starts.length) this.#addRoom(selected);
    this.#at = 0;
    this.#warmed = 0;
    record.slice = slice;
    for (let j = 0; j < selected; j++) {
      record.i = selection[j]!;
      const start = this.#at;
      if (!this.#identity(record)) {
        this.#starts[j] = NONE;
        this.#at = start;
        continue;
      }
      this.#starts[j] = start;
      this.#ends[j] = this.#at;
    }
    this.#hash(selected);
  }

  /**
   * The key of the j-th selected record; null when a part is null or absent, for such a record
   * cannot be told apart from others like it. One object that is used again.
   */
  at(j: number): Key | null {
    const start = this.#starts[j]!;
    if (start === NONE) return null;
    const key = this.#key;
    key.start = start;
    key.end = this.#ends[j]!;
    key.hash = this.#hashes[j]!;
    return key;
  }

  /** Has a store read ahead what it will be asked for. */
  warm(store: Warmed): void {
    store.warm(this.#warm, this.#warmed);
  }

  /** Writes a record's identity; false: a part is null or absent. */
  #identity(record: Record): boolean {
    const readers = this.#readers;
    if (readers.length === 1) return this.#part(readers[0]!, record);
    for (const reader of readers) if (!this.#partWithLength(reader, record)) return false;
    return true;
  }

  /** The length stands before the part and is not known yet: one digit is left, or moved for. */
  #partWithLength(reader: FieldReader, record: Record): boolean {
    const start = this.#at;
    this.#room(SHORT_BYTES_MAX);
    this.#at = start + 2;
    const isAscii = this.#located(reader, record);
    if (isAscii === null) return false;
    if (!isAscii) {
      const part = partOf(reader.read(record));
      if (part === null) return false;
      this.#at = start;
      this.#text(`${part.length}:${part}`);
      return true;
    }
    const length = this.#at - start - 2;
    if (length < 10) {
      this.#bytes[start] = ZERO + length;
      this.#bytes[start + 1] = COLON;
      return true;
    }
    const head = `${length}:`;
    this.#room(SHORT_BYTES_MAX);
    this.#bytes.copyWithin(start + head.length, start + 2, this.#at);
    putAscii(this.#bytes, start, head);
    this.#at += head.length - 2;
    return true;
  }

  #part(reader: FieldReader, record: Record): boolean {
    const start = this.#at;
    this.#room(SHORT_BYTES_MAX);
    const isAscii = this.#located(reader, record);
    if (isAscii === null) return false;
    if (isAscii) return true;
    const part = partOf(reader.read(record));
    if (part === null) return false;
    this.#at = start;
    this.#text(part);
    return true;
  }

  /**
   * Writes a part from where it lies, when it is known and ASCII; null: it is null; false: it has
   * to be read.
   */
  #located(reader: FieldReader, { slice, i }: Record): boolean | null {
    const { column } = reader;
    if (column < 0) {
      if (reader.path !== 'key') return false;
      const start = slice.keyStart[i]!;
      if (start === NONE) return null;
      return start !== GIVEN && this.#ascii(slice, start, slice.keyEnd[i]!);
    }
    const start = slice.fieldStart[column]![i]!;
    if (start >= 0) return this.#ascii(slice, start, slice.fieldEnd[column]![i]!);
    if (start === NONE) return null;
    if (start === FIELD_NUMBER) this.#number(slice.fieldNumber[column]![i]!);
    else if (start === FIELD_TRUE) this.#at = putAscii(this.#bytes, this.#at, 'true');
    else if (start === FIELD_FALSE) this.#at = putAscii(this.#bytes, this.#at, 'false');
    else return false;
    return true;
  }

  #ascii(slice: Slice, start: number, end: number): boolean {
    this.#room(SHORT_BYTES_MAX + end - start);
    const from = slice.bytes;
    const to = this.#bytes;
    let at = this.#at;
    to[at++] = TEXT;
    let bits = 0;
    for (let n = start; n < end; n++) {
      const byte = from[n]!;
      bits |= byte;
      to[at++] = byte;
    }
    this.#at = at;
    return bits < 0x80;
  }

  /** As a template has it: most are whole and small, and then no text is made. */
  #number(value: number): void {
    const to = this.#bytes;
    to[this.#at++] = NUMBER;
    if ((value | 0) !== value) {
      this.#at = putAscii(to, this.#at, `${value}`);
      return;
    }
    if (value < 0) to[this.#at++] = MINUS;
    let rest = Math.abs(value);
    let digits = 1;
    for (let bound = 10; bound <= rest; bound *= 10) digits++;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const tenth = Math.floor(rest / 10);
      to[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#at += digits;
  }

  #text(part: string): void {
    this.#room(part.length * 3);
    this.#at += this.#bytes.write(part, this.#at, 'utf8');
  }

  #hash(selected: number): void {
    const { view } = this.#key;
    for (let j = 0; j < selected; j++) {
      const start = this.#starts[j]!;
      if (start === NONE) continue;
      const hash = hashKey(view, start, this.#ends[j]!);
      this.#hashes[j] = hash;
      this.#warm[this.#warmed++] = hash;
    }
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#take(grown);
  }

  #take(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#key.bytes = bytes;
    this.#key.view = new DataView(bytes.buffer);
  }

  #addRoom(records: number): void {
    this.#starts = new Int32Array(records);
    this.#ends = new Int32Array(records);
    this.#hashes = new Int32Array(records);
    this.#warm = new Int32Array(records);
  }
}

/** Null of what is null or absent. */
function partOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'number':
    case 'bigint':
      return `n${value}`;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return null;
      if (Buffer.isBuffer(value)) return `b${value.toString('base64')}`;
      // Decoded Avro keeps its schema's order of fields, so equal values give equal texts.
      return `j${stringifyExact(value)}`;
    default:
      return null;
  }
}
