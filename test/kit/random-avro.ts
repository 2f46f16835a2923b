/**
 * Random Avro schemas of all forms, what else they could be read as, and values of them: from a
 * seed, for tests of what reads values.
 */
import type avro from 'avsc';
import { putVarint, VARINT_BYTES_MAX } from '../../core/varint.ts';

export type Chance = () => number;

export interface RandomField {
  readonly name: string;
  readonly type: RandomType;
  readonly aliases?: readonly string[];
  readonly default?: unknown;
}
export interface RandomRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly aliases?: readonly string[];
  readonly fields: RandomField[];
}
/** Named types are shared, and records may hold themselves: a graph. */
export type RandomType =
  | { readonly kind: 'primitive'; readonly name: string }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | { readonly kind: 'array' | 'map'; readonly of: RandomType }
  | { readonly kind: 'union'; readonly of: readonly RandomType[] }
  | RandomRecord;

export const below = (chance: Chance, count: number): number => Math.floor(chance() * count);
export const pick = <T>(chance: Chance, from: readonly T[]): T => from[below(chance, from.length)]!;

const PRIMITIVES = ['string', 'int', 'long', 'float', 'double', 'boolean', 'bytes', 'null'];
const DEPTH_MAX = 4;

const primitive = (name: string): RandomType => ({ kind: 'primitive', name });
const nullable = (of: RandomType): RandomType => ({ kind: 'union', of: [primitive('null'), of] });

/** A record of that name with some fields of any form. */
export function randomRecord(chance: Chance, name: string): RandomRecord {
  return new SchemaMaker(chance).record(name, 0, []);
}

