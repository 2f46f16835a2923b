/** The headers of a Kafka record as they lie behind its value: a count, then key and value each. */
import { VarintReader } from './varint.ts';

export interface Header {
  readonly key: string;
  readonly value: Buffer;
}

/** Decodes the headers whose count stands at `at`; their values are views. */
export function readHeaders(bytes: Buffer, at: number): readonly Header[] {
  const from = new VarintReader(bytes, at);
  const count = from.next();
  const headers: Header[] = [];
  for (let n = 0; n < count; n++) {
    const keySize = from.next();
    const key = bytes.toString('utf8', from.at, from.at + keySize);
    from.at += keySize;
    const valueSize = Math.max(0, from.next());
    headers.push({ key, value: bytes.subarray(from.at, from.at + valueSize) });
    from.at += valueSize;
  }
  return headers;
}

/** Where headers that begin at `at` end. */
export function headersEnd(bytes: Buffer, at: number): number {
  const from = new VarintReader(bytes, at);
  for (let rest = from.next() * 2; rest > 0; rest--) {
    const size = from.next();
    from.at += Math.max(0, size);
  }
  return from.at;
}
