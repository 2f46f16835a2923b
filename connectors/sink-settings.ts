/**
 * Reads the settings of a sink, those of a deployment as it has read them (`connectors.fcm` in
 * carillon.yaml). A setting that is missing or wrong is told by its name; what it holds is never
 * printed, as it may be a key.
 */
import { readFileSync } from 'node:fs';
import { parseDuration } from '../core/duration.ts';
import { CarillonError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-table.ts';
import type { SettingTable } from './setting-tables.ts';

const DURATION_MS_MAX = 3_600_000;

/** `https://host:port`, without path; undefined: it is none. */
export function httpsOriginOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' && url.pathname === '/' ? url.origin : undefined;
}

/** The PEM itself, and not the path of a file that holds it. */
export const isPem = (text: string): boolean => text.includes('-----BEGIN');

export class SinkSettings {
  readonly #place: string;
  readonly #code: ErrorCode;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #table: SettingTable;

  /**
   * `place`: where the settings stand, e.g. `connectors.fcm`; `code`: of the errors thrown;
   * `table`: has the defaults of what is read without one.
   */
  constructor(
    place: string,
    code: ErrorCode,
    values: Readonly<Record<string, unknown>>,
    table: SettingTable = {},
  ) {
    this.#place = place;
    this.#code = code;
    this.#values = values;
    this.#table = table;
  }

  has(name: string): boolean {
    const value = this.#values[name];
    return value !== undefined && value !== null && value !== '';
  }

  get(name: string): unknown {
    return this.#values[name];
  }

  text(name: string, fallback?: string): string {
    if (!this.has(name)) {
      if (fallback !== undefined) return fallback;
      throw this.wrong(name, 'is not set');
    }
    const value = this.#values[name];
    if (typeof value !== 'string') throw this.wrong(name, 'is not a text');
    return value;
  }

  /** Milliseconds, or a text with a unit; up to one hour. */
  duration(name: string, fallbackMs?: number): number {
    if (!this.has(name)) return fallbackMs ?? parseDuration(this.#fallback(name)!)!;
    const value = this.#values[name];
    const ms = typeof value === 'number' ? value : parseDuration(this.text(name));
    if (ms === undefined) throw this.wrong(name, 'is not a duration with a unit, such as 10s');
    if (ms < 1 || ms > DURATION_MS_MAX) throw this.wrong(name, 'is not within 1ms and 1h');
    return ms;
  }

  count(
    name: string,
    fallback = Number(this.#fallback(name)),
    max = this.#table[name]?.max ?? Number.MAX_SAFE_INTEGER,
  ): number {
    if (!this.has(name)) return fallback;
    const value = this.#values[name];
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > max) {
      throw this.wrong(name, `is not a whole number within 1 and ${max}`);
    }
    return value as number;
  }

  flag(name: string): boolean {
    if (!this.has(name)) return this.#fallback(name) === 'true';
    const value = this.#values[name];
    if (typeof value !== 'boolean') throw this.wrong(name, 'is neither true nor false');
    return value;
  }

  /** `https://host:port`, without path. */
  origin(name: string): string {
    const value = this.text(name, this.#fallback(name));
    const origin = httpsOriginOf(value);
    if (origin !== undefined) return origin;
    throw this.wrong(name, 'is not an https origin, such as https://localhost:8443');
  }

  /** A PEM given as it is, or the path of a file that holds it; undefined when it is not set. */
  pem(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.text(name);
    return isPem(value) ? value : this.file(name, value);
  }

  file(name: string, path: string): string {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      throw this.wrong(name, `names a file that cannot be read (${why})`);
    }
  }

  #fallback(name: string): string | undefined {
    return this.#table[name]?.fallback;
  }

  wrong(name: string, what: string, mend?: string): CarillonError {
    return new CarillonError(this.#code, `Setting "${name}" ${what}.`, {
      where: { at: `${this.#place}.${name}` },
      ...(mend === undefined ? {} : { mend }),
    });
  }
}
