/** Notifications name a priority of their topology: the enum of their schema has its names. */
import type { AvroField, AvroRecord, FolderRecord, SchemaFolder } from '../schemas/folder.ts';

const NOTIFICATION = 'DeviceNotification';
const FIELD = 'priority';

interface EnumJson {
  readonly type: 'enum';
  readonly symbols: readonly string[];
}

/** The folder, with notifications of these priorities, most urgent first. */
export function withPriorities(folder: SchemaFolder, names: readonly string[]): SchemaFolder {
  const record = folder.get(NOTIFICATION);
  const field = record?.fields.find(({ name }) => name === FIELD);
  if (record === undefined || !isEnum(field?.type)) return folder;
  if (field.type.symbols.join() === names.join()) return folder;
  return new WithPriorities(folder, record, {
    ...record,
    fields: record.fields.map((one) => (one === field ? renamed(field, field.type, names) : one)),
  });
}

function renamed(field: AvroField, of: unknown, symbols: readonly string[]): AvroField {
  return { ...field, type: { ...(of as EnumJson), symbols } };
}

function isEnum(type: unknown): type is EnumJson {
  return typeof type === 'object' && type !== null && 'type' in type && type.type === 'enum';
}

class WithPriorities implements SchemaFolder {
  readonly #folder: SchemaFolder;
  readonly #shipped: AvroRecord;
  readonly #own: AvroRecord;

  constructor(folder: SchemaFolder, shipped: AvroRecord, own: AvroRecord) {
    this.#folder = folder;
    this.#shipped = shipped;
    this.#own = own;
  }

  get(name: string): AvroRecord | undefined {
    const found = this.#folder.get(name);
    return found === this.#shipped ? this.#own : found;
  }

  names(): readonly string[] {
    return this.#folder.names();
  }

  fileOf(name: string): string | undefined {
    return this.#folder.fileOf(name);
  }

  named(name: string): readonly FolderRecord[] {
    return this.#folder
      .named(name)
      .map((one) => (one.record === this.#shipped ? { ...one, record: this.#own } : one));
  }
}
