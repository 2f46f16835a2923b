/**
 * Brokers in memory, behind the door that the data plane asks them through: topics that move,
 * vanish and are made anew, partitions that check sequences as real ones do, and faults in the
 * order that a test wishes for. It sees requests before they become bytes; the bytes are tested on
 * a real broker.
 */
import { crc32c } from '@node-rs/crc32';
import type { Api } from './api.ts';
import type { Purpose, Requester } from './connection-pool.ts';
import { ConnectionLost } from './errors.ts';
import type { FetchAnswer, FetchedPartition, FetchRequest } from './fetch-request.ts';
import type { MetadataAnswer } from './metadata-request.ts';
import type { ProduceAnswer, ProducedPartition, ProduceRequest } from './produce-request.ts';
import { readInt64 } from './response-reader.ts';

/**
 * What happens to a request: it never arrives, it is done but its answer is lost, or each of its
 * partitions is refused with a code.
 */
export type Fault = 'lost-before' | 'lost-after' | number;

export interface FakePartition {
  start: number;
  end: number;
  /** Records larger than this many bytes in a batch are refused. */
  bytesMax: number;
  readonly batches: Buffer[];
  readonly writers: Map<number, Writer>;
}

interface Writer {
  readonly epoch: number;
  next: number;
  readonly offsets: Map<number, number>;
}

interface FakeTopic {
  readonly id: string;
  readonly leaders: number[];
  readonly partitions: FakePartition[];
}

interface Asked {
  readonly api: string;
  /** The newest that the client would speak. */
  readonly version: number;
  readonly node: number;
  readonly args: unknown;
}

type Handler = (args: unknown, node: number) => unknown;

const CODE = {
  outOfRange: 1,
  unknownTopic: 3,
  notLeader: 6,
  tooLarge: 10,
  outOfOrder: 45,
} as const;
const UNKNOWN_TOPIC_ID = 100;

export class FakeCluster implements Requester {
  readonly topics = new Map<string, FakeTopic>();
  /** What the cluster has switched on. */
  readonly features = new Map<string, number>();
  /** Brokers that do not answer. */
  readonly away = new Set<number>();
  /** Of the next requests of an api, first come first served. */
  readonly faults = new Map<string, Fault[]>();
  /** Every request, in order. */
  readonly asked: Asked[] = [];
  /** What becomes of an answer before it is given. */
  onFetch: (answer: FetchAnswer) => FetchAnswer = (answer) => answer;
  readonly #brokers: readonly number[];
  readonly #handlers = new Map<string, Handler>();
  #ids = 0;
  #producers = 1000;

