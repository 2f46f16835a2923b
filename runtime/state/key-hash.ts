/**
 * The hash of a key in a store: HalfSipHash-1-3 under a key of this process's own, as Linux has it
 * for its tables (hsiphash). Whoever chooses keys (a producer names its events) cannot choose keys
 * that collide, as with a hash that only starts from a seed: for murmur2 and murmur3 there are keys
 * that collide under every seed (Aumasson and Bernstein, 2012). Nothing that is seen hangs on it:
 * no order, no output, no row.
 */
import { randomBytes } from 'node:crypto';

const SECRET = randomBytes(8);
const K0 = SECRET.readInt32LE(0);
const K1 = SECRET.readInt32LE(4);
const V2 = 0x6c796765 ^ K0;
const V3 = 0x74656462 ^ K1;
/** Rounds after the last word. */
const FINAL_ROUNDS = 3;

/** The hash of view[start, end); signed 32 bits. */
export function hashKey(view: DataView, start: number, end: number): number {
  const words = (end - start) >> 2;
  let tail = (end - start) << 24;
  for (let at = end - 1; at >= start + words * 4; at--) {
    tail |= view.getUint8(at) << ((at - start - words * 4) * 8);
  }
  let v0 = K0;
  let v1 = K1;
  let v2 = V2;
  let v3 = V3;
  for (let n = 0; n <= words + FINAL_ROUNDS; n++) {
    let word = 0;
    if (n < words) word = view.getInt32(start + n * 4, true);
    else if (n === words) word = tail;
    else if (n === words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
