/**
 * From an Avro schema in JSON to a type. Two who ask: what was written is read with whatever schema
 * can be made sense of, as its names and defaults do not matter to the bytes; what a topology uses
 * is held to the specification (Avro 1.12), and all that is wrong is told at once, with its place.
 */
import {
  type AvroType,
  fullNameOf,
  isNamed,
  isPrimitiveName,
  type NamedType,
  PRIMITIVES,
  type RecordField,
  type RecordType,
  unionOf,
} from './avro-type.ts';
import { defaultFault } from './default-value.ts';
import { decimalDigits } from './logical-types.ts';

/** What is wrong, and where in the schema: `field "promo"`, `field "to" → field "city"`. */
export interface SchemaProblem {
  readonly at: string;
  readonly what: string;
}

/** Throws the first problem as an Error, unless `problems` collects them. */
export interface ParseOptions {
  /** Held to the specification, and each problem is added here. */
  readonly problems?: SchemaProblem[];
  /** Types that are defined elsewhere, as JSON with their namespace, by full name. */
  readonly elsewhere?: (fullName: string) => unknown;
}

/** Types in types; what is deeper is no schema that anybody wrote. */
const DEPTH_MAX = 128;
const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const FIXED_BYTES_MAX = 0x7fffffff;
/** Of what could not be read: the rest goes on, and is not blamed for it. */
const BROKEN: AvroType = { kind: 'null' };

export function parseSchema(schema: unknown, options: ParseOptions = {}): AvroType {
  return new Parser(options).parse(schema);
}

interface Json {
  readonly [key: string]: unknown;
}

class Parser {
  readonly #options: ParseOptions;
  readonly #named = new Map<string, NamedType>();
  readonly #path: string[] = [];
  /** Defaults are judged when all types are whole. */
  readonly #defaults: { type: AvroType; json: unknown; at: string }[] = [];

  constructor(options: ParseOptions) {
    this.#options = options;
  }

  parse(schema: unknown): AvroType {
    const type = this.#type(schema, '');
    for (const { type: of, json, at } of this.#defaults) {
      const fault = defaultFault(of, json);
      if (fault !== undefined) this.#options.problems?.push({ at, what: `its default ${fault}` });
    }
    return type;
  }

