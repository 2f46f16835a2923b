/**
 * Moves the work of checkpoints off the engine's thread. SQLite copies the WAL into the file when
 * it has grown to `wal_autocheckpoint` pages, within a COMMIT: half a second for 256 MiB, in which
 * no event moves. So a thread of its own copies ahead, and what is left for that COMMIT is little.
 * The thread is started when there is enough to do for the first time.
 */
import { Worker } from 'node:worker_threads';

/** About as many dirty pages; half of what lets SQLite do it by itself. */
const RECORDS_PER_CHECKPOINT = 32_768;

export class Checkpoints {
  readonly #file: string;
  #worker: Worker | undefined;
  #records = 0;
  #running = false;
  #stopped = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** To be told after each COMMIT how much was in it. */
  committed(records: number): void {
    this.#records += records;
    if (this.#records < RECORDS_PER_CHECKPOINT || this.#running || this.#stopped) return;
    this.#records = 0;
    this.#running = true;
    this.#worker ??= this.#start();
    this.#worker.postMessage('checkpoint');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    // The package is published as JavaScript, where the worker is a .js file as well.
    const name = import.meta.url.endsWith('.ts') ? 'checkpoint-worker.ts' : 'checkpoint-worker.js';
    const workerData = { file: this.#file };
    const worker = new Worker(new URL(name, import.meta.url), { workerData });
    worker.unref();
    worker.on('message', () => {
      this.#running = false;
    });
    // Without it SQLite does it all within COMMIT: slower now and then, and never wrong.
    worker.on('error', () => {
      this.#stopped = true;
    });
    return worker;
  }
}
