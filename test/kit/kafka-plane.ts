/** A data plane, its brokers and a member's tasks in memory, for tests of groups; no broker. */
import type { Bounds, Committed } from '../../connectors/kafka/admin.ts';
import type { DataPlane, Feed, FeedHost, LostPart } from '../../connectors/kafka/plane.ts';
import type { OnTopicChange } from '../../connectors/kafka/topic-watch.ts';
import { Troubles } from '../../connectors/kafka/troubles.ts';
import { HandClock } from '../../core/clock.ts';
import type { CommitUnit, GroupHost, GroupSpec, TaskHost, TaskPort } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';

export const PLANE_SPEC: GroupSpec = {
  group: 'g',
  partitions: 3,
  inputs: ['in'],
  tables: [],
  stores: [],
  transactional: true,
  topologyHash: 'h',
};

/** What the brokers would say: the same of every partition. */
export class PlaneBrokers {
  readonly bounds = new Map<string, Bounds>();
  readonly committed = new Map<string, Committed>();
  readonly ids = new Map<string, string>();
  /** Parts that fail, with their error. */
  readonly failing = new Map<number, unknown>();
  /** Asked for before each opening of a task; rejects when it does not open. */
  beforeOpen: (partition: number) => Promise<void> = async () => {};

  set(topic: string, low: number, end: number, committed = -1, metadata = ''): this {
    this.bounds.set(topic, { low, end });
    if (committed >= 0) this.committed.set(topic, { offset: committed, metadata });
    return this;
  }
}

/** A task that says what it is told, and takes when it is asked to. */
export class PlaneTask implements TaskHost {
  readonly port: TaskPort;
  readonly said: string[] = [];
  onWake: () => void = () => {};

  constructor(port: TaskPort) {
    this.port = port;
  }

  restore(store: string): void {
    this.said.push(`restore ${store}`);
  }

  table(topic: string): void {
    this.said.push(`table ${topic}`);
  }

  ready(): void {
    this.said.push('ready');
  }

  wake(): void {
    this.said.push('wake');
    this.onWake();
  }

  async settle(): Promise<void> {
    this.said.push('settled');
  }

  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    this.said.push(why);
  }

  /** Offsets of all records that are to be taken. */
  take(topic: string): number[] {
    const taken: number[] = [];
    for (let batch = this.port.take(topic); batch !== undefined; batch = this.port.take(topic)) {
      taken.push(...readBatch(batch).map((record) => record.offset));
    }
    return taken;
  }
}

/** What happened at the plane, in order; and the hands that make things happen. */
export class PlaneWorld {
  readonly brokers = new PlaneBrokers();
  readonly said: string[] = [];
  readonly logged: string[] = [];
  readonly tasks: PlaneTask[] = [];
  readonly clock = new HandClock(1_000_000);
  readonly troubles: Troubles;
  feedHost: FeedHost | null = null;
  onChange: OnTopicChange = () => {};
  #members = 0;

  constructor() {
    this.troubles = new Troubles(this.#logger);
  }

  get parts() {
    const { brokers } = this;
    const bounds = async (topic: string) => {
      const found = brokers.bounds.get(topic) ?? { low: 0, end: 0 };
      return [found, found, found];
    };
    const committed = async () => brokers.committed;
    const { clock } = this;
    const logger = this.#logger;
    const settings = {
      replicationFactor: -1,
      deliveryTimeoutMs: 1_000,
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 500,
      fetchWaitMs: 50,
      revokeTimeoutMs: 1_000,
    };
    return {
      client: { clock, logger, settings },
      admin: { bounds, committed, committedAll: async () => new Map([[0, brokers.committed]]) },
      topics: {
        describe: async (names: readonly string[]) =>
          new Map(names.map((name) => [name, { partitions: 3, id: brokers.ids.get(name) ?? '' }])),
      },
      watch: {
        watch: (_: readonly string[], onChange: OnTopicChange) => {
          this.onChange = onChange;
          return () => void this.said.push('unwatch');
        },
        look: async () => {},
      },
      troubles: this.troubles,
      plane: this.#plane,
      read: async function* (): AsyncGenerator<readonly Record[]> {},
    };
  }

  readonly host: GroupHost = {
    open: (port) => {
      const task = new PlaneTask(port);
      this.tasks.push(task);
      return task;
    },
  };

  /** The last task that was opened for a partition. */
  task(partition: number): PlaneTask {
    return this.tasks.findLast((task) => task.port.partition === partition)!;
  }

  /** The group assigns these tasks. */
  join(partitions: readonly number[], memberId = `m${++this.#members}`): void {
    const assignment = partitions.length === 0 ? [] : [['in', partitions] as const];
    this.feedHost!.joined(memberId, new Map(assignment));
  }

  /** Lets everything come to rest that waits for nothing but promises. */
  async rest(): Promise<void> {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  codes(): string[] {
    return this.troubles.list().map((one) => `${one.level} ${one.code}`);
  }

  get #logger() {
    const say = (level: string) => (facts: object, sentence: string) =>
      void this.logged.push(`${level} ${sentence} ${JSON.stringify(facts)}`);
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  }

  get #plane(): Pick<DataPlane, 'feed' | 'committer'> {
    const say = (text: string) => void this.said.push(text);
    return {
      feed: (_, host): Feed => {
        this.feedHost = host;
        return {
          start: async () => say('start'),
          rejoin: () => say('rejoin'),
          close: async () => say('leave'),
          seek: (topic, p, offset) => say(`seek ${topic}/${p}@${offset}`),
          pause() {},
          resume() {},
        };
      },
      committer: () => ({
        open: async (p) => {
          await this.brokers.beforeOpen(p);
          say(`open ${p}`);
        },
        close: async (p) => say(`close ${p}`),
        end: async () => say('end'),
        commit: async ({ parts }: CommitUnit): Promise<LostPart[]> => {
          const { failing } = this.brokers;
          return parts.flatMap(({ partition }) =>
            failing.has(partition) ? [{ partition, error: failing.get(partition) }] : [],
          );
        },
      }),
    };
  }
}
