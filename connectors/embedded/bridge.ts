/**
 * The log of an embedded deployment as seen from the gateway's thread: the engine and the log run
 * in a worker, and everything goes over a port (see bridge-messages.ts).
 */
import type { MessagePort } from 'node:worker_threads';
import { CarillonError } from '../../core/error.ts';
import type { InboxStore } from '../../core/inbox.ts';
import type {
  Group,
  GroupHost,
  GroupSpec,
  Log,
  Producer,
  ReadOptions,
  TopicSpec,
} from '../../core/log.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Record } from '../../core/record.ts';
import type { RegisteredSchema, RegistryPort } from '../../schemas/registry.ts';
import {
  type Call,
  receiveChunk,
  receiveError,
  sendBatches,
  sendError,
  type ToMain,
  type ToWorker,
  tight,
} from './bridge-messages.ts';
import { BridgedTask } from './bridged-task.ts';
import { openInboxReader } from './inbox.ts';
import { type Chunk, chunkRecords } from './partition.ts';

export { type BridgedServices, serveLog } from './bridge-server.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface BridgedGroup {
  readonly host: GroupHost;
  readonly tasks: Map<number, BridgedTask>;
}

interface Subscriber {
  chunk(chunk: Chunk): void;
  end(error: Error | undefined): void;
}

/**
 * Talks to `serveLog` at the other end of the port. Calls reject with CAR610 when the worker ends.
 */
