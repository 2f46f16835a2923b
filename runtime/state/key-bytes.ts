/** Keys as bytes: what stores are asked with. One of these is used again for key after key. */
import type { Key } from '../../core/store.ts';
import { hashKey } from './key-hash.ts';

const BYTES_FIRST = 256;
const ASCII_LOOP_MAX = 64;
/** Hexadecimal, of numbers to 2^53: what is printed of a key stays a text. */
const PART_DIGITS = 14;
/** A NUL, and the number. */
export const PART_BYTES = 1 + PART_DIGITS;
/** Numbers of 28 bits are whole ones to the machine: a part's number is written as two of them. */
const HALF_DIGITS = PART_DIGITS / 2;
const HALF = 16 ** HALF_DIGITS;

export class KeyBytes implements Key {
  bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  /** The same bytes, for numbers. */
  view: DataView = new DataView(this.bytes.buffer);
  start = 0;
  end = 0;
  hash = 0;
  #text: string | null = null;

  /** Makes it the key that is `text`; a step that asks for the same one again pays nothing. */
  ofText(text: string): this {
    if (text === this.#text) return this;
    this.#text = text;
    this.start = 0;
    if (this.bytes.length < text.length * 3) this.#take(Buffer.allocUnsafeSlow(text.length * 4));
    this.end = text.length <= ASCII_LOOP_MAX ? putAscii(this.bytes, 0, text) : -1;
    if (this.end < 0) this.end = this.bytes.write(text, 0, 'utf8');
    this.hash = hashKey(this.view, 0, this.end);
    return this;
  }

  /** Makes it a copy of `view[start, end)`, with a part's number behind it where `n` is given. */
  ofBytes(view: DataView, start: number, end: number, n?: number): this {
    this.#text = null;
    const size = end - start;
    if (this.bytes.length < size + PART_BYTES) {
      this.#take(Buffer.allocUnsafeSlow(2 * size + PART_BYTES));
    }
    const own = this.view;
    for (let i = 0; i < size; i++) own.setUint8(i, view.getUint8(start + i));
    this.start = 0;
    this.end = size;
    if (n !== undefined) {
      own.setUint8(size, 0);
      const high = Math.floor(n / HALF);
      putHex(own, size + 1, high);
      putHex(own, size + 1 + HALF_DIGITS, n - high * HALF);
      this.end = size + PART_BYTES;
    }
    this.hash = hashKey(this.view, 0, this.end);
    return this;
  }

  #take(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** Writes seven digits. */
function putHex(to: DataView, at: number, n: number): void {
  for (let i = at + HALF_DIGITS - 1, rest = n; i >= at; i--, rest >>= 4) {
    const digit = rest & 0xf;
    to.setUint8(i, digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

/** Writes a text that is ASCII, where there is room; gives its end, or -1: it is not ASCII. */
export function putAscii(to: Uint8Array, at: number, text: string): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return -1;
    to[at + i] = code;
  }
  return at + length;
}
