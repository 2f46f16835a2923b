/**
 * Buffers that are used again: what a task writes between two commits is written into the bytes of
 * the commit before last. Fresh ones cost more than the copy into them: the collector counts bytes
 * outside of the heap, and ran 20 full collections for half a million events (measured 2026-11-27).
 *
 *     take(size) ─▶ written, committed ─▶ give(bytes) ─▶ take …
 */

const SMALLEST_BITS = 12;
/** Larger ones are rare, and would be kept for a burst that is over. */
const LARGEST_BITS = 20;
/** What is kept at most: the units of four priorities on their way, several times over. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

export class BytePool {
  /** By size: a power of two, 4 KiB to 1 MiB. */
  readonly #free: ArrayBuffer[][] = [];
  readonly #keptMax: number;
  #kept = 0;

  constructor(keptBytesMax: number = KEPT_BYTES_MAX) {
    this.#keptMax = keptBytesMax;
  }

  /** At least `size` bytes; what is in them is left over from before. */
  take(size: number): Buffer {
    const bits = Math.max(SMALLEST_BITS, 32 - Math.clz32(Math.max(0, size - 1)));
    if (bits > LARGEST_BITS) return Buffer.allocUnsafeSlow(size);
    const found = this.#free[bits]?.pop();
    if (found === undefined) return Buffer.allocUnsafeSlow(1 << bits);
    this.#kept -= found.byteLength;
    return Buffer.from(found);
  }

  /** Nobody reads or writes them any more. Of other sizes than `take` gives: they are let go. */
  give({ buffer }: Buffer): void {
    const size = buffer.byteLength;
    const bits = 31 - Math.clz32(size);
    const isOurs = size === 1 << bits && bits >= SMALLEST_BITS && bits <= LARGEST_BITS;
    if (!isOurs || this.#kept + size > this.#keptMax) return;
    this.#kept += size;
    const free = this.#free[bits];
    if (free === undefined) this.#free[bits] = [buffer as ArrayBuffer];
    else free.push(buffer as ArrayBuffer);
  }

  get keptBytes(): number {
    return this.#kept;
  }
}