  get #isStrict(): boolean {
    return this.#options.problems !== undefined;
  }

  #fault(what: string): AvroType {
    const at = this.#path.join(' → ');
    if (this.#options.problems === undefined) {
      throw new Error(at === '' ? what : `${at}: ${what}`);
    }
    this.#options.problems.push({ at, what });
    return BROKEN;
  }

  #within<T>(part: string, work: () => T): T {
    this.#path.push(part);
    try {
      return work();
    } finally {
      this.#path.pop();
    }
  }

  #type(schema: unknown, namespace: string): AvroType {
    if (this.#path.length > DEPTH_MAX) return this.#fault(`deeper than ${DEPTH_MAX} types`);
    if (typeof schema === 'string') return this.#reference(schema, namespace);
    if (Array.isArray(schema)) return this.#union(schema, namespace);
    if (typeof schema !== 'object' || schema === null) {
      return this.#fault(`a type is a text, an object or an array, not ${kindOf(schema)}`);
    }
    return this.#complex(schema as Json, namespace);
  }

  #reference(name: string, namespace: string): AvroType {
    if (isPrimitiveName(name)) return { kind: name };
    const full = fullNameOf(name, namespace);
    // A name that is not in the namespace around it may be one without any.
    const known = this.#named.get(full) ?? this.#named.get(name);
    if (known !== undefined) return known;
    for (const candidate of new Set([full, name])) {
      const definition = this.#options.elsewhere?.(candidate);
      if (definition !== undefined) return this.#type(definition, '');
    }
    return this.#fault(`type "${name}" is not defined`);
  }

  #complex(schema: Json, namespace: string): AvroType {
    const { type } = schema;
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace);
      case 'enum':
        return this.#enum(schema, namespace);
      case 'fixed':
        return this.#fixed(schema, namespace);
      case 'array':
        if (schema.items === undefined) return this.#fault('an array has no "items"');
        return {
          kind: 'array',
          items: this.#within('items', () => this.#type(schema.items, namespace)),
        };
      case 'map':
        if (schema.values === undefined) return this.#fault('a map has no "values"');
        return {
          kind: 'map',
          values: this.#within('values', () => this.#type(schema.values, namespace)),
        };
      case undefined:
        return this.#fault('an object without "type" is no type');
    }
    if (typeof type === 'string' && isPrimitiveName(type)) {
      const { logicalType } = schema;
      if (typeof logicalType !== 'string') return { kind: type };
      return { kind: type, logical: logicalType, ...digitsOf(schema) };
    }
    if (type === 'union') return this.#fault('a union is written as an array of its types');
    return this.#type(type, namespace);
  }

  #union(branches: readonly unknown[], namespace: string): AvroType {
    const types = branches.map((branch, n) =>
      this.#within(`branch ${n + 1}`, () => this.#type(branch, namespace)),
    );
    if (types.some(({ kind }) => kind === 'union')) {
      return this.#fault('a union stands directly in a union');
    }
    const names = types.filter((type) => type !== BROKEN).map((type) => nameIn(type));
    const twice = names.find((name, n) => names.indexOf(name) !== n);
    if (this.#isStrict && twice !== undefined) {
      return this.#fault(`a union has "${twice}" twice`);
    }
    if (this.#isStrict && types.length === 0) return this.#fault('a union without types');
    return unionOf(types);
  }

  /** The full name, and the namespace of what is inside; undefined when it was told. */
  #names(schema: Json, outer: string): Names | undefined {
    const { name } = schema;
    if (typeof name !== 'string' || name === '') {
      this.#fault(`a ${String(schema.type)} has no "name"`);
      return undefined;
    }
    const given = typeof schema.namespace === 'string' ? schema.namespace : outer;
    const full = fullNameOf(name, given);
    const dot = full.lastIndexOf('.');
    const namespace = dot < 0 ? '' : full.slice(0, dot);
    if (this.#isStrict) {
      const bad = full.split('.').find((part) => !NAME.test(part));
      if (bad !== undefined) this.#fault(`"${full}" is not a name: letters, digits and _`);
      if (isPrimitiveName(name)) this.#fault(`"${name}" is the name of a primitive type`);
      if (this.#named.has(full)) this.#fault(`type "${full}" is defined twice`);
    }
    const aliases = listOf(schema.aliases).map((alias) => fullNameOf(alias, namespace));
    return { name: full, namespace, aliases };
  }

  #record(schema: Json, outer: string): AvroType {
    const names = this.#names(schema, outer);
    if (names === undefined) return BROKEN;
    const { name, namespace, aliases } = names;
    const fields: RecordField[] = [];
    const type: RecordType = { kind: 'record', name, aliases, fields };
    // Known before its fields are looked at: they may be of this record's own type.
    this.#named.set(name, type);
    if (!Array.isArray(schema.fields)) {
      this.#fault(`record "${name}" has no "fields": they are an array of { "name", "type" }`);
      return type;
    }
    const seen = new Set<string>();
    schema.fields.forEach((field: unknown, n) => {
      const made = this.#field(field, n, namespace, seen);
      if (made !== undefined) fields.push(made);
    });
    if (this.#isStrict && isEndless(type, new Set())) {
      this.#fault(`record "${name}" holds itself without an end: put a null beside it`);
    }
    return type;
  }

  #field(json: unknown, n: number, namespace: string, seen: Set<string>): RecordField | undefined {
    const field = (typeof json === 'object' && json !== null ? json : {}) as Json;
    const { name } = field;
    if (typeof name !== 'string' || name === '') {
      this.#within(`field ${n + 1}`, () => this.#fault('a field is an object with a "name"'));
      return undefined;
    }
    return this.#within(`field "${name}"`, () => {
      if (this.#isStrict && seen.has(name)) this.#fault('the record has such a field already');
      seen.add(name);
      if (this.#isStrict && !NAME.test(name)) this.#fault('a name has letters, digits and _');
      if (field.type === undefined) this.#fault('it has no "type"');
      const type = field.type === undefined ? BROKEN : this.#type(field.type, namespace);
      if (field.default !== undefined && type !== BROKEN) {
        this.#defaults.push({ type, json: field.default, at: this.#path.join(' → ') });
      }
      return { name, aliases: listOf(field.aliases), type, default: field.default };
    });
  }

  #enum(schema: Json, outer: string): AvroType {
    const names = this.#names(schema, outer);
    if (names === undefined) return BROKEN;
    const { name, aliases } = names;
    const { symbols } = schema;
    if (!Array.isArray(symbols) || symbols.some((symbol) => typeof symbol !== 'string')) {
      return this.#fault(`enum "${name}" has no "symbols": they are an array of texts`);
    }
    const fallback = typeof schema.default === 'string' ? schema.default : undefined;
    if (this.#isStrict) {
      const bad = symbols.find((symbol) => !NAME.test(symbol));
      if (bad !== undefined) this.#fault(`"${bad}" is not a symbol: letters, digits and _`);
      if (symbols.length === 0) this.#fault(`enum "${name}" has no symbol, so no value is of it`);
      if (new Set(symbols).size < symbols.length) this.#fault('a symbol stands twice');
      if (fallback !== undefined && !symbols.includes(fallback)) {
        this.#fault(`the default "${fallback}" of enum "${name}" is none of its symbols`);
      }
    }
    return this.#known({ kind: 'enum', name, aliases, symbols, default: fallback });
  }

  #fixed(schema: Json, outer: string): AvroType {
    const names = this.#names(schema, outer);
    if (names === undefined) return BROKEN;
    const { name, aliases } = names;
    const size = schema.size as number;
    if (!Number.isInteger(size) || size < 0 || size > FIXED_BYTES_MAX) {
      return this.#fault(`fixed "${name}" has no "size": it is a number of bytes`);
    }
    return this.#known({ kind: 'fixed', name, aliases, size, ...digitsOf(schema) });
  }

  #known(type: NamedType): NamedType {
    this.#named.set(type.name, type);
    return type;
  }
}

interface Names {
  readonly name: string;
  readonly namespace: string;
  readonly aliases: readonly string[];
}

function digitsOf(schema: Json): { readonly digits?: number } {
  const digits = decimalDigits(schema);
  return digits === undefined ? {} : { digits };
}

/** A union has one of each kind, and any number of types with names. */
function nameIn(type: AvroType): string {
  return isNamed(type) ? type.name : type.kind;
}

/** Whether each of its values would hold another one of its own type. */
function isEndless(type: AvroType, around: Set<AvroType>): boolean {
  if (type.kind !== 'record') return false;
  if (around.has(type)) return true;
  around.add(type);
  const endless = type.fields.some((field) => isEndless(field.type, around));
  around.delete(type);
  return endless;
}

function listOf(json: unknown): readonly string[] {
  return Array.isArray(json) ? json.filter((item) => typeof item === 'string') : [];
}

function kindOf(json: unknown): string {
  return json === null ? 'null' : `a ${typeof json}`;
}

/** All names that a type may have, for a mend. */
export const TYPE_NAMES: readonly string[] = [
  ...PRIMITIVES,
  'record',
  'enum',
  'array',
  'map',
  'fixed',
];
