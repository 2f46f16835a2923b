import type { ValueDecoder } from '../core/record.ts';
import { isUndecodable, type Projection, type Schemas, type Undecodable } from '../core/schema.ts';

/** The decoder of the last schema id is kept at hand: nearly all records of a topic share one. */
export class DecoderCache {
  readonly #schemas: Schemas;
  readonly #projection: Projection;
  #lastId = -1;
  #last: ValueDecoder | null = null;

  constructor(schemas: Schemas, projection: Projection) {
    this.#schemas = schemas;
    this.#projection = projection;
  }

  get(id: number): ValueDecoder | Undecodable | undefined {
    if (id === this.#lastId && this.#last !== null) return this.#last;
    const decoder = this.#schemas.decoder(id, this.#projection);
    if (decoder !== undefined && !isUndecodable(decoder)) {
      this.#lastId = id;
      this.#last = decoder;
    }
    return decoder;
  }
}
