/**
 * Which partition a key belongs to: Kafka's own default, murmur2 over the key's bytes (rule S37).
 * Note that librdkafka's default is another one (CRC32), hence rule D14.
 */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const ASCII_SCRATCH = new Uint8Array(256);

/** Signed 32-bit, as Java's `Utils.murmur2`. */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  let h = SEED ^ length;
  let at = start;
  for (let words = length >> 2; words > 0; words--) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
    at += 4;
  }
  const rest = length & 3;
  if (rest === 3) h ^= bytes[at + 2]! << 16;
  if (rest >= 2) h ^= bytes[at + 1]! << 8;
  if (rest >= 1) h = Math.imul(h ^ bytes[at]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

export function partitionOfView(
  bytes: Uint8Array,
  start: number,
  end: number,
  partitions: number,
): number {
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitions;
}

/**
 * Over the UTF-8 bytes of a text; keys are short ASCII nearly always, and then no buffer is made.
 */
export function partitionOfText(key: string, partitions: number): number {
  const length = key.length;
  if (length > ASCII_SCRATCH.length) return partitionOf(Buffer.from(key, 'utf8'), partitions);
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i);
    if (code >= 0x80) return partitionOf(Buffer.from(key, 'utf8'), partitions);
    ASCII_SCRATCH[i] = code;
  }
  return partitionOfView(ASCII_SCRATCH, 0, length, partitions);
}
