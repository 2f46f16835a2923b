/**
 * Serves the tasks of one process: slices by the weight of their priority, commits of their units
 * when they are due, and sleeps until something arrives or is due. It alone owns the cadence, and
 * is the only part of the runtime that sets timers. The test driver turns it by hand.
 */
import type { Clock } from '../core/clock.ts';
import type { Priorities } from '../core/priority.ts';
import { NEVER } from '../core/store.ts';
import type { Unit } from './unit.ts';

export interface Schedulable {
  readonly name: string;
  /** Its number; decides the weight. */
  readonly priority: number;
  /** Does a bounded piece of work; false: there was nothing to do. */
  runSlice(): boolean;
  nextWakeMs(): number;
}

/** After this long the event loop gets its turn, so that sockets and timers are not starved. */
const TURN_MS = 5;
/** A task that waits for something without a time is looked at again after this. */
const LOOK_AGAIN_MS_MAX = 1_000;

export class Scheduler {
  readonly #clock: Clock;
  readonly #priorities: Priorities;
  readonly #tasks: Schedulable[] = [];
  readonly #units = new Set<Unit>();
  #at = 0;
  #credit = 0;
  #woken = false;
  #running = false;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(clock: Clock, priorities: Priorities) {
    this.#clock = clock;
    this.#priorities = priorities;
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

  addUnit(unit: Unit): void {
    this.#units.add(unit);
  }

  removeUnit(unit: Unit): void {
    this.#units.delete(unit);
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

  /** Weighted rounds until nobody has work or the turn is over; true when something was done. */
  serve(): boolean {
    const until = this.#clock.now() + TURN_MS;
    let idle = 0;
    let worked = false;
    while (idle < this.#tasks.length) {
      const task = this.#tasks[this.#at % this.#tasks.length]!;
      if (this.#credit === 0) this.#credit = this.#priorities.weightOf(task.priority);
      const did = task.runSlice();
      this.#credit = did ? this.#credit - 1 : 0;
      if (this.#credit === 0) this.#at = (this.#at + 1) % Math.max(1, this.#tasks.length);
      idle = did ? 0 : idle + 1;
      worked ||= did;
      if (did && this.#clock.now() >= until) return true;
    }
    // Nobody waits: the next work is served by priority, whoever was served last.
    this.#at = 0;
    return worked;
  }

  #turn(): void {
    if (this.#stopped) return;
    this.#running = true;
    this.#woken = false;
    const worked = this.serve();
    for (const unit of [...this.#units]) unit.commitIfDue();
    this.#running = false;
    if (worked || this.#woken) {
      this.#woken = true;
      setImmediate(() => this.#turn());
    } else this.#sleep();
  }

  #sleep(): void {
    let wakeMs = NEVER;
    for (const task of this.#tasks) wakeMs = Math.min(wakeMs, task.nextWakeMs());
    for (const unit of this.#units) wakeMs = Math.min(wakeMs, unit.dueMs());
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
