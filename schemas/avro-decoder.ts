/** Decodes values with avsc, and sees to it that this ends: with a value, or with a CAR503. */
import type avro from 'avsc';
import { CarillonError } from '../core/error.ts';
import type { ValueDecoder } from '../core/record.ts';
import { WIRE_HEADER_BYTES } from '../core/schema.ts';
import {
  CLAIMS_TOO_MUCH,
  EMPTY_ITEMS_MAX,
  ENDS_EARLY,
  hasBlocks,
  MALFORMED,
  NESTED_MAX,
  NO_SUCH_INDEX,
  type Skip,
  SkipMaker,
  TOO_DEEP,
  Walk,
} from './avro-walk.ts';

/** Where avsc ends reading is given beside the value, so that a short body cannot run on unseen. */
interface Decoded {
  value: unknown;
  offset: number;
}

/**
 * Looks over values before avsc does, which believes each count that it reads: 23 bytes can claim
 * an array that takes it years. Null for schemas without arrays and maps: they cost nothing more.
 */
export interface BlockGuard {
  readonly skip: Skip;
  readonly walk: Walk;
}

export function guardOf(writer: avro.Type): BlockGuard | null {
  if (!hasBlocks(writer)) return null;
  return { skip: new SkipMaker(false).skipOf(writer), walk: new Walk() };
}

const REASONS: { readonly [fault: number]: string } = {
  [CLAIMS_TOO_MUCH]:
    `an array or map claims more items than bytes are left, or more than ` +
    `${EMPTY_ITEMS_MAX} that take none`,
  [TOO_DEEP]: `records are nested more than ${NESTED_MAX} deep`,
  [NO_SUCH_INDEX]: 'a union has no branch of the number that is given',
  [MALFORMED]: 'a length is negative, or is not that of what follows',
};

/** Decodes `bytes[start, end)`, a body without its wire header. */
export function decodeAll(
  type: avro.Type,
  resolver: unknown,
  guard: BlockGuard | null,
  bytes: Buffer,
  start: number,
  end: number,
): unknown {
  if (guard !== null) {
    guard.walk.start(bytes, end);
    checkEnd(type, guard.skip(guard.walk, start), end);
  }
  const { value, offset } = type.decode(bytes, start, resolver as never) as Decoded;
  checkEnd(type, offset, end);
  return value;
}

function checkEnd(type: avro.Type, at: number, end: number): void {
  if (at === end) return;
  const name = type.name ?? 'the value';
  if (at === ENDS_EARLY || at > end) {
    throw new CarillonError('CAR503', `the value ends before its schema ${type.name ?? ''} does.`);
  }
  throw new CarillonError(
    'CAR503',
    at < 0 ? `in ${name}, ${REASONS[at]}.` : `${end - at} byte(s) are left over after ${name}.`,
  );
}

/** How avsc is to resolve, and, as it goes, what it has resolved. */
export interface Resolution {
  readonly ignoreNamespaces: boolean;
  readonly registry: { readonly [records: string]: { readonly _read: unknown } };
}

export class AvscDecoder implements ValueDecoder {
  /**
   * False when values may throw that lie as they should. A record that could not be read as one
   * branch of a union stays, unfinished, in avsc's registry; where it meets those two records once
   * more, it takes it, and throws at each value.
   */
  readonly isSure: boolean;
  readonly #type: avro.Type;
  readonly #resolver: unknown;
  readonly #guard: BlockGuard | null;

  /** Throws when what was written as `writer` cannot be read as `reader`. */
  constructor(
    reader: avro.Type,
    writer: avro.Type,
    guard: BlockGuard | null,
    resolution: Resolution,
  ) {
    this.#type = reader;
    this.#guard = guard;
    this.#resolver = reader.equals(writer) ? undefined : reader.createResolver(writer, resolution);
    this.isSure = Object.values(resolution.registry).every(({ _read }) => _read !== null);
  }

  decode(bytes: Buffer, start: number, end: number): unknown {
    const body = start + WIRE_HEADER_BYTES;
    return decodeAll(this.#type, this.#resolver, this.#guard, bytes, body, end);
  }
}
