/**
 * The ids of notifications (rule D1): a UUID of version 8 (RFC 9562) of SHA-256 over use case id,
 * device id and event id, the same at every repeat, on every machine.
 *
 * What is hashed, in UTF-8, of a device id without NUL and of one with it:
 *
 *     USE-CASE NUL DEVICE NUL EVENT
 *     NUL USE-CASE NUL BYTES-OF-DEVICE : DEVICE NUL EVENT
 *
 * No two triples are hashed as the same bytes. A use case id is never empty and holds no NUL, so
 * the first byte tells the forms apart, and the use case ends at the next NUL. In the first form
 * the device has none, so it ends at the NUL after; in the second its length is told. The rest is
 * the event, which may hold anything.
 */
import { hash } from 'node:crypto';
import { type IdKernel, openIdKernel } from './id-kernel.ts';
import { BLOCK_BYTES, BLOCKS_MAX, LANES, PADDING_BYTES_MIN } from './wasm-sha256.ts';
import { UUID_CHARS } from './wasm-uuid-text.ts';

/** Ids that may be added before a flush: some 50 bytes each. */
const PENDING_MAX = 2 ** 22;

const NUL = Uint8Array.of(0);
const BLOCK_BITS = Math.log2(BLOCK_BYTES);
const WORD_BYTES = 4;
const NOTHING = new Uint8Array(0);

/** Never empty and without NUL: what makes an id's bytes belong to one triple only. */
function useCaseBytes(useCase: string): Uint8Array {
  if (useCase === '' || useCase.includes('\0')) {
    throw new RangeError(`${JSON.stringify(useCase)} is not the id of a use case`);
  }
  return Buffer.from(useCase);
}

/** One id, of any length, by node's own SHA-256. */
function idOf(useCase: Uint8Array, event: Uint8Array, device: Uint8Array): string {
  const parts = device.includes(0)
    ? [NUL, useCase, NUL, Buffer.from(`${device.length}:`), device, NUL, event]
    : [useCase, NUL, device, NUL, event];
  const hex = hash('sha256', Buffer.concat(parts), 'hex');
  // The highest two bits of byte 8 are the variant, in place of what was hashed.
  const byte8 = (0x80 | (Number.parseInt(hex.slice(16, 18), 16) & 0x3f)).toString(16);
  const start = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}`;
  return `${start}-${byte8}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}

