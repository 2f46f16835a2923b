/**
 * The held records of a store: numbers of theirs stand in the row, the rest is one entry of a slab,
 * in the form that the changelog has. In the changelog a held record is
 *
 *   topic, partition, offset, time | key, value, headers, event id | priority, deadline, count,
 *   output, (-2, transports where they are narrowed,) class mask | excepted device (with a class
 *   mask), device
 *
 * or -1 where the row holds none; and the second and fourth part are the entry, as they are: an
 * entry is slot (i32), length of the first of the two (i32), and both. What was given as an object
 * is written by v8 (rule D11).
 */
import type { Record } from '../../core/record.ts';
import { schemaIdOf } from '../../core/schema.ts';
import { ANY_TRANSPORT, type Slice } from '../../core/slice.ts';
import type { HeldRecord } from '../../core/store.ts';
import type { VarintReader } from '../../core/varint.ts';
import { copyBytes } from './copy-bytes.ts';
import { appendParts, skipBlob, VALUE, writeParts } from './held-form.ts';
import type { Names } from './names.ts';
import type { Place } from './row-view.ts';
import type { RowWriter } from './row-writer.ts';
import { Slabs } from './slabs.ts';

/** Numbers of a row: address of the entry and one (0: none is held), and what the record says. */
const ENTRY = 0;
const OFFSET = 1;
const TIMESTAMP = 2;
const COUNT = 3;
const DEADLINE = 4;
const TOPIC = 5;
const PARTITION = 6;
const PRIORITY = 7;
const OUTPUT = 8;
const CLASS_MASK = 9;
const TRANSPORTS = 10;
export const HELD_WIDTH = 11;
const HEAD_BYTES = 8;
/** In the changelog, in place of the topic's length: the row holds no record. */
const NO_RECORD = -1;
/** Before the class mask, which is never less than -1: the transports that are left follow. */
const NARROWED = -2;

export class HeldColumn {
  readonly #at: number;
  readonly #names: Names;
  readonly #writer: RowWriter;
  readonly #slabs = new Slabs();
  /** Rows that hold a record. */
  held = 0;
  /** While what is done may be undone: entries that rows have left, and those that they took. */
  readonly #left: number[] = [];
  readonly #taken: number[] = [];
  #heldBefore = 0;
  #isDeferred = false;

  /** `at`: the first of its numbers in a row. */
  constructor(at: number, names: Names, writer: RowWriter) {
    this.#at = at;
    this.#names = names;
    this.#writer = writer;
  }

  get bytes(): number {
    return this.#slabs.bytes;
  }

  get spare(): number {
    return this.#slabs.spare;
  }

