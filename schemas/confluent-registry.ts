/**
 * Any Confluent-compatible schema registry, through the HTTP client of
 * @kafkajs/confluent-schema-registry. Its own encode and decode are not used: they look up and
 * resolve per message (design.md, section
 * 6).
 */
import { Agent } from 'node:https';
import registryApi, {
  type SchemaRegistryAPIClient,
} from '@kafkajs/confluent-schema-registry/dist/api/index.js';
import { CarillonError } from '../core/error.ts';
import { parseExact, stringifyExact } from '../core/exact-json.ts';
import { type Definition, definitionsIn, inlineSchema } from './inline-schema.ts';
import type { RegisteredSchema, RegistryPort } from './registry.ts';

export interface ConfluentRegistryOptions {
  /** The base URL, path included: `http://registry:8081`, Apicurio `…/apis/ccompat/v7`. */
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Of https: the certificates to trust, in PEM, in place of the machine's own. */
  readonly ssl?: { readonly ca?: string; readonly rejectUnauthorized: boolean };
  /** Of one request; default 5 s. */
  readonly timeoutMs?: number;
}

type Parameters = { readonly [name: string]: string | number | { readonly schema: string } };

interface Answer<T> {
  data(): T;
}

/** What a registry keeps; of Avro it does not say the type. */
interface Stored {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly Reference[];
}

interface Reference {
  readonly subject: string;
  readonly version: number;
}

const MEND_LOGIN =
  'Check username and password of `registry`, that their variables are set, and what the user may do.';

/** A bound on what one schema can make us fetch. */
const REFERENCES_MAX = 256;

interface ResponseError extends Error {
  readonly status?: number;
}

/** Made without a request: whether the registry is there is seen at the first call. */
export class ConfluentRegistry implements RegistryPort {
  readonly #api: SchemaRegistryAPIClient;
  readonly #at: string;
  readonly #timeout: number;

