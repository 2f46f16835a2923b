/**
 * Makes the code of a locator, from the schema that a value was written with and the one that it is
 * read with. It follows avsc's resolution step by step: a column must hold what the decoder gives,
 * and where that is not certain the column stays unknown.
 */
import type avro from 'avsc';
import { fixedBytes, hasFixedBytes, isRecord, isUnion, type Skip, SkipMaker } from './avro-walk.ts';
import { CodeWriter } from './code-writer.ts';
import { type LocatorCode, OP } from './locator.ts';

/** Whether a value written as `writer` can be read as `reader`. */
export type IsReadable = (reader: avro.Type, writer: avro.Type) => boolean;

/** A field that is looked for: its column, and the rest of its path. */
interface Want {
  readonly column: number;
  readonly parts: readonly string[];
}

/**
 * A union of many records is written out for each of them, and so are those in it. What would come
 * beyond this stays unknown; the code of an event has tens of ops.
 */
const CODE_MAX = 16_384;
const PATH_START = 'value.';
/** To set it on an object is to give that a prototype, and so the decoder does. */
const NO_FIELD = '__proto__';

/** The op that gives what the decoder gives: by the writer's kind, then the reader's. */
const OPS: { readonly [writer: string]: { readonly [reader: string]: number } } = {
  null: { null: OP.NULL },
  boolean: { boolean: OP.BOOLEAN },
  int: { int: OP.NUMBER, long: OP.NUMBER, float: OP.NUMBER, double: OP.NUMBER },
  long: { long: OP.LONG, float: OP.NUMBER, double: OP.NUMBER },
  float: { float: OP.FLOAT, double: OP.FLOAT },
  double: { double: OP.DOUBLE },
  string: { string: OP.TEXT },
  bytes: { string: OP.TEXT },
};

/** Column i is path i (`value.a.b`); a path that is there twice is located once. */
export function compileLocator(
  writer: avro.Type,
  reader: avro.Type,
  paths: readonly string[],
  isReadable: IsReadable,
): LocatorCode {
  const wants = paths.map((path, column) => ({ column, parts: partsOf(path) }));
  // As the decoder does: without a difference it reads by the reader's schema alone.
  const compiler = new LocatorCompiler(reader.equals(writer), isReadable);
  return compiler.compile(writer, reader, wants);
}

/** None: nothing that can be located. */
function partsOf(path: string): readonly string[] {
  const parts = path.startsWith(PATH_START) ? path.slice(PATH_START.length).split('.') : [];
  return parts.includes(NO_FIELD) ? [] : parts;
}

class LocatorCompiler {
  readonly #isSame: boolean;
  readonly #isReadable: IsReadable;
  readonly #code = new CodeWriter();
  readonly #skips: Skip[] = [];
  readonly #strict = new SkipMaker(true);
  readonly #lenient = new SkipMaker(false);

  constructor(isSame: boolean, isReadable: IsReadable) {
    this.#isSame = isSame;
    this.#isReadable = isReadable;
  }

  compile(writer: avro.Type, reader: avro.Type, wants: readonly Want[]): LocatorCode {
    this.#value(writer, reader, wants);
    return { code: this.#code.done(), skips: this.#skips, columns: wants.length };
  }

  #value(writer: avro.Type, reader: avro.Type, wants: readonly Want[]): void {
    if (isUnion(writer)) this.#union(writer, reader, wants);
    else if (isUnion(reader)) {
      const branch = reader.types.find((type) => this.#isReadable(type, writer));
      this.#branch(writer, reader, branch, wants);
    } else if (isRecord(writer) && isRecord(reader) && this.#code.length <= CODE_MAX) {
      this.#record(writer, reader, wants);
    } else this.#leaf(writer, reader, wants);
  }

  #leaf(writer: avro.Type, reader: avro.Type, wants: readonly Want[]): void {
    const op = OPS[writer.typeName]?.[reader.typeName];
    const first = wants.find(({ parts }) => parts.length === 0);
    if (op === undefined || first === undefined) this.#skip(writer, this.#strict);
    else this.#code.op(op, first.column);
    // A path into a text or number is none; one into null is no null, but undefined.
    this.#setUnknown(wants.filter((want) => op === undefined || want !== first));
  }

