/** `carillon tail`: the records of any topic, decoded, those for which an expression is true. */
import { CelCompiler } from '../../compiler/cel.ts';
import { type Shape, shapeOf } from '../../compiler/shape.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import type { Record } from '../../core/record.ts';
import { schemaIdOf, WIRE_HEADER_BYTES } from '../../core/schema.ts';
import type { Expression } from '../../core/spec.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { type SchemaFolder, schemaFolderOf } from '../../schemas/folder.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import { pointInTime } from '../point-in-time.ts';
import { EXIT_OK } from '../show-error.ts';
import { type DecodedRecord, headersOf, jsonLine, prettyLines } from '../show-record.ts';

export interface TailOptions {
  readonly deployment?: string;
  readonly where?: string;
  readonly from: string;
  readonly follow?: boolean;
  readonly count?: number;
  readonly format: 'pretty' | 'json';
}

export async function tail(topic: string, options: TailOptions): Promise<number> {
  const folder = process.cwd();
  const from = pointInTime(options.from, systemClock.now());
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const known = knownTopics(() => loadTopology(deployment, { folder, env: process.env }));
  const matches = matcher(options.where, known.shapeOf(topic));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const reader = await openLogReader(deployment);
  try {
    if ((await reader.partitionsOf(topic)) === undefined) throw noSuchTopic(topic, known.names);
    const decoder = new RecordDecoder(reader);
    const dim = process.stdout.isTTY ? (text: string) => `\u001b[2m${text}\u001b[0m` : String;
    const follow = options.follow === true;
    let left = options.count ?? Number.POSITIVE_INFINITY;
    let read = 0;
    let unjudged = 0;
    let shown = 0;
    for await (const records of reader.read(topic, { from, follow, signal: stop.signal })) {
      for (const record of records) {
        if (left <= 0 || stop.signal.aborted) break;
        read++;
        const decoded = await decoder.decode(record);
        const verdict = matches(record, decoded);
        if (verdict === undefined) unjudged++;
        if (verdict !== true) continue;
        left--;
        shown++;
        const text = options.format === 'json' ? jsonLine(decoded) : prettyLines(decoded, dim);
        if (!process.stdout.write(text)) await drained();
      }
      if (left <= 0 || stop.signal.aborted) break;
    }
    if (shown === 0) process.stderr.write(nothingShown(read, options));
    if (unjudged > 0) {
      process.stderr.write(`${unjudged} records have no such fields, so --where left them out.\n`);
    }
  } finally {
    stop.abort();
    await reader.close();
  }
  return EXIT_OK;
}

/** So that an empty topic and a `--where` that is never true can be told apart. */
function nothingShown(read: number, { from }: TailOptions): string {
  if (read === 0) return `# no records${from === 'start' ? '' : ` from ${from} on`}\n`;
  return `# none of ${read.toLocaleString('en-US')} records is what --where asks for\n`;
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once('drain', () => resolve()));
}

interface KnownTopics {
  readonly names: readonly string[];
  shapeOf(topic: string): Shape;
}

/**
 * A topology with errors still has topics to look into; then expressions are only not type-checked.
 */
function knownTopics(load: () => ReturnType<typeof loadTopology>): KnownTopics {
  let topics: { readonly name: string; readonly schema?: string }[] = [];
  let schemas: SchemaFolder = schemaFolderOf(new Map());
  try {
    const { plan, schemas: folder } = load();
    topics = [...plan.topics];
    schemas = folder;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return {
    names: topics.map(({ name }) => name),
    shapeOf(topic) {
      const schema = topics.find(({ name }) => name === topic)?.schema;
      const record = schema === undefined ? undefined : schemas.get(schema);
      return record === undefined ? { kind: 'any' } : shapeOf(record);
    },
  };
}

type Matcher = (record: Record, decoded: DecodedRecord) => boolean | undefined;

/**
 * Throws the compiler's own code for an expression that is wrong. Undefined: it fails on a record.
 */
function matcher(source: string | undefined, shape: Shape): Matcher {
  if (source === undefined) return () => true;
  const compiled = new CelCompiler().compile(source, shape);
  if ('code' in compiled) {
    const column = compiled.at === undefined ? undefined : compiled.at.start + 1;
    throw new CarillonError(compiled.code, compiled.what, {
      where: { at: column === undefined ? '--where' : `--where, character ${column}` },
      ...(compiled.mend === undefined ? {} : { mend: compiled.mend }),
    });
  }
  if (compiled.type !== 'bool' && compiled.type !== 'dyn') {
    throw new CarillonError('CAR312', `--where gives ${compiled.type}, not true or false.`, {
      where: { at: '--where' },
    });
  }
  const expression = compiled.expression as Expression<boolean>;
  return (record, decoded) => {
    if (decoded.raw !== undefined || decoded.value === null) return undefined;
    record.value = decoded.value;
    try {
      return expression.evaluate(record) === true;
    } catch {
      return undefined;
    }
  };
}

function noSuchTopic(topic: string, known: readonly string[]): CarillonError {
  const near = nearest(topic, known);
  return new CarillonError('CAR605', `there is no topic "${topic}".`, {
    where: { at: topic },
    mend: near === undefined ? 'see all: carillon topics plan' : `did you mean "${near}"?`,
  });
}

/**
 * Values by their own writer's schema, as they were written; a notification's event inside it too.
 */
class RecordDecoder {
  readonly #schemas: AvroSchemas;

  constructor(reader: LogReader) {
    const readOnly = () => Promise.reject(new Error('a reader registers nothing'));
    const registry = {
      fetch: (id: number) => reader.schema(id),
      register: readOnly,
      subjects: async () => [],
      versions: async () => [],
      version: async () => null,
    };
    this.#schemas = new AvroSchemas(schemaFolderOf(new Map()), registry, systemClock);
  }

  async decode(record: Record): Promise<DecodedRecord> {
    const { topic, partition, offset, timestamp, key, valueBytes: bytes } = record;
    const base = { topic, partition, offset, timestamp, key, headers: headersOf(record) };
    if (bytes === null) return { ...base, value: null };
    if (base.headers['carillon.form'] === 'json') {
      return { ...base, value: JSON.parse(bytes.toString('utf8')) };
    }
    try {
      return { ...base, value: await this.#value(bytes) };
    } catch (error) {
      if (error instanceof CarillonError && error.retryable) throw error;
      const why = error instanceof CarillonError ? error.what : 'not Avro';
      return { ...base, value: undefined, raw: bytes.toString('base64'), why };
    }
  }

  async #value(bytes: Buffer): Promise<unknown> {
    const id = schemaIdOf(bytes, 0, bytes.length);
    if (id < 0) throw new CarillonError('CAR501', 'not in the wire format');
    await this.#schemas.load(id);
    const value = this.#schemas.decodeByWriter(bytes, 0, bytes.length);
    return await this.#withEvent(value);
  }

  /** A notification carries its event as bytes, with the id of its schema beside them. */
  async #withEvent(value: unknown): Promise<unknown> {
    const { payload, payloadSchemaId } = value as { payload?: unknown; payloadSchemaId?: unknown };
    if (!Buffer.isBuffer(payload) || typeof payloadSchemaId !== 'number') return value;
    const wire = Buffer.allocUnsafe(WIRE_HEADER_BYTES + payload.length);
    wire[0] = 0;
    wire.writeUInt32BE(payloadSchemaId, 1);
    payload.copy(wire, WIRE_HEADER_BYTES);
    await this.#schemas.load(payloadSchemaId);
    const event = this.#schemas.decodeByWriter(wire, 0, wire.length);
    return { ...(value as object), payload: event };
  }
}
