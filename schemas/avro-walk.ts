/**
 * Walks over Avro values without making them: says where a value ends, or why it cannot be one. It
 * takes time in proportion to the bytes, whatever the counts and lengths in them claim.
 */
import type { AvroType, RecordType } from './avro-type.ts';

/** Why a walk failed, in place of a position. */
export const ENDS_EARLY = -1;
/** An array or map claims more items than its bytes can hold. */
export const CLAIMS_TOO_MUCH = -2;
export const TOO_DEEP = -3;
/** A union or enum has nothing of that number. */
export const NO_SUCH_INDEX = -4;
/** A negative length, a number of more than ten bytes, a block that is not as long as it says. */
export const MALFORMED = -5;
/** Records inside records; what is nested deeper is refused, long before the stack ends. */
export const NESTED_MAX = 256;
/**
 * Items of a value that take no bytes (null, empty records) and so could be claimed without end.
 */
export const EMPTY_ITEMS_MAX = 65_536;
/**
 * Numbers from here on have zig-zag forms beyond 2^53, which doubles round: of a negative one even
 * the sign is lost. Below it, numbers are exact; so are negative ones down to minus this.
 */
export const INEXACT_FROM = 2 ** 52;

const LONG_BYTES_MAX = 10;

/** Gives where the value at `at` ends, or one of the reasons above. */
export type Skip = (walk: Walk, at: number) => number;

/** The bytes that are walked over, and how far things have come; used again for each value. */
export class Walk {
  bytes: Uint8Array = Buffer.alloc(0);
  end = 0;
  /** What `long` read last. */
  number = 0;
  depth = 0;
  emptyItems = 0;

  start(bytes: Uint8Array, end: number): void {
    if (this.bytes !== bytes) this.bytes = bytes;
    this.end = end;
    this.depth = 0;
    this.emptyItems = 0;
  }

  /**
   * Reads a zig-zag number into `number` and gives its end. From INEXACT_FROM on the number is not
   * exact, and not negative.
   */
  long(start: number): number {
    const { bytes, end } = this;
    let at = start;
    let low = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
      if (at >= end) return ENDS_EARLY;
      byte = bytes[at++]!;
      low |= (byte & 0x7f) << shift;
    }
    if (byte < 0x80) {
      this.number = (low >>> 1) ^ -(low & 1);
      return at;
    }
    let high = 0;
    for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
      if (at >= end) return ENDS_EARLY;
      byte = bytes[at++]!;
      high |= (byte & 0x7f) << shift;
    }
    let value = high * 2 ** 28 + low;
    for (let factor = 2 ** 56; byte >= 0x80; factor *= 0x80) {
      if (at >= end) return ENDS_EARLY;
      byte = bytes[at++]!;
      // The tenth has the last one of 64 bits.
      if (at - start === LONG_BYTES_MAX && byte > 1) return MALFORMED;
      value += (byte & 0x7f) * factor;
    }
    const isNegative = (low & 1) === 1 && value < 2 ** 53;
    this.number = isNegative ? -(value + 1) / 2 : value / 2;
    return at;
  }

  /** Any number of bytes that go on, and one that does not. */
  skipLong(start: number): number {
    const { bytes, end } = this;
    for (let at = start; at < end; ) if (bytes[at++]! < 0x80) return at;
    return ENDS_EARLY;
  }

  /** Reads the length of a text or bytes into `number`, when so many bytes are there. */
  size(start: number): number {
    const at = this.long(start);
    if (at < 0) return at;
    if (this.number < 0) return MALFORMED;
    return this.number > this.end - at ? ENDS_EARLY : at;
  }

  skipSized(start: number): number {
    const at = this.size(start);
    return at < 0 ? at : at + this.number;
  }

  skipBytes(at: number, size: number): number {
    return size > this.end - at ? ENDS_EARLY : at + size;
  }
}

/**
 * Makes the skips of one writer schema. A strict one also refuses what who decodes it refuses:
 * numbers of an enum without a symbol, and of more than ten bytes.
 */
export class SkipMaker {
  readonly #isStrict: boolean;
  readonly #records = new Map<AvroType, Skip>();
  readonly #sizes = new Map<AvroType, number>();

  constructor(isStrict: boolean) {
    this.#isStrict = isStrict;
  }

