/** Where values are written as Avro, and what is told of one that does not fit. */
const LONG_BYTES = 10;

/** What is written goes on when there is no room, so that the size can be told. */
export class Out {
  bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  get hasRoom(): boolean {
    return this.at <= this.bytes.length;
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  long(value: number | bigint): void {
    if (typeof value === 'bigint' || value >= 2 ** 52 || value < -(2 ** 52)) {
      this.#exact(BigInt(value));
      return;
    }
    let low = value < 0 ? -value * 2 - 1 : value * 2;
    while (low >= 0x80) {
      this.byte((low & 0x7f) | 0x80);
      low = low >= 2 ** 31 ? Math.floor(low / 0x80) : low >>> 7;
    }
    this.byte(low);
  }

  #exact(value: bigint): void {
    let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (let n = 1; n < LONG_BYTES && zigzag >= 0x80n; n++) {
      this.byte(Number(zigzag & 0x7fn) | 0x80);
      zigzag >>= 7n;
    }
    this.byte(Number(zigzag));
  }

  /** Where to write so many bytes; -1 when there is no room for them. */
  room(size: number): number {
    const { at } = this;
    this.at += size;
    return this.hasRoom ? at : -1;
  }
}

export type Write = (out: Out, value: unknown) => void;

/** A value that is not of its type. Its message names the path and never the value. */
export class WrongValueError extends Error {
  readonly what: string;
  readonly path: readonly string[];

  constructor(what: string, path: readonly string[] = []) {
    super(path.length === 0 ? what : `${path.join('.')}: ${what}`);
    this.what = what;
    this.path = path;
  }
}

/** What was wrong inside of a part of a value, told with the path to it. */
export function under(part: string, error: unknown): unknown {
  if (!(error instanceof WrongValueError)) return error;
  return new WrongValueError(error.what, [part, ...error.path]);
}
