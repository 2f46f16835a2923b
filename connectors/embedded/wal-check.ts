/**
 * Looks whether the newest commits, which lie in `carillon.db-wal`, are all there, before SQLite
 * opens the file: SQLite takes what comes before the first frame that is not right, and drops the
 * rest without a word. After the death of a process the last frame may be half written, and what
 * follows it is of an earlier round of the file: that is no damage. But a wrong frame that has
 * frames of its own round behind it was whole once.
 *
 * Format (sqlite.org/walformat.html): a header of 32 bytes: magic, version, page size, sequence,
 * salt 1 and 2, checksum 1 and 2; then frames: page number, size of the file after a commit or 0,
 * salt 1 and 2, checksum 1 and 2, the page. Checksums run on from frame to frame, over 32-bit words
 * whose order of bytes the magic says.
 */
import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** Frames that are read at once: 1 MiB. */
const FRAMES_PER_READ = 256;

/** The user knows that the newest commits are lost, and wants to go on without them. */
export const LOSE_FILE = 'carillon.lose-newest';

/** What is wrong, as the end of a sentence, and how to mend it; undefined: nothing. */
export interface Damage {
  readonly why: string;
  readonly mend: string;
}

export function damageOf(dir: string, file: string): Damage | undefined {
  const wal = join(dir, `${file}-wal`);
  const walBytes = sizeOf(wal);
  if (walBytes <= HEADER_BYTES) return undefined;
  if (sizeOf(join(dir, file)) === 0) {
    return {
      why: `it is empty or gone, and what was committed last lies in ${file}-wal beside it`,
      mend: `Put back the ${file} that belongs to it; or move ${file}-wal away as well to start anew.`,
    };
  }
  const why = new WalCheck(wal, walBytes).run();
  if (why === undefined) return undefined;
  const accepted = join(dir, LOSE_FILE);
  if (existsSync(accepted)) {
    rmSync(accepted);
    return undefined;
  }
  const mend =
    'Put back a copy of all files of the folder; or create an empty file ' +
    `${LOSE_FILE} in it and start again, to go on without what cannot be read.`;
  return { why, mend };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

class WalCheck {
  readonly #file: string;
  readonly #bytes: number;
  #frameBytes = 0;
  #salt = Buffer.alloc(8);
  #isLittle = true;
  #sum1 = 0;
  #sum2 = 0;

  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  run(): string | undefined {
    const fd = openSync(this.#file, 'r');
    try {
      const header = Buffer.alloc(HEADER_BYTES);
      readSync(fd, header, 0, HEADER_BYTES, 0);
      // A process that died before its first commit left nothing but zeros.
      if (header.every((byte) => byte === 0)) return undefined;
      if (!this.#readHeader(header)) return 'the beginning of carillon.db-wal is damaged';
      return this.#readFrames(fd);
    } finally {
      closeSync(fd);
    }
  }

  #readHeader(header: Buffer): boolean {
    const magic = header.readUInt32BE(0);
    this.#isLittle = magic === MAGIC;
    if (magic !== MAGIC && magic !== MAGIC + 1) return false;
    this.#frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(8);
    header.copy(this.#salt, 0, 16, 24);
    this.#sum(header, 0, 24);
    return this.#sum1 === header.readUInt32BE(24) && this.#sum2 === header.readUInt32BE(28);
  }

  #readFrames(fd: number): string | undefined {
    const frames = Math.floor((this.#bytes - HEADER_BYTES) / this.#frameBytes);
    const chunk = Buffer.alloc(FRAMES_PER_READ * this.#frameBytes);
    let wrong = -1;
    let lost = 0;
    for (let from = 0; from < frames; from += FRAMES_PER_READ) {
      const count = Math.min(FRAMES_PER_READ, frames - from);
      const at = HEADER_BYTES + from * this.#frameBytes;
      readSync(fd, chunk, 0, count * this.#frameBytes, at);
      for (let i = 0; i < count; i++) {
        const frame = chunk.subarray(i * this.#frameBytes, (i + 1) * this.#frameBytes);
        const isOwn = frame.compare(this.#salt, 0, 8, 8, 16) === 0;
        if (wrong < 0) {
          if (!isOwn || !this.#isRight(frame)) wrong = from + i;
        } else if (isOwn && frame.readUInt32BE(4) !== 0) lost++;
      }
    }
    if (lost === 0) return undefined;
    return `carillon.db-wal is damaged at frame ${wrong + 1}, and with it ${lost} commits or more would be lost`;
  }

  #isRight(frame: Buffer): boolean {
    this.#sum(frame, 0, 8);
    this.#sum(frame, FRAME_HEADER_BYTES, this.#frameBytes);
    return this.#sum1 === frame.readUInt32BE(16) && this.#sum2 === frame.readUInt32BE(20);
  }

  #sum(bytes: Buffer, start: number, end: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const isLittle = this.#isLittle;
    let sum1 = this.#sum1;
    let sum2 = this.#sum2;
    for (let at = start; at < end; at += 8) {
      sum1 = (sum1 + view.getUint32(at, isLittle) + sum2) >>> 0;
      sum2 = (sum2 + view.getUint32(at + 4, isLittle) + sum1) >>> 0;
    }
    this.#sum1 = sum1;
    this.#sum2 = sum2;
  }
}
