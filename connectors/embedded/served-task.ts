/** A task whose host is in the other thread. */
import type { GroupSpec, LogBatch, TaskHost, TaskPort } from '../../core/log.ts';
import { type CloseReason, Window } from './bridge-messages.ts';
import type { BridgeServer } from './bridge-server.ts';

export class ServedTask implements TaskHost {
  readonly port: TaskPort;
  readonly #flow: number;
  readonly #server: BridgeServer;
  readonly #windows: ReadonlyMap<string, Window>;
  readonly #tellsEnds: boolean;
  /** Inputs of which it was told that they are at their ends. */
  readonly #told = new Set<string>();
  readonly #closed = Promise.withResolvers<void>();

  constructor(flow: number, port: TaskPort, spec: GroupSpec, server: BridgeServer) {
    this.#flow = flow;
    this.port = port;
    this.#server = server;
    this.#windows = new Map(spec.inputs.map((topic) => [topic, new Window()]));
    this.#tellsEnds = spec.inOrder === true;
  }

  restore(store: string, batch: LogBatch): void {
    this.#server.postBatch(this.#flow, 'restore', batch, store);
  }

  table(_topic: string, batch: LogBatch): void {
    this.#server.postBatch(this.#flow, 'table', batch);
  }

  ready(): void {
    const inputs = [...this.#windows.keys()];
    const metadata = new Map(inputs.map((topic) => [topic, this.port.committedMetadata(topic)]));
    this.#server.post({ kind: 'ready', flow: this.#flow, metadata });
  }

  wake(): void {
    for (const [topic, window] of this.#windows) this.#sendAhead(topic, window);
  }

  taken(topic: string, batches: number, bytes: number): void {
    const window = this.#windows.get(topic);
    if (window === undefined) return;
    window.taken(batches, bytes);
    this.#sendAhead(topic, window);
  }

  /** Resolves when the other thread has closed its half. */
  close(why: CloseReason): Promise<void> {
    this.#server.post({ kind: 'close', flow: this.#flow, why });
    return this.#closed.promise;
  }

  closed(error: Error | undefined): void {
    if (error === undefined) this.#closed.resolve();
    else this.#closed.reject(error);
  }

  /** Once for each time that it comes to its end. */
  #tellEnd(topic: string): void {
    if (!this.#tellsEnds || this.#told.has(topic)) return;
    this.#told.add(topic);
    this.#server.post({ kind: 'at-end', flow: this.#flow, topic });
  }

  #sendAhead(topic: string, window: Window): void {
    while (!window.isFull) {
      const batch = this.port.take(topic);
      if (batch === undefined) {
        this.#tellEnd(topic);
        return;
      }
      this.#told.delete(topic);
      window.sent(batch.bytes.length);
      this.#server.postBatch(this.#flow, 'input', batch);
    }
  }
}
