/**
 * A checkpoint as a file: what it is of, as JSON; rows of stores, as changelog batches; and a hash
 * over all of it. So a file that is cut, or has one bit changed, is known as such.
 *
 *     magic | length, JSON | (store number, length, batch) … | end mark | SHA-256
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const MAGIC = Buffer.from('carillon state 1\n', 'latin1');
const NUMBER_BYTES = 4;
const HASH_BYTES = 32;
const END = 0xffff_ffff;
const FRAME_BYTES = 2 * NUMBER_BYTES;
/** No batch is longer; what says so is no checkpoint. */
const BATCH_BYTES_MAX = 256 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** Rows of a store: the nth of those that the checkpoint names. */
export interface Frame {
  readonly store: number;
  readonly bytes: Buffer;
}

/** Writes a file anew, and to the disk; rejects as the file system does. */
export async function writeFrames(
  path: string,
  head: unknown,
  frames: Iterable<Frame>,
): Promise<void> {
  const file = await open(path, 'w');
  const hash = createHash('sha256');
  const write = async (bytes: Buffer) => {
    hash.update(bytes);
    await file.writev([bytes]);
  };
  try {
    const json = Buffer.from(JSON.stringify(head), 'utf8');
    await write(Buffer.concat([MAGIC, numbers(json.length), json]));
    for (const { store, bytes } of frames) {
      await write(numbers(store, bytes.length));
      await write(bytes);
    }
    await write(numbers(END));
    await file.writev([hash.digest()]);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * What a file is of, when all of it is as it was written; undefined: it is not. Rejects with ENOENT
 * when there is none.
 */
export async function readHead(path: string): Promise<unknown> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = MAGIC.length + NUMBER_BYTES;
    const hashAt = size - HASH_BYTES;
    if (hashAt < start) return undefined;
    const hash = createHash('sha256');
    for (let at = 0; at < hashAt; at += READ_BYTES) {
      hash.update(await bytesAt(file, at, Math.min(READ_BYTES, hashAt - at)));
    }
    if (!hash.digest().equals(await bytesAt(file, hashAt, HASH_BYTES))) return undefined;
    const first = await bytesAt(file, 0, start);
    if (!first.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
    const json = await bytesAt(file, start, first.readUInt32BE(MAGIC.length));
    return JSON.parse(json.toString('utf8'));
  } finally {
    await file.close();
  }
}

/** The rows of a file that `readHead` has found to be whole. */
export async function* readFrames(path: string): AsyncGenerator<Frame> {
  const file = await open(path, 'r');
  try {
    const lengthAt = MAGIC.length;
    let at = lengthAt + NUMBER_BYTES;
    at += (await bytesAt(file, lengthAt, NUMBER_BYTES)).readUInt32BE(0);
    for (;;) {
      const store = (await bytesAt(file, at, NUMBER_BYTES)).readUInt32BE(0);
      if (store === END) return;
      const length = (await bytesAt(file, at + NUMBER_BYTES, NUMBER_BYTES)).readUInt32BE(0);
      yield { store, bytes: await bytesAt(file, at + FRAME_BYTES, length) };
      at += FRAME_BYTES + length;
    }
  } finally {
    await file.close();
  }
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  if (length > BATCH_BYTES_MAX) throw new RangeError('a checkpoint has a batch beyond all bounds');
  const bytes = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead < length) throw new RangeError('a checkpoint ends too early');
  return bytes;
}

function numbers(...of: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(of.length * NUMBER_BYTES);
  for (const [n, one] of of.entries()) bytes.writeUInt32BE(one, n * NUMBER_BYTES);
  return bytes;
}
