/** `value.a.b`, `key`, `timestamp`: checked against the shape, and made into a function. */
import type { Record } from '../core/record.ts';
import { FIELD_FALSE, FIELD_NUMBER, FIELD_TRUE, NONE } from '../core/slice.ts';
import type { FieldReader } from '../core/spec.ts';
import { type IdentityFields, RENO_FIELDS } from '../core/words.ts';
import { didYouMean, listed, type Report } from './report.ts';
import type { Placed } from './section.ts';
import { type RecordShape, type Shape, shapeName, type UnionShape, withoutNull } from './shape.ts';

export interface ResolvedPath {
  readonly reader: FieldReader;
  readonly shape: Shape;
  /** The top-level field that it reads; null: none (`key`, `timestamp`); `*`: all. */
  readonly field: string | null;
}

const TEXT: Shape = { kind: 'string' };
const TIME: Shape = { kind: 'int' };
const PATH = /^value(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;
/** Deeper than any event is; a bound for the sake of the closure's loop. */
const PATH_PARTS_MAX = 8;

/** Undefined when it was told why not. `mend`: for what is no path at all. */
export function resolvePath(
  report: Report,
  subject: string,
  path: Placed,
  shape: Shape,
  mend?: string,
): ResolvedPath | undefined {
  const text = path.value;
  if (text === 'key') return { reader: readerOf(text, []), shape: TEXT, field: null };
  if (text === 'timestamp') return { reader: readerOf(text, []), shape: TIME, field: null };
  const parts = text.split('.').slice(1);
  if (!PATH.test(text) || parts.length > PATH_PARTS_MAX) {
    report.error(
      'CAR308',
      path.span,
      `${subject}: "${text}" is not a path.`,
      mend ?? pathMend(text, shape),
    );
    return undefined;
  }
  const end = walk(report, subject, path, shape);
  if (end === undefined) return undefined;
  return { reader: readerOf(text, parts), shape: end, field: parts[0] ?? '*' };
}

/** An expression can ask which branch a value is of. */
export function branchMend(path: string, { branches }: UnionShape): string {
  return `An expression can ask for the branch: "${branches[0]}" in ${path}, then ${path}["${branches[0]}"].`;
}

function pathMend(text: string, shape: Shape): string {
  const otherwise = 'Write value.<field>, key or timestamp.';
  if (shape.kind !== 'record') return otherwise;
  if (shape.fields.has(text)) return `did you mean "value.${text}"?   ${otherwise}`;
  return didYouMean(text, [...fieldPaths(shape), 'key', 'timestamp'], otherwise);
}

function fieldPaths(shape: Shape): string[] {
  return shape.kind === 'record' ? [...shape.fields.keys()].map((name) => `value.${name}`) : [];
}

function walk(report: Report, subject: string, path: Placed, shape: Shape): Shape | undefined {
  const parts = path.value.split('.').slice(1);
  let at: Shape = shape;
  let isNullable = false;
  let offset = 'value'.length;
  for (const part of parts) {
    isNullable ||= at.kind === 'nullable';
    const inner = withoutNull(at);
    if (inner.kind === 'any') return inner;
    const span =
      path.span.end - path.span.start === path.value.length
        ? { start: path.span.start + offset + 1, end: path.span.start + offset + 1 + part.length }
        : path.span;
    if (inner.kind !== 'record') {
      const so = path.value.slice(0, offset);
      const what = `${subject}: ${so} is a ${shapeName(inner)}, it has no fields.`;
      report.error(
        'CAR404',
        span,
        what,
        inner.kind === 'union' ? branchMend(so, inner) : undefined,
      );
      return undefined;
    }
    const next = inner.fields.get(part);
    if (next === undefined) {
      const names = [...inner.fields.keys()];
      report.error(
        'CAR402',
        span,
        `${subject}: ${inner.name} has no field "${part}".`,
        didYouMean(part, names, `Its fields: ${listed(names)}.`),
      );
      return undefined;
    }
    at = next;
    offset += part.length + 1;
  }
  return isNullable && at.kind !== 'nullable' ? { kind: 'nullable', of: at } : at;
}

/** Of the engine's own events, whose fields no topology names. */
const ENGINE_EVENT = 'DeviceReport';

/** Events are keyed by member where their schema has one (design, D14). */
export function memberPath(
  shape: RecordShape | undefined,
  { member: own }: IdentityFields,
): ResolvedPath | undefined {
  const field = shape?.name === ENGINE_EVENT ? RENO_FIELDS.member : own;
  const member = shape?.fields.get(field);
  if (member?.kind !== 'string') return undefined;
  return { reader: readerOf(`value.${field}`, [field]), shape: member, field };
}

/** A reader of one stream: where its field lies is known once a task has opened the stream. */
export function readerOf(path: string, parts: readonly string[]): FieldReader {
  const decode = decodedOf(path, parts);
  const reader: FieldReader = {
    path,
    column: -1,
    read(record) {
      const { column } = reader;
      if (column < 0) return decode(record);
      const { slice, i } = record;
      const start = slice.fieldStart[column]![i]!;
      if (start >= 0) return slice.bytes.toString('utf8', start, slice.fieldEnd[column]![i]!);
      switch (start) {
        case NONE:
          return null;
        case FIELD_NUMBER:
          return slice.fieldNumber[column]![i]!;
        case FIELD_FALSE:
          return false;
        case FIELD_TRUE:
          return true;
        default:
          return decode(record);
      }
    },
  };
  return reader;
}

/** Without loops for the depths that occur. */
function decodedOf(path: string, parts: readonly string[]): (record: Record) => unknown {
  if (path === 'key') return (record) => record.key;
  if (path === 'timestamp') return (record) => record.timestamp;
  const [first, second] = parts;
  if (first === undefined) return (record) => record.value;
  if (second === undefined) return (record) => record.value[first];
  if (parts.length === 2) return (record) => record.value[first]?.[second];
  return (record) => {
    let at = record.value;
    for (const part of parts) {
      if (at === null || at === undefined) return undefined;
      at = at[part];
    }
    return at;
  };
}
