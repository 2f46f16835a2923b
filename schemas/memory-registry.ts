/** A registry in memory, for the test driver and for tests. */
import type { RegisteredSchema, RegistryPort } from './registry.ts';

export class MemoryRegistry implements RegistryPort {
  readonly #byId: string[] = [];
  readonly #subjects = new Map<string, number[]>();
  /** How often `fetch` was called. */
  fetches = 0;

  async fetch(id: number): Promise<string | null> {
    this.fetches++;
    return this.#byId[id - 1] ?? null;
  }

  async register(subject: string, schema: string): Promise<number> {
    let id = this.#byId.indexOf(schema) + 1;
    if (id === 0) id = this.#byId.push(schema);
    const ids = this.#subjects.get(subject) ?? [];
    if (!ids.includes(id)) ids.push(id);
    this.#subjects.set(subject, ids);
    return id;
  }

  async subjects(): Promise<readonly string[]> {
    return [...this.#subjects.keys()].sort();
  }

  async versions(subject: string): Promise<readonly number[]> {
    return (this.#subjects.get(subject) ?? []).map((_, i) => i + 1);
  }

  async version(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    const ids = this.#subjects.get(subject) ?? [];
    const at = version === 'latest' ? ids.length : version;
    const id = ids[at - 1];
    return id === undefined ? null : { id, version: at, schema: this.#byId[id - 1]! };
  }
}
