/**
 * The log of an embedded deployment as seen from the gateway's thread: the engine and the log run
 * in a worker, and everything goes over a port (see bridge-messages.ts).
 */
import type { MessagePort } from 'node:worker_threads';
import { CarillonError } from '../../core/error.ts';
import type { InboxStore } from '../../core/inbox.ts';
import type {
  CommitUnit,
  Group,
  GroupHost,
  GroupSpec,
  Log,
  LogBatch,
  Producer,
  ReadOptions,
  TopicSpec,
  UnitPort,
} from '../../core/log.ts';
import type { Outcome } from '../../core/outcome.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import type { RegistryPort } from '../../schemas/registry.ts';
import {
  type FlowMessage,
  received,
  receiveError,
  type Standing,
  sendError,
  TakenCount,
  type ToMain,
  type ToWorker,
  tight,
  transferOf,
} from './bridge-messages.ts';
import { BridgedTask } from './bridged-task.ts';
import { openInboxReader } from './inbox.ts';

export { type BridgedServices, serveLog } from './bridge-server.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface OpenedGroup {
  readonly host: GroupHost;
  readonly tasks: Set<BridgedTask>;
  /** By the worker's number: the tasks of one member commit together. */
  readonly members: Map<number, UnitPort>;
}

/**
 * Talks to `serveLog` at the other end of the port. Calls reject with CAR610 when the worker ends.
 */
export class BridgedLog implements Log {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  readonly #groups = new Map<number, OpenedGroup>();
  readonly #flows = new Map<number, { receive(message: FlowMessage): void }>();
  /** Counted down for flows of this end, so that they never meet the worker's. */
  #lastFlow = 0;
  #lastId = 0;
  #gone: Error | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ToMain) => this.#receive(message));
    port.on('close', () => this.#lose());
  }

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#call('log', 'applyTopics', [specs]);
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return (await this.#call('log', 'partitionsOf', [topic])) as number | undefined;
  }

  /** None: the health of this process asks the log's own thread too, which tells them. */
  troubles(): [] {
    return [];
  }

  async probe(): Promise<void> {
    await this.#call('log', 'probe', []);
  }

