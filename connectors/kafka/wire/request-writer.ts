/**
 * Writes a request's body in Kafka's flexible encoding (KIP-482): lengths are unsigned varints of
 * size plus one, and each structure ends with its tagged fields (none of ours). Large bytes are
 * kept as they are and are not copied here.
 */

const INITIAL_BYTES = 512;
/** Smaller bytes are copied in: a part of its own costs more. */
const COPY_BYTES_MAX = 1024;

export class RequestWriter {
  #bytes: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #from = 0;
  #at = 0;
  readonly #parts: Buffer[] = [];

  int8(value: number): this {
    this.#room(1);
    this.#at = this.#bytes.writeInt8(value, this.#at);
    return this;
  }

  int16(value: number): this {
    this.#room(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#room(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
    return this;
  }

  /** A whole number within ±2^53, which offsets, times and producer ids are. */
  int64(value: number): this {
    this.#room(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#at = this.#bytes.writeInt32BE(high, this.#at);
    this.#at = this.#bytes.writeUInt32BE(value - high * 0x1_0000_0000, this.#at);
    return this;
  }

  bool(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  uvarint(value: number): this {
    this.#room(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
    return this;
  }

  text(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const size = Buffer.byteLength(value, 'utf8');
    this.uvarint(size + 1);
    this.#room(size);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
    return this;
  }

  /** In the old encoding, with a length of 16 bits: what the group's own formats are written in. */
  shortText(value: string): this {
    const size = Buffer.byteLength(value, 'utf8');
    this.int16(size);
    this.#room(size);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
    return this;
  }

  blob(value: Buffer): this {
    return this.uvarint(value.length + 1).raw(value);
  }

  /** 16 bytes as 32 hexadecimal digits. */
  uuid(hex: string): this {
    this.#room(16);
    this.#at += this.#bytes.write(hex, this.#at, 16, 'hex');
    return this;
  }

  raw(value: Buffer): this {
    if (value.length <= COPY_BYTES_MAX) {
      this.#room(value.length);
      this.#at += value.copy(this.#bytes, this.#at);
      return this;
    }
    this.#cut();
    this.#parts.push(value);
    return this;
  }

  list<T>(values: readonly T[], write: (value: T) => void): this {
    this.uvarint(values.length + 1);
    for (const value of values) write(value);
    return this;
  }

  /** Ends a structure. */
  tags(): this {
    return this.int8(0);
  }

  /** The parts of the body, in order; the writer must not be used after. */
  done(): readonly Buffer[] {
    this.#cut();
    return this.#parts;
  }

  #cut(): void {
    if (this.#at > this.#from) this.#parts.push(this.#bytes.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const kept = this.#at - this.#from;
    const grown = Buffer.allocUnsafe(Math.max(INITIAL_BYTES, kept * 2, kept + size));
    this.#bytes.copy(grown, 0, this.#from, this.#at);
    this.#bytes = grown;
    this.#from = 0;
    this.#at = kept;
  }
}
