/**
 * How many bytes are written, from SQLite's index of the WAL (`carillon.db-shm`): it says how many
 * frames there are, and which pages they hold. Format: sqlite.org/walformat.html, section 2. The
 * numbers in it are in the machine's own order of bytes. Where it cannot be read the counts stay 0:
 * nothing but figures depends on them.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

const PAGE_BYTES = 4096;
const FRAME_BYTES = PAGE_BYTES + 24;
/** Where the number of frames, the salt, and the number of frames that are copied stand. */
const FRAMES_AT = 16;
const SALT_AT = 32;
const HEADER_BYTES = 40;
const COPIED_AT = 96;
/** The index is in parts of 32 KiB; the page numbers come first, in the first after the header. */
const PART_BYTES = 32 * 1024;
const NUMBERS_AT = 136;
const FIRST_NUMBERS = 4062;
const NUMBERS = 4096;
const IS_LITTLE = endianness() === 'LE';

export class WalIndex {
  readonly #file: string;
  #fd: number | undefined;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #frames = 0;
  #salt = '';

  constructor(databaseFile: string) {
    this.#file = `${databaseFile}-shm`;
  }

  /** Pages in the WAL, as far as they were looked at. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes that the WAL has got since the last call. */
  written(): number {
    if (!this.#read(this.#header, 0)) return 0;
    const frames = numberAt(this.#header, FRAMES_AT);
    const salt = this.#header.toString('latin1', SALT_AT, SALT_AT + 8);
    // Another salt: it has begun anew.
    const before = salt === this.#salt ? this.#frames : 0;
    this.#frames = frames;
    this.#salt = salt;
    return Math.max(0, frames - before) * FRAME_BYTES;
  }

  /** How many frames are copied into the file already. */
  copied(): number {
    const number = Buffer.alloc(4);
    return this.#read(number, COPIED_AT) ? numberAt(number, 0) : 0;
  }

  /** Bytes that a checkpoint writes for frames (from, to]: each page once. */
  pageBytes(from: number, to: number): number {
    const pages = new Set<number>();
    const part = Buffer.alloc(NUMBERS * 4);
    for (let frame = from; frame < to; ) {
      const isFirst = frame < FIRST_NUMBERS;
      const number = isFirst ? 0 : 1 + Math.floor((frame - FIRST_NUMBERS) / NUMBERS);
      const begin = isFirst ? 0 : FIRST_NUMBERS + (number - 1) * NUMBERS;
      const end = Math.min(to, isFirst ? FIRST_NUMBERS : begin + NUMBERS);
      const at = number * PART_BYTES + (isFirst ? NUMBERS_AT : 0) + (frame - begin) * 4;
      if (!this.#read(part.subarray(0, (end - frame) * 4), at)) return 0;
      for (let i = 0; i < end - frame; i++) pages.add(numberAt(part, i * 4));
      frame = end;
    }
    return pages.size * PAGE_BYTES;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #read(into: Buffer, at: number): boolean {
    try {
      this.#fd ??= openSync(this.#file, 'r');
      return readSync(this.#fd, into, 0, into.length, at) === into.length;
    } catch {
      return false;
    }
  }
}

function numberAt(bytes: Buffer, at: number): number {
  return IS_LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}
