/**
 * How far a device is: rule D5. A cursor names an epoch, and per priority a contiguous mark (all
 * numbers up to it are covered) and at most 32 ranges above it, so that lanes that arrive out of
 * order hide nothing. The acknowledgement has the same form. Devices get it as an opaque text,
 * which names its device too: another one's (app data that was copied to a new phone) says nothing.
 */
import { ByteReader } from './bytes.ts';
import { murmur2 } from './partition.ts';
import { PRIORITIES_MAX, type Priorities, RENO_PRIORITIES } from './priority.ts';

/**
 * Ranges above the mark per priority; beyond it the highest are forgotten: told twice, never lost.
 */
export const CURSOR_RANGES_MAX = 32;
/** A full cursor has 8 x (2 + 64) + 5 numbers of at most 5 bytes, in base64: below this. */
export const CURSOR_TEXT_CHARS_MAX = 4096;

const TEXT = Buffer.allocUnsafeSlow(CURSOR_TEXT_CHARS_MAX);

/** Of no device: what a store keeps beside the device's own name. */
const UNBOUND = 1;
const BOUND = 2;
/** Of priorities that are not RENO's: which ones, and how many, follow. */
const UNBOUND_OF_SET = 3;
const BOUND_OF_SET = 4;
/** Sequences and epochs are Avro ints. */
const NUMBER_MAX = 2 ** 31 - 1;

/**
 * Where nothing lies above the mark, which is nearly always: one for all, as each connection keeps
 * two cursors. Never changed: what adds to it puts another in its place.
 */
const NONE = Object.freeze([]) as unknown as number[];

/** Changed in place by `add` and `merge`, because a connection adds to it with every frame. */
export interface Cursor {
  readonly epoch: number;
  /** `deviceMark` of whom it was given to; 0: nobody, it is kept by a store. */
  readonly device: number;
  /** Of its priorities (`Priorities.mark`): a cursor of another set says nothing. */
  readonly set: number;
  /** Per priority: the highest number up to which all are covered; 0 for none. */
  readonly marks: number[];
  /**
   * Per priority: from, to, from, to … ascending, both ends included, never touching. Changed by
   * this file alone.
   */
  readonly ranges: number[][];
}

/** What stands for a device in its cursors: 31 bits, never 0. Tells mix-ups, not attackers. */
export function deviceMark(deviceId: string): number {
  return murmur2(Buffer.from(deviceId, 'utf8')) & 0x7fffffff || 1;
}

export function emptyCursor(
  epoch: number,
  device = 0,
  { mark, count }: Pick<Priorities, 'mark' | 'count'> = RENO_PRIORITIES,
): Cursor {
  const ranges = new Array<number[]>(count).fill(NONE);
  return { epoch, device, set: mark, marks: ranges.map(() => 0), ranges };
}

export function copyCursor(cursor: Cursor, device = cursor.device): Cursor {
  return {
    epoch: cursor.epoch,
    device,
    set: cursor.set,
    marks: cursor.marks.slice(),
    ranges: cursor.ranges.map((ranges) => (ranges.length === 0 ? NONE : ranges.slice())),
  };
}

/**
 * A cursor as one of these priorities, to which some may have been added since it was given.
 * Undefined: it is of another set, and says nothing.
 */
