/** Records that the log had deleted before a group had read them: counted, and named. */
import type { KafkaLogger } from './client.ts';
import type { Troubles } from './troubles.ts';

export class Missed {
  readonly #group: string;
  readonly #logger: KafkaLogger;
  readonly #troubles: Troubles;
  readonly #counts = new Map<string, { topic: string; partition: number; offsets: number }>();

  constructor(group: string, logger: KafkaLogger, troubles: Troubles) {
    this.#group = group;
    this.#logger = logger;
    this.#troubles = troubles;
  }

  /** Offsets `first` to `last`, both included. */
  add(topic: string, partition: number, first: number, last: number): void {
    const key = `${topic}/${partition}`;
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

  list(): readonly { topic: string; partition: number; offsets: number }[] {
    return [...this.#counts.values()];
  }
}
