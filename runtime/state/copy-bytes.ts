/** Copies between views. What is short is copied in a loop: a call into the runtime costs more. */
const LOOP_MAX = 256;

/** Copies from[start, end) to `at`, and not one byte more. The two do not overlap. */
export function copyBytes(
  to: DataView,
  at: number,
  from: DataView,
  start: number,
  end: number,
): void {
  const size = end - start;
  if (size > LOOP_MAX) {
    bytesOf(to, at, size).set(bytesOf(from, start, size));
    return;
  }
  const words = size & ~3;
  for (let n = 0; n < words; n += 4) to.setInt32(at + n, from.getInt32(start + n));
  for (let n = words; n < size; n++) to.setUint8(at + n, from.getUint8(start + n));
}

/** Whether a[at, at + end - start) is b[start, end). */
export function sameBytes(
  a: DataView,
  at: number,
  b: DataView,
  start: number,
  end: number,
): boolean {
  const size = end - start;
  const words = size & ~3;
  for (let n = 0; n < words; n += 4) {
    if (a.getInt32(at + n) !== b.getInt32(start + n)) return false;
  }
  for (let n = words; n < size; n++) {
    if (a.getUint8(at + n) !== b.getUint8(start + n)) return false;
  }
  return true;
}

/**
 * Whether one text comes before another, both in UTF-8, in the order that JavaScript gives texts:
 * by UTF-16 units, in which what is beyond U+FFFF comes before U+E000 to U+FFFF.
 */
export function precedes(
  a: DataView,
  at: number,
  aSize: number,
  b: DataView,
  bAt: number,
  bSize: number,
): boolean {
  const size = Math.min(aSize, bSize);
  let same = 0;
  // Keys of one store mostly begin alike.
  while (same + 4 <= size && a.getInt32(at + same) === b.getInt32(bAt + same)) same += 4;
  for (let n = same; n < size; n++) {
    const x = a.getUint8(at + n);
    const y = b.getUint8(bAt + n);
    if (x !== y) return rankOf(x) < rankOf(y);
  }
  return aSize < bSize;
}

/** A byte that leads a character from U+E000 on (0xee, 0xef) comes after those of four bytes. */
function rankOf(byte: number): number {
  return byte === 0xee || byte === 0xef ? byte + 0x10 : byte;
}

function bytesOf(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size);
}
