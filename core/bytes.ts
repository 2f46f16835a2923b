/**
 * Small binary rows: zig-zag varints, length-prefixed text and bytes, doubles. The state of a step
 * is written with these, so that a changelog record costs tens of bytes.
 */
export class ByteWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(sizeHint = 64) {
    this.#bytes = Buffer.allocUnsafe(sizeHint);
  }

  /** A whole number within ±2^53. */
  int(value: number): this {
    this.#room(10);
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
    return this;
  }

  double(value: number): this {
    this.#room(8);
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
    return this;
  }

  text(value: string): this {
    const size = Buffer.byteLength(value, 'utf8');
    this.int(size);
    this.#room(size);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
    return this;
  }

  /** Null is told apart from empty. */
  blob(value: Buffer | null): this {
    if (value === null) return this.int(-1);
    this.int(value.length);
    this.#room(value.length);
    this.#at += value.copy(this.#bytes, this.#at);
    return this;
  }

  /** The bytes written so far; the writer must not be used after. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Reads what ByteWriter wrote; a row that ends too early throws a RangeError. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  int(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    const value = this.#bytes.readDoubleBE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const size = this.int();
    this.#need(size);
    const value = this.#bytes.toString('utf8', this.#at, this.#at + size);
    this.#at += size;
    return value;
  }

  blob(): Buffer | null {
    const size = this.int();
    if (size < 0) return null;
    this.#need(size);
    const value = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    return value;
  }

  #need(size: number): void {
    if (this.#at + size > this.#bytes.length) throw new RangeError('row ends too early');
  }
}