  /** Bytes that a value of the type takes at least; 0 only if all its values take none. */
  leastBytes(type: AvroType): number {
    return leastBytes(type, this.#sizes);
  }

  skipOf(type: AvroType): Skip {
    switch (type.kind) {
      case 'union':
        return skipUnion(type.types.map((branch) => this.skipOf(branch)));
      case 'record':
        return this.#skipRecord(type);
      case 'null':
        return (_walk, at) => at;
      case 'int':
      case 'long':
        return this.#isStrict ? (walk, at) => walk.long(at) : (walk, at) => walk.skipLong(at);
      case 'enum':
        return this.#isStrict
          ? skipIndexBelow(type.symbols.length)
          : (walk, at) => walk.skipLong(at);
      case 'bytes':
      case 'string':
        return (walk, at) => walk.skipSized(at);
      case 'array':
        return skipBlocks(this.skipOf(type.items), this.leastBytes(type.items));
      case 'map': {
        const value = this.skipOf(type.values);
        return skipBlocks((walk, at) => skipEntry(walk, at, value), 1);
      }
      default: {
        const size = fixedBytes(type);
        return (walk, at) => walk.skipBytes(at, size);
      }
    }
  }

  #skipRecord(type: RecordType): Skip {
    const known = this.#records.get(type);
    if (known !== undefined) return known;
    const fields: Skip[] = [];
    const skip: Skip = (walk, start) => {
      if (++walk.depth > NESTED_MAX) return TOO_DEEP;
      let at = start;
      for (let f = 0; f < fields.length && at >= 0; f++) at = fields[f]!(walk, at);
      walk.depth--;
      return at;
    };
    // Known before its fields are looked at: they may be of this record's own type.
    this.#records.set(type, skip);
    for (const field of type.fields) fields.push(this.skipOf(field.type));
    return skip;
  }
}

function skipIndexBelow(count: number): Skip {
  return (walk, start) => {
    const at = walk.long(start);
    if (at < 0) return at;
    return walk.number < 0 || walk.number >= count ? NO_SUCH_INDEX : at;
  };
}

function skipUnion(branches: readonly Skip[]): Skip {
  const skipIndex = skipIndexBelow(branches.length);
  return (walk, start) => {
    const at = skipIndex(walk, start);
    return at < 0 ? at : branches[walk.number]!(walk, at);
  };
}

function skipEntry(walk: Walk, start: number, value: Skip): number {
  const at = walk.skipSized(start);
  return at < 0 ? at : value(walk, at);
}

/**
 * The blocks of an array or a map. A negative count is followed by the block's size in bytes: who
 * drops the field jumps, who reads it walks, so the two must agree or the value has no one meaning.
 */
function skipBlocks(item: Skip, itemBytes: number): Skip {
  return (walk, start) => {
    let at = start;
    for (;;) {
      at = walk.long(at);
      if (at < 0) return at;
      let count = walk.number;
      if (count === 0) return at;
      let blockEnd = -1;
      if (count < 0) {
        count = -count;
        at = walk.long(at);
        if (at < 0) return at;
        if (walk.number < 0) return MALFORMED;
        blockEnd = at + walk.number;
      }
      at = skipItems(walk, at, count, item, itemBytes);
      if (at < 0) return at;
      if (blockEnd >= 0 && at !== blockEnd) return MALFORMED;
    }
  };
}

function skipItems(walk: Walk, start: number, count: number, item: Skip, bytes: number): number {
  if (bytes === 0) {
    walk.emptyItems += count;
    return walk.emptyItems > EMPTY_ITEMS_MAX ? CLAIMS_TOO_MUCH : start;
  }
  if (count * bytes > walk.end - start) return CLAIMS_TOO_MUCH;
  let at = start;
  for (let n = 0; n < count && at >= 0; n++) at = item(walk, at);
  return at;
}

function leastBytes(type: AvroType, known: Map<AvroType, number>): number {
  const size = known.get(type);
  if (size !== undefined) return size;
  if (type.kind !== 'record') return hasFixedBytes(type) ? fixedBytes(type) : 1;
  // Met again within itself, outside of any union or array, it has no end; no value is of it.
  known.set(type, 1);
  let sum = 0;
  for (const field of type.fields) sum += leastBytes(field.type, known);
  known.set(type, sum);
  return sum;
}

const FIXED_BYTES: { readonly [kind: string]: number } = {
  null: 0,
  boolean: 1,
  float: 4,
  double: 8,
};

/** Types whose values all take the same number of bytes, and that hold nothing else. */
export function hasFixedBytes(type: AvroType): boolean {
  return type.kind === 'fixed' || type.kind in FIXED_BYTES;
}

export function fixedBytes(type: AvroType): number {
  if (type.kind === 'fixed') return type.size;
  const size = FIXED_BYTES[type.kind];
  if (size === undefined) throw new Error(`values of ${type.kind} have no one size`);
  return size;
}