export class BridgedLog implements Log {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  readonly #groups = new Map<number, BridgedGroup>();
  readonly #tasks = new Map<number, BridgedTask>();
  readonly #subscribers = new Map<number, Subscriber>();
  #lastId = 0;
  #gone: Error | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ToMain) => this.#receive(message));
    port.on('close', () => this.#lose());
  }

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.call({ method: 'applyTopics', specs });
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return (await this.call({ method: 'partitionsOf', topic })) as number | undefined;
  }

  async probe(): Promise<void> {
    await this.call({ method: 'probe' });
  }

  async producer(): Promise<Producer> {
    let open = true;
    const sends = new Set<Promise<unknown>>();
    return {
      send: async (batches) => {
        if (!open) throw new CarillonError('CAR607', 'The producer is closed.');
        const sent = sendBatches(batches);
        const answer = this.call({ method: 'send', batches: sent.batches }, sent.transfer);
        sends.add(answer);
        try {
          return (await answer) as readonly number[];
        } finally {
          sends.delete(answer);
        }
      },
      async close() {
        open = false;
        await Promise.allSettled(sends);
      },
    };
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    const number = ++this.#lastId;
    const tasks = new Map<number, BridgedTask>();
    this.#groups.set(number, { host, tasks });
    try {
      await this.call({ method: 'openGroup', group: number, spec });
    } catch (error) {
      this.#groups.delete(number);
      throw error;
    }
    return {
      get tasks() {
        return [...tasks.values()].map((task) => task.partition);
      },
      close: async () => {
        await this.call({ method: 'closeGroup', group: number });
        this.#groups.delete(number);
      },
      lag: async () => {
        const lag = await this.call({ method: 'lag', group: number });
        return lag as Awaited<ReturnType<Group['lag']>>;
      },
    };
  }

  async *read(topic: string, options: ReadOptions): AsyncGenerator<readonly Record[]> {
    const { from, follow, signal } = options;
    const chunks: Chunk[] = [];
    let ended = false;
    let failure: Error | undefined;
    let wake: (() => void) | undefined;
    const number = this.#subscribe({
      chunk(chunk) {
        chunks.push(chunk);
        wake?.();
      },
      end(error) {
        ended = true;
        failure = error;
        wake?.();
      },
    });
    const stop = () => this.#post({ kind: 'unsubscribe', subscription: number });
    try {
      if (signal?.aborted === true) return;
      signal?.addEventListener('abort', stop, { once: true });
      await this.call({
        method: 'subscribe',
        subscription: number,
        topic,
        read: { from, follow },
      });
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          yield chunkRecords(chunk);
          this.#post({ kind: 'more', subscription: number });
          continue;
        }
        if (ended) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure;
    } finally {
      signal?.removeEventListener('abort', stop);
      if (!ended) stop();
      this.#subscribers.delete(number);
    }
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    const number = this.#subscribe({
      chunk: (chunk) => onRecords(chunkRecords(chunk)),
      end() {},
    });
    try {
      await this.call({ method: 'subscribe', subscription: number, topic, read: undefined });
    } catch (error) {
      this.#subscribers.delete(number);
      throw error;
    }
    return {
      close: async () => {
        this.#subscribers.delete(number);
        this.#post({ kind: 'unsubscribe', subscription: number });
      },
    };
  }

  /** The worker's registry. */
  registry(): RegistryPort {
    const ask = (name: string, ...args: readonly unknown[]) =>
      this.call({ method: 'service', service: 'registry', name, args });
    return {
      fetch: async (id) => (await ask('fetch', id)) as string | null,
      register: async (subject, schema) => (await ask('register', subject, schema)) as number,
      subjects: async () => (await ask('subjects')) as readonly string[],
      versions: async (subject) => (await ask('versions', subject)) as readonly number[],
      version: async (subject, version) =>
        (await ask('version', subject, version)) as RegisteredSchema | null,
    };
  }

  /** The inbox: read here, on a connection of this thread; written in the worker, durably. */
  inbox(dir: string): InboxStore {
    const reader = openInboxReader(dir);
    const ask = (name: string, ...args: readonly unknown[]) =>
      this.call({ method: 'service', service: 'inbox', name, args });
    return {
      write: async (rows) => {
        const sent = rows.map(({ notification, expiresAt }) => ({
          expiresAt,
          notification: { ...notification, payload: tight(notification.payload) },
        }));
        try {
          return (await ask('write', sent)) as readonly Outcome[];
        } catch (error) {
          const why = error instanceof CarillonError ? error.what : String(error);
          return rows.map(() => ({ kind: 'retry', scope: 'lane', why }) as const);
        }
      },
      read: (deviceId, epoch, marks, limit) => reader.read(deviceId, epoch, marks, limit),
      acknowledged: (deviceId, epoch) => reader.acknowledged(deviceId, epoch),
      acknowledge: async (deviceId, epoch, cursor) => {
        await ask('acknowledge', deviceId, epoch, cursor);
      },
      probe: () => this.probe(),
      close: () => reader.close(),
    };
  }

  /** Closes this end; the worker leaves the groups that were opened over it. The log stays open. */
  async close(): Promise<void> {
    const groups = [...this.#groups.keys()];
    await Promise.allSettled(groups.map((group) => this.call({ method: 'closeGroup', group })));
    this.#lose(new CarillonError('CAR607', 'The bridge to the log is closed.'));
    this.#port.close();
  }

  /** Internal to the bridge. */
  call(call: Call, transfer: ArrayBuffer[] = []): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post({ kind: 'call', id, call }, transfer);
    });
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    if (this.#gone === undefined) this.#port.postMessage(message, transfer);
  }

  #subscribe(subscriber: Subscriber): number {
    const number = ++this.#lastId;
    this.#subscribers.set(number, subscriber);
    return number;
  }

  #receive(message: ToMain): void {
    switch (message.kind) {
      case 'done':
        this.#pending.get(message.id)?.resolve(message.value);
        this.#pending.delete(message.id);
        return;
      case 'failed':
        this.#pending.get(message.id)?.reject(receiveError(message.error));
        this.#pending.delete(message.id);
        return;
      case 'task':
        this.#openTask(message.group, message.task, message.partition);
        return;
      case 'chunk':
        this.#subscribers.get(message.subscription)?.chunk(receiveChunk(message.chunk));
        return;
      case 'end':
        this.#subscribers
          .get(message.subscription)
          ?.end(message.error && receiveError(message.error));
        return;
      default:
        this.#tasks.get(message.task)?.receive(message);
    }
  }

  #openTask(group: number, id: number, partition: number): void {
    const opened = this.#groups.get(group);
    if (opened === undefined) return;
    const task = new BridgedTask(id, partition, {
      call: (call, transfer) => this.call(call, transfer),
      post: (message) => this.#post(message),
      gone: () => {
        this.#tasks.delete(id);
        opened.tasks.delete(id);
      },
    });
    this.#tasks.set(id, task);
    opened.tasks.set(id, task);
    try {
      task.open(opened.host);
    } catch (error) {
      this.#post({ kind: 'fail', task: id, error: sendError(error) });
    }
  }

  #lose(error?: Error): void {
    if (this.#gone !== undefined) return;
    const why = error ?? new CarillonError('CAR610', 'The worker of the log has ended.');
    this.#gone = why;
    for (const pending of this.#pending.values()) pending.reject(why);
    this.#pending.clear();
    for (const task of [...this.#tasks.values()]) {
      task.receive({ kind: 'close', task: task.id, why: 'fenced' });
    }
    for (const subscriber of this.#subscribers.values()) subscriber.end(why);
    this.#subscribers.clear();
  }
}
