/**
 * Moves the work of checkpoints off the engine's thread. SQLite copies the WAL into the file when
 * it has grown to `wal_autocheckpoint` pages, within a COMMIT: half a second for 256 MiB, in which
 * no event moves. So a thread of its own copies ahead, and what is left for that COMMIT is little.
 * The thread is started when there is enough to do for the first time. And it counts what is
 * written.
 */
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../core/worker-url.ts';
import { WalIndex } from './wal-index.ts';

/** Half of what lets SQLite do it by itself. */
const PAGES_PER_CHECKPOINT = 32_768;

export class Checkpoints {
  readonly #file: string;
  readonly #index: WalIndex;
  #worker: Worker | undefined;
  #running = false;
  #stopped = false;
  /** Pages in the WAL when it was copied last. */
  #copiedAt = 0;
  /** Written to the WAL and, by checkpoints, to the file. */
  bytesWritten = 0;

  constructor(file: string) {
    this.#file = file;
    this.#index = new WalIndex(file);
    // What an earlier process has left there is not of this one.
    this.#index.written();
  }

  /** To be told after each COMMIT. */
  committed(): void {
    this.bytesWritten += this.#index.written();
    const { frames } = this.#index;
    if (frames < this.#copiedAt) this.#copiedAt = 0;
    if (frames - this.#copiedAt < PAGES_PER_CHECKPOINT || this.#running || this.#stopped) return;
    this.#copiedAt = frames;
    this.#running = true;
    this.#worker ??= this.#start();
    this.#worker.postMessage('checkpoint');
  }

  /** Resolves when the thread has let go of the file; what is left of the WAL is copied next. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopThread();
    this.bytesWritten += this.#index.written();
    this.bytesWritten += this.#index.pageBytes(this.#index.copied(), this.#index.frames);
    this.#index.close();
  }

  async #stopThread(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
      worker.ref();
      worker.postMessage('stop');
    });
  }

  #start(): Worker {
    const workerData = { file: this.#file };
    const worker = new Worker(workerUrl('checkpoint-worker', import.meta.url), { workerData });
    worker.unref();
    worker.on('message', (bytes: number) => {
      this.bytesWritten += bytes;
      this.#running = false;
    });
    // Without it SQLite does it all within COMMIT: slower now and then, and never wrong.
    worker.on('error', () => {
      this.#stopped = true;
    });
    worker.on('exit', () => {
      this.#worker = undefined;
    });
    return worker;
  }
}