  async producer(): Promise<Producer> {
    let isOpen = true;
    const sends = new Set<Promise<unknown>>();
    return {
      send: async (batches) => {
        if (!isOpen) throw new CarillonError('CAR607', 'The producer is closed.');
        const sent = batches.map(tight);
        const answer = this.#call('log', 'send', [sent], transferOf(sent));
        sends.add(answer);
        try {
          return (await answer) as readonly number[];
        } finally {
          sends.delete(answer);
        }
      },
      async close() {
        isOpen = false;
        await Promise.allSettled(sends);
      },
    };
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    const number = ++this.#lastId;
    const tasks = new Set<BridgedTask>();
    let missed: ReturnType<Group['missed']> = [];
    const ask = async () => {
      const standing = (await this.#call('log', 'standing', [number])) as Standing;
      missed = standing.missed;
      return standing.lags;
    };
    this.#groups.set(number, { host, tasks, members: new Map() });
    try {
      await this.#call('log', 'openGroup', [number, spec]);
      await ask();
    } catch (error) {
      this.#groups.delete(number);
      throw error;
    }
    return {
      get tasks() {
        return [...tasks].map((task) => task.partition);
      },
      // As of the last time that it was asked how far behind it is.
      missed: () => missed,
      close: async () => {
        await this.#call('log', 'closeGroup', [number]);
        this.#groups.delete(number);
      },
      lag: ask,
    };
  }

  async *read(topic: string, options: ReadOptions): AsyncGenerator<readonly Record[]> {
    const { from, follow, signal } = options;
    const ahead: LogBatch[] = [];
    const count = new TakenCount();
    let end: { readonly error: Error | undefined } | undefined;
    let wake = () => {};
    const flow = this.#openFlow((message) => {
      if (message.kind === 'batch') ahead.push(received(message.batch));
      else if (message.kind === 'end') {
        end = { error: message.error && receiveError(message.error) };
      }
      wake();
    });
    const stop = () => this.#post({ kind: 'stop', flow });
    try {
      if (signal?.aborted === true) return;
      signal?.addEventListener('abort', stop, { once: true });
      await this.#call('log', 'read', [flow, topic, from, follow]);
      for (;;) {
        const batch = ahead.shift();
        if (batch !== undefined) {
          const told = count.add(batch.bytes.length, ahead.length === 0);
          yield readBatch(batch);
          if (told !== undefined) this.#post({ kind: 'taken', flow, topic, ...told });
          continue;
        }
        if (end !== undefined) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (end.error !== undefined) throw end.error;
    } finally {
      signal?.removeEventListener('abort', stop);
      if (end === undefined) stop();
      this.#flows.delete(flow);
    }
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    const flow = this.#openFlow((message) => {
      if (message.kind === 'batch') onRecords(readBatch(received(message.batch)));
    });
    try {
      await this.#call('log', 'follow', [flow, topic]);
    } catch (error) {
      this.#flows.delete(flow);
      throw error;
    }
    return {
      close: async () => {
        this.#flows.delete(flow);
        this.#post({ kind: 'stop', flow });
      },
    };
  }

  /** The worker's registry. */
  registry(): RegistryPort {
    const ask = <T>(method: string, ...args: readonly unknown[]) =>
      this.#call('registry', method, args) as Promise<T>;
    return {
      fetch: (id) => ask('fetch', id),
      register: (subject, schema) => ask('register', subject, schema),
      subjects: () => ask('subjects'),
      versions: (subject) => ask('versions', subject),
      version: (subject, version) => ask('version', subject, version),
    };
  }

  /** The inbox: read here, on a connection of this thread; written in the worker, durably. */
  inbox(dir: string, priorities: Priorities = RENO_PRIORITIES): InboxStore {
    const reader = openInboxReader(dir, priorities);
    return {
      priorities,
      write: async (rows) => {
        const sent = rows.map(({ notification, expiresAt }) => ({
          expiresAt,
          notification: { ...notification, payload: new Uint8Array(notification.payload) },
        }));
        try {
          return (await this.#call('inbox', 'write', [sent])) as readonly Outcome[];
        } catch (error) {
          const why = error instanceof CarillonError ? error.what : String(error);
          return rows.map(() => ({ kind: 'retry', scope: 'lane', why }) as const);
        }
      },
      read: (deviceId, epoch, marks, limit) => reader.read(deviceId, epoch, marks, limit),
      acknowledged: (deviceId, epoch) => reader.acknowledged(deviceId, epoch),
      acknowledge: async (deviceId, epoch, cursor) => {
        await this.#call('inbox', 'acknowledge', [deviceId, epoch, cursor]);
      },
      probe: () => this.probe(),
      close: () => reader.close(),
    };
  }

  /** Closes this end; the worker leaves the groups that were opened over it. The log stays open. */
  async close(): Promise<void> {
    const groups = [...this.#groups.keys()];
    await Promise.allSettled(groups.map((group) => this.#call('log', 'closeGroup', [group])));
    this.#lose(new CarillonError('CAR607', 'The bridge to the log is closed.'));
    this.#port.close();
  }

  #call(
    service: string,
    method: string,
    args: readonly unknown[],
    transfer: ArrayBuffer[] = [],
  ): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post({ kind: 'call', id, service, method, args }, transfer);
    });
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    if (this.#gone === undefined) this.#port.postMessage(message, transfer);
  }

  #openFlow(receive: (message: FlowMessage) => void): number {
    const flow = --this.#lastFlow;
    this.#flows.set(flow, { receive });
    return flow;
  }

  #receive(message: ToMain): void {
    if (message.kind === 'answer') {
      const { id, value, error } = message;
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(value);
      else pending?.reject(receiveError(error));
    } else if (message.kind === 'open') this.#openTask(message);
    else this.#flows.get(message.flow)?.receive(message);
  }

  #openTask({ group, member, flow, partition }: ToMain & { kind: 'open' }): void {
    const opened = this.#groups.get(group);
    if (opened === undefined) return;
    const unit = opened.members.get(member) ?? this.#unit(member);
    opened.members.set(member, unit);
    const task = new BridgedTask({
      flow,
      partition,
      unit,
      post: (posted) => this.#post(posted),
      gone: () => {
        this.#flows.delete(flow);
        opened.tasks.delete(task);
        if (![...opened.tasks].some((other) => other.unit === unit)) opened.members.delete(member);
      },
    });
    this.#flows.set(flow, task);
    opened.tasks.add(task);
    try {
      task.open(opened.host);
    } catch (error) {
      this.#post({ kind: 'fail', flow, error: sendError(error) });
    }
  }

  /** What commits for a member; each commit resolves when it is durable. */
  #unit(member: number): UnitPort {
    return {
      commit: async ({ parts }: CommitUnit) => {
        const sent = parts.map((part) => ({ ...part, batches: part.batches.map(tight) }));
        const batches = sent.flatMap((part) => part.batches);
        await this.#call('log', 'commit', [member, { parts: sent }], transferOf(batches));
      },
    };
  }

  #lose(error?: Error): void {
    if (this.#gone !== undefined) return;
    const why = error ?? new CarillonError('CAR610', 'The worker of the log has ended.');
    this.#gone = why;
    for (const pending of this.#pending.values()) pending.reject(why);
    this.#pending.clear();
    for (const [flow, opened] of [...this.#flows]) {
      // A task hears of the one, a read of the other.
      opened.receive({ kind: 'close', flow, why: 'fenced' });
      opened.receive({ kind: 'end', flow, error: sendError(why) });
    }
    this.#flows.clear();
  }
}
