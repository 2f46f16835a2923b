/** The parts of a held record that are bytes: how they are written, and found in a slice again. */
import { deserialize, serialize } from 'node:v8';
import type { MemberDevice } from '../../core/device.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import type { Record } from '../../core/record.ts';
import { GIVEN, NONE, type Slice } from '../../core/slice.ts';
import { VarintReader } from '../../core/varint.ts';
import type { RowWriter } from './row-writer.ts';

/** Where the value of a held record comes from. */
export const VALUE = { none: 0, bytes: 1, given: 2 } as const;

const headers = new VarintReader(Buffer.alloc(0));

/** Key, value, headers and event id; then, from `writer.middle` on, excepted device and device. */
export function writeParts(record: Record, to: RowWriter): void {
  const { slice, i } = record;
  writeText(to, slice, slice.keyStart[i]!, slice.keyEnd[i]!, slice.keys[i]);
  writeValue(to, slice, i);
  writeHeaders(to, slice, i);
  const eventStart = slice.eventStart[i]!;
  if (eventStart >= 0) to.blob(slice.view, eventStart, slice.eventEnd[i]!);
  else to.text(record.eventId);
  to.middle = to.at;
  if (slice.classMask[i]! >= 0) {
    writeText(to, slice, slice.exceptStart[i]!, slice.exceptEnd[i]!, slice.excepts[i]);
  }
  if (slice.device[i]! < 0) to.int(-1);
  else to.text(JSON.stringify(record.device));
}

function writeText(
  to: RowWriter,
  slice: Slice,
  start: number,
  end: number,
  given: string | undefined,
): void {
  if (start >= 0) to.blob(slice.view, start, end);
  else if (start === GIVEN) to.text(given!);
  else to.int(-1);
}

function writeValue(to: RowWriter, slice: Slice, i: number): void {
  const start = slice.valueStart[i]!;
  if (start >= 0) {
    to.int(VALUE.bytes);
    to.blob(slice.view, start, slice.valueEnd[i]!);
  } else if (start === GIVEN) {
    to.int(VALUE.given);
    writeBuffer(to, serialize(slice.values[i]));
  } else to.int(VALUE.none);
}

/** Headers are the same as in a Kafka record; but a value that is null there is empty here. */
function writeHeaders(to: RowWriter, slice: Slice, i: number): void {
  const at = slice.headersAt[i]!;
  if (at === NONE) {
    to.int(-1);
    return;
  }
  if (at === GIVEN) {
    const given = slice.headers[i]!;
    to.int(given.length);
    for (const { key, value } of given) {
      to.text(key);
      writeBuffer(to, value);
    }
    return;
  }
  headers.bytes = slice.bytes;
  headers.at = at;
  const count = headers.next();
  to.int(count);
  for (let rest = count * 2; rest > 0; rest--) {
    const size = Math.max(0, headers.next());
    to.blob(slice.view, headers.at, headers.at + size);
    headers.at += size;
  }
}

function writeBuffer(to: RowWriter, bytes: Buffer): void {
  to.blob(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
}

const parts = new VarintReader(Buffer.alloc(0));

/** Says in the columns of record `i` where the parts are, which were copied to `start`. */
export function appendParts(out: Slice, i: number, start: number, hasExcept: boolean): void {
  const { bytes } = out;
  parts.bytes = bytes;
  parts.at = start;
  place(out.keyStart, out.keyEnd, i);
  appendValue(out, i);
  out.headersAt[i] = parts.at;
  const count = parts.next();
  if (count < 0) out.headersAt[i] = NONE;
  for (let rest = count * 2; rest > 0; rest--) skipBlob(parts);
  place(out.eventStart, out.eventEnd, i);
  if (hasExcept) place(out.exceptStart, out.exceptEnd, i);
  if (i === 0) out.devices = null;
  const size = parts.next();
  if (size < 0) return;
  const device = JSON.parse(bytes.toString('utf8', parts.at, parts.at + size)) as MemberDevice;
  out.device[i] = ownLines(out).add(device);
}

/** Passes over bytes with their length before them. */
export function skipBlob(from: VarintReader): void {
  const size = from.next();
  if (size > 0) from.at += size;
}

function place(starts: Int32Array, ends: Int32Array, i: number): void {
  const size = parts.next();
  starts[i] = size < 0 ? NONE : parts.at;
  if (size > 0) parts.at += size;
  ends[i] = size < 0 ? NONE : parts.at;
}

function appendValue(out: Slice, i: number): void {
  const kind = parts.next();
  if (kind === VALUE.none) {
    out.valueStart[i] = NONE;
    out.valueEnd[i] = NONE;
    return;
  }
  place(out.valueStart, out.valueEnd, i);
  if (kind === VALUE.bytes) return;
  const start = out.valueStart[i]!;
  out.values[i] = deserialize(Buffer.from(out.bytes.subarray(start, out.valueEnd[i]!)));
  out.valueStart[i] = GIVEN;
  out.touch();
}

const linesOf = new WeakMap<Slice, DeviceLines>();

/** The lines of a slice that has bytes of its own: copies, for its records outlive the tables'. */
export function ownLines(out: Slice): DeviceLines {
  let lines = linesOf.get(out);
  if (lines === undefined) {
    lines = new DeviceLines();
    linesOf.set(out, lines);
  }
  if (out.devices !== lines) {
    out.devices = lines;
    lines.clear();
  }
  return lines;
}
