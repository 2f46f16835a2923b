/** The rows of a compacted topic for one task's partition: what `ctx.table(name)` reads. */
import type { Record, ValueDecoder } from '../core/record.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../core/schema.ts';
import type { TableView } from '../core/store.ts';

export class TableStore implements TableView {
  readonly name: string;
  readonly #schema: string;
  readonly #schemas: Schemas;
  readonly #rows = new Map<string, unknown>();
  /** Rows that could not be decoded; the row before stays, and the count says so. */
  undecodable = 0;

  constructor(name: string, schema: string, schemas: Schemas) {
    this.name = name;
    this.#schema = schema;
    this.#schemas = schemas;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): undefined {
    return this.#rows.get(key) as undefined;
  }

  /** Applies records up to the first whose schema is not loaded, and gives that one's index. */
  apply(records: readonly Record[], from: number): number {
    for (let i = from; i < records.length; i++) {
      const record = records[i]!;
      if (record.key === null) continue;
      if (record.valueStart < 0) {
        this.#rows.delete(record.key);
        continue;
      }
      const decoder = this.#decoderOf(record);
      if (decoder === undefined) return i;
      if (decoder === null) this.undecodable++;
      else this.#put(record.key, record, decoder);
    }
    return records.length;
  }

  #decoderOf(record: Record): ValueDecoder | null | undefined {
    const id = schemaIdOf(record.valueBytes, record.valueStart, record.valueEnd);
    if (id < 0) return null;
    const decoder = this.#schemas.decoder(id, { schema: this.#schema });
    return decoder !== undefined && isUndecodable(decoder) ? null : decoder;
  }

  #put(key: string, record: Record, decoder: ValueDecoder): void {
    try {
      const row = decoder.decode(record.valueBytes, record.valueStart, record.valueEnd);
      this.#rows.set(key, row);
    } catch {
      this.undecodable++;
    }
  }
}
