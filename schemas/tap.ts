/** Where the reading of a value stands, and what it reads of the simplest types. */
import { CarillonError } from '../core/error.ts';
import type { AvroType, Primitive } from './avro-type.ts';
import {
  CLAIMS_TOO_MUCH,
  EMPTY_ITEMS_MAX,
  ENDS_EARLY,
  INEXACT_FROM,
  MALFORMED,
  NESTED_MAX,
  NO_SUCH_INDEX,
  TOO_DEEP,
  Walk,
} from './avro-walk.ts';

export type Read = (tap: Tap) => unknown;

const FAULTS: { readonly [fault: number]: string } = {
  [ENDS_EARLY]: 'the value ends before its schema does',
  [CLAIMS_TOO_MUCH]:
    `an array or map claims more items than bytes are left, or more than ` +
    `${EMPTY_ITEMS_MAX} that take none`,
  [TOO_DEEP]: `records are nested more than ${NESTED_MAX} deep`,
  [NO_SUCH_INDEX]: 'a union has no branch of the number that is given, or an enum no symbol',
  [MALFORMED]: 'a length is negative, or is not that of what follows',
};

/** Where the reading of a value stands; used again for each. */
export class Tap extends Walk {
  /** As `bytes`, which is seen as a Buffer here. */
  buffer: Buffer = Buffer.alloc(0);
  at = 0;

  open(bytes: Buffer, at: number, end: number): void {
    this.start(bytes, end);
    this.buffer = bytes;
    this.at = at;
  }

  /** Goes to where a walk has ended, or tells why it has not. */
  goTo(at: number): void {
    if (at < 0) this.fail(at);
    this.at = at;
  }

  fail(fault: number): never {
    throw new CarillonError('CAR503', `${FAULTS[fault]}.`);
  }

  wholeNumber(): number | bigint {
    const start = this.at;
    this.goTo(this.long(start));
    return this.number < INEXACT_FROM ? this.number : exactLong(this.buffer, start, this.at);
  }

  /** Passes over so many bytes, and gives where they begin. */
  take(size: number): number {
    const start = this.at;
    this.goTo(this.skipBytes(start, size));
    return start;
  }
}

function exactLong(bytes: Buffer, start: number, end: number): number | bigint {
  let zigzag = 0n;
  for (let at = end - 1; at >= start; at--) zigzag = (zigzag << 7n) | BigInt(bytes[at]! & 0x7f);
  zigzag = BigInt.asUintN(64, zigzag);
  const value = (zigzag >> 1n) ^ -(zigzag & 1n);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** For values that cannot be read. */
export function refuse(why: string): Read {
  return () => {
    throw new CarillonError('CAR503', `${why}.`);
  };
}

/** The items of an array or a map. A count that cannot be is refused before any item is read. */
export function readBlocks(tap: Tap, itemBytes: number, readItem: () => void): void {
  for (;;) {
    tap.goTo(tap.long(tap.at));
    let count = tap.number;
    if (count === 0) return;
    let blockEnd = -1;
    if (count < 0) {
      count = -count;
      tap.goTo(tap.long(tap.at));
      if (tap.number < 0) tap.fail(MALFORMED);
      blockEnd = tap.at + tap.number;
    }
    if (itemBytes === 0) tap.emptyItems += count;
    const isTooMuch =
      itemBytes === 0 ? tap.emptyItems > EMPTY_ITEMS_MAX : count * itemBytes > tap.end - tap.at;
    if (isTooMuch) tap.fail(CLAIMS_TOO_MUCH);
    for (let n = 0; n < count; n++) readItem();
    if (blockEnd >= 0 && tap.at !== blockEnd) tap.fail(MALFORMED);
  }
}

export function readBytes(size: number): Read {
  return (tap) => {
    const start = tap.take(size);
    return Buffer.from(tap.buffer.subarray(start, tap.at));
  };
}

/** Passes over a length and so many bytes, which are there, and gives where they begin. */
function sized(tap: Tap): number {
  const start = tap.size(tap.at);
  if (start < 0) tap.fail(start);
  tap.at = start + tap.number;
  return start;
}

/** Node's own, which `toString` calls after looking at its arguments. */
type Utf8Buffer = Buffer & { utf8Slice(start: number, end: number): string };

const READS: { readonly [kind in Primitive]: Read } = {
  null: () => null,
  boolean: (tap) => tap.buffer[tap.take(1)] !== 0,
  int: (tap) => tap.wholeNumber(),
  long: (tap) => tap.wholeNumber(),
  float: (tap) => tap.buffer.readFloatLE(tap.take(4)),
  double: (tap) => tap.buffer.readDoubleLE(tap.take(8)),
  bytes: (tap) => {
    const start = sized(tap);
    return Buffer.from(tap.buffer.subarray(start, tap.at));
  },
  string: (tap) => {
    const start = sized(tap);
    return (tap.buffer as Utf8Buffer).utf8Slice(start, tap.at);
  },
};

/** A primitive as the same or as a wider one. */
export function readAs(written: Primitive, as: AvroType['kind']): Read {
  const isWhole = written === 'int' || written === 'long';
  // The nearest that there is: a double has 53 bits.
  if (isWhole && (as === 'float' || as === 'double')) return (tap) => Number(tap.wholeNumber());
  return as === 'string' || as === 'bytes' ? READS[as] : READS[written];
}

export function readText(tap: Tap): string {
  return READS.string(tap) as string;
}
