/** Copies of a slice's records in a slice with bytes of its own, where they may stay a while. */
import { headersEnd } from '../../core/headers.ts';
import { FIELD_UNKNOWN, GIVEN, NONE, type Slice } from '../../core/slice.ts';
import { copyBytes } from './copy-bytes.ts';
import { ownLines } from './held-form.ts';

/**
 * Appends a copy of record `i`, with all that it is and was set; gives its index. Located fields
 * come along where they lie in the key or in the value.
 */
export function appendCopy(from: Slice, i: number, out: Slice): number {
  const j = out.n++;
  out.selection[out.selected++] = j;
  if (j === 0) out.devices = null;
  out.priority = from.priority;
  out.clockMs = from.clockMs;
  out.decode = from.decode;
  out.offset[j] = from.offset[i]!;
  out.timestamp[j] = from.timestamp[i]!;
  out.deadlineMs[j] = from.deadlineMs[i]!;
  out.count[j] = from.count[i]!;
  out.classMask[j] = from.classMask[i]!;
  out.transports[j] = from.transports[i]!;
  out.output[j] = from.output[i]!;
  copyRange(from, from.keyStart, from.keyEnd, i, out, out.keyStart, out.keyEnd, j);
  copyRange(from, from.valueStart, from.valueEnd, i, out, out.valueStart, out.valueEnd, j);
  const headersAt = from.headersAt[i]!;
  out.headersAt[j] =
    headersAt < 0 ? headersAt : copied(from, headersAt, headersEnd(from.bytes, headersAt), out);
  copyText(from, from.eventStart, from.eventEnd, i, out, out.eventStart, out.eventEnd, j);
  copyText(from, from.exceptStart, from.exceptEnd, i, out, out.exceptStart, out.exceptEnd, j);
  const line = from.device[i]!;
  out.device[j] = line < 0 ? NONE : ownLines(out).add(from.devices!.device(line));
  copyFields(from, i, out, j);
  copyGiven(from, i, out, j);
  return j;
}

function copied(from: Slice, start: number, end: number, out: Slice): number {
  const at = out.own(end - start);
  copyBytes(out.view, at, from.view, start, end);
  return at;
}

function copyRange(
  from: Slice,
  starts: Int32Array,
  ends: Int32Array,
  i: number,
  out: Slice,
  outStarts: Int32Array,
  outEnds: Int32Array,
  j: number,
): void {
  const start = starts[i]!;
  const end = ends[i]!;
  outStarts[j] = start < 0 ? start : copied(from, start, end, out);
  outEnds[j] = start < 0 ? end : outStarts[j]! + end - start;
}

/**
 * How much further what lies at [start, end) of record `i` lies in its copy; NaN: it is not there.
 */
function shiftOf(
  from: Slice,
  i: number,
  out: Slice,
  j: number,
  start: number,
  end: number,
): number {
  const valueStart = from.valueStart[i]!;
  if (valueStart >= 0 && start >= valueStart && end <= from.valueEnd[i]!) {
    return out.valueStart[j]! - valueStart;
  }
  const keyStart = from.keyStart[i]!;
  if (keyStart >= 0 && start >= keyStart && end <= from.keyEnd[i]!) {
    return out.keyStart[j]! - keyStart;
  }
  return Number.NaN;
}

/** A text that mostly lies in the value: then it is not copied again. */
function copyText(
  from: Slice,
  starts: Int32Array,
  ends: Int32Array,
  i: number,
  out: Slice,
  outStarts: Int32Array,
  outEnds: Int32Array,
  j: number,
): void {
  const start = starts[i]!;
  const shift = start < 0 ? 0 : shiftOf(from, i, out, j, start, ends[i]!);
  if (Number.isNaN(shift)) copyRange(from, starts, ends, i, out, outStarts, outEnds, j);
  else {
    outStarts[j] = start + shift;
    outEnds[j] = ends[i]! + shift;
  }
}

function copyFields(from: Slice, i: number, out: Slice, j: number): void {
  for (let f = 0; f < out.fieldStart.length; f++) {
    const start = from.fieldStart[f]?.[i] ?? FIELD_UNKNOWN;
    const end = from.fieldEnd[f]?.[i] ?? 0;
    const shift = start < 0 ? 0 : shiftOf(from, i, out, j, start, end);
    const isThere = !Number.isNaN(shift);
    out.fieldStart[f]![j] = isThere ? start + shift : FIELD_UNKNOWN;
    out.fieldEnd[f]![j] = isThere ? end + shift : 0;
    out.fieldNumber[f]![j] = from.fieldNumber[f]?.[i] ?? 0;
  }
}

/** What stands beside the bytes, as objects. A decoded value is good for the copy too. */
function copyGiven(from: Slice, i: number, out: Slice, j: number): void {
  if (from.values[i] !== undefined) {
    out.values[j] = from.values[i];
    out.touch();
  }
  if (from.joined[i] !== undefined) {
    out.joined[j] = from.joined[i];
    out.touch();
  }
  if (from.keyStart[i] === GIVEN) {
    out.keys[j] = from.keys[i];
    out.touch();
  }
  if (from.eventStart[i] === GIVEN) {
    out.eventIds[j] = from.eventIds[i];
    out.touch();
  }
  if (from.exceptStart[i] === GIVEN) {
    out.excepts[j] = from.excepts[i];
    out.touch();
  }
  if (from.headersAt[i] === GIVEN) {
    out.headers[j] = from.headers[i];
    out.touch();
  }
}
