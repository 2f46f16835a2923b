/**
 * Fetches writer schemas that a task has met. While one is missing the task stands still: a
 * registry that is away costs time, never a record.
 */
import type { Clock } from '../core/clock.ts';
import type { Schemas } from '../core/schema.ts';
import { NEVER } from '../core/store.ts';

const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;

export class SchemaLoader {
  readonly #schemas: Schemas;
  readonly #clock: Clock;
  readonly #onLoaded: () => void;
  readonly #wanted = new Set<number>();
  #loading = false;
  #retryAtMs = NEVER;
  #failures = 0;
  #trouble: string | null = null;

  constructor(schemas: Schemas, clock: Clock, onLoaded: () => void) {
    this.#schemas = schemas;
    this.#clock = clock;
    this.#onLoaded = onLoaded;
  }

  /** True when nothing is missing; also the moment at which a failed load is tried again. */
  get idle(): boolean {
    if (this.#wanted.size === 0) return true;
    this.#start();
    return false;
  }

  /** True when nothing is missing; asks for nothing. */
  get settled(): boolean {
    return this.#wanted.size === 0;
  }

  /** What the registry said last, while it is away. */
  get trouble(): string | null {
    return this.#trouble;
  }

  retryAtMs(): number {
    return this.#retryAtMs;
  }

  need(ids: readonly number[]): void {
    for (const id of ids) this.#wanted.add(id);
    if (ids.length > 0) this.#start();
  }

  #start(): void {
    if (this.#loading) return;
    if (this.#retryAtMs !== NEVER && this.#clock.now() < this.#retryAtMs) return;
    this.#loading = true;
    this.#retryAtMs = NEVER;
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      for (const id of [...this.#wanted]) {
        await this.#schemas.load(id);
        this.#wanted.delete(id);
      }
      this.#failures = 0;
      this.#trouble = null;
    } catch (error) {
      const delay = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#failures++);
      this.#retryAtMs = this.#clock.now() + delay;
      this.#trouble = error instanceof Error ? error.message : String(error);
    }
    this.#loading = false;
    this.#onLoaded();
  }
}
