/** Where groups stand on Kafka: to look at, and to be moved by edits of a topology. */
import { CarillonError } from '../../core/error.ts';
import type { GroupPosition, Log, LogPositions } from '../../core/log.ts';
import type { LogAdmin } from './admin.ts';
import type { OffsetSource } from './plane.ts';
import { readMarks, withMarks } from './state-marks.ts';
import type { PartitionOffset } from './wire/transaction-requests.ts';

export interface PositionParts {
  readonly offsets: OffsetSource;
  readonly admin: Pick<LogAdmin, 'membersOf' | 'topics'>;
  /** Commits for a group that has no members. */
  commit(group: string, offsets: readonly PartitionOffset[]): Promise<void>;
  readonly openGroup: Log['openGroup'];
}

/** How often a process that waits for its turn looks whether there is still something to do. */
const LOOK_MS = 500;

export class KafkaPositions implements LogPositions {
  readonly #parts: PositionParts;

  constructor(parts: PositionParts) {
    this.#parts = parts;
  }

  async committed(group: string, topics: readonly string[]): Promise<readonly GroupPosition[]> {
    const found = await this.#found(group, topics);
    return found.map((one) => ({ ...one, metadata: readMarks(one.metadata).metadata }));
  }

  async bounds(topic: string) {
    const { offsets } = this.#parts;
    if ((await offsets.partitionsOf(topic)) === undefined) return undefined;
    return (await offsets.bounds(topic)).map(({ low, end }) => ({ start: low, end }));
  }

  offsetsAt(topic: string, timeMs: number): Promise<readonly number[]> {
    return this.#parts.offsets.offsetsAt(topic, timeMs);
  }

  topics(): Promise<readonly string[]> {
    return this.#parts.admin.topics();
  }

  members(group: string): Promise<number> {
    return this.#parts.admin.membersOf(group);
  }

  /** The note of what the state of a task rests on stays where it was (state-marks.ts). */
  async set(group: string, positions: readonly GroupPosition[]): Promise<void> {
    if (positions.length === 0) return;
    const members = await this.members(group);
    if (members > 0) throw hasMembers(group, members);
    const found = await this.#found(group, [...new Set(positions.map(({ topic }) => topic))]);
    const offsets = positions.map((one) => {
      const { marks, ends } = readMarks(
        found.find((old) => old.topic === one.topic && old.partition === one.partition)?.metadata ??
          '',
      );
      return { ...one, metadata: withMarks(marks, one.metadata, ends) };
    });
    await this.#parts.commit(group, offsets);
  }

  /** Whoever has the one task of the topic's group is alone. */
  async alone(
    topic: string,
    isDone: () => Promise<boolean>,
    body: (stillAlone: () => void) => Promise<void>,
  ): Promise<void> {
    let isMine = false;
    const got = Promise.withResolvers<void>();
    const spec = {
      group: topic,
      partitions: 1,
      inputs: [topic],
      tables: [],
      stores: [],
      transactional: false,
      topologyHash: topic,
    };
    const group = await this.#parts.openGroup(spec, {
      open: () => ({
        restore() {},
        table() {},
        ready() {
          isMine = true;
          got.resolve();
        },
        wake() {},
        async close() {
          isMine = false;
        },
      }),
    });
    try {
      while (!isMine) {
        await Promise.race([got.promise, pause(LOOK_MS)]);
        if (!isMine && (await isDone())) return;
      }
      await body(() => {
        if (!isMine) throw lostTurn(topic);
      });
    } finally {
      await group.close();
    }
  }

  async #found(group: string, topics: readonly string[]): Promise<readonly GroupPosition[]> {
    const { offsets } = this.#parts;
    const there: string[] = [];
    for (const topic of topics) {
      if ((await offsets.partitionsOf(topic)) !== undefined) there.push(topic);
    }
    if (there.length === 0) return [];
    const found = await offsets.committedAll(group, there);
    return [...found].flatMap(([partition, byTopic]) =>
      [...byTopic].map(([topic, { offset, metadata }]) => ({ topic, partition, offset, metadata })),
    );
  }
}

function hasMembers(group: string, members: number): CarillonError {
  const what = `Group ${group} has ${members} member(s) of the former topology: its positions cannot be moved.`;
  return new CarillonError('CAR653', what, { where: { at: group }, retryable: true });
}

function lostTurn(topic: string): CarillonError {
  const what = `Another process applies the topology now (${topic}).`;
  return new CarillonError('CAR654', what, { where: { at: topic }, retryable: true });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
