/**
 * Rows on the heap, under texts: as the bytes in which they came until somebody asks for one, and
 * then as the value that it is. About what they take is known at any time.
 */
import type { ValueDecoder } from '../../core/record.ts';
import { MAP_ENTRY_BYTES, roughBytes, textBytes } from './rough-bytes.ts';

/** A row as it came. */
class Undecoded {
  readonly bytes: Buffer;
  readonly #decoder: ValueDecoder;

  constructor(bytes: Buffer, decoder: ValueDecoder) {
    this.bytes = bytes;
    this.#decoder = decoder;
  }

  decode(): unknown {
    return this.#decoder.decode(this.bytes, 0, this.bytes.length);
  }
}

const HEAD_BYTES = 40;

const sizeOf = (row: unknown) =>
  row instanceof Undecoded ? HEAD_BYTES + roughBytes(row.bytes) : roughBytes(row);

export class LooseRows {
  readonly #rows = new Map<string, unknown>();
  /** About the memory they take. */
  bytes = 0;

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): unknown {
    const row = this.#rows.get(key);
    if (!(row instanceof Undecoded)) return row;
    const decoded = row.decode();
    this.#rows.set(key, decoded);
    this.bytes += sizeOf(decoded) - sizeOf(row);
    return decoded;
  }

  keys(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** All of them decoded, and none of them kept so. */
  *entries(): IterableIterator<[string, unknown]> {
    for (const [key, row] of this.#rows) yield [key, row instanceof Undecoded ? row.decode() : row];
  }

  /** `bytes` stays as it is; it is read when the row is asked for, which must not fail. */
  keep(key: string, bytes: Buffer, decoder: ValueDecoder): void {
    this.#set(key, new Undecoded(bytes, decoder));
  }

  put(key: string, row: unknown): void {
    this.#set(key, row);
  }

  delete(key: string): void {
    const row = this.#rows.get(key);
    if (this.#rows.delete(key)) this.bytes -= this.#entryBytes(key, row);
  }

  #set(key: string, row: unknown): void {
    const before = this.#rows.get(key);
    if (before === undefined) this.bytes += this.#entryBytes(key, row);
    else this.bytes += sizeOf(row) - sizeOf(before);
    this.#rows.set(key, row);
  }

  #entryBytes(key: string, row: unknown): number {
    return MAP_ENTRY_BYTES + textBytes(key) + sizeOf(row);
  }
}
