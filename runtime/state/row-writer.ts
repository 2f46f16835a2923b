/** Bytes of a row while it is written: a place that is used again, read when it is full. */
import { putVarint, VARINT_BYTES_MAX } from '../../core/varint.ts';
import { copyBytes } from './copy-bytes.ts';
import { putAscii } from './key-bytes.ts';

const BYTES_FIRST = 1024;
const ASCII_LOOP_MAX = 64;

export class RowWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  view: DataView = new DataView(this.bytes.buffer);
  at = 0;
  /** Where the second part begins, of what has two. */
  middle = 0;

  /** A whole number within ±2^53. */
  int(value: number): void {
    this.room(VARINT_BYTES_MAX);
    this.at = putVarint(this.bytes, this.at, value);
  }

  double(value: number): void {
    this.room(8);
    this.view.setFloat64(this.at, value);
    this.at += 8;
  }

  text(value: string): void {
    const { length } = value;
    this.room(VARINT_BYTES_MAX + length * 3);
    const size = length <= ASCII_LOOP_MAX ? length : Buffer.byteLength(value, 'utf8');
    const at = putVarint(this.bytes, this.at, size);
    const end = length <= ASCII_LOOP_MAX ? putAscii(this.bytes, at, value) : -1;
    if (end >= 0) this.at = end;
    else {
      this.at = putVarint(this.bytes, this.at, Buffer.byteLength(value, 'utf8'));
      this.at += this.bytes.write(value, this.at, 'utf8');
    }
  }

  /** Bytes with their length before them. */
  blob(from: DataView, start: number, end: number): void {
    this.int(end - start);
    this.raw(from, start, end);
  }

  raw(from: DataView, start: number, end: number): void {
    this.room(end - start);
    copyBytes(this.view, this.at, from, start, end);
    this.at += end - start;
  }

  room(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + size));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
