/**
 * The unit of commit: all tasks of one process and group. It gathers what they have done and hands
 * it to the log as a whole; when, the policy says. Bulkheads between priorities are units of their
 * own.
 */
import type { Clock } from '../core/clock.ts';
import type { CommitUnit, UnitPart, UnitPort } from '../core/log.ts';
import { NEVER } from '../core/store.ts';

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

/** A task, as its unit sees it. */
export interface UnitTask {
  /** Records that were done since the last commit. */
  readonly uncommitted: number;
  /** There is more to write than offsets. */
  readonly hasOutputs: boolean;
  /** Nothing waits in its inputs. */
  readonly quiet: boolean;
  /**
   * Takes what it has done since the last call; null: nothing, or a broken invariant, which the
   * task has told of.
   */
  takePart(): UnitPart | null;
  /** The log is done with the bytes of the last part. */
  giveBack?(): void;
}

export class Unit {
  readonly #port: UnitPort;
  readonly #policy: CommitPolicy;
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #tasks = new Set<UnitTask>();
  #firstMs = NEVER;
  #lastCommitMs = 0;
  #committing: Promise<void> | null = null;
  /** When it last stood with nothing to do and nothing to commit. */
  #idleMs: number;

  constructor(port: UnitPort, policy: CommitPolicy, clock: Clock, wake: () => void) {
    this.#port = port;
    this.#policy = policy;
    this.#clock = clock;
    this.#wake = wake;
    this.#idleMs = clock.now();
  }

  /**
   * For how long something has waited here, as input or to be committed, without a commit; 0: it
   * goes on. What keeps it is for others to say: this is how it is known that nothing moves.
   */
  stalledMs(): number {
    const nowMs = this.#clock.now();
    const waits = this.#some((task) => !task.quiet || task.uncommitted > 0);
    if (!waits) this.#idleMs = nowMs;
    return waits ? Math.max(0, nowMs - Math.max(this.#lastCommitMs, this.#idleMs)) : 0;
  }

  add(task: UnitTask): void {
    this.#tasks.add(task);
  }

  /** Gives how many tasks are left. */
  remove(task: UnitTask): number {
    this.#tasks.delete(task);
    return this.#tasks.size;
  }

  /** True while a commit is under way. */
  get committing(): boolean {
    return this.#committing !== null;
  }

  /** True when so much waits for a commit that no task may do more: the log is slow. */
  get full(): boolean {
    return this.#committing !== null && this.#uncommitted() >= this.#policy.recordsMax;
  }

  commitIfDue(): void {
    if (this.#committing === null && this.#clock.now() >= this.dueMs()) void this.commit();
  }

  /** When the next commit is due; NEVER when nothing was done, or one is under way. */
  dueMs(): number {
    if (this.#committing !== null) return NEVER;
    const uncommitted = this.#uncommitted();
    if (uncommitted === 0) {
      this.#firstMs = NEVER;
      if (!this.#some((task) => !task.quiet)) this.#idleMs = this.#clock.now();
      return NEVER;
    }
    if (this.#firstMs === NEVER) this.#firstMs = this.#clock.now();
    const { minMs, maxMs, recordsMax, offsetsOnlyMs } = this.#policy;
    if (uncommitted >= recordsMax) return 0;
    if (offsetsOnlyMs !== undefined && !this.#some((task) => task.hasOutputs)) {
      return this.#firstMs + offsetsOnlyMs;
    }
    const latest = this.#firstMs + maxMs;
    const isQuiet = !this.#some((task) => !task.quiet);
    return isQuiet ? Math.min(latest, this.#lastCommitMs + minMs) : latest;
  }

  /** Commits what has been done; undefined when there was nothing, or the log took it at once. */
  commit(): Promise<void> | undefined {
    if (this.#committing !== null) return this.#committing.then(() => this.commit());
    const parts: UnitPart[] = [];
    const tasks: UnitTask[] = [];
    for (const task of this.#tasks) {
      const part = task.takePart();
      if (part === null) continue;
      parts.push(part);
      tasks.push(task);
    }
    this.#firstMs = NEVER;
    if (parts.length === 0) return undefined;
    return this.#commit({ parts }, tasks);
  }

  /**
   * For a task that goes: resolves when all that the unit has done is committed, or lost, which the
   * log tells by closing the tasks with `fenced`.
   */
  async settle(): Promise<void> {
    while (this.#committing !== null) await this.#committing;
    await this.commit();
  }

  #commit(unit: CommitUnit, tasks: readonly UnitTask[]): Promise<void> | undefined {
    let committing: Promise<void> | undefined;
    try {
      committing = this.#port.commit(unit);
    } catch {
      // As a rejection: the log closes the tasks with `fenced`.
      return undefined;
    }
    this.#lastCommitMs = this.#clock.now();
    const giveBack = () => {
      if (this.#port.givesBack === true) for (const task of tasks) task.giveBack?.();
    };
    if (committing === undefined) {
      giveBack();
      return undefined;
    }
    // The log closes the tasks when a commit is lost; nothing more is to be done here.
    this.#committing = committing
      .then(giveBack, () => {})
      .finally(() => {
        this.#committing = null;
        this.#lastCommitMs = this.#clock.now();
        this.#wake();
      });
    return this.#committing;
  }

  #uncommitted(): number {
    let sum = 0;
    for (const task of this.#tasks) sum += task.uncommitted;
    return sum;
  }

  #some(holds: (task: UnitTask) => boolean): boolean {
    for (const task of this.#tasks) if (holds(task)) return true;
    return false;
  }
}

/** Serves the units of a process. */
export interface UnitScheduler {
  addUnit(unit: Unit): void;
  removeUnit(unit: Unit): void;
}

/** The units of one group at one process: one a member, as the log hands its ports out. */
export class Units {
  readonly #units = new Map<UnitPort, Unit>();
  readonly #open: (port: UnitPort) => Unit;
  readonly #scheduler: UnitScheduler;

  constructor(open: (port: UnitPort) => Unit, scheduler: UnitScheduler) {
    this.#open = open;
    this.#scheduler = scheduler;
  }

  of(port: UnitPort): Unit {
    let unit = this.#units.get(port);
    if (unit === undefined) {
      unit = this.#open(port);
      this.#units.set(port, unit);
      this.#scheduler.addUnit(unit);
    }
    return unit;
  }

  add(port: UnitPort, task: UnitTask): void {
    this.of(port).add(task);
  }

  /** Takes a task out; a unit without tasks is forgotten. */
  remove(port: UnitPort, task: UnitTask): void {
    const unit = this.#units.get(port);
    if (unit?.remove(task) !== 0) return;
    this.#units.delete(port);
    this.#scheduler.removeUnit(unit);
  }

  get all(): Iterable<Unit> {
    return this.#units.values();
  }
}
