/**
 * The numbers of a member's devices: one row a member, so that an event costs one changelog record
 * however many devices it tells (rule D3). In the changelog a row is `count | device …`, each
 * `id | epoch | last | last in lane × 4`, in the order of use, so that the one unused for longest
 * comes first.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import { TRANSPORTS } from '../../core/device.ts';
import type { DeviceLines } from '../../core/device-lines.ts';
import type { LogBatch } from '../../core/log.ts';
import type { Slice } from '../../core/slice.ts';
import { NEVER } from '../../core/store.ts';
import { putVarint, VARINT_BYTES_MAX } from '../../core/varint.ts';
import { ChangelogReader, unreadableRow, writeRow } from '../state/changelog-form.ts';
import { copyBytes } from '../state/copy-bytes.ts';
import { hashKey } from '../state/key-hash.ts';
import { FIRST_PUT, KeyTable, NO_SLOT } from '../state/key-table.ts';
import type { TaskStore } from '../state/task-store.ts';
import { DeviceEntries, ENTRY_WIDTH, EPOCH, ID, LANES, LAST, USED } from './device-entries.ts';

/** Devices whose numbers are kept for a member; the one unused for longest is forgotten. */
export const NUMBERED_DEVICES_MAX = 512;

/**
 * Numbers of a member's row: the run of its entries, how many, and the logarithm of its capacity.
 */
const RUN = FIRST_PUT + 1;
const COUNT = FIRST_PUT + 2;
const BITS = FIRST_PUT + 3;
const WIDTH = FIRST_PUT + 4;
const NO_ENTRY = -1;
const ROW_BYTES_FIRST = 1024;

