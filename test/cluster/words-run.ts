/**
 * A world of the simulator (test/sim/words) on a real broker: processes run its topology, records
 * are fed as they were drawn, and what stands in the topics in the end must be what its model says.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '../../compiler/plan.ts';
import { topicSchemas } from '../../compiler/topic-schemas.ts';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import type { Record } from '../../core/record.ts';
import { inputsOf } from '../../runtime/group-specs.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { ConfluentRegistry } from '../../schemas/confluent-registry.ts';
import { planOf, START_MS, type Written, withSchemas } from '../kit/drive.ts';
import type { KafkaServer } from '../kit/servers.ts';
import { Chance } from '../sim/chance.ts';
import type { Feed, Happening, Model, Plain, World } from '../sim/words/world.ts';
import type { RegistryStandIn } from './chaos/registry-stand-in.ts';
import { Pipeline, type PipelineProcess, until } from './pipeline.ts';

const PARTITIONS = 4;
const CHUNK = 100;
const SETTLED_MS = 120_000;
const SHOWN_MAX = 12;
/** So far back that what a world has hours later is not ahead of the clock. */
const BEGAN_BEFORE_MS = 3 * 3_600_000;

export class WordsRun {
  readonly #world: World;
  readonly #model: Model;
  readonly #plan: Plan;
  readonly #schemas: AvroSchemas;
  readonly #log: EditableLog;
  readonly #pipeline: Pipeline;
  readonly #stops: readonly (() => unknown)[];
  /**
   * Real time less that of the world: whole minutes, as windows begin at multiples of their size.
   */
  readonly #laterMs = Math.floor((Date.now() - BEGAN_BEFORE_MS - START_MS) / 60_000) * 60_000;
  /** Between two commits of the world each: what follows waits until that is through. */
  readonly parts: readonly (readonly Feed[])[];

  private constructor(of: {
    readonly world: World;
    readonly plan: Plan;
    readonly schemas: AvroSchemas;
    readonly log: EditableLog;
    readonly pipeline: Pipeline;
    readonly stops: readonly (() => unknown)[];
    readonly drawn: readonly Happening[];
  }) {
    this.#world = of.world;
    this.#plan = of.plan;
    this.#schemas = of.schemas;
    this.#log = of.log;
    this.#pipeline = of.pipeline;
    this.#stops = of.stops;
    this.#model = of.world.model({ partitions: PARTITIONS, workers: 1, commitEvery: 1 });
    for (const happening of of.drawn) this.#model.act(happening, []);
    this.parts = partsOf(of.drawn);
  }

