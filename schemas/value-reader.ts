/**
 * Reads values that were written with one schema as another (Avro 1.12, schema resolution). What
 * can be read of some values only, as an enum of which the reader lacks a symbol, fails for the
 * others and not for all. A whole number beyond 2^53 is a BigInt, any other is a number.
 */
import { setOwn } from '../core/own-field.ts';
import {
  type ArrayType,
  type AvroType,
  branchName,
  type EnumType,
  isPrimitiveName,
  type MapType,
  type Primitive,
  type RecordField,
  type RecordType,
  shortName,
  type UnionType,
} from './avro-type.ts';
import { NESTED_MAX, NO_SUCH_INDEX, type Skip, SkipMaker, TOO_DEEP } from './avro-walk.ts';
import { valueOfDefault } from './default-value.ts';
import { type Read, readAs, readBlocks, readBytes, readText, refuse } from './tap.ts';
import { inBranch } from './union-form.ts';

/** Why no value at all of the writer's type can be read as the reader's. */
export class UnresolvableError extends Error {}

interface Reader {
  /** Null while it is being made, for what holds itself. */
  read: Read | null;
  failed: UnresolvableError | null;
}

/** How all values of one writer schema are read as one reader schema. */
export interface Resolved {
  readonly read: Read;
  /** False: some values that the writer may write cannot be read. */
  readonly isTotal: boolean;
}

/** Throws UnresolvableError when no value can be read. */
export function resolve(writer: AvroType, reader: AvroType): Resolved {
  const resolver = new Resolver();
  const { read } = resolver.reader(writer, reader);
  return { read: read!, isTotal: resolver.isTotal };
}

/** The branch of a reader's union that values of `writer` are read as; undefined: none is. */
export function branchFor(writer: AvroType, union: UnionType): AvroType | undefined {
  return new Resolver().branchFor(writer, union);
}

/** By the writer's kind: what else it can be read as. */
const PROMOTED: { readonly [kind: string]: readonly string[] } = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

class Resolver {
  readonly #known = new Map<AvroType, Map<AvroType, Reader>>();
  readonly #skips = new SkipMaker(false);
  isTotal = true;

  reader(writer: AvroType, as: AvroType): Reader {
    let byReader = this.#known.get(writer);
    if (byReader === undefined) {
      byReader = new Map();
      this.#known.set(writer, byReader);
    }
    let made = byReader.get(as);
    if (made !== undefined) {
      if (made.failed !== null) throw made.failed;
      return made;
    }
    made = { read: null, failed: null };
    byReader.set(as, made);
    try {
      made.read = this.#make(writer, as);
    } catch (error) {
      if (!(error instanceof UnresolvableError)) throw error;
      made.failed = error;
      // Who holds it already, because it holds itself, fails at the values that have it.
      made.read = refuse(error.message);
      throw error;
    }
    return made;
  }

  branchFor(writer: AvroType, union: UnionType): AvroType | undefined {
    const kin = union.types.filter(({ kind }) => kind === writer.kind);
    const ordered = [
      ...kin.filter((type) => branchName(type) === branchName(writer)),
      ...kin,
      ...union.types.filter(({ kind }) => PROMOTED[writer.kind]?.includes(kind)),
    ];
    return ordered.find((type) => this.#tried(writer, type) !== undefined);
  }

  /** Undefined when it cannot be read so. */
  #tried(writer: AvroType, as: AvroType): Reader | undefined {
    try {
      return this.reader(writer, as);
    } catch (error) {
      if (error instanceof UnresolvableError) return undefined;
      throw error;
    }
  }

