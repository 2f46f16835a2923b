/**
 * How CEL sees a decoded value: whole numbers as its ints (BigInt), records as typed views that
 * read a field when it is asked for, so that nothing is converted that an expression does not read.
 */
import type { Environment } from '@marcbachmann/cel-js';
import { setOwn } from '../core/own-field.ts';
import type { RecordShape, Shape } from './shape.ts';

type Convert = (value: unknown) => unknown;
type Viewed = { readonly [OF]: unknown };
type ViewClass = new (of: unknown) => object;

/** Where a view keeps its value; a symbol, because a field may have any name. */
const OF = Symbol('viewed value');

const same: Convert = (value) => value;
const toInt: Convert = (value) => (typeof value === 'number' ? BigInt(value) : value);
const toBytes: Convert = (value) =>
  Buffer.isBuffer(value) ? new Uint8Array(value.buffer, value.byteOffset, value.length) : value;

/** Registers the types of a shape with an environment; `of` makes a view of a decoded value. */
export class Views {
  readonly #env: Environment;
  readonly #classes = new Map<RecordShape, { name: string; view: ViewClass }>();
  readonly #names = new Set<string>();

  constructor(env: Environment) {
    this.#env = env;
  }

  /** CEL's name of the type. What may be null is `dyn`: CEL has no type for it. */
  typeOf(shape: Shape): string {
    switch (shape.kind) {
      case 'int':
      case 'double':
      case 'string':
      case 'bool':
      case 'bytes':
        return shape.kind;
      case 'enum':
        return 'string';
      case 'list':
        return `list<${this.typeOf(shape.items)}>`;
      case 'map':
        return `map<string, ${this.typeOf(shape.values)}>`;
      case 'record':
        return isUntyped(shape) ? 'dyn' : this.#record(shape).name;
      case 'nullable':
        // A nullable record's type is registered all the same: its fields are read through it.
        this.typeOf(shape.of);
        return 'dyn';
      default:
        return 'dyn';
    }
  }

  converter(shape: Shape): Convert {
    switch (shape.kind) {
      case 'int':
        return toInt;
      case 'bytes':
        return toBytes;
      case 'list':
        return eachOf(this.converter(shape.items));
      case 'map':
        return valuesOf(this.converter(shape.values));
      case 'record': {
        if (isUntyped(shape)) return this.#mapOf(shape);
        const { view } = this.#record(shape);
        return (value) => new view(value);
      }
      case 'nullable': {
        const convert = this.converter(shape.of);
        return (value) => (value === null || value === undefined ? null : convert(value));
      }
      case 'any':
      case 'union':
        return anyToCel;
      default:
        return same;
    }
  }

  #mapOf(shape: RecordShape): Convert {
    const fields = [...shape.fields].map(([name, of]) => [name, this.converter(of)] as const);
    return (value) => {
      const of = value as { [name: string]: unknown };
      return new Map(fields.map(([name, convert]) => [name, convert(of[name])]));
    };
  }

  #record(shape: RecordShape): { name: string; view: ViewClass } {
    const known = this.#classes.get(shape);
    if (known !== undefined) return known;
    const view = class {
      readonly [OF]: unknown;
      constructor(of: unknown) {
        this[OF] = of;
      }
    };
    const fields: { [name: string]: string } = {};
    for (const [field, of] of shape.fields) {
      setOwn(fields, field, this.typeOf(of));
      const convert = this.converter(of);
      Object.defineProperty(view.prototype, field, {
        get(this: Viewed) {
          return convert((this[OF] as { [name: string]: unknown })[field]);
        },
      });
    }
    let name = typeName(shape.name);
    while (this.#names.has(name)) name += '_';
    this.#names.add(name);
    this.#env.registerType(name, { ctor: view, fields });
    const made = { name, view };
    this.#classes.set(shape, made);
    return made;
  }
}

/** The library asks a value for its constructor: a field of that name would be taken for it. */
const NO_FIELD = 'constructor';

function isUntyped(shape: RecordShape): boolean {
  return shape.fields.has(NO_FIELD);
}

/** A library's own types begin with small letters, and a capital alone is its placeholder. */
function typeName(name: string): string {
  if (!/^[A-Za-z]\w*$/.test(name)) return 'Record';
  return /^[A-Z]\w/.test(name) ? name : `${name}_`;
}

function eachOf(convert: Convert): Convert {
  if (convert === same) return same;
  return (value) => (Array.isArray(value) ? value.map(convert) : value);
}

function valuesOf(convert: Convert): Convert {
  return (value) => {
    const entries = Object.entries(value ?? {});
    if (Object.hasOwn(value ?? {}, NO_FIELD)) {
      return new Map(entries.map(([key, inner]) => [key, convert(inner)]));
    }
    const converted: { [key: string]: unknown } = {};
    for (const [key, inner] of entries) setOwn(converted, key, convert(inner));
    return converted;
  };
}

/** A value of a union: what it is shows only in the record. */
function anyToCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Buffer.isBuffer(value)) return toBytes(value);
  if (Array.isArray(value)) return value.map(anyToCel);
  if (typeof value === 'object' && value !== null) return valuesOf(anyToCel)(value);
  return value ?? null;
}

/** As it is decoded: beyond 2^53 exactly. */
function wholeNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** What an expression gives, as an encoder takes it. */
export function fromCel(value: unknown): unknown {
  if (typeof value === 'bigint') return wholeNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  if (OF in value) return (value as Viewed)[OF];
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.length);
  }
  if (value instanceof Date) return value.getTime();
  if (value instanceof Map) return fromCel(Object.fromEntries(value));
  const plain: { [key: string]: unknown } = {};
  for (const [key, inner] of Object.entries(value)) setOwn(plain, key, fromCel(inner));
  return plain;
}
