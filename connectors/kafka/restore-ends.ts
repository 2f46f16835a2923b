/**
 * Ends restores whose last records are not there: batches that compaction has emptied are not told
 * of by kafkajs, so the position stands before the end for ever. After so many empty fetches the
 * leaders are asked whether they are there, after twice as many the end counts as reached.
 */
import type { Bounds } from './admin.ts';
import type { KafkaLogger } from './client.ts';
import type { KafkaTask } from './task.ts';

/** With 50 ms each this is 2 s, and the end is reached after 4. */
export const QUIET_FETCHES = 40;

export interface RestoringTask extends Pick<KafkaTask, 'nothingLeft'> {
  unreached(): readonly { readonly topic: string; readonly position: number }[];
}

export class RestoreEnds {
  readonly #admin: { bounds(topic: string): Promise<readonly Bounds[]> };
  readonly #logger: KafkaLogger;
  readonly #tasks: () => readonly RestoringTask[];
  /** Positions of stalled restores whose leader has answered since. */
  #verified: { task: RestoringTask; topic: string; position: number }[] = [];

  constructor(
    admin: { bounds(topic: string): Promise<readonly Bounds[]> },
    logger: KafkaLogger,
    tasks: () => readonly RestoringTask[],
  ) {
    this.#admin = admin;
    this.#logger = logger;
    this.#tasks = tasks;
  }

  /** So many fetches in a row have brought nothing. */
  quiet(fetches: number): void {
    if (fetches === QUIET_FETCHES) void this.#verify();
    if (fetches < QUIET_FETCHES * 2 || this.#verified.length === 0) return;
    const verified = this.#verified;
    this.#verified = [];
    for (const { task, topic, position } of verified) task.nothingLeft(topic, position);
  }

  /** A new generation: what was found before counts no more. */
  reset(): void {
    this.#verified = [];
  }

  async #verify(): Promise<void> {
    const stalled = this.#tasks().flatMap((task) =>
      task.unreached().map((one) => ({ task, ...one })),
    );
    if (stalled.length === 0) return;
    try {
      // Asked of the leaders themselves: one that is away is no end.
      for (const topic of new Set(stalled.map((one) => one.topic))) await this.#admin.bounds(topic);
      this.#verified = stalled;
    } catch (error) {
      this.#logger.debug({ why: String(error) }, 'The leader of a restore does not answer.');
    }
  }
}
