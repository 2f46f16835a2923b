/** Records that the log had deleted before a group had read them: counted, and named. */
import type { KafkaLogger } from './client.ts';
import type { Troubles } from './troubles.ts';

export class Missed {
  readonly #group: string;
  readonly #logger: KafkaLogger;
  readonly #troubles: Troubles;
  readonly #counts = new Map<string, { topic: string; partition: number; offsets: number }>();
  /** By partition: the offset up to which all that was deleted is counted. */
  readonly #upTo = new Map<string, number>();

  constructor(group: string, logger: KafkaLogger, troubles: Troubles) {
    this.#group = group;
    this.#logger = logger;
    this.#troubles = troubles;
  }

  /**
   * Offsets `from` to `last`, both included. A task that is opened again before it has committed
   * meets the same ones once more: they are counted once.
   */
  add(topic: string, partition: number, from: number, last: number): void {
    const key = `${topic}/${partition}`;
    const first = Math.max(from, this.#upTo.get(key) ?? 0);
    if (last < first) return;
    this.#upTo.set(key, last + 1);
    const before = this.#counts.get(key)?.offsets ?? 0;
    const offsets = before + last - first + 1;
    this.#counts.set(key, { topic, partition, offsets });
    const facts = { group: this.#group, topic, partition, first, last };
    this.#logger.error(facts, 'Records were deleted before this group had read them.');
    const group = `"${this.#group}"`;
    const what =
      before === 0
        ? `Offsets ${first} to ${last} of ${key} were deleted before ${group} had read them.`
        : `${offsets} offsets of ${key} were deleted before ${group} had read them, the last ${last}.`;
    const at = `${this.#group} ${key}`;
    this.#troubles.raise(`missed ${at}`, { code: 'CAR631', level: 'warning', what, at });
  }

  /** Offsets of the topic begin anew, in all its partitions. */
  madeAgain(topic: string): void {
    for (const [key, of] of this.#counts) if (of.topic === topic) this.#upTo.delete(key);
  }

  list(): readonly { topic: string; partition: number; offsets: number }[] {
    return [...this.#counts.values()];
  }
}
