/** Decodes values: each ends with a value, or with a CAR503. */
import { CarillonError } from '../core/error.ts';
import type { ValueDecoder } from '../core/record.ts';
import { WIRE_HEADER_BYTES } from '../core/schema.ts';
import { type AvroType, branchName } from './avro-type.ts';
import { type AvscRead, avscRead } from './avsc-reader.ts';
import { Tap } from './tap.ts';
import { type Resolved, resolve } from './value-reader.ts';

/** One for all: reading a value calls nobody who reads another. */
const tap = new Tap();

export class AvroDecoder implements ValueDecoder {
  /** False: some values that the writer may write cannot be read. */
  readonly isTotal: boolean;
  readonly #resolved: Resolved;
  readonly #byAvsc: AvscRead | undefined;
  readonly #name: string;

  /** Throws UnresolvableError when nothing that was written as `writer` can be read as `reader`. */
  constructor(reader: AvroType, writer: AvroType) {
    this.#resolved = resolve(writer, reader);
    this.isTotal = this.#resolved.isTotal;
    this.#byAvsc = avscRead(writer, reader);
    this.#name = branchName(writer);
  }

  decode(bytes: Buffer, start: number, end: number): unknown {
    const known = this.#byAvsc?.(bytes, start + WIRE_HEADER_BYTES, end);
    if (known !== undefined) return known;
    tap.open(bytes, start + WIRE_HEADER_BYTES, end);
    const value = this.#resolved.read(tap);
    if (tap.at === end) return value;
    const what = `${end - tap.at} byte(s) are left over after ${this.#name}.`;
    throw new CarillonError('CAR503', what);
  }
}
