/**
 * Reads LZ4 frames (lz4/doc/lz4_Frame_format.md): of any block size, with blocks that depend on
 * each other or not. Checksums of the frame are passed over, as the record batch has its own.
 */
import { copyBack } from './snappy.ts';

const MAGIC = 0x184d2204;
const BLOCK_BYTES_MAX = [0, 0, 0, 0, 65_536, 262_144, 1_048_576, 4_194_304] as const;

/** Throws a RangeError for what is no LZ4 frame, or is larger than `bytesMax` when decompressed. */
export function lz4Decompress(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('no LZ4 frame');
  const flags = bytes.readUInt8(4);
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasSize = (flags & 0x08) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  const blockMax = BLOCK_BYTES_MAX[(bytes.readUInt8(5) >>> 4) & 7]!;
  if (flags >>> 6 !== 1 || hasDictionary || blockMax === 0) {
    throw new RangeError('an LZ4 frame of a kind that Kafka does not write');
  }
  let at = 6 + (hasSize ? 8 : 0) + 1;
  let out: Buffer = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(blockMax, bytes.length * 4)));
  let end = 0;
  for (;;) {
    const head = bytes.readUInt32LE(at);
    at += 4;
    if (head === 0) return out.subarray(0, end);
    const size = head & 0x7fff_ffff;
    if (at + size > bytes.length) throw corrupt();
    // A block may be as large as the frame says: so much room is there before it is read.
    if (end + blockMax > out.length) out = grown(out, end, end + blockMax, bytesMax);
    const isStored = head >>> 31 === 1;
    if (isStored && (size > blockMax || end + size > out.length)) throw tooLarge(bytesMax);
    if (isStored) end += bytes.copy(out, end, at, at + size);
    else end = block(bytes, at, at + size, out, end);
    at += size + (hasBlockChecksum ? 4 : 0);
  }
}

function grown(out: Buffer, used: number, needed: number, bytesMax: number): Buffer {
  if (used >= bytesMax) throw tooLarge(bytesMax);
  const larger = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(needed, out.length * 2)));
  out.copy(larger, 0, 0, used);
  return larger;
}

/** Sequences of literals and a copy; the last one has literals only. Gives the new end of `out`. */
function block(bytes: Buffer, from: number, to: number, out: Buffer, start: number): number {
  let at = from;
  let end = start;
  for (;;) {
    const token = bytes[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do {
        more = bytes.readUInt8(at++);
        literals += more;
      } while (more === 255);
    }
    if (at + literals > to) throw corrupt();
    if (end + literals > out.length) throw tooLarge(out.length);
    if (literals < 16) for (let i = 0; i < literals; i++) out[end + i] = bytes[at + i]!;
    else bytes.copy(out, end, at, at + literals);
    at += literals;
    end += literals;
    if (at === to) return end;
    if (at + 2 > to) throw corrupt();
    const back = bytes.readUInt16LE(at);
    at += 2;
    let length = token & 15;
    if (length === 15) {
      let more: number;
      do {
        more = bytes.readUInt8(at++);
        length += more;
      } while (more === 255);
    }
    length += 4;
    if (back === 0 || back > end || at >= to) throw corrupt();
    if (end + length > out.length) throw tooLarge(out.length);
    copyBack(out, end, back, length);
    end += length;
  }
}

const corrupt = () => new RangeError('the LZ4 data are damaged');
const tooLarge = (bytesMax: number) =>
  new RangeError(`the LZ4 data are more than ${bytesMax} bytes`);