  constructor(options: ConfluentRegistryOptions) {
    const url = options.url.replace(/\/+$/, '');
    this.#at = withoutCredentials(url);
    this.#timeout = options.timeoutMs ?? 5_000;
    this.#api = registryApi.default({
      host: url,
      clientId: 'carillon',
      // Trying again is the caller's: it waits and tells health meanwhile.
      retry: { retries: 0 },
      ...(options.auth === undefined ? {} : { auth: { ...options.auth } }),
      ...(options.ssl === undefined ? {} : { agent: new Agent({ ...options.ssl }) }),
    });
  }

  /** Types of other subjects that it refers to are written out in it. */
  async fetch(id: number): Promise<string | null> {
    const path = `/schemas/ids/${id}`;
    const found = await this.#ask(path, null, async () => {
      const answer: Answer<Stored> = await this.#api.Schema.find(this.#with({ id }));
      return answer.data();
    });
    return found === null ? null : await this.#whole(`schema id ${id}`, found);
  }

  register(subject: string, schema: string): Promise<number> {
    return this.#ask(`/subjects/${subject}/versions`, undefined, async () => {
      const answer: Answer<{ id: number }> = await this.#api.Subject.register(
        this.#with({ subject, body: { schema } }),
      );
      return answer.data().id;
    });
  }

  subjects(): Promise<readonly string[]> {
    return this.#ask('/subjects', undefined, async () => {
      const answer: Answer<string[]> = await this.#api.Subject.all(this.#with({}));
      return answer.data();
    });
  }

  /** Asks for each number up to the latest: the client has no call for the list. */
  async versions(subject: string): Promise<readonly number[]> {
    const latest = await this.#stored(subject, 'latest');
    const versions: number[] = [];
    for (let version = 1; version < (latest?.version ?? 0); version++) {
      if ((await this.#stored(subject, version)) !== null) versions.push(version);
    }
    return latest === null ? [] : [...versions, latest.version];
  }

  async version(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    const found = await this.#stored(subject, version);
    if (found === null) return null;
    const schema = await this.#whole(`${subject}, version ${version},`, found);
    return { id: found.id, version: found.version, schema };
  }

  #stored(
    subject: string,
    version: number | 'latest',
  ): Promise<(RegisteredSchema & Stored) | null> {
    return this.#ask(`/subjects/${subject}/versions/${version}`, null, async () => {
      const answer: Answer<RegisteredSchema & Stored> = await this.#api.Subject.version(
        this.#with({ subject, version }),
      );
      return answer.data();
    });
  }

  /** Throws CAR407 for what is of another kind: Avro's names for types are JSON Schema's, too. */
  async #whole(what: string, { schema, schemaType = 'AVRO', references }: Stored): Promise<string> {
    if (schemaType !== 'AVRO') {
      throw new CarillonError('CAR407', `${what} is a schema of type ${schemaType}, not Avro.`);
    }
    if (references === undefined || references.length === 0) return schema;
    const types = new Map<string, Definition>();
    await this.#refer(references, types, new Set());
    return stringifyExact(inlineSchema(jsonOf(what, schema), (name) => types.get(name)));
  }

  /** A reference that is not there leaves its types undefined, which who parses it tells. */
  async #refer(
    references: readonly Reference[],
    types: Map<string, Definition>,
    seen: Set<string>,
  ): Promise<void> {
    for (const { subject, version } of references) {
      const place = `${subject}/${version}`;
      if (seen.has(place)) continue;
      if (seen.add(place).size > REFERENCES_MAX) {
        throw new CarillonError('CAR407', `it refers to more than ${REFERENCES_MAX} others.`);
      }
      const found = await this.#stored(subject, version);
      if (found === null) continue;
      for (const type of definitionsIn(jsonOf(subject, found.schema))) types.set(type.name, type);
      await this.#refer(found.references ?? [], types, seen);
    }
  }

  #with(parameters: Parameters): Parameters {
    return { ...parameters, timeout: this.#timeout };
  }

  /** `missing` undefined: a 404 is an error, as a path of the URL must be wrong. */
  async #ask<T>(path: string, missing: T | undefined, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (missing !== undefined && isMissing(error as ResponseError)) return missing;
      throw this.#told(error as ResponseError, path);
    }
  }

  #told(error: ResponseError, path: string): CarillonError {
    const { status } = error;
    const at = `${this.#at}${path}`;
    const why = error.message.replace(/^carillon - /, '');
    const options = { where: { at: 'registry.url' }, cause: error };
    if (status === 409 || status === 422) {
      return new CarillonError('CAR651', `The registry refuses "${path}": ${why}`, {
        ...options,
        where: { at },
      });
    }
    if (status === 401 || status === 403) {
      return new CarillonError('CAR652', `The registry at ${this.#at} does not let us in: ${why}`, {
        ...options,
        where: { at: 'registry.username' },
        mend: MEND_LOGIN,
      });
    }
    // The client tells a lost connection as "400", without a message of the registry's.
    const away = status === undefined || status >= 500 || status === 429 || status === 408;
    if (away || /^Error, status 400/.test(why)) {
      return new CarillonError('CAR650', `The registry at ${this.#at} does not answer: ${why}`, {
        ...options,
        retryable: true,
      });
    }
    return new CarillonError('CAR652', `The registry refuses "${at}": ${why}`, options);
  }
}

/**
 * A 404 of the registry itself names what it has not found. One without a message comes from
 * something else on that port: an unknown schema id would be dead-lettered for what is only a wrong
 * URL.
 */
function isMissing(error: ResponseError): boolean {
  return error.status === 404 && !/Error, status 404/.test(error.message);
}

function jsonOf(what: string, schema: string): unknown {
  try {
    return parseExact(schema);
  } catch (cause) {
    throw new CarillonError('CAR407', `${what} is not JSON, so it is no Avro.`, { cause });
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
