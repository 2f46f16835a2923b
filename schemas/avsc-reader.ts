/**
 * Reading by avsc, a well-kept library, wherever it gives the same value as we do: the reader's
 * fields are the writer's own, or some of them. What avsc has no form for (maps, unions of several
 * types, names of other alphabets) is read by value-reader.ts, as is any value that it refuses:
 * that one is exact, or says why it cannot be read.
 */
import avro from 'avsc';
import { type AvroType, isSameType, type RecordType } from './avro-type.ts';
import { SkipMaker, Walk } from './avro-walk.ts';

/** Gives undefined, which is no value, for what avsc does not read: it is to be read by others. */
export type AvscRead = (bytes: Buffer, start: number, end: number) => unknown;

/** One for all: a walk calls nobody who walks. */
const walk = new Walk();

/** Undefined when values of `writer` are not avsc's to read as `reader`. */
export function avscRead(writer: AvroType, reader: AvroType): AvscRead | undefined {
  if (!isPart(writer, reader)) return undefined;
  const written = new Form().schemaOf(writer);
  const wanted = new Form().schemaOf(reader);
  if (written === undefined || wanted === undefined) return undefined;
  const { type, resolver } = typesOf(written, wanted) ?? {};
  if (type === undefined) return undefined;
  const skip = new SkipMaker(true).skipOf(writer);
  return (bytes, start, end) => {
    // avsc believes what an array claims, and reads on behind the value: so it is walked before.
    walk.start(bytes, end);
    if (skip(walk, start) !== end) return undefined;
    try {
      return type.decode(bytes, start, resolver).value;
    } catch {
      // A whole number beyond 2^53.
      return undefined;
    }
  };
}

/** True: each field of the reader is one of the writer's, of the same type. */
function isPart(writer: AvroType, reader: AvroType): boolean {
  if (writer.kind !== 'record' || reader.kind !== 'record' || writer.name !== reader.name) {
    return isSameType(writer, reader);
  }
  return reader.fields.every((field) => {
    const from = writer.fields.find(({ name }) => name === field.name);
    return from !== undefined && isSameType(from.type, field.type);
  });
}

/** New ones for each schema: avsc puts its named types in. */
const optionsOf = () => ({ wrapUnions: false, omitRecordMethods: true }) as avro.ForSchemaOptions;

function typesOf(written: avro.Schema, wanted: avro.Schema) {
  try {
    const writer = avro.Type.forSchema(written, optionsOf());
    const type = avro.Type.forSchema(wanted, optionsOf());
    return { type, resolver: type.createResolver(writer) };
  } catch {
    return undefined;
  }
}

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The schema as avsc is given it: without defaults, aliases and logical types, which are ours. */
class Form {
  readonly #met = new Set<AvroType>();

  /** Undefined: avsc has no form for it, or another one than ours. */
  schemaOf(type: AvroType): avro.Schema | undefined {
    switch (type.kind) {
      case 'record':
        return this.#record(type);
      case 'enum':
        return this.#named(type, { type: 'enum', symbols: [...type.symbols] });
      case 'fixed':
        return this.#named(type, { type: 'fixed', size: type.size });
      case 'array': {
        const items = this.schemaOf(type.items);
        return items === undefined ? undefined : { type: 'array', items };
      }
      case 'map':
        // avsc puts an entry `__proto__` where it is not seen.
        return undefined;
      case 'union': {
        // Of more branches the form depends on which look alike.
        const [first, second] = type.types;
        const isOptional =
          type.types.length === 2 && (first!.kind === 'null') !== (second!.kind === 'null');
        const branches = isOptional ? type.types.map((branch) => this.schemaOf(branch)) : [];
        const isWhole = branches.length > 0 && !branches.includes(undefined);
        return isWhole ? (branches as avro.Schema) : undefined;
      }
      default:
        return type.kind;
    }
  }

  #record(type: RecordType): avro.Schema | undefined {
    const fields: { name: string; type: avro.Schema }[] = [];
    return this.#named(type, { type: 'record', fields }, () => {
      for (const { name, type: of } of type.fields) {
        const schema =
          FIELD_NAME.test(name) && name !== '__proto__' ? this.schemaOf(of) : undefined;
        if (schema === undefined) return false;
        fields.push({ name, type: schema });
      }
      return true;
    });
  }

  /** A name of its own, as avsc takes fewer than Avro does; the second time the name alone. */
  #named(
    type: AvroType & { readonly name: string },
    schema: object,
    fill: () => boolean = () => true,
  ): avro.Schema | undefined {
    const name = `N${Buffer.from(type.name, 'utf8').toString('hex')}`;
    if (this.#met.has(type)) return name;
    this.#met.add(type);
    return fill() ? ({ ...schema, name } as avro.Schema) : undefined;
  }
}
