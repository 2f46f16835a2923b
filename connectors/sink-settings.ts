/**
 * Reads the deployment's settings of a push sink (`connectors.fcm` in carillon.yaml). A setting
 * that is missing or wrong is told by its name; what it holds is never printed, as it may be a key.
 */
import { readFileSync } from 'node:fs';
import { parseDuration } from '../core/duration.ts';
import { CarillonError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-table.ts';

export class SinkSettings {
  readonly #place: string;
  readonly #code: ErrorCode;
  readonly #values: Readonly<Record<string, unknown>>;

  /** `place`: where the settings stand, e.g. `connectors.fcm`; `code`: of the errors thrown. */
  constructor(place: string, code: ErrorCode, values: Readonly<Record<string, unknown>>) {
    this.#place = place;
    this.#code = code;
    this.#values = values;
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

  /** Milliseconds, from a text with a unit; between `minMs` and one hour. */
  duration(name: string, fallbackMs: number, minMs = 1): number {
    if (!this.has(name)) return fallbackMs;
    const ms = parseDuration(this.text(name));
    if (ms === undefined) throw this.wrong(name, 'is not a duration with a unit, such as 10s');
    if (ms < minMs || ms > 3_600_000) throw this.wrong(name, `is not within ${minMs}ms and 1h`);
    return ms;
  }

  count(name: string, fallback: number, max: number): number {
    if (!this.has(name)) return fallback;
    const value = this.#values[name];
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > max) {
      throw this.wrong(name, `is not a whole number within 1 and ${max}`);
    }
    return value as number;
  }

  flag(name: string, fallback: boolean): boolean {
    if (!this.has(name)) return fallback;
    const value = this.#values[name];
    if (typeof value !== 'boolean') throw this.wrong(name, 'is neither true nor false');
    return value;
  }

  /** `https://host:port`, without path. */
  origin(name: string, fallback: string): string {
    const value = this.text(name, fallback);
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || url.protocol !== 'https:' || url.pathname !== '/') {
      throw this.wrong(name, 'is not an https origin, such as https://localhost:8443');
    }
    return url.origin;
  }

  /** A PEM given as it is, or the path of a file that holds it; undefined when it is not set. */
  pem(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.text(name);
    return value.includes('-----BEGIN') ? value : this.file(name, value);
  }

  file(name: string, path: string): string {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      throw this.wrong(name, `names a file that cannot be read (${why})`);
    }
  }

  wrong(name: string, what: string, mend?: string): CarillonError {
    return new CarillonError(this.#code, `Setting "${name}" ${what}.`, {
      where: { at: `${this.#place}.${name}` },
      ...(mend === undefined ? {} : { mend }),
    });
  }
}
