/**
 * Events that come as JSON: checked against their Avro schema, each wrong field with its path,
 * defaults filled. Bytes are base64; unions are written plainly (`null` or `"text"`) or with the
 * branch's name around the value; whole numbers beyond 2^53 as numbers or as texts, as are `NaN`
 * and `Infinity`. It is the form in which values come out (schemas/json-form.ts).
 */

import { nearest } from '../core/nearest.ts';
import { setOwn } from '../core/own-field.ts';
import {
  type ArrayType,
  type AvroType,
  branchName,
  type EnumType,
  type FixedType,
  isNamed,
  type MapType,
  type PrimitiveType,
  type RecordType,
  shortName,
  TOLD,
  type UnionType,
} from './avro-type.ts';
import { NESTED_MAX } from './avro-walk.ts';
import { valueOfDefault } from './default-value.ts';
import { hasDigits } from './logical-types.ts';
import { parseSchema } from './parse-schema.ts';
import { branchNamed, exactFirst, hasOwnField, inBranch, isNamedAlone } from './union-form.ts';
import { isFloat, isInt, isLong } from './value-writer.ts';

/**
 * What is wrong with one field. Says what was expected, never what the value was: it is member
 * data.
 */
export interface FieldProblem {
  /** A JSON pointer: `/records/3/occurredAt`. */
  readonly path: string;
  readonly what: string;
}

/** More are not told: the rest follows from the same mistake. */
export const PROBLEMS_MAX = 50;
/**
 * What a plain value of a union is tried as: of values that hold values that hold values of
 * ambiguous unions the tries would double with each.
 */
const TRIES_MAX = 100_000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DIGITS = /^-?\d{1,20}$/;
const NO_NUMBERS: { readonly [text: string]: number } = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

export interface JsonEventReader {
  /** The value as the Avro encoder takes it. Meaningless when `problems` has grown. */
  read(json: unknown, path: string, problems: FieldProblem[]): unknown;
}

/** Made once per schema. `schema` is Avro as JSON; throws when it is none. */
export function jsonEventReader(schema: unknown): JsonEventReader {
  const type = parseSchema(schema);
  return {
    read: (json, path, problems) => new EventReading(problems).read(type, json, path, 0),
  };
}

class EventReading {
  #problems: FieldProblem[];
  #tries = 0;
  #isTrying = false;

  constructor(problems: FieldProblem[]) {
    this.#problems = problems;
  }

  read(type: AvroType, json: unknown, path: string, depth: number): unknown {
    if (this.#isTrying) this.#tries++;
    switch (type.kind) {
      case 'record':
        return this.#record(type, json, path, depth + 1);
      case 'array':
        return this.#array(type, json, path, depth);
      case 'map':
        return this.#map(type, json, path, depth);
      case 'union':
        return this.#union(type, json, path, depth);
      default:
        return this.#scalar(type, json, path);
    }
  }

  #record(type: RecordType, json: unknown, path: string, depth: number): unknown {
    if (depth > NESTED_MAX) return this.#wrong(path, `deeper than ${NESTED_MAX} records`);
    if (!isObject(json)) return this.#expected(type, json, path);
    const value: { [name: string]: unknown } = {};
    for (const field of type.fields) {
      const at = `${path}/${pointer(field.name)}`;
      if (Object.hasOwn(json, field.name)) {
        setOwn(value, field.name, this.read(field.type, json[field.name], at, depth));
      } else if (field.default !== undefined) {
        setOwn(value, field.name, valueOfDefault(field.type, field.default));
      } else {
        this.#wrong(at, `missing, expected ${nameOf(field.type)}`);
      }
    }
    this.#tellUnknown(type, json, path);
    return value;
  }

  #tellUnknown(type: RecordType, json: object, path: string): void {
    const names = type.fields.map(({ name }) => name);
    for (const name of Object.keys(json)) {
      if (names.includes(name)) continue;
      // Of a hundred thousand the rest is not looked at: it would keep everybody else waiting.
      if (this.#problems.length >= PROBLEMS_MAX) break;
      const meant = nearest(name, names);
      const mend = meant === undefined ? `known: ${names.join(', ')}` : `did you mean "${meant}"?`;
      this.#wrong(`${path}/${pointer(name)}`, `${nameOf(type)} has no such field; ${mend}`);
    }
  }