export function ofSet(
  cursor: Cursor,
  priorities: Pick<Priorities, 'mark' | 'count' | 'markOf'>,
): Cursor | undefined {
  if (cursor.set === priorities.mark) return cursor;
  const count = cursor.marks.length;
  if (count >= priorities.count || priorities.markOf(count) !== cursor.set) return undefined;
  const { marks, ranges } = emptyCursor(0, 0, priorities);
  const own = copyCursor(cursor);
  return {
    ...own,
    set: priorities.mark,
    marks: [...own.marks, ...marks.slice(count)],
    ranges: [...own.ranges, ...ranges.slice(count)],
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
 * Adds all that `other` covers. Cursors of two epochs, or of two sets of priorities, have nothing
 * to do with each other: false.
 */
export function merge(into: Cursor, other: Cursor): boolean {
  if (into.epoch !== other.epoch || into.set !== other.set) return false;
  for (let priority = 0; priority < into.marks.length; priority++) {
    const mark = other.marks[priority]!;
    if (mark > 0) addRange(into, priority, 1, mark);
    const ranges = other.ranges[priority]!;
    for (let i = 0; i < ranges.length; i += 2) {
      addRange(into, priority, ranges[i]!, ranges[i + 1]!);
    }
  }
  return true;
}

/** The highest number that is covered; 0: none. */
export function highest(cursor: Cursor, priority: number): number {
  return cursor.ranges[priority]!.at(-1) ?? cursor.marks[priority]!;
}

/** Takes out all from `from` on. */
export function uncover(cursor: Cursor, priority: number, from: number): void {
  cursor.marks[priority] = Math.min(cursor.marks[priority]!, from - 1);
  const ranges = cursor.ranges[priority]!;
  while (ranges.length > 0 && ranges.at(-1)! >= from) {
    if (ranges.at(-2)! >= from) ranges.length -= 2;
    else ranges[ranges.length - 1] = from - 1;
  }
}

/** Takes out all that `other` does not cover. False: nothing was taken out. */
export function keepCovered(cursor: Cursor, other: Cursor): boolean {
  let taken = false;
  for (let priority = 0; priority < cursor.marks.length; priority++) {
    const runs = runsOf(cursor, priority);
    uncover(cursor, priority, 1);
    const within = runsOf(other, priority);
    for (let i = 0; i < runs.length; i += 2) {
      const [from, to] = [runs[i]!, runs[i + 1]!];
      let covered = 0;
      for (let j = 0; j < within.length; j += 2) {
        const low = Math.max(from, within[j]!);
        const high = Math.min(to, within[j + 1]!);
        if (low > high) continue;
        addRange(cursor, priority, low, high);
        covered += high - low + 1;
      }
      if (covered < to - from + 1) taken = true;
    }
  }
  return taken;
}

/** All that is covered, the mark's numbers too: from, to, from, to … */
function runsOf(cursor: Cursor, priority: number): number[] {
  const mark = cursor.marks[priority]!;
  return [...(mark > 0 ? [1, mark] : []), ...cursor.ranges[priority]!];
}

/** Both texts' cursors in one; of two epochs, or when one is no cursor, the newer text. */
export function mergedText(
  before: string | null,
  text: string,
  priorities: Priorities = RENO_PRIORITIES,
): string {
  const old = before === null ? undefined : parseCursorOf(before, priorities);
  const cursor = parseCursorOf(text, priorities);
  if (old === undefined || cursor === undefined || !merge(cursor, old)) return text;
  return formatCursor(cursor);
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
  if (ranges === NONE) {
    cursor.ranges[priority] = [low, high];
    return;
  }
  ranges.splice(first, last - first, low, high);
  if (ranges.length > 2 * CURSOR_RANGES_MAX) ranges.length = 2 * CURSOR_RANGES_MAX;
}

/** The opaque text: base64url of varints; 22 characters for a fresh cursor. */
export function formatCursor({ epoch, device, set, marks, ranges }: Cursor): string {
  let at = 0;
  // One for all, as each frame has one: what is written here is read before anything else is.
  const int = (value: number) => {
    at = writeInt(value, at);
  };
  if (device === 0) int(set === 0 ? UNBOUND : UNBOUND_OF_SET);
  else int(set === 0 ? BOUND : BOUND_OF_SET);
  int(epoch);
  if (device !== 0) int(device);
  if (set !== 0) {
    int(set);
    int(marks.length);
  }
  for (let priority = 0; priority < marks.length; priority++) {
    let last = marks[priority]!;
    const above = ranges[priority]!;
    int(last);
    int(above.length / 2);
    for (const edge of above) {
      int(edge - last);
      last = edge;
    }
  }
  return TEXT.toString('base64url', 0, at);
}

/** As ByteWriter's `int`, of what is not negative. Gives where the next is written. */
function writeInt(value: number, from: number): number {
  let at = from;
  let rest = value * 2;
  while (rest >= 0x80) {
    TEXT[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  TEXT[at++] = rest;
  return at;
}

/** As `parseCursor` and `ofSet`. */
export function parseCursorOf(text: string, priorities: Priorities): Cursor | undefined {
  const cursor = parseCursor(text);
  return cursor === undefined ? undefined : ofSet(cursor, priorities);
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
  const version = reader.int();
  if (version < UNBOUND || version > BOUND_OF_SET) return undefined;
  const epoch = reader.int();
  const device = version === BOUND || version === BOUND_OF_SET ? reader.int() : 0;
  if (!isNumber(epoch) || !isNumber(device)) return undefined;
  const isOfSet = version >= UNBOUND_OF_SET;
  const set = isOfSet ? { mark: reader.int(), count: reader.int() } : RENO_PRIORITIES;
  if (!isNumber(set.mark) || set.count < 1 || set.count > PRIORITIES_MAX) return undefined;
  const cursor = emptyCursor(epoch, device, set);
  for (let priority = 0; priority < cursor.marks.length; priority++) {
    let at = reader.int();
    if (!isNumber(at)) return undefined;
    cursor.marks[priority] = at;
    const count = reader.int();
    if (count < 0 || count > CURSOR_RANGES_MAX) return undefined;
    const ranges: number[] = [];
    for (let edge = 0; edge < 2 * count; edge++) {
      const step = reader.int();
      // A range begins at least two above the one before, or the two would be one.
      if (step < (edge % 2 === 0 ? 2 : 0)) return undefined;
      at += step;
      if (!isNumber(at)) return undefined;
      ranges.push(at);
    }
    if (count > 0) cursor.ranges[priority] = ranges;
  }
  return reader.done ? cursor : undefined;
}

function isNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= NUMBER_MAX;
}
