/** What runs tests with a fault on: a process, started again whenever it may be spoilt. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

export interface Timed {
  readonly name: string;
  readonly usualMs: number;
}

export type Order =
  | {
      readonly kind: 'load';
      readonly root: string;
      readonly files: readonly string[];
      readonly fault: number | null;
    }
  | {
      readonly kind: 'run';
      readonly tests: readonly Timed[];
      readonly fault: number | null;
      readonly untilFails: boolean;
    };

export type Answer =
  | {
      readonly kind: 'loaded';
      readonly file: string;
      readonly tests: readonly string[];
      readonly error: string | null;
    }
  | {
      readonly kind: 'ran';
      readonly name: string;
      readonly ms: number;
      /** The faults whose places were come by. */
      readonly met: readonly number[];
      readonly error: string | null;
    }
  | { readonly kind: 'done'; readonly met: readonly number[] };

/** Longer without an answer, beyond ten times what a test takes: it turns in a circle. */
const SILENT_MAX_MS = 20_000;
/** The first file brings nearly all of the project with it, on a machine that may be busy. */
const LOAD_SILENT_MAX_MS = 180_000;
const SILENT_TIMES = 10;

export class Witness {
  readonly #root: string;
  readonly #files: readonly string[];
  #process: ChildProcess | null = null;

  constructor(root: string, files: readonly string[]) {
    this.#root = root;
    this.#files = files;
  }

  /** Loads the files, with a fault on from the beginning or none. */
  async load(fault: number | null, see: (answer: Answer) => void): Promise<string | null> {
    this.end();
    this.#process = fork(join(import.meta.dirname, 'witness.ts'), {
      cwd: this.#root,
      stdio: 'ignore',
      execArgv: [],
      // What tests leave behind goes with the copy.
      env: { ...process.env, TMPDIR: this.#root },
    });
    return await this.#order({ kind: 'load', root: this.#root, files: this.#files, fault }, see);
  }

  /** Runs the tests, up to the first that fails where there is a fault. */
  async run(
    tests: readonly Timed[],
    fault: number | null,
    see: (answer: Answer) => void,
  ): Promise<string | null> {
    return await this.#order({ kind: 'run', tests, fault, untilFails: fault !== null }, see);
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  end(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }

  /** Null when all was answered; else what became of the process, which is ended. */
  async #order(order: Order, see: (answer: Answer) => void): Promise<string | null> {
    const child = this.#process!;
    const longestMs =
      order.kind === 'load' ? 0 : Math.max(0, ...order.tests.map(({ usualMs }) => usualMs));
    const silentMaxMs =
      order.kind === 'load' ? LOAD_SILENT_MAX_MS : SILENT_MAX_MS + SILENT_TIMES * longestMs;
    let timer: NodeJS.Timeout | undefined;
    const fate = await new Promise<string | null>((resolve) => {
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve('turns in a circle'), silentMaxMs);
      };
      child.on('message', (answer: Answer) => {
        see(answer);
        wait();
        if (answer.kind === 'done') resolve(null);
      });
      child.on('exit', (code) => resolve(`ended with ${code}`));
      child.send(order);
      wait();
    });
    clearTimeout(timer);
    child.removeAllListeners('message').removeAllListeners('exit');
    if (fate !== null) this.end();
    return fate;
  }
}