  constructor(brokers: number) {
    this.#brokers = Array.from({ length: brokers }, (_, n) => n + 1);
    this.on('Metadata', (args) => this.#metadata(args as readonly string[]));
    this.on('Produce', (args, node) => this.#produce(args as ProduceRequest, node));
    this.on('Fetch', (args, node) => this.onFetch(this.#fetch(args as FetchRequest, node)));
    this.on('InitProducerId', () => {
      return { throttleMs: 0, code: 0, producerId: ++this.#producers, epoch: 0 };
    });
  }

  on(api: string, handler: Handler): void {
    this.#handlers.set(api, handler);
  }

  create(topic: string, partitions: number): void {
    const leaders = Array.from(
      { length: partitions },
      (_, p) => this.#brokers[p % this.#brokers.length]!,
    );
    this.topics.set(topic, {
      id: String(++this.#ids).padStart(32, '0'),
      leaders,
      partitions: leaders.map(() => ({
        start: 0,
        end: 0,
        bytesMax: Number.POSITIVE_INFINITY,
        batches: [],
        writers: new Map(),
      })),
    });
  }

  move(topic: string, partition: number): void {
    const { leaders } = this.topics.get(topic)!;
    const at = this.#brokers.indexOf(leaders[partition]!);
    leaders[partition] = this.#brokers[(at + 1) % this.#brokers.length]!;
  }

  partition(topic: string, partition: number): FakePartition {
    return this.topics.get(topic)!.partitions[partition]!;
  }

  setBrokers(): void {}

  drop(): void {}

  feature(name: string): number {
    return this.features.get(name) ?? 0;
  }

  async request<Args, Answer>(
    node: number | null,
    _purpose: Purpose,
    api: Api<Args, Answer>,
    args: Args,
  ): Promise<Answer> {
    await Promise.resolve();
    const to = node ?? this.#brokers.find((one) => !this.away.has(one)) ?? this.#brokers[0]!;
    this.asked.push({ api: api.name, version: api.max, node: to, args });
    const fault = this.faults.get(api.name)?.shift();
    if (this.away.has(to) || fault === 'lost-before') throw new ConnectionLost('lost before');
    const handler = this.#handlers.get(api.name);
    if (handler === undefined) throw new Error(`nobody answers ${api.name}`);
    const answer =
      typeof fault === 'number' ? refusal(api.name, args, fault) : await handler(args, to);
    // A request takes a turn of the loop, so that others get in between.
    await new Promise((resolve) => setImmediate(resolve));
    if (fault === 'lost-after') throw new ConnectionLost('lost after');
    return answer as Answer;
  }

  #metadata(asked: readonly string[]): MetadataAnswer {
    const failed = new Map<string, string>();
    const topics = asked.flatMap((name) => {
      const topic = this.topics.get(name);
      if (topic === undefined) {
        failed.set(name, 'UNKNOWN_TOPIC_OR_PARTITION');
        return [];
      }
      const leaders = topic.leaders.map((leader) => (this.away.has(leader) ? -1 : leader));
      return [{ name, id: topic.id, leaders }];
    });
    const brokers = new Map(this.#brokers.map((id) => [id, { host: 'fake', port: id }]));
    return { brokers, topics, failed };
  }

  #produce({ batches }: ProduceRequest, node: number): ProduceAnswer {
    const partitions = batches.map(({ topic, partition, sealed }): ProducedPartition => {
      const of = this.topics.get(topic);
      const log = of?.partitions[partition];
      const told = { topic, partition, baseOffset: -1, why: '' };
      if (log === undefined) return { ...told, code: CODE.unknownTopic };
      if (of!.leaders[partition] !== node) return { ...told, code: CODE.notLeader };
      if (sealed.length > log.bytesMax) return { ...told, code: CODE.tooLarge };
      const baseOffset = append(log, sealed);
      return { ...told, baseOffset, code: baseOffset < 0 ? CODE.outOfOrder : 0 };
    });
    return { throttleMs: 0, partitions };
  }

  #fetch({ wanted }: FetchRequest, node: number): FetchAnswer {
    const partitions = wanted.map((one): FetchedPartition => {
      const topic = [...this.topics.values()].find(({ id }) => id === one.topicId);
      const log = topic?.partitions[one.partition];
      const told = {
        wanted: one,
        highWatermark: log?.end ?? -1,
        lastStableOffset: log?.end ?? -1,
        logStartOffset: log?.start ?? -1,
        aborted: [],
        bytes: Buffer.alloc(0),
      };
      if (log === undefined) return { ...told, code: UNKNOWN_TOPIC_ID };
      if (topic!.leaders[one.partition] !== node) return { ...told, code: CODE.notLeader };
      if (one.offset < log.start || one.offset > log.end) return { ...told, code: CODE.outOfRange };
      const from = log.batches.filter((batch) => lastOffsetOf(batch) >= one.offset);
      return { ...told, code: 0, bytes: Buffer.concat(from) };
    });
    return { throttleMs: 0, code: 0, partitions };
  }
}

const lastOffsetOf = (batch: Buffer) => readInt64(batch, 0) + batch.readInt32BE(23);

function refusal(api: string, args: unknown, code: number): unknown {
  if (api !== 'Produce') return { throttleMs: 0, code };
  const { batches } = args as ProduceRequest;
  const partitions = batches.map(({ topic, partition }): ProducedPartition => {
    return { topic, partition, code, baseOffset: -1, why: '' };
  });
  return { throttleMs: 0, partitions };
}

/**
 * As a broker does: the next sequence is written, one that was is told again, a gap is refused. A
 * new epoch begins anew.
 */
function append(log: FakePartition, sealed: Buffer): number {
  if (crc32c(sealed.subarray(21)) !== sealed.readUInt32BE(17)) throw new Error('a wrong checksum');
  const producerId = readInt64(sealed, 43);
  const sequence = sealed.readInt32BE(53);
  const count = sealed.readInt32BE(57);
  const epoch = sealed.readInt16BE(51);
  const known = log.writers.get(producerId);
  const writer =
    known?.epoch === epoch ? known : { epoch, next: sequence, offsets: new Map<number, number>() };
  const before = writer.offsets.get(sequence);
  if (before !== undefined) return before;
  if (sequence !== writer.next) return -1;
  const baseOffset = log.end;
  writer.next = sequence + count;
  writer.offsets.set(sequence, baseOffset);
  log.writers.set(producerId, writer);
  const stored = Buffer.from(sealed);
  stored.writeBigInt64BE(BigInt(baseOffset), 0);
  log.batches.push(stored);
  log.end += count;
  return baseOffset;
}

/** One process' door to the cluster: it can be killed, and gives up what is under way. */
export class FakeClient implements Requester {
  /** A process that is killed asks nothing any more. */
  isDead = false;
  readonly #cluster: FakeCluster;
  readonly #underWay = new Map<string, Set<(error: Error) => void>>();

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }

  setBrokers(): void {}

  feature(name: string): number {
    return this.#cluster.feature(name);
  }

  drop(node: number, purpose: Purpose): void {
    for (const reject of this.#underWay.get(`${node} ${purpose}`) ?? []) {
      reject(new ConnectionLost('dropped'));
    }
  }

  async request<Args, Answer>(
    node: number | null,
    purpose: Purpose,
    api: Api<Args, Answer>,
    args: Args,
  ): Promise<Answer> {
    if (this.isDead) throw new ConnectionLost('killed');
    const key = `${node} ${purpose}`;
    const underWay = this.#underWay.get(key) ?? new Set();
    this.#underWay.set(key, underWay);
    let drop: (error: Error) => void = () => {};
    const dropped = new Promise<never>((_, reject) => {
      drop = reject;
    });
    underWay.add(drop);
    try {
      return await Promise.race([this.#cluster.request(node, purpose, api, args), dropped]);
    } finally {
      underWay.delete(drop);
    }
  }
}
