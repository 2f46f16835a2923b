/** Three brokers, workers that run the streams of topologies/plain.yaml, and a load. */
import kafkajs, { type Admin } from 'kafkajs';
import { openKafkaLog } from '../../../connectors/kafka/log.ts';
import { ConnectionPool } from '../../../connectors/kafka/wire/connection-pool.ts';
import { ClusterMetadata } from '../../../connectors/kafka/wire/metadata.ts';
import { WireOffsets } from '../../../connectors/kafka/wire-offsets.ts';
import type { Log } from '../../../core/log.ts';
import { type KafkaServer, startKafka } from '../../kit/servers.ts';
import { Pipeline, type PipelineProcess, until } from '../pipeline.ts';
import { EVENTS, Load, PARTITIONS } from './load.ts';
import { RegistryStandIn } from './registry-stand-in.ts';

const TOPOLOGY = 'e2e';
const PRIORITIES = ['critical', 'normal'] as const;
export const GROUPS = PRIORITIES.map((priority) => `${TOPOLOGY}.streams.${priority}`);
export const LANES = PRIORITIES.flatMap((priority) =>
  ['websocket', 'fcm', 'inbox'].map((transport) => `notifications.${priority}.${transport}`),
);

/** Asks for offsets, over connections of its own. */
class Watcher {
  readonly #pool: ConnectionPool;
  readonly #metadata: ClusterMetadata;
  readonly offsets: WireOffsets;

  constructor(brokers: readonly string[]) {
    this.#pool = new ConnectionPool({ brokers, clientId: 'chaos-watch' });
    this.#metadata = new ClusterMetadata(this.#pool);
    this.offsets = new WireOffsets(this.#pool, this.#metadata, new Map());
  }

  close(): void {
    this.#metadata.close();
    this.#pool.close();
  }
}

export interface ArenaOptions {
  readonly seed: number;
  readonly workers: number;
}

export class Arena {
  readonly kafka: KafkaServer;
  readonly log: Log;
  readonly admin: Admin;
  readonly load: Load;
  readonly workers: PipelineProcess[] = [];
  /** All that ever ran. */
  readonly everyone: PipelineProcess[] = [];
  readonly #pipeline: Pipeline;
  readonly #registry: RegistryStandIn;
  /** kafkajs' admin waits for a broker that is stopped as long as that is. */
  readonly #watcher: Watcher;

  private constructor(
    kafka: KafkaServer,
    log: Log,
    admin: Admin,
    load: Load,
    pipeline: Pipeline,
    registry: RegistryStandIn,
  ) {
    this.kafka = kafka;
    this.log = log;
    this.admin = admin;
    this.load = load;
    this.#pipeline = pipeline;
    this.#registry = registry;
    this.#watcher = new Watcher(kafka.brokers);
  }

  /** Everything runs, and the load has begun. */
  static async start({ seed, workers }: ArenaOptions): Promise<Arena> {
    const registry = await RegistryStandIn.start();
    const kafka = await startKafka({ brokers: 3 });
    const cassandra = { contactPoints: ['127.0.0.1'], port: 9042, localDataCenter: 'none' };
    const pipeline = new Pipeline({
      servers: { kafka: kafka.brokers, registry: registry.url, cassandra },
      topology: 'plain.yaml',
      keyspace: 'none',
      partitions: PARTITIONS,
      replication: 3,
    });
    await pipeline.applyTopics();
    const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'chaos' });
    const client = new kafkajs.Kafka({
      brokers: [...kafka.brokers],
      clientId: 'chaos-admin',
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 1_000 },
    });
    const admin = client.admin();
    await admin.connect();
    const load = await Load.open(log, registry.url, seed);
    await load.register();
    const arena = new Arena(kafka, log, admin, load, pipeline, registry);
    await Promise.all(Array.from({ length: workers }, () => arena.add()));
    load.start();
    return arena;
  }

  async add(): Promise<PipelineProcess> {
    const worker = this.#pipeline.launch('streams');
    this.everyone.push(worker);
    await worker.ready();
    this.workers.push(worker);
    return worker;
  }

  /** Its log stays. */
  async kill(worker: PipelineProcess): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    await worker.kill();
  }

  /** By group and partition: the committed offset of the events; -1 where there is none. */
  async committed(): Promise<number[]> {
    const all = await Promise.all(
      GROUPS.map((group) => this.#watcher.offsets.committedAll(group, [EVENTS])),
    );
    return all.flatMap((tasks) =>
      Array.from({ length: PARTITIONS }, (_, p) => tasks.get(p)?.get(EVENTS)?.offset ?? -1),
    );
  }

  /** The ends of the events' partitions, once a group. */
  async ends(): Promise<number[]> {
    const ends = (await this.#watcher.offsets.bounds(EVENTS)).map(({ end }) => end);
    return GROUPS.flatMap(() => ends);
  }

  /**
   * Resolves when all that is there now is committed by every group; gives the time that took.
   * Throws after `withinMs`.
   */
  async movesOn(withinMs: number): Promise<number> {
    const startedAt = performance.now();
    let ends: readonly number[] | null = null;
    let last: readonly number[] = [];
    const isDone = async () => {
      ends ??= await this.ends();
      last = await this.committed();
      return last.every((offset, i) => offset >= ends![i]!);
    };
    try {
      await until('all is committed', isDone, withinMs);
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${last} of ${ends}`);
    }
    return performance.now() - startedAt;
  }

  /** Members of each group. */
  async members(): Promise<number[]> {
    const { groups } = await this.admin.describeGroups([...GROUPS]);
    return groups.map((group) => group.members.length);
  }

  /** SIGTERM, so that they leave their groups; resolves when they have ended. */
  async retire(): Promise<void> {
    for (const worker of this.workers) worker.signal('SIGTERM');
    await Promise.all(this.workers.map((worker) => worker.ended(30_000)));
    this.workers.length = 0;
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await this.#pipeline.stop();
    this.#watcher.close();
    await this.log.close();
    await this.admin.disconnect();
    await this.kafka.stop();
    await this.#registry.stop();
  }
}
