/**
 * The WebAssembly module that makes ids, and its memory: four messages go in side by side, their
 * ids come out as text. Assembled when a thread first needs it (some ten milliseconds).
 *
 *     0   table of SHA-256
 *   320   four digests
 *   512   messages of one block each, four; then those of two blocks; then those of three
 *  2816   texts of ids, UUID_CHARS each, as many as the memory has room for; it grows
 */
import { compile, instantiate } from './wasm-assembler.ts';
import {
  BLOCKS_MAX,
  DIGEST_BYTES,
  LANE_BYTES,
  LANES,
  sha256Program,
  sha256Table,
} from './wasm-sha256.ts';
import { UUID_CHARS, uuidTextsProgram } from './wasm-uuid-text.ts';

const DIGESTS_AT = 320;
const MESSAGES_AT = 512;
const TEXTS_AT = MESSAGES_AT + BLOCKS_MAX * LANES * LANE_BYTES;
const PAGE_BYTES = 65_536;
/** WebAssembly's own limit: addresses of 32 bits. */
const PAGES_MAX = 65_536;

interface Memory {
  readonly buffer: ArrayBuffer;
  /** Throws a RangeError beyond the module's maximum, and where the machine has no more. */
  grow(pages: number): number;
}

interface Exports {
  readonly memory: Memory;
  sha256(from: number, blocks: number, to: number): void;
  uuidTexts(from: number, to: number): void;
}

/** One a thread, made when it is first asked for; null where SIMD is not to be had. */
let compiled: object | null | undefined;

function compileOnce(): object | null {
  if (compiled !== undefined) return compiled;
  compiled = compile({
    functions: [sha256Program(), uuidTextsProgram()],
    pagesMin: 1,
    pagesMax: PAGES_MAX,
    start: sha256Table(),
  });
  return compiled;
}

export class IdKernel {
  /** All of the memory; another object after `makeRoom`. */
  view: DataView;
  readonly #exports: Exports;

  constructor(exports: Exports) {
    this.#exports = exports;
    this.view = new DataView(exports.memory.buffer);
  }

  /** Where the message of a lane, 0 to 3, begins, if it has so many blocks, 1 to BLOCKS_MAX. */
  messageAt(blocks: number, lane: number): number {
    return MESSAGES_AT + ((blocks - 1) * LANES + lane) * LANE_BYTES;
  }

  /** Where the digest of a lane begins, as `digest` left it. */
  digestAt(lane: number): number {
    return DIGESTS_AT + lane * DIGEST_BYTES;
  }

  textAt(n: number): number {
    return TEXTS_AT + n * UUID_CHARS;
  }

  /** Digests of the four messages of so many blocks. They are padded already. */
  digest(blocks: number): void {
    this.#exports.sha256(this.messageAt(blocks, 0), blocks, DIGESTS_AT);
  }

  /** Makes the digests texts: those numbered `n` to `n` + 3. There must be room for them. */
  write(n: number): void {
    this.#exports.uuidTexts(DIGESTS_AT, this.textAt(n));
  }

  /**
   * Room for so many texts. Ends in a RangeError beyond 4 GiB, or where the machine has no more.
   */
  makeRoom(texts: number): void {
    const missing = this.textAt(texts) - this.view.byteLength;
    if (missing <= 0) return;
    // At least twice as much: what is copied is then no more than what was written.
    const { memory } = this.#exports;
    memory.grow(Math.ceil(Math.max(missing, this.view.byteLength) / PAGE_BYTES));
    this.view = new DataView(memory.buffer);
  }
}

/**
 * A kernel with a memory of its own. Null where the machine has no SIMD for WebAssembly (x64
 * before SSE4.1, for instance), or no room: each memory reserves some 10 GiB of addresses, not of
 * memory, which `ulimit -v` may forbid.
 */
export function openIdKernel(): IdKernel | null {
  const module = compileOnce();
  if (module === null) return null;
  try {
    return new IdKernel(instantiate(module) as Exports);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
