/** The codecs of a record batch, by the number in its attributes. */
import {
  gunzipSync,
  gzipSync,
  constants as zlib,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { lz4Decompress } from './lz4.ts';
import { snappyDecompress } from './snappy.ts';

/** What batches are written with. Snappy and lz4 are read only. */
export type Compression = 'none' | 'gzip' | 'zstd';

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

export const CODEC_MASK = 7;
export const CODECS: { readonly [name in Compression]: number } = {
  none: 0,
  gzip: GZIP,
  zstd: ZSTD,
};

/**
 * Throws when the data are damaged, larger than `bytesMax` when decompressed, or of no known codec.
 */
export function decompress(codec: number, bytes: Buffer, bytesMax: number): Buffer {
  switch (codec) {
    case GZIP:
      return gunzipSync(bytes, { maxOutputLength: bytesMax });
    case SNAPPY:
      return snappyDecompress(bytes, bytesMax);
    case LZ4:
      return lz4Decompress(bytes, bytesMax);
    case ZSTD:
      return zstdDecompressSync(bytes, { maxOutputLength: bytesMax });
    default:
      throw new RangeError(`codec ${codec} is not known`);
  }
}

/** As fast as the codec can: batches are sent at once and kept for days, not for ever. */
export function compress(compression: 'gzip' | 'zstd', bytes: Buffer): Buffer {
  return compression === 'gzip'
    ? gzipSync(bytes, { level: zlib.Z_BEST_SPEED })
    : zstdCompressSync(bytes);
}
