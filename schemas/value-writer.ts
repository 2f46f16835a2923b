/**
 * Writes values as Avro: in the form in which they are read, whole numbers beyond 2^53 as BigInts,
 * and unions also with the branch's name around the value. What does not fit throws, with the path.
 */
import {
  type AvroType,
  isNamed,
  type NamedType,
  type RecordType,
  shortName,
  type UnionType,
} from './avro-type.ts';
import { defaultFault, valueOfDefault } from './default-value.ts';
import { type FieldWriter, fieldsWriter } from './fields-writer.ts';
import { hasDigits } from './logical-types.ts';
import { Out, under, type Write, WrongValueError } from './out.ts';
import { branchNamed, exactFirst, hasOwnField, isNamedAlone } from './union-form.ts';

export function writerOf(type: AvroType): Write {
  return new WriterMaker().write(type);
}

const NO_BYTES = Buffer.alloc(0);

function checkDigits(digits: number | undefined, value: Uint8Array): void {
  if (digits === undefined || hasDigits(value, digits)) return;
  throw wrong(`a decimal of at most ${digits} digits`, value);
}

function takes(write: Write, value: unknown): boolean {
  try {
    write(new Out(NO_BYTES, 0), value);
    return true;
  } catch (error) {
    if (error instanceof WrongValueError) return false;
    throw error;
  }
}

class WriterMaker {
  readonly #named = new Map<NamedType, Write>();

  write(type: AvroType): Write {
    switch (type.kind) {
      case 'record':
        return this.#record(type);
      case 'union':
        return this.#union(type);
      case 'array': {
        const item = this.write(type.items);
        return (out, value) => {
          if (!Array.isArray(value)) throw wrong('an array', value);
          writeBlock(out, value.length, () => {
            value.forEach((of, n) => {
              within(String(n), () => item(out, of));
            });
          });
        };
      }
      case 'map': {
        const item = this.write(type.values);
        return (out, value) => {
          if (!isObject(value)) throw wrong('an object', value);
          const entries = Object.entries(value);
          writeBlock(out, entries.length, () => {
            for (const [name, of] of entries) {
              SCALARS.string!(out, name);
              within(name, () => item(out, of));
            }
          });
        };
      }
      case 'enum': {
        const indexes = new Map(type.symbols.map((symbol, n) => [symbol as unknown, n]));
        return (out, value) => {
          const index = indexes.get(value);
          if (index === undefined) throw wrong(`one of ${type.symbols.join(', ')}`, value);
          out.long(index);
        };
      }
      case 'fixed':
        return (out, value) => {
          if (!(value instanceof Uint8Array) || value.length !== type.size) {
            throw wrong(`${type.size} bytes`, value);
          }
          checkDigits(type.digits, value);
          const at = out.room(type.size);
          if (at >= 0) out.bytes.set(value, at);
        };
      case 'bytes': {
        const { digits } = type;
        if (digits === undefined) return SCALARS.bytes!;
        return (out, value) => {
          if (value instanceof Uint8Array) checkDigits(digits, value);
          SCALARS.bytes!(out, value);
        };
      }
      default:
        return SCALARS[type.kind]!;
    }
  }

  #record(type: RecordType): Write {
    const known = this.#named.get(type);
    if (known !== undefined) return known;
    const fields: FieldWriter[] = [];
    let fieldsOf: Write | undefined;
    const write: Write = (out, value) => {
      if (!isObject(value)) throw wrong(`an object (${shortName(type.name)})`, value);
      fieldsOf ??= fieldsWriter(fields);
      fieldsOf(out, value);
    };
    // Known before its fields are looked at: they may be of this record's own type.
    this.#named.set(type, write);
    for (const { name, type: of, default: json } of type.fields) {
      const hasDefault = json !== undefined && defaultFault(of, json) === undefined;
      const fallback = hasDefault ? () => valueOfDefault(of, json) : undefined;
      fields.push({ name, isInherited: name in {}, write: this.write(of), fallback });
    }
    return write;
  }

  #union(type: UnionType): Write {
    const branches = type.types.map((branch) => this.write(branch));
    const put = (out: Out, n: number, value: unknown) => {
      out.long(n);
      branches[n]!(out, value);
    };
    const kinds = type.types.map(({ kind }) => kind);
    const none = kinds.indexOf('null');
    const text = type.isWrapped ? -1 : kinds.indexOf('string');
    return (out, value) => {
      if (value === null && none >= 0) return put(out, none, value);
      if (typeof value === 'string' && text >= 0) return put(out, text, value);
      const named = branchNamed(type, value);
      if (named !== undefined) {
        const [name, inner] = Object.entries(value as object)[0]!;
        const of = type.types.indexOf(named);
        const plain = type.types.findIndex((one) => hasOwnField(one, name));
        if (plain < 0) return put(out, of, inner);
        if (!type.isWrapped && takes(branches[plain]!, value)) return put(out, plain, value);
        if (isNamedAlone(type, name) || takes(branches[of]!, inner)) return put(out, of, inner);
      }
      const alike = exactFirst(type.types, value)
        .filter((of) => looksLike(of, value))
        .map((of) => type.types.indexOf(of));
      const n = alike.length > 1 ? alike.find((of) => takes(branches[of]!, value)) : alike[0];
      if (n === undefined) throw wrong(type.types.map(nameOf).join(' or '), value);
      put(out, n, value);
    };
  }
}

