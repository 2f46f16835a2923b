/** Encodes values of one schema of the folder, in the wire format. */
import { type ValueEncoder, WIRE_HEADER_BYTES } from '../core/schema.ts';
import type { AvroType } from './avro-type.ts';
import { Out, type Write } from './out.ts';
import { writerOf } from './value-writer.ts';

const BYTES_FIRST = 1024;

export class AvroEncoder implements ValueEncoder {
  readonly schemaId: number;
  readonly #write: Write;
  readonly #out = new Out(Buffer.alloc(0), 0);

  constructor(schemaId: number, type: AvroType) {
    this.schemaId = schemaId;
    this.#write = writerOf(type);
  }

  /** Throws WrongValueError, which names the field, for a value that is not of the schema. */
  encode(value: unknown, bytes: Buffer, at: number): number {
    if (at + WIRE_HEADER_BYTES > bytes.length) return -1;
    bytes[at] = 0;
    bytes.writeUInt32BE(this.schemaId, at + 1);
    const out = this.#out;
    out.bytes = bytes;
    out.at = at + WIRE_HEADER_BYTES;
    this.#write(out, value);
    return out.hasRoom ? out.at : -1;
  }

  toBuffer(value: unknown): Buffer {
    let bytes = Buffer.allocUnsafe(BYTES_FIRST);
    let end = this.encode(value, bytes, 0);
    while (end < 0) {
      bytes = Buffer.allocUnsafe(bytes.length * 2);
      end = this.encode(value, bytes, 0);
    }
    return bytes.subarray(0, end);
  }
}
