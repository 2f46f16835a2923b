/**
 * A table of schema MemberDevices, by member: rows are lines of devices, which `fan_out` reads
 * without an object a device. The lines of a member follow each other; a row that is replaced or
 * deleted leaves dead ones, and when these are half, the others are moved together.
 */
import type { MemberDevices } from '../../core/device.ts';
import type { DeviceClasses } from '../../core/device-classes.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { DevicesView, TableView } from '../../core/store.ts';
import { KeyBytes } from './key-bytes.ts';
import { hashKey } from './key-hash.ts';
import { FIRST_PUT, KeyTable, NO_SLOT } from './key-table.ts';
import { type OnPoison, TableReader, type TableRows } from './table-rows.ts';

/** Numbers of a row, beside that of the first put. */
const FIRST_LINE = FIRST_PUT + 1;
const LINES = FIRST_PUT + 2;
const WIDTH = FIRST_PUT + 3;
/** Fewer dead lines are left where they are. */
const DEAD_LINES_MIN = 1024;
const NO_VIEW = new DataView(new ArrayBuffer(0));

export class MemberDevicesTable implements DevicesView, TableView<MemberDevices>, TableRows {
  readonly name: string;
  readonly lines: DeviceLines;
  first = 0;
  end = 0;
  readonly #reader: TableReader;
  readonly #table = new KeyTable(WIDTH);
  readonly #key = new KeyBytes();
  #dead = 0;
  #hashes = new Int32Array(0);
  /** What was only read to be warm goes here, so that the reads are not left out as idle. */
  warmth = 0;
  /** The bytes that were last looked up in, and a view on them. */
  #bytes: Buffer | null = null;
  #view: DataView = NO_VIEW;

  constructor(name: string, schemas: Schemas, onPoison: OnPoison, classes: DeviceClasses) {
    this.name = name;
    this.lines = new DeviceLines(classes);
    this.#reader = new TableReader('MemberDevices', schemas, onPoison);
  }

  get size(): number {
    return this.#table.size;
  }

  get undecodable(): number {
    return this.#reader.undecodable;
  }

  /** Memory it takes, bytes. */
  get bytes(): number {
    return this.#table.bytes + this.lines.bytes;
  }

  get spare(): number {
    return this.#table.spare;
  }

  warm(slice: Slice, column: number): void {
    if (column < 0) return;
    const { selection, selected, view } = slice;
    const starts = slice.fieldStart[column]!;
    const ends = slice.fieldEnd[column]!;
    if (this.#hashes.length < selected) this.#hashes = new Int32Array(slice.capacity);
    const hashes = this.#hashes;
    let n = 0;
    for (let j = 0; j < selected; j++) {
      const i = selection[j]!;
      if (starts[i]! >= 0) hashes[n++] = hashKey(view, starts[i]!, ends[i]!);
    }
    const table = this.#table;
    table.warm(hashes, n);
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const slot = table.guess(hashes[j]!);
      if (slot < 0) continue;
      const numbers = table.numbers(slot);
      const at = table.place(slot);
      const first = numbers[at + FIRST_LINE]!;
      sum += this.lines.warm(first, first + numbers[at + LINES]!);
    }
    this.warmth ^= sum;
  }

  find(bytes: Buffer, start: number, end: number): boolean {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const slot = this.#table.find(this.#view, start, end, hashKey(this.#view, start, end));
    if (slot === NO_SLOT) return false;
    const numbers = this.#table.numbers(slot);
    const at = this.#table.place(slot);
    this.first = numbers[at + FIRST_LINE]!;
    this.end = this.first + numbers[at + LINES]!;
    return this.end > this.first;
  }

  /** The row as an object, as other tables give theirs. */
  get(memberId: string): MemberDevices | undefined {
    const { view, end, hash } = this.#key.ofText(memberId);
    const slot = this.#table.find(view, 0, end, hash);
    if (slot === NO_SLOT) return undefined;
    const numbers = this.#table.numbers(slot);
    const at = this.#table.place(slot);
    const first = numbers[at + FIRST_LINE]!;
    const devices = Array.from({ length: numbers[at + LINES]! }, (_, n) =>
      this.lines.device(first + n),
    );
    return { memberId, devices };
  }

  *keys(): IterableIterator<string> {
    const table = this.#table;
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      yield table.keyText(slot);
    }
  }

  /** Called between slices: lines have other numbers after it. */
  apply(slice: Slice, from: number): number {
    const end = this.#reader.apply(slice, from, this);
    this.#table.settle();
    if (this.#dead >= DEAD_LINES_MIN && this.#dead * 2 > this.lines.size) this.#compact();
    return end;
  }

  put(slice: Slice, i: number, row: unknown): void {
    const start = slice.keyStart[i]!;
    const end = slice.keyEnd[i]!;
    const slot = this.#table.load(slice.view, start, end, hashKey(slice.view, start, end));
    const numbers = this.#table.numbers(slot);
    const at = this.#table.place(slot);
    this.#dead += numbers[at + LINES]!;
    const { devices } = row as MemberDevices;
    numbers[at + FIRST_LINE] = this.lines.size;
    numbers[at + LINES] = devices.length;
    for (const device of devices) this.lines.add(device);
  }

  delete(slice: Slice, i: number): void {
    const start = slice.keyStart[i]!;
    const end = slice.keyEnd[i]!;
    const slot = this.#table.find(slice.view, start, end, hashKey(slice.view, start, end));
    if (slot === NO_SLOT) return;
    this.#dead += this.#table.numbers(slot)[this.#table.place(slot) + LINES]!;
    this.#table.unload(slot);
  }

  #compact(): void {
    const table = this.#table;
    const kept = new Int32Array(this.lines.size - this.#dead);
    let n = 0;
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      const numbers = table.numbers(slot);
      const at = table.place(slot);
      const first = numbers[at + FIRST_LINE]!;
      numbers[at + FIRST_LINE] = n;
      for (let rest = numbers[at + LINES]!, line = first; rest > 0; rest--) kept[n++] = line++;
    }
    this.lines.keep(kept);
    this.#dead = 0;
  }
}
