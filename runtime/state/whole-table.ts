/**
 * A table of which a process holds all rows, of all partitions: Kafka Streams' GlobalKTable. It is
 * read to its end before the first record; later its changes are applied as they come, without
 * regard to the time of what is joined.
 */
import type { Log } from '../../core/log.ts';
import type { Record, ValueDecoder } from '../../core/record.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../../core/schema.ts';
import type { TableView } from '../../core/store.ts';
import { LooseRows } from './loose-rows.ts';

const RETRY_MS = 500;

/** Hears of a row that cannot be read; the one before it stays in force. */
export type OnUnreadable = (row: Record, why: string) => void;

export class WholeTable implements TableView {
  readonly #schema: string;
  readonly #schemas: Schemas;
  readonly #onUnreadable: OnUnreadable;
  readonly #rows = new LooseRows();
  /** Rows were added. */
  onChange: () => void = () => {};
  /** What waits for a schema, and for all that came before. */
  #tail: Promise<void> | null = null;
  #follower: { close(): Promise<void> } | null = null;
  #isClosed = false;

  constructor(schema: string, schemas: Schemas, onUnreadable: OnUnreadable) {
    this.#schema = schema;
    this.#schemas = schemas;
    this.#onUnreadable = onUnreadable;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): unknown {
    return this.#rows.get(key);
  }

  keys(): Iterable<string> {
    return this.#rows.keys();
  }

  rows(): Iterable<[string, unknown]> {
    return this.#rows.entries();
  }

  /** About the memory they take. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  get spare(): number {
    return 0;
  }

  /** Resolves when all rows that the topic had at the call are here. */
  async follow(log: Pick<Log, 'follow'>, topic: string): Promise<void> {
    this.#follower = await log.follow(topic, (records) => this.#add(records));
    await this.settled();
  }

  /** What has come is applied. */
  async settled(): Promise<void> {
    while (this.#tail !== null) await this.#tail;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#follower?.close();
    await this.settled();
  }

  /** At once where nothing waits: then what is read next meets it. */
  #add(records: readonly Record[]): void {
    const at = this.#tail === null ? records.findIndex((one) => !this.#apply(one)) : 0;
    this.onChange();
    if (at < 0) return;
    const tail = (this.#tail ?? Promise.resolve()).then(async () => {
      for (const record of records.slice(at)) await this.#load(record);
    });
    this.#tail = tail;
    void tail.finally(() => {
      if (this.#tail === tail) this.#tail = null;
    });
  }

  /** A registry that is away is waited for; rows that are there serve meanwhile. */
  async #load(record: Record): Promise<void> {
    while (!this.#isClosed && !this.#apply(record)) {
      const bytes = record.valueBytes!;
      try {
        await this.#schemas.load(schemaIdOf(bytes, 0, bytes.length));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** False: its schema is not loaded. */
  #apply(record: Record): boolean {
    const { key, valueBytes: bytes } = record;
    if (key === null) this.#onUnreadable(record, 'it has no key');
    else if (bytes === null) this.#rows.delete(key);
    else {
      const decoder = this.#decoderOf(bytes);
      if (decoder === undefined) return false;
      try {
        if (typeof decoder === 'string') throw new Error(decoder);
        this.#rows.put(key, decoder.decode(bytes, 0, bytes.length));
      } catch (error) {
        this.#onUnreadable(record, error instanceof Error ? error.message : String(error));
      }
    }
    return true;
  }

  /** A text says why there is none; undefined: it is not loaded. */
  #decoderOf(bytes: Buffer): ValueDecoder | string | undefined {
    const id = schemaIdOf(bytes, 0, bytes.length);
    if (id < 0) return 'no magic byte 0 and schema id';
    const decoder = this.#schemas.decoder(id, { schema: this.#schema });
    return decoder !== undefined && isUndecodable(decoder) ? decoder.why : decoder;
  }
}