class SchemaMaker {
  readonly #chance: Chance;
  readonly #named: RandomType[] = [];
  #names = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  record(name: string, depth: number, around: readonly RandomRecord[]): RandomRecord {
    const record: RandomRecord = { kind: 'record', name, fields: [] };
    const count = depth === 0 ? 2 + below(this.#chance, 6) : below(this.#chance, 4);
    for (let n = 0; n < count; n++) {
      record.fields.push({ name: `f${n}`, type: this.#type(depth + 1, [...around, record]) });
    }
    return record;
  }

  #type(depth: number, around: readonly RandomRecord[]): RandomType {
    const chance = this.#chance;
    const roll = chance();
    if (depth > DEPTH_MAX || roll < 0.45) return primitive(pick(chance, PRIMITIVES));
    if (roll < 0.55) return nullable(this.#plain(depth, around));
    if (roll < 0.65) return this.#union(depth, around);
    if (roll < 0.72) return this.#itself(around);
    if (roll < 0.76 && this.#named.length > 0) return pick(chance, this.#named);
    return this.#complex(depth, around);
  }

  #plain(depth: number, around: readonly RandomRecord[]): RandomType {
    const type = this.#type(depth + 1, around);
    const isNullOrUnion =
      type.kind === 'union' || (type.kind === 'primitive' && type.name === 'null');
    return isNullOrUnion ? primitive('string') : type;
  }

  #complex(depth: number, around: readonly RandomRecord[]): RandomType {
    const chance = this.#chance;
    const roll = chance();
    if (roll < 0.25) return { kind: 'array', of: this.#type(depth + 1, around) };
    if (roll < 0.4) return { kind: 'map', of: this.#type(depth + 1, around) };
    const name = `N${this.#names++}`;
    let type: RandomType;
    if (roll < 0.5) type = { kind: 'fixed', name, size: below(chance, 4) };
    else if (roll < 0.6)
      type = { kind: 'enum', name, symbols: ['A', 'B', 'C'].slice(below(chance, 3)) };
    else type = this.record(name, depth, around);
    this.#named.push(type);
    return type;
  }

  /** A record around it, so that it may end: in a union, array or map. */
  #itself(around: readonly RandomRecord[]): RandomType {
    const of = pick(this.#chance, around);
    const roll = this.#chance();
    if (roll < 0.6) return nullable(of);
    return { kind: roll < 0.8 ? 'array' : 'map', of };
  }

  #union(depth: number, around: readonly RandomRecord[]): RandomType {
    const of: RandomType[] = [];
    const seen = new Set<string>();
    const count = 1 + below(this.#chance, 4);
    for (let n = 0; n < count; n++) {
      const type = this.#type(depth + 1, around);
      const branch = 'name' in type ? type.name : type.kind;
      if (type.kind === 'union' || seen.has(branch)) continue;
      seen.add(branch);
      of.push(type);
    }
    // What holds itself needs a branch that ends.
    if (!seen.has('null')) of.splice(below(this.#chance, of.length + 1), 0, primitive('null'));
    return { kind: 'union', of };
  }
}

/** As JSON: a named type is written out where it is met first. */
export function schemaOf(type: RandomType, met = new Set<RandomType>()): unknown {
  switch (type.kind) {
    case 'primitive':
      return type.name;
    case 'array':
      return { type: 'array', items: schemaOf(type.of, met) };
    case 'map':
      return { type: 'map', values: schemaOf(type.of, met) };
    case 'union':
      return type.of.map((branch) => schemaOf(branch, met));
  }
  if (met.has(type)) return type.name;
  met.add(type);
  const { kind, ...rest } = type;
  if (type.kind !== 'record') return { type: kind, ...rest };
  const fields = type.fields.map((field) => ({ ...field, type: schemaOf(field.type, met) }));
  return { type: kind, ...rest, fields };
}

const WIDER: { readonly [name: string]: readonly string[] } = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};
const ADDED: readonly Omit<RandomField, 'name'>[] = [
  { type: primitive('int'), default: 7 },
  { type: primitive('string'), default: 'added' },
  { type: nullable(primitive('string')), default: null },
];

/** What a reader could have in place of it; not all of it can be read. */
export function variantOf(
  type: RandomRecord,
  chance: Chance,
  known = new Map<RandomType, RandomType>(),
): RandomRecord {
  const found = known.get(type);
  if (found !== undefined) return found as RandomRecord;
  const isNested = known.size > 0;
  const name = isNested && chance() < 0.1 ? `${type.name}x` : type.name;
  const aliases = name === type.name ? {} : { aliases: [type.name] };
  const record: RandomRecord = { kind: 'record', name, ...aliases, fields: [] };
  known.set(type, record);
  for (const field of type.fields) {
    const roll = chance();
    if (roll < 0.1) continue;
    const varied = { name: field.name, type: typeVariantOf(field.type, chance, known) };
    if (roll < 0.2)
      record.fields.push({ ...varied, name: `r_${field.name}`, aliases: [field.name] });
    else record.fields.push(varied);
    if (roll > 0.95)
      record.fields.push({ ...varied, name: `also_${field.name}`, aliases: [field.name] });
  }
  if (chance() < 0.2) record.fields.push({ name: 'added', ...pick(chance, ADDED) });
  if (chance() < 0.3) record.fields.sort(() => chance() - 0.5);
  return record;
}

function typeVariantOf(
  type: RandomType,
  chance: Chance,
  known: Map<RandomType, RandomType>,
): RandomType {
  const roll = chance();
  switch (type.kind) {
    case 'primitive': {
      const wider = WIDER[type.name];
      const varied = wider === undefined || roll < 0.7 ? type : primitive(pick(chance, wider));
      if (roll > 0.1 || type.name === 'null') return varied;
      return roll < 0.05 ? nullable(varied) : { kind: 'union', of: [varied, primitive('null')] };
    }
    case 'array':
    case 'map':
      return { kind: type.kind, of: typeVariantOf(type.of, chance, known) };
    case 'union': {
      const of = type.of.map((branch) => typeVariantOf(branch, chance, known));
      const flat = of.map((branch, n) => (branch.kind === 'union' ? type.of[n]! : branch));
      if (roll < 0.2) flat.reverse();
      return roll > 0.9 && flat.length === 1 ? flat[0]! : { kind: 'union', of: flat };
    }
    case 'record':
      return roll < 0.1 ? nullable(variantOf(type, chance, known)) : variantOf(type, chance, known);
  }
  const found = known.get(type);
  if (found !== undefined) return found;
  const wide = type.kind === 'enum' && roll < 0.3 ? { symbols: ['D', ...type.symbols] } : {};
  const varied = { ...type, ...wide } as RandomType;
  known.set(type, varied);
  return varied;
}

const TEXTS = ['', 'a', 'm-1', 'ü', '🔔', 'x'.repeat(63), 'x'.repeat(64), 'y'.repeat(200)];
const INTS = [0, -1, 1, 63, 64, -64, -65, 8_191, 8_192, 2 ** 27, 2 ** 31 - 1, -(2 ** 31)];
const LONGS = [...INTS, 2 ** 32, 1_767_225_600_000, -1_767_225_600_000, 2 ** 49, -(2 ** 49)];
const LIMITS = [2 ** 52 - 1, 2 ** 52, 2 ** 52 + 1, 2 ** 53 - 2];
const NUMBERS = [0, -0, 1.5, -2.25, Number.NaN, Number.POSITIVE_INFINITY, 1e300];

/** A value as avsc takes it. */
export function randomValue(type: avro.Type, chance: Chance, depth = 0): unknown {
  const { typeName } = type;
  if (typeName.startsWith('union:')) return unionValue(type, chance, depth);
  const many = () => Array.from({ length: depth > DEPTH_MAX ? 0 : below(chance, 4) });
  switch (typeName) {
    case 'null':
      return null;
    case 'boolean':
      return chance() < 0.5;
    case 'int':
      return pick(chance, INTS);
    case 'long':
      return pick(chance, LIMITS.flatMap((n) => [n, -n]).concat(LONGS, LONGS));
    case 'float':
    case 'double':
      return pick(chance, NUMBERS);
    case 'string':
      return pick(chance, TEXTS);
    case 'bytes':
      return Buffer.from(pick(chance, TEXTS));
    case 'fixed':
      return Buffer.alloc((type as avro.types.FixedType).size, 1);
    case 'enum':
      return pick(chance, (type as avro.types.EnumType).symbols);
    case 'array': {
      const { itemsType } = type as avro.types.ArrayType;
      return many().map(() => randomValue(itemsType, chance, depth + 1));
    }
    case 'map': {
      const { valuesType } = type as avro.types.MapType;
      return Object.fromEntries(
        many().map((_, n) => [`k${n}`, randomValue(valuesType, chance, depth + 1)]),
      );
    }
  }
  const { fields } = type as avro.types.RecordType;
  return Object.fromEntries(
    fields.map((field) => [field.name, randomValue(field.type, chance, depth + 1)]),
  );
}

function unionValue(type: avro.Type, chance: Chance, depth: number): unknown {
  const { types } = type as avro.types.WrappedUnionType;
  const ends = types.find((branch) => branch.typeName === 'null');
  const branch = depth > DEPTH_MAX && ends !== undefined ? ends : pick(chance, types);
  const value = randomValue(branch, chance, depth + 1);
  const isPlain = type.typeName === 'union:unwrapped' || value === null;
  return isPlain ? value : { [branch.branchName!]: value };
}

/**
 * As Avro may write it, too: arrays and maps in several blocks, some of them with their size in
 * bytes. avsc itself writes one block.
 */
export function encodeInBlocks(type: avro.Type, value: unknown, chance: Chance): Buffer {
  const inner = (of: avro.Type, item: unknown) => encodeInBlocks(of, item, chance);
  if (type.typeName.startsWith('union:')) {
    const index = type.toBuffer(value)[0]!;
    const branch = (type as avro.types.WrappedUnionType).types[index >> 1]!;
    const isPlain = type.typeName === 'union:unwrapped' || value === null;
    const item = isPlain ? value : Object.values(value as object)[0];
    return Buffer.concat([Buffer.of(index), inner(branch, item)]);
  }
  switch (type.typeName) {
    case 'array': {
      const { itemsType } = type as avro.types.ArrayType;
      return blocksOf(
        (value as unknown[]).map((item) => inner(itemsType, item)),
        chance,
      );
    }
    case 'map': {
      const { valuesType } = type as avro.types.MapType;
      const entries = Object.entries(value as object).map(([key, item]) =>
        Buffer.concat([Buffer.of(key.length * 2), Buffer.from(key), inner(valuesType, item)]),
      );
      return blocksOf(entries, chance);
    }
    case 'record': {
      const { fields } = type as avro.types.RecordType;
      const of = value as { readonly [name: string]: unknown };
      return Buffer.concat(fields.map((field) => inner(field.type, of[field.name])));
    }
  }
  return type.toBuffer(value);
}

function blocksOf(items: readonly Buffer[], chance: Chance): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < items.length; ) {
    const block = items.slice(at, at + 1 + below(chance, 3));
    at += block.length;
    const bytes = Buffer.concat(block);
    const isSized = chance() < 0.5;
    parts.push(varint(isSized ? -block.length : block.length));
    if (isSized) parts.push(varint(bytes.length));
    parts.push(bytes);
  }
  return Buffer.concat([...parts, Buffer.of(0)]);
}

/** A whole number as Avro writes it. */
export function varint(value: number): Buffer {
  const bytes = Buffer.alloc(VARINT_BYTES_MAX);
  return bytes.subarray(0, putVarint(bytes, 0, value));
}
