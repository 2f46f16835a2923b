/** A task whose host is here and whose log is in the worker. */
import { CarillonError } from '../../core/error.ts';
import type { CommitSet, GroupHost, TaskHost, TaskPort } from '../../core/log.ts';
import {
  type Call,
  receiveChunk,
  sendBatches,
  sendError,
  type ToMain,
  type ToWorker,
  tight,
} from './bridge-messages.ts';
import { asBuffer } from './database.ts';
import { type Chunk, chunkRecords } from './partition.ts';

export interface TaskBridge {
  call(call: Call, transfer: ArrayBuffer[]): Promise<unknown>;
  post(message: ToWorker): void;
  gone(): void;
}

export type TaskMessage = Extract<ToMain, { readonly task: number; readonly kind: string }>;

export class BridgedTask implements TaskPort {
  readonly id: number;
  readonly partition: number;
  readonly #bridge: TaskBridge;
  #host!: TaskHost;
  #metadata: ReadonlyMap<string, string> = new Map();
  readonly #paused = new Set<string>();
  /** Offers that were on their way when their topic was paused; the worker's window bounds them. */
  readonly #waiting = new Map<string, Chunk[]>();
  /** False from `close` on: nothing is offered any more. */
  #offering = true;
  /** False once the task is closed, or lost: nothing is committed any more. */
  #open = true;

  constructor(id: number, partition: number, bridge: TaskBridge) {
    this.id = id;
    this.partition = partition;
    this.#bridge = bridge;
  }

  open(host: GroupHost): void {
    this.#host = host.open(this);
  }

  committedMetadata(topic: string): string {
    return this.#metadata.get(topic) ?? '';
  }

  /** Resolves when it is committed. */
  async commit(set: CommitSet): Promise<void> {
    if (!this.#open) {
      throw new CarillonError('CAR607', `The task of partition ${this.partition} is closed.`);
    }
    const { batches, transfer } = sendBatches(set.batches);
    const rows = set.rows.map(({ store, key, value }) => ({
      store,
      key: tight(key) as Buffer,
      value: value === null ? null : (tight(value) as Buffer),
    }));
    const sent = { batches, rows, offsets: set.offsets };
    await this.#bridge.call({ method: 'commit', task: this.id, set: sent }, transfer);
  }

  pause(topic: string): void {
    this.#paused.add(topic);
  }

  resume(topic: string): void {
    this.#paused.delete(topic);
    // As the log itself does it: in a turn of its own, never within the caller's.
    if (this.#waiting.has(topic)) setImmediate(() => this.#offerWaiting(topic));
  }

  fail(error: Error): void {
    if (!this.#open) return;
    this.#bridge.post({ kind: 'fail', task: this.id, error: sendError(error) });
  }

  receive(message: TaskMessage): void {
    if (!this.#offering) return;
    switch (message.kind) {
      case 'restore':
        for (const { key, value } of message.rows) {
          this.#host.restore(message.store, asBuffer(key), value === null ? null : asBuffer(value));
        }
        return;
      case 'table': {
        const chunk = receiveChunk(message.chunk);
        this.#host.table(chunk.topic, chunkRecords(chunk));
        return;
      }
      case 'ready':
        this.#metadata = message.metadata;
        this.#host.ready();
        return;
      case 'offer':
        this.#offer(receiveChunk(message.chunk));
        return;
      case 'close':
        this.#close(message.why);
    }
  }

  #offer(chunk: Chunk): void {
    const waiting = this.#waiting.get(chunk.topic);
    if (waiting !== undefined) waiting.push(chunk);
    else if (this.#paused.has(chunk.topic)) this.#waiting.set(chunk.topic, [chunk]);
    else this.#give(chunk);
  }

  #offerWaiting(topic: string): void {
    const waiting = this.#waiting.get(topic);
    while (this.#offering && waiting !== undefined && !this.#paused.has(topic)) {
      const chunk = waiting.shift();
      if (chunk === undefined) {
        this.#waiting.delete(topic);
        return;
      }
      this.#give(chunk);
    }
  }

  #give(chunk: Chunk): void {
    const { topic } = chunk;
    this.#host.offer(topic, chunkRecords(chunk), chunk.last + 1);
    const records = chunk.last - chunk.from + 1;
    this.#bridge.post({ kind: 'taken', task: this.id, topic, records });
  }

  #close(why: 'revoked' | 'stopped' | 'fenced'): void {
    this.#offering = false;
    this.#waiting.clear();
    if (why === 'fenced') this.#open = false;
    const closed = (error: Error | undefined) => {
      this.#open = false;
      const sent = error === undefined ? undefined : sendError(error);
      this.#bridge.post({ kind: 'closed', task: this.id, error: sent });
      this.#bridge.gone();
    };
    this.#host.close(why).then(() => closed(undefined), closed);
  }
}
