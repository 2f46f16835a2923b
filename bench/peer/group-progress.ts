/** How far consumer groups have come, and whether topics still grow; asked of the broker. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { RenoTopology } from './reno-topology.ts';

type Partition = `${string}/${number}`;

export class GroupProgress {
  readonly #admin: Admin;
  readonly #groups: RenoTopology['groups'];
  #ends = new Map<Partition, number>();
  #base = 0;
  #total = 0;

  constructor(brokers: readonly string[], groups: RenoTopology['groups']) {
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    this.#admin = kafka.admin();
    this.#groups = groups;
  }

  open(): Promise<void> {
    return this.#admin.connect();
  }

  close(): Promise<void> {
    return this.#admin.disconnect();
  }

  /** Counts from what is committed now to what the topics hold now. */
  async begin(): Promise<void> {
    this.#ends = new Map();
    const topics = new Set(this.#groups.flatMap((one) => one.topics));
    for (const topic of topics) {
      for (const { partition, high } of await this.#admin.fetchTopicOffsets(topic)) {
        this.#ends.set(`${topic}/${partition}`, Number(high));
      }
    }
    this.#base = await this.#committed();
    this.#total = 0;
    for (const { topics: read } of this.#groups) {
      for (const [place, end] of this.#ends) {
        if (read.some((topic) => place.startsWith(`${topic}/`))) this.#total += end;
      }
    }
  }

  /** The part of what was there at `begin` that is committed by now, 0 to 1. */
  async part(): Promise<number> {
    const toDo = this.#total - this.#base;
    return toDo === 0 ? 1 : ((await this.#committed()) - this.#base) / toDo;
  }

  /** Offsets given so far, control records of transactions among them. */
  async size(topics: readonly string[]): Promise<number> {
    const all = await Promise.all(topics.map((topic) => this.#admin.fetchTopicOffsets(topic)));
    return all.flat().reduce((sum, { high }) => sum + Number(high), 0);
  }

  /** Up to the ends of `begin`: what has come since then does not count. */
  async #committed(): Promise<number> {
    const all = await Promise.all(
      this.#groups.map(async ({ group, topics }) => {
        const found = await this.#admin.fetchOffsets({ groupId: group });
        return found.filter(({ topic }) => topics.includes(topic));
      }),
    );
    let sum = 0;
    for (const { topic, partitions } of all.flat()) {
      for (const { partition, offset } of partitions) {
        const end = this.#ends.get(`${topic}/${partition}`) ?? 0;
        sum += Math.min(end, Math.max(0, Number(offset)));
      }
    }
    return sum;
  }
}