  #array(type: ArrayType, json: unknown, path: string, depth: number): unknown {
    if (!Array.isArray(json)) return this.#expected(type, json, path);
    return json.map((item, i) => this.read(type.items, item, `${path}/${i}`, depth));
  }

  #map(type: MapType, json: unknown, path: string, depth: number): unknown {
    if (!isObject(json)) return this.#expected(type, json, path);
    const value: { [name: string]: unknown } = {};
    for (const [name, item] of Object.entries(json)) {
      const at = `${path}/${pointer(name)}`;
      if (!name.isWellFormed()) this.#wrong(at, 'a name that is not Unicode');
      setOwn(value, name, this.read(type.values, item, at, depth));
    }
    return value;
  }

  /**
   * The branch that is named, or the first that takes the value; with one branch beside null its
   * own complaint is told.
   */
  #union(type: UnionType, json: unknown, path: string, depth: number): unknown {
    const named = branchNamed(type, json);
    // Beside text, a number that is told as text has its branch's name.
    const isText = type.hasText && typeof json === 'string';
    const alike = exactFirst(type.types, json).filter(
      (of) => looksLike(of, json) && !(isText && TOLD.has(of.kind)),
    );
    const others = type.types.filter(({ kind }) => kind !== 'null');
    if (named !== undefined) {
      const [name, inner] = Object.entries(json as object)[0]!;
      const at = `${path}/${pointer(name)}`;
      // A record can have a field, and a map a key, of the name of a branch.
      const plain = alike.filter((of) => hasOwnField(of, name));
      if (plain.length === 0) return inBranch(type, named, this.read(named, inner, at, depth));
      const asPlain = !type.isWrapped && this.#tried(type, plain[0]!, json, path, depth);
      if (asPlain) return asPlain.value;
      const tried = this.#tried(type, named, inner, at, depth);
      if (tried !== undefined) return tried.value;
      if (isNamedAlone(type, name)) {
        return inBranch(type, named, this.read(named, inner, at, depth));
      }
    }
    // With one branch that can be meant nothing is tried, and its own complaint is told.
    const only = alike.length === 1 ? alike[0] : others.length === 1 ? others[0] : undefined;
    if (only !== undefined) return inBranch(type, only, this.read(only, json, path, depth));
    for (const branch of alike) {
      const tried = this.#tried(type, branch, json, path, depth);
      if (tried !== undefined) return tried.value;
    }
    if (this.#tries > TRIES_MAX) {
      return this.#wrong(path, `too much to try; write { "${branchName(others[0]!)}": … }`);
    }
    return this.#expected(type, json, path);
  }

  #tried(
    union: UnionType,
    branch: AvroType,
    json: unknown,
    path: string,
    depth: number,
  ): { readonly value: unknown } | undefined {
    if (this.#tries > TRIES_MAX) return undefined;
    const problems = this.#problems;
    const isTrying = this.#isTrying;
    this.#problems = [];
    this.#isTrying = true;
    const value = this.read(branch, json, path, depth);
    const isTaken = this.#problems.length === 0;
    this.#problems = problems;
    this.#isTrying = isTrying;
    return isTaken ? { value: inBranch(union, branch, value) } : undefined;
  }

  #scalar(type: AvroType, json: unknown, path: string): unknown {
    // Half a surrogate pair has no UTF-8: it would be written as another character.
    if (typeof json === 'string' && !json.isWellFormed()) {
      return this.#wrong(path, 'expected text that is Unicode, got half a surrogate pair');
    }
    switch (type.kind) {
      case 'null':
        return json === null ? null : this.#expected(type, json, path);
      case 'boolean':
      case 'string':
        return typeof json === (type.kind === 'string' ? 'string' : 'boolean')
          ? json
          : this.#expected(type, json, path);
      case 'int':
        return isInt(json) ? json : this.#expected(type, json, path);
      case 'long':
        return longOf(json) ?? this.#expected(type, json, path);
      case 'float':
      case 'double':
        return numberOf(json, type.kind) ?? this.#expected(type, json, path);
      case 'enum':
        if (type.symbols.includes(json as string)) return json;
        return this.#wrong(path, `expected one of ${(type as EnumType).symbols.join(', ')}`);
      default:
        return this.#bytes(type, json, path);
    }
  }

  #bytes(type: AvroType, json: unknown, path: string): unknown {
    if (typeof json !== 'string' || !BASE64.test(json)) {
      return this.#wrong(path, `expected ${nameOf(type)} as base64 text`);
    }
    const bytes = Buffer.from(json, 'base64');
    const { digits } = type as FixedType | PrimitiveType;
    if (digits !== undefined && !hasDigits(bytes, digits)) {
      return this.#wrong(path, `expected a decimal of at most ${digits} digits`);
    }
    if (type.kind !== 'fixed' || bytes.length === (type as FixedType).size) return bytes;
    return this.#wrong(path, `expected ${nameOf(type)}, got ${bytes.length} bytes`);
  }

  #expected(type: AvroType, json: unknown, path: string): undefined {
    const name = type.kind === 'array' ? 'an array' : type.kind === 'map' ? 'an object' : undefined;
    const expected =
      name ?? (type.kind === 'record' ? `an object (${nameOf(type)})` : nameOf(type));
    return this.#wrong(path, `expected ${expected}, got ${kindOf(json)}${hint(type, json)}`);
  }

  #wrong(path: string, what: string): undefined {
    if (this.#problems.length < PROBLEMS_MAX) {
      this.#problems.push({ path: path === '' ? '/' : path, what });
    }
  }
}

