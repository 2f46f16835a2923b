/**
 * What the engine needs of a schema registry. Twins: connectors/embedded/schema-ids (a table in the
 * SQLite file) and schemas/confluent-registry (any Confluent-compatible registry).
 */
export interface RegisteredSchema {
  readonly id: number;
  readonly version: number;
  /** The Avro schema as JSON text. */
  readonly schema: string;
}

export interface RegistryPort {
  /**
   * The schema text of an id, or null when there is no such id. Throws retryable when it is away,
   * and CAR407 for a schema that is not Avro.
   */
  fetch(id: number): Promise<string | null>;
  /** Registers a schema under a subject (`<topic>-value`) and gives its id; idempotent. */
  register(subject: string, schema: string): Promise<number>;
  subjects(): Promise<readonly string[]>;
  versions(subject: string): Promise<readonly number[]>;
  /** A version of a subject, or null. */
  version(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null>;
}

/** TopicNameStrategy, the default of all Confluent serializers. */
export function subjectOf(topic: string): string {
  return `${topic}-value`;
}
