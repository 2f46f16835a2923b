import { MessageChannel, Worker } from 'node:worker_threads';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import type { ErrorCode } from '../../core/error-table.ts';
import { workerUrl } from '../../core/worker-url.ts';
import type { FlowSnapshot } from '../../runtime/flow.ts';
import type { Deployment } from '../deployment.ts';
import type { FromEngine, ToEngine, WorkerStart } from './engine-worker.ts';
import type { RunOptions } from './running.ts';

/** The engine's worker, and what is asked of it beside the log. */
export class EngineThread {
  readonly port: MessageChannel['port1'];
  /** Rejects when the worker ends by itself. */
  readonly ended: Promise<never>;
  readonly #worker: Worker;
  readonly #snapshots = new Map<number, (flow: FlowSnapshot) => void>();
  #lastId = 0;
  #stopping = false;
  #stopped: () => void = () => {};

  private constructor(worker: Worker, port: MessageChannel['port1'], ended: Promise<never>) {
    this.#worker = worker;
    this.port = port;
    this.ended = ended;
  }

  /** Resolves when the streams run. Rejects with the worker's own error: the folder, the lock, … */
  static start(
    deployment: Deployment,
    { folder, say, losing = 'refuse', connectors = {} }: RunOptions,
  ): Promise<EngineThread> {
    const { port1, port2 } = new MessageChannel();
    const start: WorkerStart = { deployment, folder, losing, connectors, log: port2 };
    const worker = new Worker(workerUrl('engine-worker', import.meta.url), {
      workerData: start,
      transferList: [port2],
    });
    let endWith: (error: Error) => void = () => {};
    const ended = new Promise<never>((_, reject) => {
      endWith = reject;
    });
    // Whoever runs it listens; a failure before that is told by `start`.
    ended.catch(() => {});
    const thread = new EngineThread(worker, port1, ended);
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        reject(error);
        if (!thread.#stopping) endWith(error);
      };
      worker.on('error', fail);
      worker.on('exit', () => {
        thread.#stopped();
        fail(new CarillonError('CAR943', 'the engine’s worker has ended.'));
      });
      worker.on('message', (message: FromEngine) => {
        if (message.kind === 'ready') resolve(thread);
        else if (message.kind === 'failed') fail(failureOf(message));
        else if (message.kind === 'told') say(message.sentence, message.facts, message.level);
        else if (message.kind === 'said') say(message.sentence, { error: message.error });
        else thread.#receive(message);
      });
    });
  }

  snapshot(): Promise<FlowSnapshot> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#snapshots.set(id, resolve);
      this.#post({ kind: 'snapshot', id });
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      this.#post({ kind: 'stop' });
    });
    await this.#worker.terminate();
  }

  /** Ends the worker at once, as a crash of it would; for tests. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: FromEngine): void {
    if (message.kind === 'stopped') this.#stopped();
    if (message.kind !== 'snapshot') return;
    this.#snapshots.get(message.id)?.(message.flow as FlowSnapshot);
    this.#snapshots.delete(message.id);
  }

  #post(message: ToEngine): void {
    this.#worker.postMessage(message);
  }
}

function failureOf({ errors }: Extract<FromEngine, { kind: 'failed' }>): Error {
  const told = errors.map(
    ({ code, what, mend, at }) =>
      new CarillonError(code as ErrorCode, what, {
        ...(mend === '' ? {} : { mend }),
        ...(at === '' ? {} : { where: { at } }),
      }),
  );
  return told.length === 1 ? told[0]! : new CarillonErrors(told);
}