  #make(writer: AvroType, as: AvroType): Read {
    if (writer.kind === 'union') return this.#fromUnion(writer, as);
    if (as.kind === 'union') return this.#intoUnion(writer, as);
    if (writer.kind === 'record' && as.kind === 'record') return this.#record(writer, as);
    if (writer.kind === 'enum' && as.kind === 'enum') return this.#enum(writer, as);
    if (writer.kind === 'array' && as.kind === 'array') return this.#array(writer, as);
    if (writer.kind === 'map' && as.kind === 'map') return this.#map(writer, as);
    if (writer.kind === 'fixed' && as.kind === 'fixed' && writer.size === as.size) {
      checkNames(writer, as);
      return readBytes(writer.size);
    }
    const isSame = writer.kind === as.kind && isPrimitiveName(writer.kind);
    if (isSame || PROMOTED[writer.kind]?.includes(as.kind)) {
      return readAs(writer.kind as Primitive, as.kind);
    }
    throw cannot(writer, as);
  }

  #fromUnion(writer: UnionType, as: AvroType): Read {
    const branches = writer.types.map((branch) => this.#tried(branch, as));
    if (branches.every((branch) => branch === undefined)) {
      // Of one branch beside null its own fault says more.
      const others = writer.types.filter(({ kind }) => kind !== 'null');
      if (others.length === 1) this.reader(others[0]!, as);
      throw cannot(writer, as);
    }
    if (branches.includes(undefined)) this.isTotal = false;
    const refusals = writer.types.map((branch) => refuse(cannot(branch, as).message));
    return (tap) => {
      tap.goTo(tap.long(tap.at));
      const n = tap.number;
      const branch = branches[n];
      if (branch !== undefined) return branch.read!(tap);
      if (n < 0 || n >= refusals.length) return tap.fail(NO_SUCH_INDEX);
      return refusals[n]!(tap);
    };
  }

  #intoUnion(writer: AvroType, as: UnionType): Read {
    const branch = this.branchFor(writer, as);
    if (branch === undefined) throw cannot(writer, as);
    const of = this.reader(writer, branch);
    if (!as.isWrapped && !as.hasText) return (tap) => of.read!(tap);
    return (tap) => inBranch(as, branch, of.read!(tap));
  }

  #enum(writer: EnumType, as: EnumType): Read {
    checkNames(writer, as);
    const symbols = writer.symbols.map((symbol) =>
      as.symbols.includes(symbol) ? symbol : as.default,
    );
    if (symbols.every((symbol) => symbol === undefined)) throw cannot(writer, as);
    if (symbols.includes(undefined)) this.isTotal = false;
    return (tap) => {
      tap.goTo(tap.long(tap.at));
      const symbol = symbols[tap.number];
      if (symbol !== undefined) return symbol;
      const written = writer.symbols[tap.number];
      if (written === undefined) return tap.fail(NO_SUCH_INDEX);
      return refuse(`${as.name} has no symbol "${written}", and no default`)(tap);
    };
  }

  #array(writer: ArrayType, as: ArrayType): Read {
    const items = this.reader(writer.items, as.items);
    const bytes = this.#skips.leastBytes(writer.items);
    return (tap) => {
      const values: unknown[] = [];
      readBlocks(tap, bytes, () => values.push(items.read!(tap)));
      return values;
    };
  }

  #map(writer: MapType, as: MapType): Read {
    const of = this.reader(writer.values, as.values);
    return (tap) => {
      const values: { [name: string]: unknown } = {};
      readBlocks(tap, 1, () => {
        const name = readText(tap);
        setOwn(values, name, of.read!(tap));
      });
      return values;
    };
  }

  #record(writer: RecordType, as: RecordType): Read {
    checkNames(writer, as);
    const taken = new Map<string, RecordField[]>();
    const defaults: { name: string; make: () => unknown }[] = [];
    for (const field of as.fields) {
      const from = writerField(writer, field);
      if (from !== undefined) taken.set(from.name, [...(taken.get(from.name) ?? []), field]);
      else defaults.push({ name: field.name, make: defaultOf(as, field) });
    }
    const parts = writer.fields.map(({ name, type }) => {
      const fields = taken.get(name);
      if (fields === undefined) return { skip: this.#skips.skipOf(type), fields: [] };
      const readers = fields.map((field) => ({
        name: field.name,
        of: within(field.name, () => this.reader(type, field.type)),
      }));
      return { skip: null, fields: readers };
    });
    return recordReader(
      as.fields.map(({ name }) => name),
      parts,
      defaults,
    );
  }
}

/** What is done with one field as it was written: passed over, or read once or several times. */
interface Part {
  readonly skip: Skip | null;
  readonly fields: readonly { readonly name: string; readonly of: Reader }[];
}

/**
 * Written as code, with the names of the reader's fields in its order, so that equal values look
 * alike whoever wrote them, and a value is made as fast as any object of so many fields.
 */
function recordReader(
  names: readonly string[],
  parts: readonly Part[],
  defaults: readonly { readonly name: string; readonly make: () => unknown }[],
): Read {
  const given: unknown[] = [NESTED_MAX, TOO_DEEP];
  const use = (of: unknown) => `given[${given.push(of) - 1}]`;
  const places = new Map<string, string>();
  const lines: string[] = [];
  for (const { skip, fields } of parts) {
    if (skip !== null) lines.push(`tap.goTo(${use(skip)}(tap, tap.at));`);
    if (fields.length > 1) lines.push('start = tap.at;');
    fields.forEach(({ name, of }, n) => {
      if (n > 0) lines.push('tap.at = start;');
      const place = `v${places.size}`;
      places.set(name, place);
      lines.push(`const ${place} = ${use(of)}.read(tap);`);
    });
  }
  for (const { name, make } of defaults) places.set(name, `${use(make)}()`);
  const fields = names.map((name) => `[${JSON.stringify(name)}]: ${places.get(name)}`);
  const code = [
    'return (tap) => {',
    'let start = 0;',
    'if (++tap.depth > given[0]) return tap.fail(given[1]);',
    ...lines,
    'tap.depth--;',
    `return { ${fields.join(', ')} };`,
    '};',
  ];
  return new Function('given', code.join('\n'))(given) as Read;
}

/** By name, else by one of the reader's aliases. */
export function writerField(writer: RecordType, field: RecordField): RecordField | undefined {
  return (
    writer.fields.find(({ name }) => name === field.name) ??
    writer.fields.find(({ name }) => field.aliases.includes(name))
  );
}

function defaultOf(record: RecordType, field: RecordField): () => unknown {
  if (field.default === undefined) {
    const what = `${record.name} has a field "${field.name}" without a default, which was not written`;
    throw new UnresolvableError(what);
  }
  const { type, default: json } = field;
  const value = valueOfDefault(type, json);
  return typeof value === 'object' && value !== null
    ? () => valueOfDefault(type, json)
    : () => value;
}

function within<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UnresolvableError)) throw error;
    throw new UnresolvableError(`field "${field}": ${error.message}`);
  }
}

/**
 * Names match without their namespaces, which are the producers' own, or by an alias (Avro 1.12,
 * schema resolution).
 */
function checkNames(
  writer: { readonly name: string },
  as: { readonly name: string; readonly aliases: readonly string[] },
): void {
  const name = shortName(writer.name);
  if (shortName(as.name) === name) return;
  if (as.aliases.some((alias) => shortName(alias) === name)) return;
  throw new UnresolvableError(`${writer.name} is not ${as.name}: their names differ`);
}

function cannot(writer: AvroType, as: AvroType): UnresolvableError {
  return new UnresolvableError(
    `what is written as ${branchName(writer)} cannot be read as ${branchName(as)}`,
  );
}