export class DeviceNumbers implements TaskStore {
  readonly name: string;
  readonly #table = new KeyTable(WIDTH);
  readonly #entries = new DeviceEntries();
  #uses = 0;
  // The member that was turned to: its key, and its row if there is one.
  #view: DataView = new DataView(new ArrayBuffer(0));
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #hash = 0;
  #member = NO_SLOT;
  // The device that was turned to.
  #devices: DeviceLines | null = null;
  #line = -1;
  #entry = NO_ENTRY;
  #fresh = true;
  #hashes = new Int32Array(0);
  /** What was only read to be warm goes here, so that the reads are not left out as idle. */
  warmth = 0;
  #row: Buffer = Buffer.allocUnsafeSlow(ROW_BYTES_FIRST);
  #rowView = new DataView(this.#row.buffer);

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#table.size;
  }

  get changedCount(): number {
    return this.#table.changedCount;
  }

  get bytes(): number {
    return this.#table.bytes + this.#entries.bytes;
  }

  get spare(): number {
    return this.#table.spare;
  }

  /** Reads what will be asked for of a slice's members, so that the cache misses overlap. */
  warm(slice: Slice): void {
    const { selection, selected, keyStart, keyEnd, view } = slice;
    if (this.#hashes.length < selected) this.#hashes = new Int32Array(slice.capacity);
    let last = -1;
    let n = 0;
    for (let j = 0; j < selected; j++) {
      const i = selection[j]!;
      const start = keyStart[i]!;
      if (start < 0 || start === last) continue;
      last = start;
      this.#hashes[n++] = hashKey(view, start, keyEnd[i]!);
    }
    const table = this.#table;
    table.warm(this.#hashes, n);
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const slot = table.guess(this.#hashes[k]!);
      if (slot >= 0) sum += this.#entries.warm(this.#of(slot, RUN), this.#of(slot, COUNT));
    }
    this.warmth ^= sum;
    this.#member = NO_SLOT;
    this.#end = -1;
  }

  /** Turns to the member whose key is bytes[start, end). */
  turnTo(bytes: Buffer, view: DataView, start: number, end: number): void {
    // Records of one event follow each other, and share their key's place.
    if (start === this.#start && end === this.#end && bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#view = view;
    this.#start = start;
    this.#end = end;
    this.#hash = hashKey(view, start, end);
    this.#member = this.#table.find(view, start, end, this.#hash);
  }

  /**
   * Turns to a device of the member, in its current epoch; a new epoch starts at 1 again. False: it
   * was numbered in a later epoch. Nothing is changed before `give`.
   */
  device(devices: DeviceLines, line: number): boolean {
    this.#devices = devices;
    this.#line = line;
    this.#fresh = true;
    this.#entry = this.#find(devices, line);
    if (this.#entry === NO_ENTRY) return true;
    const epoch = this.#number(EPOCH);
    const now = devices.epoch(line);
    this.#fresh = epoch < now;
    return epoch <= now;
  }

  /** The last number given to the device; 0: none. */
  get last(): number {
    return this.#fresh ? 0 : this.#number(LAST);
  }

  lastInLane(transport: number): number {
    return this.#fresh ? 0 : this.#number(LANES + transport);
  }

  /** Gives the next number, in a lane. */
  give(transport: number): void {
    if (this.#member === NO_SLOT) this.#addMember();
    if (this.#entry === NO_ENTRY) this.#entry = this.#addEntry();
    const numbers = this.#entries.numbers(this.#entry);
    const at = this.#entries.place(this.#entry);
    if (this.#fresh) {
      numbers[at + EPOCH] = this.#devices!.epoch(this.#line);
      numbers.fill(0, at + LAST, at + USED);
      this.#fresh = false;
    }
    const next = numbers[at + LAST]! + 1;
    numbers[at + LAST] = next;
    numbers[at + LANES + transport] = next;
    numbers[at + USED] = ++this.#uses;
    this.#table.change(this.#member);
  }

  /** The number that was given last went into this lane as well. */
  giveAlso(transport: number): void {
    const at = this.#entries.place(this.#entry);
    this.#entries.numbers(this.#entry)[at + LANES + transport] = this.last;
  }

  restore(batch: LogBatch): void {
    const reader = new ChangelogReader();
    try {
      reader.open(batch);
      while (reader.next()) this.#restoreRow(reader);
    } catch (cause) {
      throw unreadableRow(this.name, cause);
    }
  }

  restored(): void {
    this.#table.order();
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    const table = this.#table;
    for (let n = 0; n < table.changedCount; n++) {
      table.warmChanged(n);
      const slot = table.changed(n);
      const end = this.#encode(slot);
      writeRow(to, nowMs, table, slot, NEVER, this.#rowView, 0, end);
      table.wrote(n);
    }
    table.settle();
  }

  touch(from: number | null, count: number): number | null {
    return this.#table.touch(from, count);
  }

  *rows(): IterableIterator<[string, unknown]> {
    for (let slot = this.#table.oldest; slot !== NO_SLOT; slot = this.#table.after(slot)) {
      const row = new Map<string, unknown>();
      for (const entry of this.#byUse(slot)) {
        const numbers = this.#entries.numbers(entry);
        const at = this.#entries.place(entry);
        row.set(this.#id(entry), {
          epoch: numbers[at + EPOCH],
          last: numbers[at + LAST],
          lastInLane: TRANSPORTS.map((_, t) => numbers[at + LANES + t]),
        });
      }
      yield [this.#table.keyText(slot), row];
    }
  }

  #number(field: number): number {
    return this.#entries.numbers(this.#entry)[this.#entries.place(this.#entry) + field]!;
  }

  #of(slot: number, field: number): number {
    return this.#table.numbers(slot)[this.#table.place(slot) + field]!;
  }

  #set(slot: number, field: number, value: number): void {
    this.#table.numbers(slot)[this.#table.place(slot) + field] = value;
  }

  #find(devices: DeviceLines, line: number): number {
    if (this.#member === NO_SLOT) return NO_ENTRY;
    const run = this.#of(this.#member, RUN);
    const count = this.#of(this.#member, COUNT);
    for (let entry = run; entry < run + count; entry++) {
      if (this.#entries.isDevice(entry, devices, line)) return entry;
    }
    return NO_ENTRY;
  }

  #addMember(): void {
    // The same key may have come in between: `find` says where it goes.
    this.#table.find(this.#view, this.#start, this.#end, this.#hash);
    this.#member = this.#table.add(this.#view, this.#start, this.#end, this.#hash);
    this.#set(this.#member, RUN, this.#entries.alloc(0));
  }

  #addEntry(): number {
    const slot = this.#member;
    const ids = this.#entries.ids;
    const from = this.#devices!.idStart(this.#line);
    const to = this.#devices!.idEnd(this.#line);
    const address = ids.alloc(to - from);
    copyBytes(ids.view(address), ids.at(address), this.#devices!.idView, from, to);
    return this.#appendEntry(slot, address);
  }

  #appendEntry(slot: number, address: number): number {
    const count = this.#of(slot, COUNT);
    let entry: number;
    if (count === NUMBERED_DEVICES_MAX) {
      entry = this.#byUse(slot)[0]!;
      this.#entries.ids.free(this.#entries.numbers(entry)[this.#entries.place(entry) + ID]!);
    } else {
      const bits = this.#of(slot, BITS);
      if (count === 1 << bits) {
        this.#set(slot, RUN, this.#entries.widen(this.#of(slot, RUN), count, bits));
        this.#set(slot, BITS, bits + 1);
      }
      entry = this.#of(slot, RUN) + count;
      this.#set(slot, COUNT, count + 1);
    }
    this.#entries.numbers(entry)[this.#entries.place(entry) + ID] = address;
    return entry;
  }

  /** The entries of a member, the one unused for longest first. */
  #byUse(slot: number): number[] {
    const run = this.#of(slot, RUN);
    const entries: number[] = [];
    for (let n = 0; n < this.#of(slot, COUNT); n++) entries.push(run + n);
    const used = (entry: number) =>
      this.#entries.numbers(entry)[this.#entries.place(entry) + USED]!;
    return entries.sort((a, b) => used(a) - used(b));
  }

  #id(entry: number): string {
    const { ids } = this.#entries;
    const address = this.#entries.numbers(entry)[this.#entries.place(entry) + ID]!;
    const view = ids.view(address);
    const at = view.byteOffset + ids.at(address);
    return Buffer.from(view.buffer, at, ids.length(address)).toString('utf8');
  }

  /** Writes a row's bytes into `#row`; gives their end. */
  #encode(slot: number): number {
    const count = this.#of(slot, COUNT);
    this.#room(0, VARINT_BYTES_MAX);
    let at = putVarint(this.#row, 0, count);
    const run = this.#of(slot, RUN);
    if (this.#isInOrder(run, count)) {
      for (let n = 0; n < count; n++) at = this.#encodeEntry(run + n, at);
    } else for (const entry of this.#byUse(slot)) at = this.#encodeEntry(entry, at);
    return at;
  }

  /** Devices that are told together, in the order of their row, mostly are. */
  #isInOrder(run: number, count: number): boolean {
    const numbers = this.#entries.numbers(run);
    let at = this.#entries.place(run) + USED;
    for (let n = 1; n < count; n++, at += ENTRY_WIDTH) {
      if (numbers[at]! > numbers[at + ENTRY_WIDTH]!) return false;
    }
    return true;
  }

  #encodeEntry(entry: number, at: number): number {
    const { ids } = this.#entries;
    const numbers = this.#entries.numbers(entry);
    const place = this.#entries.place(entry);
    const address = numbers[place + ID]!;
    const size = ids.length(address);
    this.#room(at, size + ENTRY_WIDTH * VARINT_BYTES_MAX);
    const row = this.#row;
    let end = putVarint(row, at, size);
    const from = ids.at(address);
    copyBytes(this.#rowView, end, ids.view(address), from, from + size);
    end += size;
    for (let n = EPOCH; n < USED; n++) end = putVarint(row, end, numbers[place + n]!);
    return end;
  }

  #room(used: number, size: number): void {
    if (used + size <= this.#row.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#row.length * 2, used + size));
    this.#row.copy(grown, 0, 0, used);
    this.#row = grown;
    this.#rowView = new DataView(grown.buffer);
  }

  #restoreRow(from: ChangelogReader): void {
    const { view, keyStart, keyEnd } = from;
    const hash = hashKey(view, keyStart, keyEnd);
    const known = this.#table.find(view, keyStart, keyEnd, hash);
    if (from.valueStart < 0) {
      if (known !== NO_SLOT) {
        this.#clear(known);
        this.#entries.free(this.#of(known, RUN), this.#of(known, BITS));
        this.#table.unload(known);
      }
      return;
    }
    from.readHead();
    if (known !== NO_SLOT) this.#clear(known);
    const slot = this.#table.load(view, keyStart, keyEnd, hash);
    if (known === NO_SLOT) this.#set(slot, RUN, this.#entries.alloc(0));
    this.#set(slot, FIRST_PUT, from.firstPut);
    const reader = from.in;
    const { ids } = this.#entries;
    for (let rest = reader.next(); rest > 0; rest--) {
      const size = reader.next();
      if (size < 0 || reader.at + size > from.rowEnd) throw new RangeError('a row ends too early');
      const address = ids.alloc(size);
      copyBytes(ids.view(address), ids.at(address), view, reader.at, reader.at + size);
      reader.at += size;
      const entry = this.#appendEntry(slot, address);
      const numbers = this.#entries.numbers(entry);
      const place = this.#entries.place(entry);
      for (let n = EPOCH; n < USED; n++) numbers[place + n] = reader.next();
      numbers[place + USED] = ++this.#uses;
    }
  }

  /** Forgets the devices of a row. */
  #clear(slot: number): void {
    const run = this.#of(slot, RUN);
    for (let n = 0; n < this.#of(slot, COUNT); n++) {
      this.#entries.ids.free(this.#entries.numbers(run + n)[this.#entries.place(run + n) + ID]!);
    }
    this.#set(slot, COUNT, 0);
  }
}
