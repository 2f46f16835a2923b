/**
 * Reads Snappy (google/snappy, format_description.txt), raw or in xerial's frame, which Java's
 * producers write. Only reading: what we write is compressed with zstd or gzip, which Node has.
 */

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** Magic, version, and the oldest version that can read it. */
const XERIAL_HEADER_BYTES = 16;

/** Throws a RangeError for what is no Snappy, or is larger than `bytesMax` when decompressed. */
export function snappyDecompress(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return block(bytes, bytesMax);
  const blocks: Buffer[] = [];
  let size = 0;
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const end = at + 4 + bytes.readInt32BE(at);
    if (end < at + 4 || end > bytes.length) throw new RangeError('a snappy block ends too early');
    const one = block(bytes.subarray(at + 4, end), bytesMax - size);
    size += one.length;
    blocks.push(one);
    at = end;
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, size);
}

function block(bytes: Buffer, bytesMax: number): Buffer {
  let size = 0;
  let at = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = bytes.readUInt8(at++);
    size += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  if (size > bytesMax) throw new RangeError(`${size} bytes of snappy are more than ${bytesMax}`);
  const out = Buffer.allocUnsafe(size);
  let end = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const lengthBytes = length - 59;
        length = bytes.readUIntLE(at, lengthBytes);
        at += lengthBytes;
      }
      length++;
      if (at + length > bytes.length || end + length > size) throw corrupt();
      if (length < 16) for (let i = 0; i < length; i++) out[end + i] = bytes[at + i]!;
      else bytes.copy(out, end, at, at + length);
      at += length;
      end += length;
    } else {
      const lengthAt = tag >>> 2;
      const kind = tag & 3;
      const length = kind === 1 ? (lengthAt & 7) + 4 : lengthAt + 1;
      let back: number;
      if (kind === 1) back = (tag >>> 5) * 0x100 + bytes.readUInt8(at++);
      else if (kind === 2) {
        back = bytes.readUInt16LE(at);
        at += 2;
      } else {
        back = bytes.readUInt32LE(at);
        at += 4;
      }
      if (back === 0 || back > end || end + length > size) throw corrupt();
      copyBack(out, end, back, length);
      end += length;
    }
  }
  if (end !== size) throw corrupt();
  return out;
}

/**
 * A copy of what stands `back` bytes before; it may run into what it writes, and repeats it then.
 */
export function copyBack(out: Buffer, at: number, back: number, length: number): void {
  if (back >= length && length >= 32) {
    out.copyWithin(at, at - back, at - back + length);
    return;
  }
  for (let i = at, end = at + length; i < end; i++) out[i] = out[i - back]!;
}

const corrupt = () => new RangeError('the snappy data are damaged');
