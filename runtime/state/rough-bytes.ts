/**
 * About how much of the heap a plain value takes, in bytes, as V8 lays values out on 64 bits
 * without compressed pointers. `npm run bench -- state-memory` holds it to what is measured.
 */
const STRING_HEAD = 16;
export const OBJECT_HEAD = 24;
export const ARRAY_HEAD = 48;
const NUMBER_BYTES = 16;
export const BIGINT_BYTES = 24;
export const SLOT_BYTES = 8;
/** A Buffer is a typed array, and its bytes lie in a pool or an ArrayBuffer. */
const BUFFER_HEAD = 112;
/** An entry of a Map: key, value, chain and its part of the buckets, with room to grow. */
export const MAP_ENTRY_BYTES = 52;
const SMALL_INTEGER_MAX = 2 ** 31;

const aligned = (bytes: number) => (bytes + SLOT_BYTES - 1) & ~(SLOT_BYTES - 1);

export function roughBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return textBytes(value);
    case 'number':
      return numberBytes(value);
    case 'bigint':
      return BIGINT_BYTES;
    case 'object':
      return value === null ? 0 : objectBytes(value);
    default:
      return 0;
  }
}

export const textBytes = (text: string) => STRING_HEAD + aligned(text.length);

/** A small whole number lies where it is pointed to from. */
export const numberBytes = (n: number) =>
  Number.isInteger(n) && Math.abs(n) < SMALL_INTEGER_MAX ? 0 : NUMBER_BYTES;

export const bufferBytes = ({ byteLength }: ArrayBufferView) => BUFFER_HEAD + aligned(byteLength);

function objectBytes(value: object): number {
  if (ArrayBuffer.isView(value)) return bufferBytes(value);
  let sum: number;
  if (value instanceof Map) {
    sum = OBJECT_HEAD;
    for (const [key, one] of value) sum += MAP_ENTRY_BYTES + roughBytes(key) + roughBytes(one);
    return sum;
  }
  if (value instanceof Set) {
    sum = OBJECT_HEAD;
    for (const one of value) sum += MAP_ENTRY_BYTES + roughBytes(one);
    return sum;
  }
  sum = Array.isArray(value) ? ARRAY_HEAD : OBJECT_HEAD;
  // Names of fields are shared by all objects of a form.
  for (const one of Object.values(value)) sum += SLOT_BYTES + roughBytes(one);
  return sum;
}
