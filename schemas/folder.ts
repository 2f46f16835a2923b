/** Reads the folders of Avro schemas: schemas/{events,tables,notifications}/*.avsc. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError, CarillonErrors, type Diagnostic } from '../core/error.ts';
import { ERROR_TABLE } from '../core/error-table.ts';
import { parseExact } from '../core/exact-json.ts';
import { shortName } from './avro-type.ts';
import { type Definition, definitionsIn, inlineSchema } from './inline-schema.ts';
import { type IgnoredLogical, ignoredLogicals } from './logical-types.ts';
import { parseSchema, type SchemaProblem } from './parse-schema.ts';
import { misfitOf } from './replaced-schema.ts';

export interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
  readonly doc?: string;
}

/** A record schema as its file has it; types of other files are written out in it. */
export interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields: readonly AvroField[];
}

/** A record of a folder, by its full name. */
export interface FolderRecord {
  readonly fullName: string;
  readonly record: AvroRecord;
  readonly file: string;
}

export interface SchemaFolder {
  /**
   * The record of that name: a full name (`reno.events.ViewingActivity`), or the last part of one.
   * Of several with one last part Carillon's own, or none.
   */
  get(name: string): AvroRecord | undefined;
  /** Names by which `get` finds one. */
  names(): readonly string[];
  /** Where a schema stands, for messages. */
  fileOf(name: string): string | undefined;
  /** All records that a name can mean: more than one when their namespaces differ. */
  named(name: string): readonly FolderRecord[];
}

/** Of records by name, for tests and tools. */
export function schemaFolderOf(
  records: ReadonlyMap<string, { record: AvroRecord; file: string }>,
): SchemaFolder {
  return new Folder(
    [...records].map(([name, { record, file }]) => ({ fullName: name, record, file })),
    0,
  );
}

class Folder implements SchemaFolder {
  readonly #byFullName: ReadonlyMap<string, FolderRecord>;
  readonly #byShortName = new Map<string, FolderRecord[]>();
  /** Of the records, so many are Carillon's own. */
  readonly #own: ReadonlySet<FolderRecord>;

  constructor(records: readonly FolderRecord[], own: number) {
    this.#byFullName = new Map(records.map((record) => [record.fullName, record]));
    this.#own = new Set(records.slice(0, own));
    for (const record of records) {
      const short = shortName(record.fullName);
      const same = this.#byShortName.get(short);
      if (same === undefined) this.#byShortName.set(short, [record]);
      else same.push(record);
    }
  }

  get(name: string): AvroRecord | undefined {
    return this.#find(name)?.record;
  }