  #union(
    writer: avro.types.UnwrappedUnionType | avro.types.WrappedUnionType,
    reader: avro.Type,
    wants: readonly Want[],
  ): void {
    this.#branches(writer.types, (type, n) => {
      if (this.#isSame && isUnion(reader)) this.#branch(type, reader, reader.types[n], wants);
      else this.#value(type, reader, wants);
    });
  }

  /** A value that the reader reads as one branch of its union. */
  #branch(
    writer: avro.Type,
    union: avro.Type,
    branch: avro.Type | undefined,
    wants: readonly Want[],
  ): void {
    // Where a union is ambiguous, the decoder puts all but null into an object of the branch's
    // name.
    const isPlain = union.typeName === 'union:unwrapped' || branch?.typeName === 'null';
    if (branch !== undefined && isPlain) this.#value(writer, branch, wants);
    else {
      this.#skip(writer, this.#strict);
      this.#setUnknown(wants);
    }
  }

  #record(
    writer: avro.types.RecordType,
    reader: avro.types.RecordType,
    wants: readonly Want[],
  ): void {
    const missing = new Set(wants);
    writer.fields.forEach((field, n) => {
      const readers = this.#isSame ? [reader.fields[n]!] : readersOf(reader, field.name);
      // What several fields of the reader take from one is left to the decoder.
      const only = readers.length === 1 ? readers[0]! : null;
      const found = wants.filter(({ parts }) => parts[0] === only?.name);
      if (only === null || found.length === 0) {
        this.#skip(field.type, readers.length === 0 ? this.#lenient : this.#strict);
        return;
      }
      for (const want of found) missing.delete(want);
      const rest = found.map(({ column, parts }) => ({ column, parts: parts.slice(1) }));
      this.#value(field.type, only.type, rest);
    });
    this.#setUnknown([...missing]);
  }

  #setUnknown(wants: readonly Want[]): void {
    for (const { column } of wants) this.#code.op(OP.UNKNOWN, column);
  }

  #skip(type: avro.Type, maker: SkipMaker): void {
    const isStrict = maker === this.#strict;
    if (isUnion(type) && type.types.every((branch) => isPlain(branch, isStrict))) {
      this.#branches(type.types, (branch) => this.#skip(branch, maker));
    } else if (!isPlain(type, isStrict)) {
      this.#code.op(OP.SKIP, this.#skips.length);
      this.#skips.push(maker.skipOf(type));
    } else if (hasFixedBytes(type)) {
      const bytes = fixedBytes(type);
      if (bytes > 0) this.#code.op(OP.SKIP_BYTES, bytes);
    } else if (type.typeName === 'string' || type.typeName === 'bytes') {
      this.#code.op(OP.SKIP_TEXT, 0);
    } else {
      this.#code.count(OP.SKIP_INTS, 1);
    }
  }

  #branches(types: readonly avro.Type[], write: (type: avro.Type, n: number) => void): void {
    this.#code.op(OP.UNION, types.length);
    const places = this.#code.places(types.length);
    const ends: number[] = [];
    types.forEach((type, n) => {
      this.#code.lead(places + n);
      write(type, n);
      // The last branch goes on with what follows by itself.
      if (n < types.length - 1) ends.push(this.#code.op(OP.JUMP, 0));
    });
    for (const end of ends) this.#code.lead(end);
  }
}

function readersOf(reader: avro.types.RecordType, written: string): readonly avro.types.Field[] {
  return reader.fields.filter(({ name, aliases }) => name === written || aliases.includes(written));
}

/** Whether one op of the code passes over it. */
function isPlain(type: avro.Type, isStrict: boolean): boolean {
  switch (type.typeName) {
    case 'int':
    case 'string':
    case 'bytes':
      return true;
    case 'long':
    case 'enum':
      return !isStrict;
    default:
      return hasFixedBytes(type);
  }
}
