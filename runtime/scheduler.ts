/**
 * Serves the tasks of one process: slices by the weight of their priority, commits when they are
 * due, and sleeps until something arrives or is due. It is the only part of the runtime that sets
 * timers.
 */
import type { Clock } from '../core/clock.ts';
import { PRIORITY_WEIGHTS } from '../core/priority.ts';
import type { Record } from '../core/record.ts';
import type { Schemas } from '../core/schema.ts';
import { NEVER } from '../core/store.ts';
import type { DeadLetter } from './collector.ts';

export interface CommitPolicy {
  /** When the queues are empty: at least this long after the last commit. */
  readonly minMs: number;
  /** At the latest so long after the first record that is not committed. */
  readonly maxMs: number;
  /** Or when so many records are not committed. */
  readonly recordsMax: number;
  /**
   * In place of both times while there is nothing to write but offsets, as where a priority passes
   * by the records of the others: read again after a crash, they are passed by again.
   */
  readonly offsetsOnlyMs?: number;
}

/** One drop, by name; `record` is null when the step did not say which record it was. */
export interface Drop {
  readonly stream: string;
  readonly step: string;
  readonly reason: string;
  readonly by: number;
  readonly record: Record | null;
}

/** What every task of a process shares. */
export interface EngineOptions {
  readonly clock: Clock;
  readonly schemas: Schemas;
  /** Of every topic of the topology. */
  readonly partitions: number;
  readonly commit: CommitPolicy;
  /** Tells the scheduler that there is something to do. */
  wake(): void;
  onDeadLetter?(record: Record, letter: DeadLetter): void;
  /** For tools that name every drop. */
  onDrop?(drop: Drop): void;
  /** A task met a broken invariant; the log closes it. */
  onFailure?(error: Error): void;
  /** A task was taken away or has ended. */
  onClosed?(task: Schedulable): void;
}

/** The hook for one stream's steps; undefined when nobody listens, so that it costs nothing. */
export function onDropOf(
  options: EngineOptions,
  stream: string,
): ((record: Record | null, step: string, reason: string, by: number) => void) | undefined {
  const { onDrop } = options;
  if (onDrop === undefined) return undefined;
  return (record, step, reason, by) => onDrop({ stream, step, reason, by, record });
}

export interface Schedulable {
  readonly name: string;
  /** 0..3; decides the weight. */
  readonly priority: number;
  runSlice(): boolean;
  commitIfDue(): void;
  nextWakeMs(): number;
}

/** After this long the event loop gets its turn, so that sockets and timers are not starved. */
const TURN_MS = 5;
/** A task that waits for something without a time is looked at again after this. */
const LOOK_AGAIN_MS_MAX = 1_000;

export class Scheduler {
  readonly #clock: Clock;
  readonly #tasks: Schedulable[] = [];
  #at = 0;
  #credit = 0;
  #woken = false;
  #running = false;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(task: Schedulable): void {
    this.#tasks.push(task);
    // Urgent ones come first in every round.
    this.#tasks.sort((a, b) => a.priority - b.priority);
    this.wake();
  }

  remove(task: Schedulable): void {
    const at = this.#tasks.indexOf(task);
    if (at >= 0) this.#tasks.splice(at, 1);
  }

  get tasks(): readonly Schedulable[] {
    return this.#tasks;
  }

  wake(): void {
    if (this.#woken || this.#stopped) return;
    this.#woken = true;
    if (!this.#running) setImmediate(() => this.#turn());
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #turn(): void {
    if (this.#stopped) return;
    this.#running = true;
    this.#woken = false;
    const worked = this.#serve();
    for (const task of [...this.#tasks]) task.commitIfDue();
    this.#running = false;
    if (worked || this.#woken) {
      this.#woken = true;
      setImmediate(() => this.#turn());
    } else this.#sleep();
  }

  /** Weighted rounds until nobody has work or the turn is over. */
  #serve(): boolean {
    const until = this.#clock.now() + TURN_MS;
    let idle = 0;
    let worked = false;
    while (idle < this.#tasks.length) {
      const task = this.#tasks[this.#at % this.#tasks.length]!;
      if (this.#credit === 0) this.#credit = PRIORITY_WEIGHTS[task.priority] ?? 1;
      const did = task.runSlice();
      this.#credit = did ? this.#credit - 1 : 0;
      if (this.#credit === 0) this.#at = (this.#at + 1) % this.#tasks.length;
      idle = did ? 0 : idle + 1;
      worked ||= did;
      if (did && this.#clock.now() >= until) return true;
    }
    return worked;
  }

  #sleep(): void {
    let wakeMs = NEVER;
    for (const task of this.#tasks) wakeMs = Math.min(wakeMs, task.nextWakeMs());
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (wakeMs === NEVER) return;
    const delay = Math.max(1, Math.min(LOOK_AGAIN_MS_MAX, wakeMs - this.#clock.now()));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.wake();
    }, delay);
  }
}
