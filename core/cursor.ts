/**
 * How far a device is: rule D5. A cursor names an epoch, and per priority a contiguous mark (all
 * numbers up to it are covered) and at most 32 ranges above it, so that lanes that arrive out of
 * order hide nothing. The acknowledgement has the same form. Devices get it as an opaque text.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { PRIORITIES } from './priority.ts';

/**
 * Ranges above the mark per priority; beyond it the highest are forgotten: told twice, never lost.
 */
export const CURSOR_RANGES_MAX = 32;
/** A full cursor has 4 x (1 + 64) numbers of at most 5 bytes, in base64: below this. */
export const CURSOR_TEXT_CHARS_MAX = 2048;

const VERSION = 1;
/** Sequences and epochs are Avro ints. */
const NUMBER_MAX = 2 ** 31 - 1;

/** Changed in place by `add` and `merge`, because a connection adds to it with every frame. */
export interface Cursor {
  readonly epoch: number;
  /** Per priority: the highest number up to which all are covered; 0 for none. */
  readonly marks: number[];
  /** Per priority: from, to, from, to … ascending, both ends included, never touching. */
  readonly ranges: number[][];
}

export function emptyCursor(epoch: number): Cursor {
  return { epoch, marks: PRIORITIES.map(() => 0), ranges: PRIORITIES.map(() => []) };
}

export function copyCursor(cursor: Cursor): Cursor {
  return {
    epoch: cursor.epoch,
    marks: cursor.marks.slice(),
    ranges: cursor.ranges.map((ranges) => ranges.slice()),
  };
}

export function covers(cursor: Cursor, priority: number, sequence: number): boolean {
  return coveredTo(cursor, priority, sequence) !== 0;
}

/**
 * The end of the covered run that `sequence` is in, so that a reader can jump over it; 0: not
 * covered.
 */
export function coveredTo(cursor: Cursor, priority: number, sequence: number): number {
  const mark = cursor.marks[priority]!;
  if (sequence <= mark) return mark;
  const ranges = cursor.ranges[priority]!;
  for (let i = 0; i < ranges.length && ranges[i]! <= sequence; i += 2) {
    if (sequence <= ranges[i + 1]!) return ranges[i + 1]!;
  }
  return 0;
}

/** Adds one number. False: it was covered before. */
export function add(cursor: Cursor, priority: number, sequence: number): boolean {
  if (covers(cursor, priority, sequence)) return false;
  addRange(cursor, priority, sequence, sequence);
  return true;
}

/**
 * Adds all that `other` covers. Cursors of two epochs have nothing to do with each other: false.
 */
export function merge(into: Cursor, other: Cursor): boolean {
  if (into.epoch !== other.epoch) return false;
  for (let priority = 0; priority < PRIORITIES.length; priority++) {
    const mark = other.marks[priority]!;
    if (mark > 0) addRange(into, priority, 1, mark);
    const ranges = other.ranges[priority]!;
    for (let i = 0; i < ranges.length; i += 2) {
      addRange(into, priority, ranges[i]!, ranges[i + 1]!);
    }
  }
  return true;
}

function addRange(cursor: Cursor, priority: number, from: number, to: number): void {
  const { marks } = cursor;
  const ranges = cursor.ranges[priority]!;
  if (from <= marks[priority]! + 1) {
    if (to > marks[priority]!) marks[priority] = to;
    while (ranges.length > 0 && ranges[0]! <= marks[priority]! + 1) {
      if (ranges[1]! > marks[priority]!) marks[priority] = ranges[1]!;
      ranges.splice(0, 2);
    }
    return;
  }
  let first = 0;
  while (first < ranges.length && ranges[first + 1]! < from - 1) first += 2;
  let low = from;
  let high = to;
  let last = first;
  for (; last < ranges.length && ranges[last]! <= to + 1; last += 2) {
    low = Math.min(low, ranges[last]!);
    high = Math.max(high, ranges[last + 1]!);
  }
  ranges.splice(first, last - first, low, high);
  if (ranges.length > 2 * CURSOR_RANGES_MAX) ranges.length = 2 * CURSOR_RANGES_MAX;
}

/** The opaque text: base64url of varints; 15 characters for a fresh cursor. */
export function formatCursor(cursor: Cursor): string {
  const writer = new ByteWriter(32).int(VERSION).int(cursor.epoch);
  for (let priority = 0; priority < PRIORITIES.length; priority++) {
    let at = cursor.marks[priority]!;
    const ranges = cursor.ranges[priority]!;
    writer.int(at).int(ranges.length / 2);
    for (const edge of ranges) {
      writer.int(edge - at);
      at = edge;
    }
  }
  return writer.done().toString('base64url');
}

/** Undefined when the text is not a cursor that `formatCursor` has made. */
export function parseCursor(text: string): Cursor | undefined {
  if (text.length > CURSOR_TEXT_CHARS_MAX || !/^[\w-]+$/.test(text)) return undefined;
  try {
    const cursor = readCursor(new ByteReader(Buffer.from(text, 'base64url')));
    // One cursor has one text: whatever reads as a cursor but is written otherwise was tampered
    // with.
    return cursor !== undefined && formatCursor(cursor) === text ? cursor : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readCursor(reader: ByteReader): Cursor | undefined {
  if (reader.int() !== VERSION) return undefined;
  const epoch = reader.int();
  if (!isNumber(epoch)) return undefined;
  const cursor = emptyCursor(epoch);
  for (let priority = 0; priority < PRIORITIES.length; priority++) {
    let at = reader.int();
    if (!isNumber(at)) return undefined;
    cursor.marks[priority] = at;
    const count = reader.int();
    if (count < 0 || count > CURSOR_RANGES_MAX) return undefined;
    for (let edge = 0; edge < 2 * count; edge++) {
      const step = reader.int();
      // A range begins at least two above the one before, or the two would be one.
      if (step < (edge % 2 === 0 ? 2 : 0)) return undefined;
      at += step;
      if (!isNumber(at)) return undefined;
      cursor.ranges[priority]!.push(at);
    }
  }
  return reader.done ? cursor : undefined;
}

function isNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= NUMBER_MAX;
}
