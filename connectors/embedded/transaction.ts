/**
 * The one SQLite transaction that is open, and when it is committed.
 *
 *   nothing ──write──▶ open ──quiet, and `commitMinMs` since the last──▶ COMMIT ──▶ nothing
 *                       │ └──`commitMaxMs` or `recordsMax` since BEGIN──▶ COMMIT
 *                       └──an error in a write or in COMMIT──▶ ROLLBACK, all waiters reject
 *
 * Quiet means: no rows of tables wait to be handed over, and two turns of the event loop passed in
 * which nobody wrote or took anything. So an event goes from append to task to lane to inbox in one
 * transaction when the machine is idle, and commits are large when it is busy.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CarillonError } from '../../core/error.ts';

export interface TransactionOptions {
  readonly commitMinMs: number;
  readonly commitMaxMs: number;
  readonly commitRecordsMax: number;
  /** True while something inside the log waits to be handed over. */
  busy(): boolean;
  /** Writes what is written once a transaction: dirty offsets. */
  beforeCommit(): void;
  committed(records: number): void;
  /** The transaction is rolled back: what is in memory is ahead of the file. */
  failed(error: CarillonError): void;
  toError(cause: unknown): CarillonError;
}

/**
 * How many turns of the event loop without a write are quiet. A task takes one to answer a wake.
 */
const QUIET_TURNS = 2;

export class Transaction {
  readonly #options: TransactionOptions;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  #open = false;
  #records = 0;
  #writes = 0;
  #writesSeen = 0;
  #quietTurns = 0;
  #checking = false;
  #minPassed = true;
  #forced = false;
  #minTimer: NodeJS.Timeout | undefined;
  #maxTimer: NodeJS.Timeout | undefined;
  #waiters: { promise: Promise<void>; resolve(): void; reject(error: Error): void } | undefined;

  constructor(db: DatabaseSync, options: TransactionOptions) {
    this.#options = options;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Runs `body` inside the transaction. When it throws, the whole transaction is rolled back and
   * the error (a CarillonError) is thrown; so check what can be refused before.
   */
  write<T>(records: number, body: () => T): T {
    try {
      if (!this.#open) this.#start();
      const result = body();
      this.#records += records;
      this.#writes++;
      if (this.#records >= this.#options.commitRecordsMax) this.#forced = true;
      this.#check();
      return result;
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** Adds to the size of the transaction that a running `write` is in; `isLarge`: it is enough. */
  count(records: number, isLarge: boolean): void {
    this.#records += records;
    if (isLarge) this.#forced = true;
  }

  /** Something was taken, and a write may follow. */
  busy(): void {
    this.#writes++;
  }

  /** Resolves when all that was written so far is committed. */
  committed(): Promise<void> {
    if (!this.#open) return Promise.resolve();
    if (this.#waiters === undefined) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      // Who waits hears of a failure; that nobody waits is no failure of its own.
      promise.catch(() => {});
      this.#waiters = { promise, resolve, reject };
    }
    return this.#waiters.promise;
  }

  /** Commits now. Throws when it fails. */
  flush(): void {
    if (!this.#open) return;
    const records = this.#records;
    try {
      this.#options.beforeCommit();
      this.#commit.run();
    } catch (cause) {
      throw this.#fail(cause);
    }
    const waiters = this.#end();
    this.#minPassed = false;
    this.#minTimer = setTimeout(() => {
      this.#minPassed = true;
      if (this.#open) this.#check();
    }, this.#options.commitMinMs);
    this.#options.committed(records);
    waiters?.resolve();
  }

  /** Drops what is open, as the death of the process would. */
  abandon(error: CarillonError): void {
    clearTimeout(this.#minTimer);
    if (!this.#open) return;
    this.#rollback.run();
    this.#end()?.reject(error);
  }

  stop(): void {
    clearTimeout(this.#minTimer);
    clearTimeout(this.#maxTimer);
  }

  #start(): void {
    this.#begin.run();
    this.#open = true;
    this.#maxTimer = setTimeout(() => this.#tryFlush(), this.#options.commitMaxMs);
  }

  #end() {
    const waiters = this.#waiters;
    this.#waiters = undefined;
    this.#open = false;
    this.#forced = false;
    this.#records = 0;
    clearTimeout(this.#maxTimer);
    return waiters;
  }

  #fail(cause: unknown): CarillonError {
    const error = this.#options.toError(cause);
    const wasOpen = this.#open;
    const waiters = this.#end();
    try {
      if (wasOpen) this.#rollback.run();
    } catch {
      // SQLite has rolled back by itself (disk full, I/O error): there is nothing left to undo.
    }
    waiters?.reject(error);
    this.#options.failed(error);
    return error;
  }

  #check(): void {
    if (this.#checking) return;
    this.#checking = true;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#checking = false;
    if (!this.#open) return;
    if (this.#forced) {
      this.#tryFlush();
      return;
    }
    if (this.#writes !== this.#writesSeen || this.#options.busy()) {
      this.#writesSeen = this.#writes;
      this.#quietTurns = 0;
      this.#check();
    } else if (++this.#quietTurns < QUIET_TURNS) {
      this.#check();
    } else if (this.#minPassed) {
      this.#tryFlush();
    }
    // Before the shortest time between two commits has passed, its timer looks again.
  };

  #tryFlush(): void {
    if (!this.#open) return;
    try {
      this.flush();
    } catch {
      // `failed` has told everyone: the waiters, the tasks and the log's health.
    }
  }
}