  view(place: Place): HeldView {
    return new HeldView(this, place, this.#at);
  }

  hold(place: Place, record: Record): void {
    const writer = this.#writer;
    writer.at = HEAD_BYTES;
    writeParts(record, writer);
    const { numbers } = place;
    const at = place.at + this.#at;
    this.#store(place, writer.view, HEAD_BYTES, writer.middle, writer.middle, writer.at);
    numbers[at + OFFSET] = record.offset;
    numbers[at + TIMESTAMP] = record.timestamp;
    numbers[at + COUNT] = record.count;
    numbers[at + DEADLINE] = record.deadlineMs;
    numbers[at + TOPIC] = this.#names.number(record.topic);
    numbers[at + PARTITION] = record.partition;
    numbers[at + PRIORITY] = record.priority;
    numbers[at + OUTPUT] = record.output;
    numbers[at + CLASS_MASK] = record.classMask;
    numbers[at + TRANSPORTS] = record.transports;
  }

  /** From here on all can be undone, until `keep` or `undo`. */
  defer(): void {
    this.#isDeferred = true;
    this.#heldBefore = this.held;
  }

  keep(): void {
    for (const entry of this.#left) this.#slabs.free(entry);
    this.#settle();
  }

  /** Rows have their numbers of before again: so what they took is nobody's. */
  undo(): void {
    for (const entry of this.#taken) this.#slabs.free(entry);
    this.held = this.#heldBefore;
    this.#settle();
  }

  #settle(): void {
    this.#left.length = 0;
    this.#taken.length = 0;
    this.#isDeferred = false;
  }

  /** The row goes: frees what it holds. */
  release(place: Place): void {
    const at = place.at + this.#at + ENTRY;
    const address = place.numbers[at]!;
    if (address === 0) return;
    const entry = (address - 1) | 0;
    if (this.#isDeferred) this.#left.push(entry);
    else this.#slabs.free(entry);
    place.numbers[at] = 0;
    this.held--;
  }

  /** Whether the row holds a record. */
  isIn(place: Place): boolean {
    return place.numbers[place.at + this.#at + ENTRY] !== 0;
  }

  topic(place: Place): string {
    this.#entry(place);
    return this.#names.text(place.numbers[place.at + this.#at + TOPIC]!);
  }

  partition(place: Place): number {
    return place.numbers[place.at + this.#at + PARTITION]!;
  }

  /** Appends a copy of the held record to a slice that has bytes of its own; gives its index. */
  append(place: Place, out: Slice): number {
    const { numbers } = place;
    const at = place.at + this.#at;
    const entry = this.#entry(place);
    const slab = this.#slabs.view(entry);
    const from = this.#slabs.at(entry);
    const size = this.#slabs.length(entry) - HEAD_BYTES;
    const start = out.own(size);
    copyBytes(out.view, start, slab, from + HEAD_BYTES, from + HEAD_BYTES + size);
    const i = out.n++;
    out.selection[out.selected++] = i;
    out.clearSlots(i);
    out.offset[i] = numbers[at + OFFSET]!;
    out.timestamp[i] = numbers[at + TIMESTAMP]!;
    out.count[i] = numbers[at + COUNT]!;
    out.deadlineMs[i] = numbers[at + DEADLINE]!;
    out.priority = numbers[at + PRIORITY]!;
    out.output[i] = numbers[at + OUTPUT]!;
    const classMask = numbers[at + CLASS_MASK]!;
    out.classMask[i] = classMask;
    out.transports[i] = numbers[at + TRANSPORTS]!;
    appendParts(out, i, start, classMask >= 0);
    return i;
  }

  /** Bytes of the held record's own: what a slice of one needs. */
  size(place: Place): number {
    return this.#slabs.length(this.#entry(place)) - HEAD_BYTES;
  }

  /** The writer's schema of the held value, or -1: it was given, or there is none. */
  schemaId(place: Place, reader: VarintReader): number {
    const entry = this.#entry(place);
    const { buffer, byteOffset } = this.#slabs.view(entry);
    const bytes = Buffer.from(buffer, byteOffset + this.#slabs.at(entry));
    reader.bytes = bytes;
    reader.at = HEAD_BYTES;
    skipBlob(reader);
    if (reader.next() !== VALUE.bytes) return -1;
    const size = reader.next();
    return schemaIdOf(bytes, reader.at, reader.at + size);
  }

  /** Writes it as a part of the changelog's row. */
  write(place: Place, to: RowWriter): void {
    const { numbers } = place;
    const at = place.at + this.#at;
    if (!this.isIn(place)) {
      to.int(NO_RECORD);
      return;
    }
    const entry = this.#entry(place);
    const slab = this.#slabs.view(entry);
    const from = this.#slabs.at(entry) + HEAD_BYTES;
    const middle = from + slab.getInt32(from - 4);
    to.text(this.#names.text(numbers[at + TOPIC]!));
    to.int(numbers[at + PARTITION]!);
    to.int(numbers[at + OFFSET]!);
    to.double(numbers[at + TIMESTAMP]!);
    to.raw(slab, from, middle);
    to.int(numbers[at + PRIORITY]!);
    to.double(numbers[at + DEADLINE]!);
    to.int(numbers[at + COUNT]!);
    to.int(numbers[at + OUTPUT]!);
    const transports = numbers[at + TRANSPORTS]!;
    if (transports !== ANY_TRANSPORT) {
      to.int(NARROWED);
      to.int(transports);
    }
    to.int(numbers[at + CLASS_MASK]!);
    to.raw(slab, middle, from - HEAD_BYTES + this.#slabs.length(entry));
  }

  /** Reads what `write` wrote; throws where there is no such thing. */
  read(place: Place, bytes: Buffer, view: DataView, from: VarintReader): void {
    const { numbers } = place;
    const at = place.at + this.#at;
    const topicSize = from.next();
    if (topicSize === NO_RECORD) {
      this.release(place);
      return;
    }
    const topicAt = from.at;
    from.at += topicSize;
    numbers[at + TOPIC] = this.#names.numberOf(bytes, topicAt, from.at);
    numbers[at + PARTITION] = from.next();
    numbers[at + OFFSET] = from.next();
    numbers[at + TIMESTAMP] = view.getFloat64(from.at);
    from.at += 8;
    const first = from.at;
    skipBlob(from);
    if (from.next() !== VALUE.none) skipBlob(from);
    for (let rest = from.next() * 2; rest > 0; rest--) skipBlob(from);
    skipBlob(from);
    const firstEnd = from.at;
    numbers[at + PRIORITY] = from.next();
    numbers[at + DEADLINE] = view.getFloat64(from.at);
    from.at += 8;
    numbers[at + COUNT] = from.next();
    numbers[at + OUTPUT] = from.next();
    let classMask = from.next();
    numbers[at + TRANSPORTS] = ANY_TRANSPORT;
    if (classMask === NARROWED) {
      numbers[at + TRANSPORTS] = from.next();
      classMask = from.next();
    }
    numbers[at + CLASS_MASK] = classMask;
    const second = from.at;
    if (classMask >= 0) skipBlob(from);
    skipBlob(from);
    this.#store(place, view, first, firstEnd, second, from.at);
  }

  /** Called between slices, for entries change their places. */
  compact(numbersOf: (slot: number, place: Place) => void, place: Place): void {
    this.#slabs.compact((_, to) => {
      numbersOf(this.#slabs.view(to).getInt32(this.#slabs.at(to)), place);
      place.numbers[place.at + this.#at + ENTRY] = (to >>> 0) + 1;
    });
  }

  #entry(place: Place): number {
    const address = place.numbers[place.at + this.#at + ENTRY]!;
    if (address === 0) throw new Error('a row that holds no record was asked for it');
    return (address - 1) | 0;
  }

  /** Puts both parts into an entry of the row, in place of what it holds. */
  #store(
    place: Place,
    from: DataView,
    first: number,
    firstEnd: number,
    second: number,
    secondEnd: number,
  ): void {
    this.release(place);
    const firstSize = firstEnd - first;
    const entry = this.#slabs.alloc(HEAD_BYTES + firstSize + secondEnd - second);
    if (this.#isDeferred) this.#taken.push(entry);
    const slab = this.#slabs.view(entry);
    const at = this.#slabs.at(entry);
    slab.setInt32(at, place.slot);
    slab.setInt32(at + 4, firstSize);
    copyBytes(slab, at + HEAD_BYTES, from, first, firstEnd);
    copyBytes(slab, at + HEAD_BYTES + firstSize, from, second, secondEnd);
    place.numbers[place.at + this.#at + ENTRY] = (entry >>> 0) + 1;
    this.held++;
  }
}

/** The held record of the current row. */
export class HeldView implements HeldRecord {
  readonly #column: HeldColumn;
  readonly #place: Place;
  readonly #at: number;

  constructor(column: HeldColumn, place: Place, at: number) {
    this.#column = column;
    this.#place = place;
    this.#at = at;
  }

  get offset(): number {
    return this.#place.numbers[this.#place.at + this.#at + OFFSET]!;
  }

  get timestamp(): number {
    return this.#place.numbers[this.#place.at + this.#at + TIMESTAMP]!;
  }

  get count(): number {
    return this.#place.numbers[this.#place.at + this.#at + COUNT]!;
  }

  set count(count: number) {
    this.#place.numbers[this.#place.at + this.#at + COUNT] = count;
  }

  hold(record: Record): void {
    this.#column.hold(this.#place, record);
  }
}
