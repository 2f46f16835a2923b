/**
 * The schema registry of an embedded deployment: ids and versions in the same SQLite file. One text
 * has one id, which never changes; a subject's versions are in the order of their registration.
 */
import type { StatementSync } from 'node:sqlite';
import type { RegisteredSchema, RegistryPort } from '../../schemas/registry.ts';
import type { EmbeddedLog } from './log.ts';

export function openSchemaIds(log: EmbeddedLog): RegistryPort {
  return new SchemaIds(log);
}

class SchemaIds implements RegistryPort {
  readonly #log: EmbeddedLog;
  readonly #text: StatementSync;
  readonly #id: StatementSync;
  readonly #add: StatementSync;
  readonly #has: StatementSync;
  readonly #addVersion: StatementSync;
  readonly #subjects: StatementSync;
  readonly #versions: StatementSync;
  readonly #version: StatementSync;
  readonly #latest: StatementSync;

  constructor(log: EmbeddedLog) {
    this.#log = log;
    const db = log.connection;
    this.#text = db.prepare('SELECT text FROM schemas WHERE id = ?');
    this.#id = db.prepare('SELECT id FROM schemas WHERE text = ?');
    this.#add = db.prepare('INSERT INTO schemas(text) VALUES (?) RETURNING id');
    this.#has = db.prepare(
      'SELECT version FROM schema_versions WHERE subject = ? AND schema_id = ?',
    );
    this.#addVersion = db.prepare(
      'INSERT INTO schema_versions(subject, version, schema_id) SELECT ?, ' +
        '(SELECT coalesce(max(version), 0) + 1 FROM schema_versions WHERE subject = ?), ?',
    );
    this.#subjects = db.prepare('SELECT DISTINCT subject FROM schema_versions ORDER BY subject');
    this.#versions = db.prepare(
      'SELECT version FROM schema_versions WHERE subject = ? ORDER BY version',
    );
    const one =
      'SELECT schema_id AS id, version, text AS schema FROM schema_versions ' +
      'JOIN schemas ON schemas.id = schema_id WHERE subject = ?';
    this.#version = db.prepare(`${one} AND version = ?`);
    this.#latest = db.prepare(`${one} ORDER BY version DESC LIMIT 1`);
  }

  async fetch(id: number): Promise<string | null> {
    const row = this.#text.get(id);
    return row === undefined ? null : String(row.text);
  }

  /** Resolves when the id is committed: no record may carry an id that a crash takes back. */
  async register(subject: string, schema: string): Promise<number> {
    const text = canonical(schema);
    const known = this.#id.get(text);
    if (known !== undefined && this.#has.get(subject, Number(known.id)) !== undefined) {
      await this.#log.committed();
      return Number(known.id);
    }
    const id = this.#log.write(1, () => {
      const found = Number((known ?? this.#add.get(text)!).id);
      this.#addVersion.run(subject, subject, found);
      return found;
    });
    await this.#log.committed();
    return id;
  }

  async subjects(): Promise<readonly string[]> {
    return this.#subjects.all().map((row) => String(row.subject));
  }

  async versions(subject: string): Promise<readonly number[]> {
    return this.#versions.all(subject).map((row) => Number(row.version));
  }

  async version(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    const row =
      version === 'latest' ? this.#latest.get(subject) : this.#version.get(subject, version);
    if (row === undefined) return null;
    return { id: Number(row.id), version: Number(row.version), schema: String(row.schema) };
  }
}

/** White space does not make another schema. Text that is not JSON is kept as it is. */
function canonical(schema: string): string {
  try {
    return JSON.stringify(JSON.parse(schema));
  } catch {
    return schema;
  }
}
