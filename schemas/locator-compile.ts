/**
 * Makes the code of a locator, from the schema that a value was written with and the one that it is
 * read with. It follows the resolution (schemas/value-reader.ts) step by step: a column must hold
 * what the decoder gives, and where that is not certain the column stays unknown.
 */
import type { AvroType, RecordField, RecordType, UnionType } from './avro-type.ts';
import { fixedBytes, hasFixedBytes, type Skip, SkipMaker } from './avro-walk.ts';
import { CodeWriter } from './code-writer.ts';
import { type LocatorCode, OP } from './locator.ts';
import { branchFor, writerField } from './value-reader.ts';

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

/** The op that gives what the decoder gives: by the writer's kind, then the reader's. */
const OPS: { readonly [writer: string]: { readonly [reader: string]: number } } = {
  null: { null: OP.NULL },
  boolean: { boolean: OP.BOOLEAN },
  int: { int: OP.NUMBER, long: OP.NUMBER, float: OP.NUMBER, double: OP.NUMBER },
  long: { long: OP.NUMBER, float: OP.NUMBER, double: OP.NUMBER },
  float: { float: OP.FLOAT, double: OP.FLOAT },
  double: { double: OP.DOUBLE },
  string: { string: OP.TEXT },
  bytes: { string: OP.TEXT },
};

/**
 * Column i is path i (`value.a.b`); a path that is there twice is located once. All values of the
 * writer can be read as the reader.
 */
export function compileLocator(
  writer: AvroType,
  reader: AvroType,
  paths: readonly string[],
): LocatorCode {
  const wants = paths.map((path, column) => ({ column, parts: partsOf(path) }));
  return new LocatorCompiler().compile(writer, reader, wants);
}

/** None: nothing that can be located. */
function partsOf(path: string): readonly string[] {
  return path.startsWith(PATH_START) ? path.slice(PATH_START.length).split('.') : [];
}

class LocatorCompiler {
  readonly #code = new CodeWriter();
  readonly #skips: Skip[] = [];
  readonly #strict = new SkipMaker(true);
  readonly #lenient = new SkipMaker(false);

  compile(writer: AvroType, reader: AvroType, wants: readonly Want[]): LocatorCode {
    this.#value(writer, reader, wants);
    return { code: this.#code.done(), skips: this.#skips, columns: wants.length };
  }

  #value(writer: AvroType, reader: AvroType, wants: readonly Want[]): void {
    if (writer.kind === 'union') {
      this.#branches(writer.types, (type) => this.#value(type, reader, wants));
    } else if (reader.kind === 'union') {
      this.#branch(writer, reader, branchFor(writer, reader), wants);
    } else if (
      writer.kind === 'record' &&
      reader.kind === 'record' &&
      this.#code.length <= CODE_MAX
    ) {
      this.#record(writer, reader, wants);
    } else this.#leaf(writer, reader, wants);
  }

  #leaf(writer: AvroType, reader: AvroType, wants: readonly Want[]): void {
    const op = OPS[writer.kind]?.[reader.kind];
    const first = wants.find(({ parts }) => parts.length === 0);
    if (op === undefined || first === undefined) this.#skip(writer, this.#strict);
    else this.#code.op(op, first.column);
    // A path into a text or number is none; one into null is no null, but undefined.
    this.#setUnknown(wants.filter((want) => op === undefined || want !== first));
  }

  /** A value that the reader reads as one branch of its union. */
  #branch(
    writer: AvroType,
    union: UnionType,
    branch: AvroType | undefined,
    wants: readonly Want[],
  ): void {
    // Where a union is ambiguous, the decoder puts all but null into an object of the branch's
    // name.
    const isPlain = !union.isWrapped || branch?.kind === 'null';
    if (branch !== undefined && isPlain) this.#value(writer, branch, wants);
    else {
      this.#skip(writer, this.#strict);
      this.#setUnknown(wants);
    }
  }

  #record(writer: RecordType, reader: RecordType, wants: readonly Want[]): void {
    const missing = new Set(wants);
    for (const field of writer.fields) {
      const readers = readersOf(writer, reader, field);
      // What several fields of the reader take from one is left to the decoder.
      const only = readers.length === 1 ? readers[0]! : null;
      const found = wants.filter(({ parts }) => parts[0] === only?.name);
      if (only === null || found.length === 0) {
        this.#skip(field.type, readers.length === 0 ? this.#lenient : this.#strict);
        continue;
      }
      for (const want of found) missing.delete(want);
      const rest = found.map(({ column, parts }) => ({ column, parts: parts.slice(1) }));
      this.#value(field.type, only.type, rest);
    }
    this.#setUnknown([...missing]);
  }

  #setUnknown(wants: readonly Want[]): void {
    for (const { column } of wants) this.#code.op(OP.UNKNOWN, column);
  }

  #skip(type: AvroType, maker: SkipMaker): void {
    const isStrict = maker === this.#strict;
    if (type.kind === 'union' && type.types.every((branch) => isPlain(branch, isStrict))) {
      this.#branches(type.types, (branch) => this.#skip(branch, maker));
    } else if (!isPlain(type, isStrict)) {
      this.#code.op(OP.SKIP, this.#skips.length);
      this.#skips.push(maker.skipOf(type));
    } else if (hasFixedBytes(type)) {
      const bytes = fixedBytes(type);
      if (bytes > 0) this.#code.op(OP.SKIP_BYTES, bytes);
    } else if (type.kind === 'string' || type.kind === 'bytes') {
      this.#code.op(OP.SKIP_TEXT, 0);
    } else {
      this.#code.count(OP.SKIP_INTS, 1);
    }
  }

  #branches(types: readonly AvroType[], write: (type: AvroType, n: number) => void): void {
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

function readersOf(
  writer: RecordType,
  reader: RecordType,
  written: RecordField,
): readonly RecordField[] {
  return reader.fields.filter((field) => writerField(writer, field) === written);
}

/** Whether one op of the code passes over it. */
function isPlain(type: AvroType, isStrict: boolean): boolean {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return true;
    case 'int':
    case 'long':
    case 'enum':
      return !isStrict;
    default:
      return hasFixedBytes(type);
  }
}
