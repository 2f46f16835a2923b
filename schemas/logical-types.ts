/**
 * Logical types that Avro ignores: on a base that they are not for, with a precision that cannot
 * be, beside the type instead of in it. It says nothing (Avro 1.12, "Logical Types"), and the
 * values are those of the base.
 */
import { nearest } from '../core/nearest.ts';
import { isPrimitiveName } from './avro-type.ts';

export interface IgnoredLogical {
  /** As `field "at" → items`; empty: the type itself. */
  readonly at: string;
  readonly what: string;
}

interface Json {
  readonly [key: string]: unknown;
}

/** What a value of the type is written as. */
const BASES: { readonly [logical: string]: readonly string[] } = {
  decimal: ['bytes', 'fixed'],
  'big-decimal': ['bytes'],
  uuid: ['string', 'fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  duration: ['fixed'],
};
const FIXED_SIZES: { readonly [logical: string]: number } = { uuid: 16, duration: 12 };
/** As in schemas: what is deeper is told otherwise. */
const DEPTH_MAX = 128;

/** All that stand in a schema as it is written; types of other files are looked at there. */
export function ignoredLogicals(schema: unknown): readonly IgnoredLogical[] {
  const found: IgnoredLogical[] = [];
  const visit = (type: unknown, path: readonly string[]): void => {
    if (path.length > DEPTH_MAX) return;
    if (Array.isArray(type)) {
      type.forEach((branch, n) => {
        visit(branch, [...path, `branch ${n + 1}`]);
      });
      return;
    }
    if (!isObject(type)) return;
    const what = whyIgnored(type);
    if (what !== undefined) found.push({ at: path.join(' → '), what });
    visit(type.items, [...path, 'items']);
    visit(type.values, [...path, 'values']);
    // A type around a type: `{ "type": { "type": "long", … } }`.
    if (typeof type.type === 'object') visit(type.type, path);
    for (const field of Array.isArray(type.fields) ? type.fields : []) {
      if (!isObject(field)) continue;
      const at = [...path, `field "${String(field.name)}"`];
      const beside = besideType(field);
      if (beside !== undefined) found.push({ at: at.join(' → '), what: beside });
      visit(field.type, at);
    }
  };
  visit(schema, []);
  return found;
}

/** The common slip: Avro reads it in the type alone. */
function besideType({ type, logicalType }: Json): string | undefined {
  if (typeof logicalType !== 'string') return undefined;
  const isFixed = isObject(type) && type.logicalType === logicalType;
  if (isFixed || (!Object.hasOwn(BASES, logicalType) && meantBy(logicalType) === undefined)) {
    return undefined;
  }
  const base = typeof type === 'string' && isPrimitiveName(type) ? type : BASES[logicalType]?.[0];
  return (
    `"logicalType": "${logicalType}" stands beside the type, where Avro does not read it: ` +
    `write "type": { "type": "${base ?? 'long'}", "logicalType": "${logicalType}" }`
  );
}

function whyIgnored(type: Json): string | undefined {
  const { logicalType } = type;
  if (logicalType === undefined) return undefined;
  if (typeof logicalType !== 'string') return '"logicalType" is no text';
  if (!Object.hasOwn(BASES, logicalType)) {
    const meant = meantBy(logicalType);
    // Others may have types of their own, which Avro ignores by intention.
    if (meant === undefined) return undefined;
    return `Avro knows no logical type "${logicalType}": did you mean "${meant}"?`;
  }
  const bases = BASES[logicalType]!;
  const base = Array.isArray(type.type) ? 'a union' : baseOf(type.type);
  if (!bases.includes(base)) {
    return `"${logicalType}" is for ${bases.join(' or ')}, and this is ${base}`;
  }
  const size = FIXED_SIZES[logicalType];
  if (base === 'fixed' && size !== undefined && type.size !== size) {
    return `"${logicalType}" is for ${size} bytes, and this has ${String(type.size)}`;
  }
  return logicalType === 'decimal' ? decimalFault(type) : undefined;
}

function baseOf(type: unknown): string {
  const of = isObject(type) ? type.type : type;
  return typeof of === 'string' ? of : 'another type';
}

function meantBy(logicalType: string): string | undefined {
  return nearest(logicalType.toLowerCase().replaceAll('_', '-'), Object.keys(BASES), 2);
}

/** What `decimalOf` cannot make sense of. */
function decimalFault(type: Json): string | undefined {
  const { precision, scale = 0 } = type;
  if (!isCount(precision) || precision === 0) {
    return '"decimal" needs a "precision": its digits, 1 at least';
  }
  if (!isCount(scale)) return '"decimal" has a "scale" that is no whole number from 0 on';
  if (scale > precision) return `"decimal" has a scale of ${scale} over its precision ${precision}`;
  const { type: base, size } = type;
  if (base !== 'fixed' || !isCount(size)) return undefined;
  const most = digitsIn(size);
  if (precision <= most) return undefined;
  return `"decimal" has a precision of ${precision}, and ${size} bytes hold ${most} digits`;
}

/** Of all numbers that so many bytes hold: 2^(8n-1) - 1 is the largest. */
function digitsIn(bytes: number): number {
  if (bytes === 0) return 0;
  return Math.floor((8 * bytes - 1) * Math.LOG10E * Math.LN2);
}

/** The digits that a decimal may have; undefined: it is none, or one that Avro ignores. */
export function decimalDigits(type: unknown): number | undefined {
  if (!isObject(type) || type.logicalType !== 'decimal') return undefined;
  if (whyIgnored(type) !== undefined) return undefined;
  return type.precision as number;
}

/** Whether the number that the bytes are, in two's complement, has no more digits. */
export function hasDigits(bytes: Uint8Array, digits: number): boolean {
  const [first] = bytes;
  if (first === undefined) return true;
  // Bytes before the number say its sign alone, however many there are.
  const sign = first >= 0x80 ? 0xff : 0;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === sign) start++;
  const length = bytes.length - start;
  if (length > Math.ceil((digits * Math.log2(10)) / 8) + 1) return false;
  const hex = Buffer.from(bytes.subarray(start)).toString('hex');
  const value = BigInt(`0x${hex}`);
  const number = sign === 0 ? value : value - (1n << BigInt(length * 8));
  const end = 10n ** BigInt(digits);
  return -end < number && number < end;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