function nameOf(type: AvroType): string {
  return isNamed(type) ? shortName(type.name) : type.kind;
}

/** By its JavaScript type alone. */
function looksLike(type: AvroType, value: unknown): boolean {
  switch (type.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'enum':
      return type.symbols.includes(value as string);
    case 'int':
    case 'long':
      return typeof value === 'bigint' || Number.isInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number' || typeof value === 'bigint';
    case 'bytes':
    case 'fixed':
      return value instanceof Uint8Array;
    case 'array':
      return Array.isArray(value);
    default:
      return isObject(value);
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

const SCALARS: { readonly [kind: string]: Write } = {
  null: (_out, value) => {
    if (value !== null) throw wrong('null', value);
  },
  boolean: (out, value) => {
    if (typeof value !== 'boolean') throw wrong('a boolean', value);
    out.byte(value ? 1 : 0);
  },
  int: (out, value) => {
    if (!isInt(value)) throw wrong('a 32-bit whole number', value);
    out.long(value);
  },
  long: (out, value) => {
    if (!isLong(value)) throw wrong('a 64-bit whole number', value);
    out.long(value);
  },
  float: (out, value) => {
    const number = numberOf(value);
    if (number === undefined || !isFloat(number)) throw wrong('a number that a float holds', value);
    const at = out.room(4);
    if (at >= 0) out.bytes.writeFloatLE(number, at);
  },
  double: (out, value) => {
    const number = numberOf(value);
    if (number === undefined) throw wrong('a number', value);
    const at = out.room(8);
    if (at >= 0) out.bytes.writeDoubleLE(number, at);
  },
  bytes: (out, value) => {
    if (!(value instanceof Uint8Array)) throw wrong('bytes', value);
    out.long(value.length);
    const at = out.room(value.length);
    if (at >= 0) out.bytes.set(value, at);
  },
  string: (out, value) => {
    if (typeof value !== 'string') throw wrong('text', value);
    if (value.length <= SHORT_CHARS && writeShort(out, value)) return;
    const size = Buffer.byteLength(value);
    out.long(size);
    const at = out.room(size);
    if (at >= 0) out.bytes.write(value, at, 'utf8');
  },
};

/** Of so many characters the length takes one byte, whatever they are. */
const SHORT_CHARS = 20;

/** Without looking at the text twice; false when there may be no room. */
function writeShort(out: Out, value: string): boolean {
  const { bytes, at } = out;
  if (at + 1 + value.length * 3 > bytes.length) return false;
  const size = bytes.write(value, at + 1, 'utf8');
  bytes[at] = size << 1;
  out.at = at + 1 + size;
  return true;
}

export function isInt(value: unknown): value is number {
  return typeof value === 'number' && value === (value | 0);
}

/** A number beyond 2^53 is one too: that it was rounded is for who made it to prevent. */
export function isLong(value: unknown): value is number | bigint {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value;
  return Number.isInteger(value) && (value as number) < 2 ** 63 && (value as number) >= -(2 ** 63);
}

/** A number too large for 32 bits would become infinite; what is infinite already may stay. */
export function isFloat(value: number): boolean {
  return Number.isFinite(Math.fround(value)) || !Number.isFinite(value);
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' ? value : undefined;
}

function writeBlock(out: Out, count: number, items: () => void): void {
  if (count > 0) {
    out.long(count);
    items();
  }
  out.long(0);
}

function wrong(expected: string, value: unknown): WrongValueError {
  return new WrongValueError(`expected ${expected}, got ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function within(part: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw under(part, error);
  }
}
