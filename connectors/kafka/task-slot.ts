/**
 * The place of one task at this member. Wishes come at any time (assigned, taken away, lost); the
 * slot brings itself to the last one, a step at a time: a task is closed before it is opened again.
 */
import type { CarillonError } from '../../core/error.ts';
import { Backoff, kafkaError } from './client.ts';
import type { KafkaTask, Why } from './task.ts';
import { pause } from './wire/pause.ts';

export interface SlotHost {
  /**
   * Prepares a task: takes it over from its former owner, asks where it begins.
   * @param remade its topics that were made again since it was opened before
   */
  prepare(partition: number, remade: ReadonlySet<string>): Promise<KafkaTask>;
  /** What was prepared is not wanted any more, or its task has closed. */
  release(partition: number): Promise<void>;
  /** The task is the slot's now: it may begin. */
  opened(task: KafkaTask): void;
  /** It is tried again, after longer and longer pauses. */
  notOpened(partition: number, error: CarillonError): void;
}

export class TaskSlot {
  readonly partition: number;
  readonly #host: SlotHost;
  readonly #revokeTimeoutMs: number;
  readonly #closing: AbortSignal;
  #wanted = false;
  #task: KafkaTask | null = null;
  /** Set when the task that is open must go, though it may be wanted again. */
  #goes: Why | null = null;
  /** Counts assignments and losses: what was prepared for another one is thrown away. */
  #epoch = 0;
  #remade = new Set<string>();
  #work: Promise<void> | null = null;

  constructor(partition: number, host: SlotHost, revokeTimeoutMs: number, closing: AbortSignal) {
    this.partition = partition;
    this.#host = host;
    this.#revokeTimeoutMs = revokeTimeoutMs;
    this.#closing = closing;
  }

  /** Its task, unless that is to go. */
  get held(): KafkaTask | undefined {
    return this.#goes === null ? (this.#task ?? undefined) : undefined;
  }

  /** Its task, also while it closes: what it has done may still be committed. */
  get committing(): KafkaTask | undefined {
    return this.#task?.isOpen === true ? this.#task : undefined;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  want(): void {
    if (!this.#wanted) this.#epoch++;
    this.#wanted = true;
    this.#reconcile();
  }

  /** The task goes, if there is one, and is not opened again before it is wanted again. */
  unwant(why: Why): void {
    if (this.#wanted) this.#epoch++;
    this.#wanted = false;
    if (this.#task !== null) this.#goes ??= why;
    this.#reconcile();
  }

  /** The task goes and is opened again here; of `remade` it forgets what was committed. */
  renew(remade: readonly string[] = []): void {
    for (const topic of remade) this.#remade.add(topic);
    this.#epoch++;
    if (this.#task !== null) this.#goes ??= 'fenced';
    this.#reconcile();
  }

  /** Resolves when all wishes are fulfilled. */
  async settled(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  /** At once where nothing is under way: a commit counts on its lost tasks being closed. */
  #reconcile(): void {
    if (this.#work === null && this.#isDue()) this.#work = this.#run();
  }

  #isDue(): boolean {
    return this.#task === null ? this.#wanted : this.#goes !== null;
  }

  async #run(): Promise<void> {
    const backoff = new Backoff();
    while (this.#isDue()) {
      if (this.#task !== null) await this.#close(this.#task, this.#goes!);
      else await this.#open(backoff);
    }
    this.#work = null;
  }

  async #close(task: KafkaTask, why: Why): Promise<void> {
    await task.close(why, this.#revokeTimeoutMs);
    await this.#host.release(this.partition);
    this.#task = null;
    this.#goes = null;
  }

  async #open(backoff: Backoff): Promise<void> {
    const epoch = this.#epoch;
    const remade = this.#remade;
    let task: KafkaTask;
    try {
      task = await this.#host.prepare(this.partition, remade);
    } catch (error) {
      await this.#host.release(this.partition);
      if (!this.#wanted) return;
      this.#host.notOpened(this.partition, kafkaError(error, `task ${this.partition}`));
      await pause(backoff.next(), this.#closing);
      return;
    }
    if (this.#epoch !== epoch || !this.#wanted) {
      await this.#host.release(this.partition);
      return;
    }
    this.#remade = new Set();
    this.#task = task;
    this.#host.opened(task);
  }
}
