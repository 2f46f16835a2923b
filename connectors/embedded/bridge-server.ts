/**
 * The worker's half of the bridge: answers calls and forwards what groups and subscriptions are
 * given. Only what is committed goes over, because what the other thread does with it cannot be
 * undone.
 */
import type { MessagePort } from 'node:worker_threads';
import { CarillonError } from '../../core/error.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type { CommitSet, Group, GroupSpec, Producer, StateRow, TaskPort } from '../../core/log.ts';
import type { RegistryPort } from '../../schemas/registry.ts';
import {
  type Call,
  receiveBatches,
  receiveError,
  sendChunk,
  sendError,
  type ToMain,
  type ToWorker,
  tight,
} from './bridge-messages.ts';
import { asBuffer } from './database.ts';
import type { ChunkTaskHost } from './group.ts';
import type { EmbeddedLog } from './log.ts';
import type { Chunk } from './partition.ts';

/** What may be on its way to one task, of one topic: enough for one turn of its loop, not more. */
const RECORDS_ON_WAY_MAX = 2_000;
const OFFERS_ON_WAY_MAX = 64;
/** Batches of a `read` on their way. */
const CHUNKS_ON_WAY_MAX = 8;
const RESTORE_ROWS_PER_MESSAGE = 500;

/** What the worker serves beside the log. */
export interface BridgedServices {
  readonly registry?: RegistryPort;
  readonly inbox?: InboxStore;
}

/** Serves the log to the thread at the other end of the port, until the port is closed. */
export function serveLog(
  port: MessagePort,
  log: EmbeddedLog,
  services: BridgedServices = {},
): void {
  const server = new Server(port, log, services);
  port.on('message', (message: ToWorker) => server.receive(message));
  port.on('close', () => server.close());
}

class Server {
  readonly #port: MessagePort;
  readonly #log: EmbeddedLog;
  readonly #services: BridgedServices;
  readonly #groups = new Map<number, Group>();
  readonly #tasks = new Map<number, ServedTask>();
  readonly #subscriptions = new Map<number, { stop(): void; more(): void }>();
  #producer: Promise<Producer> | undefined;
  #lastTask = 0;

  constructor(port: MessagePort, log: EmbeddedLog, services: BridgedServices) {
    this.#port = port;
    this.#log = log;
    this.#services = services;
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'call':
        this.#call(message.call).then(
          (value) => this.post({ kind: 'done', id: message.id, value }),
          (error) => this.post({ kind: 'failed', id: message.id, error: sendError(error) }),
        );
        return;
      case 'taken':
        this.#tasks.get(message.task)?.taken(message.topic, message.records);
        return;
      case 'closed':
        this.#tasks.get(message.task)?.closed(message.error && receiveError(message.error));
        this.#tasks.delete(message.task);
        return;
      case 'fail':
        this.#tasks.get(message.task)?.port.fail(receiveError(message.error));
        return;
      case 'more':
        this.#subscriptions.get(message.subscription)?.more();
        return;
      case 'unsubscribe':
        this.#subscriptions.get(message.subscription)?.stop();
    }
  }

  post(message: ToMain, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  /** The other thread is gone: its groups are left, and nothing waits for its answers. */
  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.stop();
    for (const task of this.#tasks.values()) task.closed(undefined);
    for (const group of this.#groups.values()) group.close().catch(() => {});
  }

  async #call(call: Call): Promise<unknown> {
    const log = this.#log;
    switch (call.method) {
      case 'applyTopics':
        return log.applyTopics(call.specs);
      case 'partitionsOf':
        return log.partitionsOf(call.topic);
      case 'probe':
        return log.probe();
      case 'send': {
        this.#producer ??= log.producer();
        return (await this.#producer).send(receiveBatches(call.batches));
      }
      case 'openGroup':
        return this.#openGroup(call.group, call.spec);
      case 'closeGroup': {
        const group = this.#groups.get(call.group);
        this.#groups.delete(call.group);
        return group?.close();
      }
      case 'lag':
        return this.#groups.get(call.group)?.lag() ?? [];
      case 'commit':
        return this.#commit(call.task, call.set);
      case 'subscribe':
        return this.#subscribe(call);
      case 'service':
        return this.#service(call);
    }
  }

  async #openGroup(number: number, spec: GroupSpec): Promise<void> {
    // Not transactional as the embedded log has it: only committed records are offered.
    const group = await this.#log.openChunkGroup(
      { ...spec, transactional: false },
      {
        open: (port) => {
          const id = ++this.#lastTask;
          const task = new ServedTask(id, port, spec, this);
          this.#tasks.set(id, task);
          this.post({ kind: 'task', group: number, task: id, partition: port.partition });
          return task;
        },
      },
    );
    this.#groups.set(number, group);
  }

  async #commit(id: number, set: CommitSet): Promise<void> {
    const task = this.#tasks.get(id);
    if (task === undefined) throw new CarillonError('CAR607', 'The task is closed.');
    const rows: StateRow[] = set.rows.map(({ store, key, value }) => ({
      store,
      key: asBuffer(key),
      value: value === null ? null : asBuffer(value),
    }));
    await task.port.commit({ batches: receiveBatches(set.batches), rows, offsets: set.offsets });
    await this.#log.committed();
  }

  async #subscribe(call: Call & { method: 'subscribe' }): Promise<void> {
    const { subscription, topic } = call;
    const post = (chunk: Chunk) => {
      const sent = sendChunk(chunk);
      this.post({ kind: 'chunk', subscription, chunk: sent.chunk }, sent.transfer);
    };
    if (call.read === undefined) {
      const follower = await this.#log.followChunks(topic, post);
      const stop = () => {
        this.#subscriptions.delete(subscription);
        void follower.close();
      };
      this.#subscriptions.set(subscription, { stop, more() {} });
      return;
    }
    const abort = new AbortController();
    const chunks = this.#log.readChunks(topic, { ...call.read, signal: abort.signal });
    let onWay = 0;
    let wake: (() => void) | undefined;
    const more = () => {
      onWay--;
      wake?.();
    };
    const stop = () => {
      abort.abort();
      wake?.();
    };
    this.#subscriptions.set(subscription, { stop, more });
    const pump = async () => {
      for await (const chunk of chunks) {
        post(chunk);
        onWay++;
        while (onWay >= CHUNKS_ON_WAY_MAX && !abort.signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    };
    const end = (error: unknown) => {
      this.#subscriptions.delete(subscription);
      const sent = error === undefined ? undefined : sendError(error);
      this.post({ kind: 'end', subscription, error: sent });
    };
    pump().then(() => end(undefined), end);
  }

  async #service({ service, name, args }: Call & { method: 'service' }): Promise<unknown> {
    const { registry, inbox } = this.#services;
    if (service === 'registry' && registry !== undefined) {
      return registryCall(registry, name, args);
    }
    if (service === 'inbox' && inbox !== undefined) {
      const result = await inboxCall(inbox, name, args);
      await this.#log.committed();
      return result;
    }
    throw new Error(`The worker serves no ${service}.`);
  }
}

