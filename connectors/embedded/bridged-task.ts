/** A task whose host is here and whose log is in the worker. */
import type { GroupHost, LogBatch, TaskHost, TaskPort, UnitPort } from '../../core/log.ts';
import {
  type CloseReason,
  type FlowMessage,
  received,
  sendError,
  TakenCount,
  type ToWorker,
} from './bridge-messages.ts';

export interface BridgedTaskOptions {
  readonly flow: number;
  readonly partition: number;
  readonly unit: UnitPort;
  post(message: ToWorker): void;
  /** It is closed. */
  gone(): void;
}

/** Batches of one topic that were sent ahead; the worker's window bounds them. */
interface Ahead {
  readonly batches: LogBatch[];
  readonly count: TakenCount;
}

export class BridgedTask implements TaskPort {
  readonly partition: number;
  readonly unit: UnitPort;
  readonly #options: BridgedTaskOptions;
  readonly #ahead = new Map<string, Ahead>();
  /** Stands in until the host is there, and when it cannot be opened. */
  #host: TaskHost = { restore() {}, table() {}, ready() {}, wake() {}, async close() {} };
  /** Inputs of which all has been sent. */
  readonly #atEnd = new Set<string>();
  #metadata: ReadonlyMap<string, string> = new Map();
  /** False from `close` on: nothing is given any more. */
  #isOpen = true;

  constructor(options: BridgedTaskOptions) {
    this.partition = options.partition;
    this.unit = options.unit;
    this.#options = options;
  }

  open(host: GroupHost): void {
    this.#host = host.open(this);
  }

  committedMetadata(topic: string): string {
    return this.#metadata.get(topic) ?? '';
  }

  take(topic: string): LogBatch | undefined {
    const ahead = this.#ahead.get(topic);
    const batch = this.#isOpen ? ahead?.batches.shift() : undefined;
    if (ahead === undefined || batch === undefined) return undefined;
    const told = ahead.count.add(batch.bytes.length, ahead.batches.length === 0);
    const { flow } = this.#options;
    if (told !== undefined) this.#options.post({ kind: 'taken', flow, topic, ...told });
    return batch;
  }

  isAtEnd(topic: string): boolean {
    return this.#atEnd.has(topic) && (this.#ahead.get(topic)?.batches.length ?? 0) === 0;
  }

  fail(error: Error): void {
    const { flow } = this.#options;
    if (this.#isOpen) this.#options.post({ kind: 'fail', flow, error: sendError(error) });
  }

  receive(message: FlowMessage): void {
    if (!this.#isOpen) return;
    if (message.kind === 'ready') {
      this.#metadata = message.metadata;
      this.#host.ready();
    } else if (message.kind === 'at-end') {
      this.#atEnd.add(message.topic);
      this.#host.wake();
    } else if (message.kind === 'close') this.#close(message.why);
    else if (message.kind === 'batch') {
      const batch = received(message.batch);
      if (message.role === 'restore') this.#host.restore(message.store, batch);
      else if (message.role === 'table') this.#host.table(batch.topic, batch);
      else this.#keep(batch);
    }
  }

  #keep(batch: LogBatch): void {
    let ahead = this.#ahead.get(batch.topic);
    if (ahead === undefined) {
      ahead = { batches: [], count: new TakenCount() };
      this.#ahead.set(batch.topic, ahead);
    }
    ahead.batches.push(batch);
    this.#atEnd.delete(batch.topic);
    this.#host.wake();
  }

  #close(why: CloseReason): void {
    this.#isOpen = false;
    this.#ahead.clear();
    const closed = (error?: unknown) => {
      const sent = error === undefined ? undefined : sendError(error);
      this.#options.post({ kind: 'closed', flow: this.#options.flow, error: sent });
      this.#options.gone();
    };
    this.#host.close(why).then(() => closed(), closed);
  }
}