/** By its form in JSON alone. */
function looksLike(type: AvroType, json: unknown): boolean {
  switch (type.kind) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'int':
      return typeof json === 'number';
    case 'long':
      return typeof json === 'number' || longOf(json) !== undefined;
    case 'float':
    case 'double':
      return typeof json === 'number' || numberOf(json, type.kind) !== undefined;
    case 'array':
      return Array.isArray(json);
    case 'record':
    case 'map':
      return isObject(json);
    default:
      return typeof json === 'string';
  }
}

/** As a number or, beyond 2^53, as a BigInt; undefined: it is none, or was rounded already. */
function longOf(json: unknown): number | bigint | undefined {
  if (typeof json === 'number') return Number.isSafeInteger(json) ? json : undefined;
  const value = typeof json === 'string' && DIGITS.test(json) ? BigInt(json) : json;
  if (typeof value !== 'bigint' || !isLong(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** What is too large for it is none: as infinite it would be another. */
function numberOf(json: unknown, kind: 'float' | 'double'): number | undefined {
  if (typeof json === 'string')
    return Object.hasOwn(NO_NUMBERS, json) ? NO_NUMBERS[json] : undefined;
  if (typeof json !== 'number' && typeof json !== 'bigint') return undefined;
  const number = Number(json);
  return Number.isFinite(number) && (kind === 'double' || isFloat(number)) ? number : undefined;
}

/** RFC 6901. A name that a stranger chose is cut, so that a problem stays a line. */
function pointer(name: string): string {
  return name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function kindOf(json: unknown): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'an array';
  if (typeof json === 'bigint') return 'a number';
  return typeof json === 'object' ? 'an object' : `a ${typeof json}`;
}

function nameOf(type: AvroType): string {
  if (type.kind === 'fixed') return `fixed of ${type.size} bytes`;
  if (type.kind === 'union') return type.types.map((branch) => nameOf(branch)).join(' or ');
  return isNamed(type) ? shortName(type.name) : type.kind;
}

function hint(type: AvroType, json: unknown): string {
  if (type.kind === 'float' && typeof json === 'number') return ' that no float holds';
  if (type.kind === 'double' && typeof json === 'number') return ' that no double holds';
  if (typeof json !== 'number' && typeof json !== 'bigint') return '';
  if (type.kind === 'int') return ' that is no 32-bit integer';
  if (type.kind !== 'long') return '';
  // As 1e18: what was written has been rounded, or may have been.
  const isRounded = typeof json === 'number' && Number.isInteger(json) && Math.abs(json) < 2 ** 63;
  return isRounded ? ' beyond 2^53 without all its digits' : ' that is no 64-bit integer';
}