function registryCall(of: RegistryPort, name: string, args: readonly unknown[]): Promise<unknown> {
  switch (name) {
    case 'fetch':
      return of.fetch(args[0] as number);
    case 'register':
      return of.register(args[0] as string, args[1] as string);
    case 'subjects':
      return of.subjects();
    case 'versions':
      return of.versions(args[0] as string);
    case 'version':
      return of.version(args[0] as string, args[1] as number | 'latest');
    default:
      throw new Error(`The registry has no ${name}.`);
  }
}

function inboxCall(of: InboxStore, name: string, args: readonly unknown[]): Promise<unknown> {
  switch (name) {
    case 'acknowledge':
      return of.acknowledge(args[0] as string, args[1] as number, args[2] as string);
    case 'write':
      return of.write(
        (args[0] as readonly InboxRow[]).map(({ notification, expiresAt }) => ({
          expiresAt,
          notification: { ...notification, payload: asBuffer(notification.payload) },
        })),
      );
    default:
      throw new Error(`The inbox has no ${name}.`);
  }
}

/** A task whose host is in the other thread. */
class ServedTask implements ChunkTaskHost {
  readonly port: TaskPort;
  readonly #id: number;
  readonly #spec: GroupSpec;
  readonly #server: Server;
  readonly #onWay = new Map<string, { records: number; offers: number; paused: boolean }>();
  readonly #closed = Promise.withResolvers<void>();
  #rows: { key: Uint8Array; value: Uint8Array | null }[] = [];
  #rowsOf = '';

  constructor(id: number, port: TaskPort, spec: GroupSpec, server: Server) {
    this.#id = id;
    this.port = port;
    this.#spec = spec;
    this.#server = server;
  }

  restore(store: string, key: Buffer, value: Buffer | null): void {
    if (store !== this.#rowsOf || this.#rows.length >= RESTORE_ROWS_PER_MESSAGE) this.#sendRows();
    this.#rowsOf = store;
    this.#rows.push({ key: tight(key), value: value === null ? null : tight(value) });
  }

  table(chunk: Chunk): void {
    this.#sendRows();
    this.#sendChunk('table', chunk);
  }

  ready(): void {
    this.#sendRows();
    const metadata = new Map(
      this.#spec.inputs.map((topic) => [topic, this.port.committedMetadata(topic)]),
    );
    this.#server.post({ kind: 'ready', task: this.#id, metadata });
  }

  offer(chunk: Chunk): void {
    const onWay = this.#onWay.get(chunk.topic) ?? { records: 0, offers: 0, paused: false };
    this.#onWay.set(chunk.topic, onWay);
    onWay.records += chunk.last - chunk.from + 1;
    onWay.offers++;
    if (onWay.records >= RECORDS_ON_WAY_MAX || onWay.offers >= OFFERS_ON_WAY_MAX) {
      onWay.paused = true;
      this.port.pause(chunk.topic);
    }
    this.#sendChunk('offer', chunk);
  }

  taken(topic: string, records: number): void {
    const onWay = this.#onWay.get(topic);
    if (onWay === undefined) return;
    onWay.records -= records;
    onWay.offers--;
    if (!onWay.paused) return;
    if (onWay.records > RECORDS_ON_WAY_MAX / 2 || onWay.offers > OFFERS_ON_WAY_MAX / 2) return;
    onWay.paused = false;
    this.port.resume(topic);
  }

  close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    this.#server.post({ kind: 'close', task: this.#id, why });
    return this.#closed.promise;
  }

  closed(error: Error | undefined): void {
    if (error === undefined) this.#closed.resolve();
    else this.#closed.reject(error);
  }

  #sendRows(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    this.#server.post({ kind: 'restore', task: this.#id, store: this.#rowsOf, rows });
  }

  #sendChunk(kind: 'table' | 'offer', chunk: Chunk): void {
    const sent = sendChunk(chunk);
    this.#server.post({ kind, task: this.#id, chunk: sent.chunk }, sent.transfer);
  }
}
