/** A reader of a log in memory that a test writes, as commands and the console open one. */
import { join } from 'node:path';
import { compiledTopology, type LoadedTopology } from '../../cli/load-topology.ts';
import type { LogReader } from '../../cli/log-reader.ts';
import { readText } from '../../cli/read-text.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import type { Header } from '../../core/headers.ts';
import type { ReadOptions } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILE = 'topology/reno.yaml';
const PARTITIONS = 2;
export const AT_MS = 1_767_225_600_000;

/** The project's own topology. */
export const LOADED: LoadedTopology = await compiledTopology(
  { schemas: [join(ROOT, 'schemas')], processors: [] },
  { file: FILE, text: readText(join(ROOT, FILE), FILE), env: {}, folder: ROOT },
);

export class Fed {
  opened = 0;
  closed = 0;
  /** Topics that were read, and from where. */
  readonly asked = new Map<string, ReadOptions['from']>();
  readonly log = new MemoryLog();
  readonly registry = new MemoryRegistry();
  readonly schemas = new AvroSchemas(LOADED.schemas, this.registry, systemClock);
  readonly #made: Promise<void>;

  constructor() {
    this.#made = this.#make();
  }

  /** What is read from the end on begins at the start, so that a test writes before it reads. */
  readonly open = async (): Promise<LogReader> => {
    await this.#made;
    this.opened++;
    return {
      positions: this.log.positions,
      read: (topic, options) => {
        this.asked.set(topic, options.from);
        const from = options.from === 'end' ? 'start' : options.from;
        return this.log.read(topic, { ...options, from });
      },
      partitionsOf: (topic) => this.log.partitionsOf(topic),
      specOf: async () => undefined,
      schema: (id) => this.registry.fetch(id),
      close: async () => {
        this.closed++;
      },
    };
  };

  async write(topic: string, key: string, value: object, more: FedRecord = {}): Promise<void> {
    await this.#made;
    const { schema } = LOADED.plan.topics.find(({ name }) => name === topic)!;
    await this.writeRaw(topic, key, this.schemas.encoder(schema!).toBuffer(value), more);
  }

  /** `bytes` null: a tombstone. */
  async writeRaw(
    topic: string,
    key: string,
    bytes: Buffer | null,
    { at = AT_MS, headers = [] }: FedRecord = {},
  ): Promise<void> {
    await this.#made;
    const builder = new BatchBuilder(topic, partitionOfText(key, PARTITIONS));
    builder.append(at, key, bytes, headers);
    const producer = await this.log.producer();
    await producer.send([builder.finish()]);
  }

  async #make(): Promise<void> {
    const topics = LOADED.plan.topics.filter(({ schema }) => schema !== undefined);
    await this.schemas.open(topics.map(({ name, schema }) => ({ topic: name, schema: schema! })));
    await this.log.applyTopics(
      LOADED.plan.topics.map(({ name, cleanup }) => ({ name, cleanup, partitions: PARTITIONS })),
    );
  }
}

export interface FedRecord {
  readonly at?: number;
  readonly headers?: readonly Header[];
}
