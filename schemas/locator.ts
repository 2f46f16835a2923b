/**
 * Locates fields in the bytes of Avro values: runs the code that was made for a writer schema and
 * what is read of it. No object and no text is made: five fields of a viewing take 80 ns, where the
 * Avro library takes 325 to decode them (bench/locator.ts, 2026-11).
 */
import { type Locator, WIRE_HEADER_BYTES } from '../core/schema.ts';
import {
  FIELD_FALSE,
  FIELD_NUMBER,
  FIELD_TRUE,
  FIELD_UNKNOWN,
  NONE,
  type Slice,
} from '../core/slice.ts';
import { ENDS_EARLY, INEXACT_FROM, NO_SUCH_INDEX, type Skip, Walk } from './avro-walk.ts';

// In the file of the switch and not exported themselves: so they are constants to the compiler, and
// a record takes 80 ns and not 98.
const TEXT = 0;
const SKIP_TEXT = 1;
const UNION = 2;
/** Ops up to here begin by reading a length or an index. */
const LAST_WITH_SIZE = UNION;
const NUMBER = 3;
const SKIP_INTS = 4;
const NULL = 5;
const UNKNOWN = 6;
const JUMP = 7;
const BOOLEAN = 8;
const SKIP_BYTES = 9;
const SKIP = 10;
const FLOAT = 11;
const DOUBLE = 12;

/** What a locator's code is made of: ops, each with one argument. */
export const OP = {
  /** Text, into the column that is the argument; so are all but the skips, UNION and JUMP. */
  TEXT,
  SKIP_TEXT,
  /** Reads the number of a branch: of so many, whose places in the code follow. */
  UNION,
  /** An int or a long: what a double does not hold exactly stays unknown. */
  NUMBER,
  /** Passes over so many ints, longs or enums. */
  SKIP_INTS,
  /** Takes no bytes. */
  NULL,
  UNKNOWN,
  /** Goes on at that place of the code. */
  JUMP,
  BOOLEAN,
  SKIP_BYTES,
  /** Passes over a value with the skip of that number. */
  SKIP,
  FLOAT,
  DOUBLE,
} as const;

/**
 * Flat code with jumps: the fields of a record and of the records in it lie one after the other in
 * the bytes, too.
 */
export interface LocatorCode {
  readonly code: Int32Array;
  readonly skips: readonly Skip[];
  readonly columns: number;
}

export class AvroLocator implements Locator {
  readonly #code: LocatorCode;
  readonly #walk = new Walk();

  constructor(code: LocatorCode) {
    this.#code = code;
  }

  locate(slice: Slice, i: number): boolean {
    const start = slice.valueStart[i]!;
    const end = slice.valueEnd[i]!;
    this.#walk.start(slice.bytes, end);
    const at =
      start < 0 ? ENDS_EARLY : run(this.#code, this.#walk, slice, i, start + WIRE_HEADER_BYTES);
    if (at === end) return true;
    for (let c = 0; c < this.#code.columns; c++) slice.fieldStart[c]![i] = FIELD_UNKNOWN;
    return false;
  }
}

/** Gives where the value ends, or why it does not lie as its schema says. */
function run(made: LocatorCode, walk: Walk, slice: Slice, i: number, start: number): number {
  const { code, skips } = made;
  const { bytes, fieldStart, fieldEnd } = slice;
  const { end } = walk;
  let at = start;
  for (let pc = 0; pc < code.length; ) {
    const op = code[pc]!;
    const argument = code[pc + 1]!;
    pc += 2;
    let size = 0;
    if (op <= LAST_WITH_SIZE) {
      if (at >= end) return ENDS_EARLY;
      size = bytes[at]!;
      if (size < 0x80 && (size & 1) === 0) {
        size >>>= 1;
        at++;
      } else {
        at = walk.size(at);
        if (at < 0) return at;
        size = walk.number | 0;
      }
    }
    switch (op) {
      case TEXT:
        fieldStart[argument]![i] = at;
        at += size;
        fieldEnd[argument]![i] = at;
        break;
      case SKIP_TEXT:
        at += size;
        break;
      case UNION:
        if (size >= argument) return NO_SUCH_INDEX;
        pc = code[pc + size]!;
        break;
      case NUMBER:
        at = locateInt(walk, slice, argument, i, at);
        if (at < 0) return at;
        break;
      case SKIP_INTS: {
        let left = argument;
        while (left > 0 && at < end) if (bytes[at++]! < 0x80) left--;
        if (left > 0) return ENDS_EARLY;
        break;
      }
      case NULL:
      case UNKNOWN:
        fieldStart[argument]![i] = op === NULL ? NONE : FIELD_UNKNOWN;
        break;
      case JUMP:
        pc = argument;
        break;
      case SKIP_BYTES:
        at += argument;
        break;
      case SKIP:
        at = skips[argument]!(walk, at);
        if (at < 0) return at;
        break;
      default:
        at = locateFixed(op, walk, slice, argument, i, at);
        if (at < 0) return at;
    }
  }
  return at;
}

function locateInt(walk: Walk, slice: Slice, column: number, i: number, start: number): number {
  const at = walk.long(start);
  if (at < 0) return at;
  slice.fieldStart[column]![i] = walk.number < INEXACT_FROM ? FIELD_NUMBER : FIELD_UNKNOWN;
  slice.fieldNumber[column]![i] = walk.number;
  return at;
}

function locateFixed(
  op: number,
  walk: Walk,
  { bytes, view, fieldStart, fieldNumber }: Slice,
  column: number,
  i: number,
  at: number,
): number {
  const size = op === BOOLEAN ? 1 : op === FLOAT ? 4 : 8;
  if (size > walk.end - at) return ENDS_EARLY;
  if (op === BOOLEAN) {
    fieldStart[column]![i] = bytes[at] === 0 ? FIELD_FALSE : FIELD_TRUE;
  } else {
    const number = op === FLOAT ? view.getFloat32(at, true) : view.getFloat64(at, true);
    // Beside text in a union, what is no number is told with the branch's name.
    fieldStart[column]![i] = Number.isFinite(number) ? FIELD_NUMBER : FIELD_UNKNOWN;
    fieldNumber[column]![i] = number;
  }
  return at + size;
}
