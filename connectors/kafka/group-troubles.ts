/** What a group finds amiss, in words: of its topics, its positions, and tasks that do not open. */
import type { CarillonError } from '../../core/error.ts';
import type { GroupSpec } from '../../core/log.ts';
import type { KafkaClient } from './client.ts';
import type { Missed } from './missed.ts';
import type { StartNotes } from './task-start.ts';
import type { TopicChange } from './topic-watch.ts';
import type { Troubles } from './troubles.ts';

export class GroupTroubles implements StartNotes {
  readonly #spec: GroupSpec;
  readonly #client: Pick<KafkaClient, 'clock' | 'logger' | 'settings'>;
  readonly #troubles: Troubles;
  readonly #missed: Missed;
  /** Since when a task does not open, epoch ms. */
  readonly #unopened = new Map<number, number>();
  readonly #unread = new Set<string>();

  constructor(
    spec: GroupSpec,
    client: Pick<KafkaClient, 'clock' | 'logger' | 'settings'>,
    troubles: Troubles,
    missed: Missed,
  ) {
    this.#spec = spec;
    this.#client = client;
    this.#troubles = troubles;
    this.#missed = missed;
  }

  missed(topic: string, partition: number, first: number, last: number): void {
    this.#missed.add(topic, partition, first, last);
  }

  beyond(topic: string, partition: number, committed: number, end: number): void {
    this.#missed.madeAgain(topic);
    const { group } = this.#spec;
    const at = `${topic}/${partition}`;
    const what =
      `"${group}" had read ${at} up to ${committed}, but it ends at ${end}: the topic was made ` +
      `again, or has lost its tail. What is there is read.`;
    this.#troubles.raise(`beyond ${group} ${at}`, { code: 'CAR632', level: 'warning', what, at });
  }

  /** In words without the group, as all groups of a topic see the same. */
  changed(change: TopicChange): void {
    const { topic } = change;
    const told = { at: topic };
    if (change.kind === 'gone') {
      const what = `Topic "${topic}" was deleted while it was read.`;
      this.#troubles.raise(`gone ${topic}`, { code: 'CAR642', level: 'error', what, ...told });
      return;
    }
    this.#troubles.lift(`gone ${topic}`);
    if (change.kind === 'recreated') {
      this.#missed.madeAgain(topic);
      const what = `Topic "${topic}" was deleted and made again: it is read from its start.`;
      this.#troubles.raise(`remade ${topic}`, { code: 'CAR632', level: 'warning', what, ...told });
      return;
    }
    const wanted = this.#spec.partitions;
    if (change.partitions === wanted) {
      this.#troubles.lift(`partitions ${topic}`);
      return;
    }
    const what =
      `Topic "${topic}" has ${change.partitions} partitions now, the topology needs ${wanted}: ` +
      `what is in the others is not read.`;
    this.#troubles.raise(`partitions ${topic}`, { code: 'CAR641', level: 'error', what, ...told });
  }

  /** What passes by itself within a session time-out is only said. */
  notOpened(partition: number, error: CarillonError): void {
    const now = this.#client.clock.now();
    const since = this.#unopened.get(partition) ?? now;
    this.#unopened.set(partition, since);
    const { group } = this.#spec;
    const facts = { group, partition, code: error.code, why: error.what };
    this.#client.logger.warn(facts, 'A task does not open, trying again.');
    if (error.retryable && now - since < this.#client.settings.sessionTimeoutMs) return;
    const at = `${group}-${partition}`;
    const code = error.retryable ? 'CAR634' : error.code;
    const what = `Task ${at} does not open: ${error.what}`;
    this.#troubles.raise(`task ${at}`, { code, level: 'error', what, at });
  }

  unreadable(topic: string, partition: number, error: CarillonError): void {
    const key = this.#unreadKey(topic, partition);
    this.#unread.add(key);
    const { code, what } = error;
    this.#troubles.raise(key, { code, level: 'error', what, at: `${topic}/${partition}` });
  }

  /** The partition moves on. */
  read(topic: string, partition: number): void {
    if (this.#unread.size === 0) return;
    const key = this.#unreadKey(topic, partition);
    if (this.#unread.delete(key)) this.#troubles.lift(key);
  }

  opened(partition: number): void {
    this.#unopened.delete(partition);
    this.#troubles.lift(`task ${this.#spec.group}-${partition}`);
  }

  /** What does not open here is no trouble of this member any more. */
  closed(): void {
    for (const partition of [...this.#unopened.keys()]) this.opened(partition);
    for (const key of this.#unread) this.#troubles.lift(key);
    this.#unread.clear();
  }

  #unreadKey(topic: string, partition: number): string {
    return `unread ${this.#spec.group} ${topic}/${partition}`;
  }
}
