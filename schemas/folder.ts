/** Reads the folder of Avro schemas: schemas/{events,tables,notifications}/*.avsc. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError } from '../core/error.ts';

export interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
  readonly doc?: string;
}

/** A record schema as its file has it. */
export interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields: readonly AvroField[];
}

export interface SchemaFolder {
  /** The record of that name (`ViewingActivity`), or undefined. */
  get(name: string): AvroRecord | undefined;
  names(): readonly string[];
  /** Where a schema stands, for messages. */
  fileOf(name: string): string | undefined;
}

export function schemaFolderOf(
  records: ReadonlyMap<string, { record: AvroRecord; file: string }>,
): SchemaFolder {
  return {
    get: (name) => records.get(name)?.record,
    names: () => [...records.keys()],
    fileOf: (name) => records.get(name)?.file,
  };
}

/**
 * All `.avsc` files below `dirs`, by record name; later folders win, so that a user's can replace.
 */
export function readSchemaFolder(...dirs: readonly string[]): SchemaFolder {
  const records = new Map<string, { record: AvroRecord; file: string }>();
  for (const dir of dirs) {
    for (const file of avscFiles(dir)) {
      const record = parseRecord(file);
      records.set(record.name, { record, file });
    }
  }
  return schemaFolderOf(records);
}

function avscFiles(dir: string): string[] {
  return orUnreadable(dir, () => readdirSync(dir).sort()).flatMap((name) => {
    const path = join(dir, name);
    // A link that leads nowhere, or in a circle, cannot be looked at.
    if (orUnreadable(path, () => statSync(path)).isDirectory()) return avscFiles(path);
    return name.endsWith('.avsc') ? [path] : [];
  });
}

function orUnreadable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new CarillonError('CAR420', `the schema folder cannot be read (${why}).`, {
      where: { file: path },
      cause,
    });
  }
}

function parseRecord(file: string): AvroRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CarillonError('CAR421', `not JSON: ${why}`, { where: { file }, cause });
  }
  const record = parsed as AvroRecord;
  if (record?.type !== 'record' || typeof record.name !== 'string') {
    throw new CarillonError('CAR421', 'an .avsc file holds one Avro record with a name.', {
      where: { file },
    });
  }
  return record;
}