  static async start(
    world: World,
    { kafka, registry }: WordsServers,
    { feeds, seed, change = (drawn) => drawn }: Drawing,
  ): Promise<WordsRun> {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-words-'));
    const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
    try {
      const pipeline = pipelineOf(world, folder, kafka, registry.url);
      stops.push(() => pipeline.stop());
      await pipeline.applyTopics();
      const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'words' });
      stops.push(() => log.close());
      const known = withSchemas(world.schemas);
      const plan = planOf(world.topology, known);
      const port = new ConfluentRegistry({ url: registry.url });
      const schemas = new AvroSchemas(known, port, systemClock);
      await schemas.open(topicSchemas(plan));
      const drawn = change(world.draw(new Chance(seed), PARTITIONS, feeds));
      return new WordsRun({ world, plan, schemas, log, pipeline, stops, drawn });
    } catch (error) {
      for (const stop of stops.reverse()) await stop();
      throw error;
    }
  }

  /** A process with all streams and tables; it has joined its groups. */
  async process(): Promise<PipelineProcess> {
    const roles = this.#plan.subTopologies.map(({ role }) => role.split('/')[0]!);
    const child = this.#pipeline.launch(...new Set(roles));
    await child.ready();
    return child;
  }

  /** Feeds in order, a little at a time; `between` is called after each chunk with its number. */
  async feed(
    feeds: readonly Feed[],
    between: (chunk: number, of: number) => Promise<void> = async () => {},
  ): Promise<void> {
    const producer = await this.#log.producer();
    const chunks = Math.ceil(feeds.length / CHUNK);
    for (let n = 0; n < chunks; n++) {
      const builders = new Map<string, BatchBuilder>();
      for (const feed of feeds.slice(n * CHUNK, (n + 1) * CHUNK)) this.#append(builders, feed);
      await producer.send([...builders.values()].map((builder) => builder.finish()));
      await between(n, chunks);
    }
    await producer.close();
  }

  #append(builders: Map<string, BatchBuilder>, { topic, key, value, at }: Feed): void {
    const partition = partitionOfText(key, PARTITIONS);
    const place = `${topic}/${partition}`;
    const builder = builders.get(place) ?? new BatchBuilder(topic, partition);
    builders.set(place, builder);
    const { schema } = this.#plan.topics.find(({ name }) => name === topic)!;
    const real = value === null ? null : movedBy(value, this.#laterMs);
    const bytes = real === null ? null : this.#schemas.encoder(schema!).toBuffer(real);
    builder.append(START_MS + this.#laterMs + at, key, bytes);
  }

  /** Resolves when every group has committed all that is there. */
  async settled(): Promise<void> {
    // Twice: what one group has written the next one may have still to read.
    for (let seen = 0; seen < 2; seen++) {
      const isSo = async () => (await this.#behind()) === 0;
      await until('all groups are through', isSo, SETTLED_MS);
    }
  }

  async #behind(): Promise<number> {
    const { positions } = this.#log;
    let behind = 0;
    for (const sub of this.#plan.subTopologies) {
      for (const topic of inputsOf(sub)) {
        const committed = await positions.committed(sub.group, [topic]);
        for (const [p, { start, end }] of ((await positions.bounds(topic)) ?? []).entries()) {
          const at = committed.find(({ partition }) => partition === p)?.offset ?? -1;
          behind += Math.max(0, end - Math.max(start, at));
        }
      }
    }
    return behind;
  }

  /** How many records stand in a topic. */
  async count(topic: string): Promise<number> {
    const bounds = (await this.#log.positions.bounds(topic)) ?? [];
    return bounds.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** What is there is what the model says, each record once. */
  async check(): Promise<void> {
    const written = await this.#written();
    const outputs = {
      written,
      of: (topic: string) => written.filter((one) => one.topic === topic),
    };
    assert.deepEqual(outputs.of(this.#plan.deadLetters), []);
    const [has, wants] = [this.#world.told(outputs).sort(), this.#model.lines.toSorted()];
    const surplus = (of: readonly string[], than: readonly string[]) => {
      const rest = new Map<string, number>();
      for (const line of than) rest.set(line, (rest.get(line) ?? 0) + 1);
      return of.filter((line) => {
        const left = rest.get(line) ?? 0;
        rest.set(line, left - 1);
        return left <= 0;
      });
    };
    const missing = surplus(wants, has);
    const more = surplus(has, wants);
    const shown = (lines: readonly string[]) => lines.slice(0, SHOWN_MAX);
    assert.deepEqual({ missing: shown(missing), more: shown(more) }, { missing: [], more: [] });
    assert.ok(wants.length > 0);
    assert.deepEqual(this.#world.judge?.(outputs, []) ?? [], []);
  }

  async #written(): Promise<Written[]> {
    const written: Written[] = [];
    const inner = ['changelog', 'repartition', 'source'];
    for (const { name, use } of this.#plan.topics) {
      if (inner.includes(use)) continue;
      for await (const records of this.#log.read(name, { from: 'start', follow: false })) {
        for (const record of records) written.push(this.#asWritten(record));
      }
    }
    return written;
  }

  #asWritten({ topic, partition, offset, key, timestamp, valueBytes }: Record): Written {
    const value =
      valueBytes === null ? null : this.#schemas.decodeByWriter(valueBytes, 0, valueBytes.length);
    return {
      ...{ topic, partition, offset, key, headers: {}, atMs: 0 },
      value: value === null ? null : movedBy(value as Plain, -this.#laterMs),
      timestamp: timestamp - this.#laterMs,
    };
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.toReversed()) await stop();
  }
}

/** No two worlds have a topic in common, so they can share them. */
export interface WordsServers {
  readonly kafka: KafkaServer;
  readonly registry: RegistryStandIn;
}

export interface Drawing {
  readonly feeds: number;
  readonly seed: number;
  /** What of a world holds in the driver alone is left out. */
  readonly change?: (drawn: Happening[]) => Happening[];
}

/** Times that stand in a value. */
function movedBy(value: Plain, ms: number): Plain {
  const moved = Object.entries(value).map(([name, of]) => {
    const isTime = ['at', 'window_start', 'window_end'].includes(name);
    return [name, isTime ? (of as number) + ms : of];
  });
  return Object.fromEntries(moved);
}

function partsOf(drawn: readonly Happening[]): Feed[][] {
  const parts: Feed[][] = [[]];
  for (const happening of drawn) {
    if (happening.kind === 'commit') parts.push([]);
    if (happening.kind === 'feed') parts.at(-1)!.push(happening);
  }
  return parts.filter((part) => part.length > 0);
}

function pipelineOf(world: World, folder: string, kafka: KafkaServer, registry: string): Pipeline {
  const schemas = join(folder, 'schemas');
  mkdirSync(schemas);
  for (const schema of world.schemas) {
    writeFileSync(join(schemas, `${schema.name}.avsc`), JSON.stringify(schema));
  }
  const topology = join(folder, 'topology.yaml');
  writeFileSync(topology, world.topology);
  const cassandra = { contactPoints: ['127.0.0.1'], port: 9042, localDataCenter: 'none' };
  const servers = { kafka: kafka.brokers, registry, cassandra };
  const options = { servers, topology, schemas: [schemas], keyspace: 'none' };
  return new Pipeline({ ...options, partitions: PARTITIONS, sessionTimeout: '4s' });
}
