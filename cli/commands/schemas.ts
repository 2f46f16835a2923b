/**
 * `carillon schemas check|register`: whether what producers write can be read by the topology, and
 * its own schemas brought to the registry, before anything of it is started.
 */
import { resolve } from 'node:path';
import { render } from '../../compiler/render.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError, CarillonErrors, type Diagnostic } from '../../core/error.ts';
import { parseExact } from '../../core/exact-json.ts';
import { AvroSchemas, type SchemaTopic } from '../../schemas/avro-schemas.ts';
import type { AvroType, RecordType } from '../../schemas/avro-type.ts';
import { ConfluentRegistry } from '../../schemas/confluent-registry.ts';
import { parseSchema } from '../../schemas/parse-schema.ts';
import { checkReadable } from '../../schemas/readable.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { type LoadedTopology, loadTopology } from '../load-topology.ts';
import { readText } from '../read-text.ts';
import { registryOptionsOf } from '../registry-options.ts';
import { schemaTopicsOf } from '../run/topology.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

export interface SchemasOptions {
  readonly deployment?: string;
  /** Of the files; left out: those whose schema has the record's name. */
  readonly topic?: string;
  /** Warnings are errors. */
  readonly strict?: boolean;
}

/**
 * Without files: what is registered. Throws CAR407, CAR422; what is only warned of ends with 0
 * unless it is strict.
 */
export async function checkSchemas(
  files: readonly string[],
  { deployment: file, topic, strict = false }: SchemasOptions,
): Promise<number> {
  const { deployment, topology } = await opened(file);
  const topics = schemaTopicsOf(topology.plan);
  if (files.length === 0) {
    const schemas = new AvroSchemas(topology.schemas, registryOf(deployment), systemClock);
    const warnings = await schemas.judge(topics);
    told(warnings);
    process.stdout.write(`What is registered for ${topics.length} topics can be read.\n`);
    return strict && warnings.length > 0 ? EXIT_ERRORS : EXIT_OK;
  }
  const judged = files.map((name) => judgedFile(name, topics, topology, topic));
  const warnings = judged.flatMap((one) => one.warnings);
  told(warnings);
  const refused = judged.flatMap(({ errors }) => errors);
  for (const { name, readable } of judged) {
    for (const one of readable) process.stdout.write(`${name}  ok  can be read from ${one}\n`);
  }
  if (refused.length > 0) throw new CarillonErrors(refused);
  return strict && warnings.length > 0 ? EXIT_ERRORS : EXIT_OK;
}

/** The topology's schemas become the latest of their topics. Throws as `checkSchemas`, CAR651. */
export async function registerSchemas({ deployment: file }: SchemasOptions): Promise<number> {
  const { deployment, topology } = await opened(file);
  const schemas = new AvroSchemas(topology.schemas, registryOf(deployment), systemClock);
  const topics = schemaTopicsOf(topology.plan);
  told(await schemas.open(topics));
  process.stdout.write(`${topics.length} topics have their schemas in the registry.\n`);
  return EXIT_OK;
}

async function opened(file: string | undefined) {
  const folder = process.cwd();
  const deployment = readDeployment({ file, folder, env: process.env });
  return { deployment, topology: await loadTopology(deployment, { folder, env: process.env }) };
}

function registryOf({ registry }: Deployment): ConfluentRegistry {
  if (registry !== null) return new ConfluentRegistry(registryOptionsOf(registry));
  const what = 'this deployment has no registry: its one file has what was written to it.';
  const mend = 'Name the schemas to check, e.g. carillon schemas check order.avsc';
  throw new CarillonError('CAR900', what, { where: { at: 'carillon schemas' }, mend });
}

function told(warnings: readonly Diagnostic[]): void {
  if (warnings.length > 0) process.stderr.write(render(warnings, new Map()));
}

interface Judged {
  readonly name: string;
  readonly readable: readonly string[];
  readonly warnings: readonly Diagnostic[];
  readonly errors: readonly CarillonError[];
}

function judgedFile(
  name: string,
  topics: readonly SchemaTopic[],
  { schemas }: LoadedTopology,
  topic: string | undefined,
): Judged {
  const writer = writerIn(name);
  const chosen = topics.filter((one) =>
    topic === undefined ? one.schema === shortName(writer) : one.topic === topic,
  );
  if (chosen.length === 0) throw unread(name, writer, topics, topic);
  const readable: string[] = [];
  const warnings: Diagnostic[] = [];
  const errors: CarillonError[] = [];
  for (const { topic: of, schema, reads } of chosen) {
    try {
      const reader = parseSchema(schemas.get(schema)!) as RecordType;
      warnings.push(...checkReadable({ topic: of, writer, reader, reads, file: name }));
      readable.push(of);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      errors.push(error);
    }
  }
  return { name, readable, warnings, errors };
}

/** Throws CAR902, and CAR421 for what is no schema. */
function writerIn(name: string): AvroType {
  const text = readText(resolve(name), name);
  try {
    return parseSchema(parseExact(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CarillonError('CAR421', `${name}: ${why}`, { where: { file: name }, cause });
  }
}

const shortName = (type: AvroType) => ('name' in type ? type.name.split('.').at(-1)! : type.kind);

function unread(
  name: string,
  writer: AvroType,
  topics: readonly SchemaTopic[],
  topic: string | undefined,
): CarillonError {
  const what =
    topic === undefined
      ? `no topic of the topology has schema "${shortName(writer)}".`
      : `the topology has no topic "${topic}".`;
  const known = topics.map((one) => `${one.topic} (${one.schema})`).join(', ');
  const mend = `Name the topic that it is for, --topic <topic>: ${known}.`;
  return new CarillonError('CAR900', what, { where: { file: name }, mend });
}
