/**
 * A module that knows tokens (`auth.module`), in a thread of its own, and held to its time: what
 * takes too long is refused, and a thread that answers nothing at all any more is ended, and
 * another one started.
 *
 *   starting ──ready──▶ asked ──it ends, or is silent──▶ gone ──asked, after a pause──▶ starting
 */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { workerUrl } from '../../core/worker-url.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { AuthWorkerStart, FromAuthWorker, ToAuthWorker } from './auth-worker.ts';

export interface AuthModuleLimits {
  /** For the import at the start. */
  readonly importMs: number;
  /** For one answer. */
  readonly answerMs: number;
  /** A thread that does not even say that it lives for so long is ended. */
  readonly silentMs: number;
  /** Between two starts. */
  readonly pauseMs: number;
  /** Questions at one time; what is beyond is refused at once. */
  readonly askedMax: number;
  /** Of the thread's heap. */
  readonly heapMb: number;
}

const LIMITS: AuthModuleLimits = {
  importMs: 10_000,
  answerMs: 3_000,
  silentMs: 1_000,
  pauseMs: 1_000,
  askedMax: 1_000,
  heapMb: 256,
};

interface Thread {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  isReady: boolean;
  readonly asked: Map<number, PromiseWithResolvers<unknown>>;
  silence: NodeJS.Timeout | undefined;
}

export interface AuthModuleParts {
  readonly file: string;
  /** As messages show it. */
  readonly shown: string;
  readonly clock: Clock;
  readonly say: LogLine;
  readonly limits?: Partial<AuthModuleLimits>;
}

export class AuthModule {
  readonly #start: AuthWorkerStart;
  readonly #clock: Clock;
  readonly #say: LogLine;
  readonly #limits: AuthModuleLimits;
  #thread: Thread | undefined;
  #lastId = 0;
  /** Epoch ms. */
  #notBefore = 0;
  #closed = false;

  private constructor({ file, shown, clock, say, limits }: AuthModuleParts) {
    this.#start = { file, shown };
    this.#clock = clock;
    this.#say = say;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Throws CAR902 when there is no such file, CAR945 when it does not load, CAR774. */
  static async open(parts: AuthModuleParts): Promise<AuthModule> {
    if (!existsSync(parts.file)) {
      const where = { file: parts.shown };
      throw new CarillonError('CAR902', 'there is no such file.', { where });
    }
    const module = new AuthModule(parts);
    try {
      await module.#open().ready;
    } catch (error) {
      await module.close();
      throw error;
    }
    return module;
  }

  /** What the module gives. Rejects when it fails, is late, or is gone. */
  async ask(token: string): Promise<unknown> {
    const thread = this.#thread ?? this.#again();
    if (thread.asked.size >= this.#limits.askedMax) throw new Error('it is asked too much at once');
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    thread.asked.set(id, answer);
    const timer = setTimeout(() => this.#late(thread, answer), this.#limits.answerMs);
    try {
      // A thread that does not start has failed what it was asked.
      thread.ready.then(
        () => post(thread, { kind: 'ask', id, token }),
        () => undefined,
      );
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      thread.asked.delete(id);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread?.worker.terminate();
  }

  #late(thread: Thread, answer: PromiseWithResolvers<unknown>): void {
    answer.reject(new Error(`it has not answered within ${this.#limits.answerMs} ms`));
    // One slow answer is no fault of the others'; a thread that is stuck would hold them all up.
    // One that is being loaded has its own time for that.
    if (!thread.isReady || thread.silence !== undefined) return;
    thread.silence = setTimeout(() => {
      this.#say('The thread of auth.module is stuck, and is ended.', {}, 'error');
      void thread.worker.terminate();
    }, this.#limits.silentMs);
    post(thread, { kind: 'ping' });
  }

  #again(): Thread {
    const now = this.#clock.now();
    if (this.#closed || now < this.#notBefore) throw new Error('its thread has ended');
    return this.#open();
  }

  #open(): Thread {
    this.#notBefore = this.#clock.now() + this.#limits.pauseMs;
    const worker = new Worker(workerUrl('auth-worker', import.meta.url), {
      workerData: this.#start,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMb },
    });
    const ready = Promise.withResolvers<void>();
    // Who opens it listens; who asks hears of it by the answer.
    ready.promise.catch(() => undefined);
    const thread: Thread = {
      worker,
      ready: ready.promise,
      isReady: false,
      asked: new Map(),
      silence: undefined,
    };
    this.#thread = thread;
    const late = setTimeout(() => {
      const seconds = this.#limits.importMs / 1_000;
      ready.reject(this.#unusable(`it is not loaded after ${seconds} s: what does it wait for?`));
      void worker.terminate();
    }, this.#limits.importMs);
    worker.on('message', (message: FromAuthWorker) => {
      if (message.kind === 'unusable') {
        const { code, what, mend, where } = message;
        ready.reject(new CarillonError(code, what, { mend, where }));
        void worker.terminate();
      } else if (message.kind === 'ready') {
        clearTimeout(late);
        thread.isReady = true;
        ready.resolve();
      } else receive(thread, message);
    });
    worker.on('error', (error) => {
      this.#say('The thread of auth.module has failed.', { error }, 'error');
    });
    worker.on('exit', () => {
      clearTimeout(late);
      clearTimeout(thread.silence);
      if (this.#thread === thread) this.#thread = undefined;
      ready.reject(this.#unusable('its thread has ended while it was loaded.'));
      for (const answer of thread.asked.values()) answer.reject(new Error('its thread has ended'));
    });
    return thread;
  }

  #unusable(what: string): CarillonError {
    return new CarillonError('CAR774', what, { where: { file: this.#start.shown } });
  }
}

function receive(thread: Thread, message: FromAuthWorker): void {
  // Whatever it says, it lives.
  clearTimeout(thread.silence);
  thread.silence = undefined;
  if (message.kind === 'answer') thread.asked.get(message.id)?.resolve(message.answer);
  if (message.kind === 'failed') thread.asked.get(message.id)?.reject(new Error(message.why));
}

function post(thread: Thread, message: ToAuthWorker): void {
  thread.worker.postMessage(message);
}