/** One id, as text: the function that `NotificationIds` computes of many. */
export function notificationId(eventId: string, useCase: string, deviceId: string): string {
  return idOf(useCaseBytes(useCase), Buffer.from(eventId), Buffer.from(deviceId));
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Ends in a RangeError unless `bytes` holds the range. */
function checkRange(bytes: Uint8Array, start: number, end: number): void {
  if (start >= 0 && start <= end && end <= bytes.length) return;
  throw new RangeError(`no bytes ${start} to ${end} in ${bytes.length}`);
}

/**
 * Copies a range to `at`, and tells whether it holds a NUL. By words, as a call of `set` costs more
 * than the bytes of an id: of w - 0x01010101 & ~w, some byte has its highest bit just when w has a
 * byte of zero.
 */
function copyAndFindNul(
  to: DataView,
  at: number,
  from: DataView,
  start: number,
  end: number,
): boolean {
  const last = end - WORD_BYTES;
  if (last < start) return copyShort(to, at, from, start, end);
  const shift = at - start;
  let marks = 0;
  for (let n = start; n < last; n += WORD_BYTES) {
    const word = from.getInt32(n, true);
    to.setInt32(n + shift, word, true);
    marks |= (word - 0x01010101) & ~word;
  }
  // It overlaps the word before, unless the length is a multiple of four.
  const word = from.getInt32(last, true);
  to.setInt32(last + shift, word, true);
  marks |= (word - 0x01010101) & ~word;
  return (marks & 0x80808080) !== 0;
}

/** Less than a word. */
function copyShort(to: DataView, at: number, from: DataView, start: number, end: number): boolean {
  let hasNul = false;
  for (let n = start; n < end; n++) {
    const byte = from.getUint8(n);
    to.setUint8(at + n - start, byte);
    if (byte === 0) hasNul = true;
  }
  return hasNul;
}

/** Pads the message from `from` to `at` to whole blocks, that end at `end` (FIPS 180-4, 5.1.1). */
function pad(to: DataView, from: number, at: number, end: number): void {
  to.setInt32(at, 0x80, true);
  // From the end downwards, so that the last word may reach over the first one's zeros.
  for (let zero = end - 2 * WORD_BYTES; zero > at; zero -= WORD_BYTES) to.setInt32(zero, 0);
  to.setInt32(end - WORD_BYTES, 8 * (at - from));
}

/**
 * Ids of many notifications of one stream at once, rule D1: the same as `notificationId` of each,
 * from bytes to bytes, at a third to a fifth of the price. Four are hashed together, whose messages
 * have as many blocks; what is longer than BLOCKS_MAX, has a NUL in its device id, or runs where
 * there is no SIMD, is hashed alone. Belongs to one thread; its memory does not shrink.
 */
export class NotificationIds {
  readonly #useCase: Uint8Array;
  readonly #kernel: IdKernel | null;
  readonly #pendingMax: number;
  #pending = 0;
  /** By number of blocks: the lanes of the group to come that are taken, and where their ids go. */
  readonly #taken: number[] = new Array(BLOCKS_MAX + 1).fill(0);
  readonly #groupAts: number[] = new Array((BLOCKS_MAX + 1) * LANES).fill(0);
  /** Texts that the kernel holds, and where each goes. */
  #texts = 0;
  readonly #textAts: number[] = [];
  /** What was not hashed in a group. */
  #alone: { readonly at: number; readonly id: string }[] = [];
  // Events come from one buffer for long, and devices too: a view costs more than an id.
  #event: Uint8Array = NOTHING;
  #eventView: DataView = viewOf(NOTHING);
  #device: Uint8Array = NOTHING;
  #deviceView: DataView = viewOf(NOTHING);

  /**
   * Ends in a RangeError when `useCase` is empty or holds a NUL. The other arguments are for tests.
   */
  constructor(useCase: string, kernel = openIdKernel(), pendingMax = PENDING_MAX) {
    this.#useCase = useCaseBytes(useCase);
    this.#kernel = kernel;
    this.#pendingMax = pendingMax;
    if (kernel !== null) this.#writePrefixes(kernel);
  }

  /**
   * Adds the id of one notification: event id `ev[evStart, evEnd)`, device id `dev[devStart,
   * devEnd)`, in UTF-8. They are read before it returns. `at` is where the 36 characters go, in the
   * buffer that `flush` will be given. Ends in a RangeError when a range lies outside its bytes, or
   * when 2²² ids pend already; then nothing is added.
   */
  add(
    at: number,
    ev: Uint8Array,
    evStart: number,
    evEnd: number,
    dev: Uint8Array,
    devStart: number,
    devEnd: number,
  ): void {
    checkRange(ev, evStart, evEnd);
    checkRange(dev, devStart, devEnd);
    if (this.#pending === this.#pendingMax) {
      throw new RangeError(`${this.#pendingMax} ids pend already: flush them first`);
    }
    // Before anything is changed, as it may fail: all that pends, and a group at the end of it.
    this.#kernel?.makeRoom(this.#pending + 1 + LANES);
    this.#pending++;
    const useCaseEnd = this.#useCase.length + 1;
    const bytes = useCaseEnd + (devEnd - devStart) + 1 + (evEnd - evStart);
    const blocks = (bytes + PADDING_BYTES_MIN + BLOCK_BYTES - 1) >>> BLOCK_BITS;
    if (this.#kernel !== null && blocks <= BLOCKS_MAX) {
      const { view } = this.#kernel;
      const lane = this.#taken[blocks]!;
      const from = this.#kernel.messageAt(blocks, lane);
      const deviceAt = from + useCaseEnd;
      const eventAt = deviceAt + (devEnd - devStart) + 1;
      if (!copyAndFindNul(view, deviceAt, this.#deviceViewOf(dev), devStart, devEnd)) {
        view.setUint8(eventAt - 1, 0);
        copyAndFindNul(view, eventAt, this.#eventViewOf(ev), evStart, evEnd);
        pad(view, from, from + bytes, from + blocks * BLOCK_BYTES);
        this.#take(blocks, lane, at);
        return;
      }
    }
    const id = idOf(this.#useCase, ev.subarray(evStart, evEnd), dev.subarray(devStart, devEnd));
    this.#alone.push({ at, id });
  }

  /**
   * Writes all ids that were added since the last flush into `out`, each at its place. Ends in a
   * RangeError when `out` does not hold such a place; then all still pend.
   */
  flush(out: Uint8Array): void {
    if (this.#pending === 0) return;
    for (let blocks = 1; blocks <= BLOCKS_MAX; blocks++) {
      if (this.#taken[blocks]! > 0) this.#hash(blocks);
    }
    const to = viewOf(out);
    if (this.#kernel !== null) {
      const { view } = this.#kernel;
      for (let n = 0; n < this.#texts; n++) {
        const at = this.#textAts[n]!;
        const text = this.#kernel.textAt(n);
        for (let k = 0; k < UUID_CHARS; k += WORD_BYTES) {
          to.setInt32(at + k, view.getInt32(text + k));
        }
      }
    }
    for (const { at, id } of this.#alone) {
      for (let k = 0; k < UUID_CHARS; k++) to.setUint8(at + k, id.charCodeAt(k));
    }
    this.#texts = 0;
    this.#alone = [];
    this.#pending = 0;
  }

  /** Forgets all that was added since the last flush: whoever added it has failed. */
  drop(): void {
    this.#taken.fill(0);
    this.#texts = 0;
    this.#alone = [];
    this.#pending = 0;
  }

  /** The use case and its NUL begin every message: they are written once, in all lanes. */
  #writePrefixes(kernel: IdKernel): void {
    const prefix = [...this.#useCase, 0];
    for (let blocks = 1; blocks <= BLOCKS_MAX; blocks++) {
      if (prefix.length > blocks * BLOCK_BYTES) continue;
      for (let lane = 0; lane < LANES; lane++) {
        const from = kernel.messageAt(blocks, lane);
        for (const [n, byte] of prefix.entries()) kernel.view.setUint8(from + n, byte);
      }
    }
  }

  /** The lane's message is there; with the fourth of its group, all are hashed. */
  #take(blocks: number, lane: number, at: number): void {
    this.#groupAts[blocks * LANES + lane] = at;
    this.#taken[blocks] = lane + 1;
    if (lane + 1 === LANES) this.#hash(blocks);
  }

  /**
   * Hashes a group. In one that is not full, the other lanes give texts that the next group
   * overwrites.
   */
  #hash(blocks: number): void {
    const kernel = this.#kernel!;
    kernel.digest(blocks);
    kernel.write(this.#texts);
    for (let lane = 0; lane < this.#taken[blocks]!; lane++) {
      this.#textAts[this.#texts++] = this.#groupAts[blocks * LANES + lane]!;
    }
    this.#taken[blocks] = 0;
  }

  #eventViewOf(event: Uint8Array): DataView {
    if (event !== this.#event) {
      this.#event = event;
      this.#eventView = viewOf(event);
    }
    return this.#eventView;
  }

  #deviceViewOf(device: Uint8Array): DataView {
    if (device !== this.#device) {
      this.#device = device;
      this.#deviceView = viewOf(device);
    }
    return this.#deviceView;
  }
}

const byUseCase = new Map<string, NotificationIds>();

/**
 * Those of a use case in this thread: its tasks, one a partition, take turns and flush what they
 * have added. A memory for each would reserve 10 GiB of addresses and take 10 ms at the start.
 */
export function idsOf(useCase: string): NotificationIds {
  let ids = byUseCase.get(useCase);
  if (ids === undefined) {
    ids = new NotificationIds(useCase);
    byUseCase.set(useCase, ids);
  }
  return ids;
}
