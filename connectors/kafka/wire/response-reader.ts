/**
 * Reads a response's body in Kafka's flexible encoding (KIP-482) from one run of bytes. What is too
 * short throws a RangeError; blobs are views, not copies.
 */

const NO_BYTES = Buffer.alloc(0);

export class ResponseReader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  int8(): number {
    const value = this.bytes.readInt8(this.at);
    this.at += 1;
    return value;
  }

  int16(): number {
    const value = this.bytes.readInt16BE(this.at);
    this.at += 2;
    return value;
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  /** Exact within ±2^53, which offsets, times and producer ids are. */
  int64(): number {
    const value = readInt64(this.bytes, this.at);
    this.at += 8;
    return value;
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  uvarint(): number {
    let value = 0;
    let factor = 1;
    for (let size = 0; size < 5; size++) {
      const byte = this.bytes.readUInt8(this.at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw new RangeError('a length of more than five bytes');
  }

  text(): string {
    return this.textOrNull() ?? '';
  }

  textOrNull(): string | null {
    const size = this.uvarint() - 1;
    return size < 0 ? null : this.#utf8(size);
  }

  /** In the old encoding, with a length of 16 bits. */
  shortText(): string {
    return this.#utf8(Math.max(0, this.int16()));
  }

  /** A view on the response. Null reads as empty. */
  blob(): Buffer {
    const size = this.uvarint() - 1;
    return size <= 0 ? NO_BYTES : this.raw(size);
  }

  raw(size: number): Buffer {
    this.#need(size);
    const value = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return value;
  }

  uuid(): string {
    return this.raw(16).toString('hex');
  }

  /** Null reads as an empty list. */
  list<T>(read: () => T): T[] {
    const size = this.uvarint() - 1;
    const values: T[] = [];
    for (let i = 0; i < size; i++) values.push(read());
    return values;
  }

  /** The tagged fields that end a structure: passed over, unless somebody wants to see them. */
  tags(see?: (tag: number, field: ResponseReader) => void): void {
    const count = this.uvarint();
    for (let i = 0; i < count; i++) {
      const tag = this.uvarint();
      const field = this.raw(this.uvarint());
      see?.(tag, new ResponseReader(field));
    }
  }

  #utf8(size: number): string {
    this.#need(size);
    const value = this.bytes.toString('utf8', this.at, this.at + size);
    this.at += size;
    return value;
  }

  #need(size: number): void {
    if (size < 0 || this.at + size > this.bytes.length) {
      throw new RangeError('a response ends too early');
    }
  }
}

/** Exact within ±2^53. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}
