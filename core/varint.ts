/**
 * Zig-zag varints, as Kafka's records and Avro have them: up to ten bytes, seven bits each. Numbers
 * are doubles, so what lies beyond ±2^53 is not exact; who needs that reads it with a library.
 */

/** Bytes that a zig-zag varint of `value` takes. */
export function varintBytes(value: number): number {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  let bytes = 1;
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80);
    bytes++;
  }
  return bytes;
}

/** Writes it at `at`, where the caller has made room for ten bytes; gives its end. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  while (rest >= 0x80000000) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  // What fits into 31 bits is shifted: a division costs more than the rest of the loop.
  let small = rest | 0;
  while (small >= 0x80) {
    bytes[at++] = (small & 0x7f) | 0x80;
    small >>>= 7;
  }
  bytes[at++] = small;
  return at;
}

/** Where reading is: a cursor that is used again, so that a number costs no object. */
export class VarintReader {
  bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Throws a RangeError where the bytes end too early, or the number is longer than ten bytes. */
  next(): number {
    const { bytes } = this;
    const first = bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at++;
      return (first >>> 1) ^ -(first & 1);
    }
    let value = 0;
    let factor = 1;
    for (let n = 0; n < VARINT_BYTES_MAX; n++) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw new RangeError('the bytes end inside a number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 0x80;
    }
    throw new RangeError('a number of more than ten bytes');
  }
}

export const VARINT_BYTES_MAX = 10;