  names(): readonly string[] {
    return [...this.#byShortName].flatMap(([short, records]) =>
      records.map((record) => (this.#find(short) === record ? short : record.fullName)),
    );
  }

  fileOf(name: string): string | undefined {
    return this.#find(name)?.file;
  }

  named(name: string): readonly FolderRecord[] {
    const full = this.#byFullName.get(name);
    if (full !== undefined && name.includes('.')) return [full];
    return this.#byShortName.get(name) ?? [];
  }

  #find(name: string): FolderRecord | undefined {
    const records = this.named(name);
    if (records.length === 1) return records[0];
    return records.find((record) => this.#own.has(record));
  }
}

/** A file of a folder, and what is defined at its top. */
interface SchemaFile {
  readonly path: string;
  /** Which of the folders it is in. */
  readonly folder: number;
  readonly tops: readonly Definition[];
}

/**
 * All `.avsc` files below `dirs`. Files may name each other's types, whatever their order. A record
 * of the same full name in a later folder wins, so that a user's can replace, and one of Carillon's
 * own if it fits (CAR410). Throws all that is wrong in any of them (CAR409, CAR420, CAR421).
 */
export function readSchemaFolder(...dirs: readonly string[]): SchemaFolder {
  const { folder, problems } = readableSchemas(...dirs);
  if (problems.length === 1) throw errorOf(problems[0]!);
  if (problems.length > 0) throw new CarillonErrors(problems);
  return folder;
}

/** What can be read of `readSchemaFolder`'s files, and what is wrong with the rest. */
export function readableSchemas(...dirs: readonly string[]): {
  readonly folder: SchemaFolder;
  readonly problems: readonly Diagnostic[];
  /** What can be read, and is hardly what was meant (CAR424). */
  readonly warnings: readonly Diagnostic[];
} {
  const problems: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const files = dirs.flatMap((dir, folder) =>
    avscFiles(dir).flatMap((path) => readFile(path, folder, problems)),
  );
  const winners = winnersOf(files, problems);
  const types = definedIn(files, winners);
  const records = [...winners.values()].flatMap(({ file, of }): FolderRecord[] => {
    const json = inlineSchema(standAlone(of), (name) => types.get(name)) as AvroRecord;
    const told: SchemaProblem[] = [];
    parseSchema(json, { problems: told });
    for (const problem of told) problems.push(wrongSchema(file.path, of, problem));
    for (const ignored of ignoredLogicals(of.json)) {
      warnings.push(ignoredLogical(file.path, of, ignored));
    }
    const isGood = told.length === 0 && json.type === 'record';
    return isGood ? [{ fullName: of.name, record: json, file: file.path }] : [];
  });
  if (problems.length === 0) problems.push(...misfits(files, winners, types));
  const own = records.filter(({ fullName }) => winners.get(fullName)?.file.folder === 0);
  const others = records.filter((record) => !own.includes(record));
  return { folder: new Folder([...own, ...others], own.length), problems, warnings };
}

/** Events are their producers' to define, also those that stand in Carillon's own folder. */
const OF_PRODUCERS = /\.events$/;

/** Of the first folder are Carillon's own, which the engine reads and writes. */
function* misfits(
  files: readonly SchemaFile[],
  winners: ReadonlyMap<string, Winner>,
  types: ReadonlyMap<string, Definition>,
): Generator<Diagnostic> {
  for (const { folder, tops } of files) {
    for (const own of folder === 0 ? tops : []) {
      const { of, file } = winners.get(own.name)!;
      if (of === own || OF_PRODUCERS.test(own.namespace)) continue;
      const [ours, theirs] = [own, of].map((one) =>
        parseSchema(inlineSchema(standAlone(one), (name) => types.get(name))),
      );
      const why = misfitOf(ours!, theirs!);
      if (why === undefined) continue;
      const what = `"${own.name}" is a schema of Carillon's own, and what stands here ${why}.`;
      yield new CarillonError('CAR410', what, { where: { file: file.path } });
    }
  }
}

function errorOf({ code, what, where, mend }: Diagnostic): CarillonError {
  return new CarillonError(code, what, { where, mend });
}

interface Winner {
  readonly file: SchemaFile;
  readonly of: Definition;
}

/** By full name; two in one folder are a mistake, of which the first counts. */
function winnersOf(files: readonly SchemaFile[], problems: Diagnostic[]): Map<string, Winner> {
  const winners = new Map<string, Winner>();
  for (const file of files) {
    for (const of of file.tops) {
      const other = winners.get(of.name);
      if (other?.file.folder !== file.folder) {
        winners.set(of.name, { file, of });
        continue;
      }
      const what = `"${of.name}" is defined in ${other.file.path} too.`;
      problems.push(new CarillonError('CAR409', what, { where: { file: file.path } }));
    }
  }
  return winners;
}

/** What stands at the top of a file, and inside of it where no other has that name. */
function definedIn(
  files: readonly SchemaFile[],
  winners: ReadonlyMap<string, Winner>,
): Map<string, Definition> {
  const types = new Map<string, Definition>();
  for (const { tops } of files) {
    for (const top of tops) {
      for (const inner of definitionsIn(standAlone(top))) types.set(inner.name, inner);
    }
  }
  for (const [name, { of }] of winners) types.set(name, of);
  return types;
}

/** With its namespace written out, as it may have come from around it. */
function standAlone({ name, namespace, json }: Definition): AvroRecord {
  const own = namespace === '' ? {} : { namespace };
  return { ...json, name: shortName(name), ...own } as unknown as AvroRecord;
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

/** None when it was told what is wrong with it. */
function readFile(path: string, folder: number, problems: Diagnostic[]): SchemaFile[] {
  const text = orUnreadable(path, () => readFileSync(path, 'utf8'));
  const told = (what: string, cause?: unknown): SchemaFile[] => {
    problems.push(new CarillonError('CAR421', what, { where: { file: path }, cause }));
    return [];
  };
  let json: unknown;
  try {
    // Editors of another system begin a text with a mark of its encoding.
    json = parseExact(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    return told(`not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const tops = (Array.isArray(json) ? json : [json]).map(topOf);
  if (tops.length === 0 || tops.includes(undefined)) {
    return told('an .avsc file holds one Avro record with a name (or an enum or fixed type).');
  }
  return [{ path, folder, tops: tops as Definition[] }];
}

function topOf(json: unknown): Definition | undefined {
  const [first] = definitionsIn(json);
  return first?.json === json ? first : undefined;
}

function ignoredLogical(path: string, of: Definition, { at, what }: IgnoredLogical): Diagnostic {
  const place = at === '' ? '' : `${at}: `;
  return {
    code: 'CAR424',
    level: 'warning',
    what: `${shortName(of.name)}, ${place}${what}.`,
    where: { file: path },
    mend: ERROR_TABLE.CAR424.mend,
  };
}

function wrongSchema(path: string, of: Definition, { at, what }: SchemaProblem): CarillonError {
  const place = at === '' ? '' : `${at}: `;
  return new CarillonError('CAR421', `${shortName(of.name)}, ${place}${what}.`, {
    where: { file: path },
  });
}
