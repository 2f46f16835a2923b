/**
 * The worker's half of the bridge: answers calls and forwards what groups and subscriptions are
 * given. Only what is committed goes over, because what the other thread does with it cannot be
 * undone.
 */
import type { MessagePort } from 'node:worker_threads';
import { CarillonError } from '../../core/error.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type {
  CommitUnit,
  EncodedBatch,
  Group,
  GroupSpec,
  LogBatch,
  Producer,
  TopicSpec,
  UnitPort,
} from '../../core/log.ts';
import type { RegistryPort } from '../../schemas/registry.ts';
import {
  type Role,
  received,
  receiveError,
  type Standing,
  sendError,
  type ToMain,
  type ToWorker,
  tight,
  transferOf,
  Window,
} from './bridge-messages.ts';
import { asBuffer } from './database.ts';
import type { EmbeddedLog } from './log.ts';
import { ServedTask } from './served-task.ts';

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
  const server = new BridgeServer(port, log, services);
  port.on('message', (message: ToWorker) => server.receive(message));
  port.on('close', () => server.close());
}

/** A `read` or a `follow`. */
interface ServedRead {
  taken(batches: number, bytes: number): void;
  stop(): void;
}

export class BridgeServer {
  readonly #port: MessagePort;
  readonly #log: EmbeddedLog;
  readonly #services: ReadonlyMap<string, object>;
  readonly #groups = new Map<number, Group>();
  readonly #members = new Map<number, UnitPort>();
  readonly #tasks = new Map<number, ServedTask>();
  readonly #reads = new Map<number, ServedRead>();
  #producer: Promise<Producer> | undefined;
  #lastId = 0;

  constructor(port: MessagePort, log: EmbeddedLog, { registry, inbox }: BridgedServices) {
    this.#port = port;
    this.#log = log;
    this.#services = new Map<string, object>([
      ['log', this.#logService()],
      ...(registry === undefined ? [] : [['registry', registry] as const]),
      ...(inbox === undefined ? [] : [['inbox', this.#inboxService(inbox)] as const]),
    ]);
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'call': {
        const { id } = message;
        const answer = (value: unknown, error?: unknown) => {
          const sent = error === undefined ? undefined : sendError(error);
          this.post({ kind: 'answer', id, value, error: sent });
        };
        this.#call(message).then(answer, (error) => answer(undefined, error));
        return;
      }
      case 'taken': {
        const { flow, topic, batches, bytes } = message;
        this.#tasks.get(flow)?.taken(topic, batches, bytes);
        this.#reads.get(flow)?.taken(batches, bytes);
        return;
      }
      case 'closed':
        this.#tasks.get(message.flow)?.closed(message.error && receiveError(message.error));
        this.#forget(message.flow);
        return;
      case 'fail':
        this.#tasks.get(message.flow)?.port.fail(receiveError(message.error));
        return;
      case 'stop':
        this.#reads.get(message.flow)?.stop();
    }
  }

  post(message: ToMain): void {
    this.#port.postMessage(message);
  }

  postBatch(flow: number, role: Role, batch: LogBatch, store = ''): void {
    const sent = tight(batch);
    const message: ToMain = { kind: 'batch', flow, role, store, batch: sent };
    this.#port.postMessage(message, transferOf([sent]));
  }

  /** The other thread is gone: its groups are left, and nothing waits for its answers. */
  close(): void {
    for (const read of this.#reads.values()) read.stop();
    for (const task of this.#tasks.values()) task.closed(undefined);
    for (const group of this.#groups.values()) group.close().catch(() => {});
  }

  async #call({ service, method, args }: ToWorker & { kind: 'call' }): Promise<unknown> {
    const served = this.#services.get(service) as
      | Record<string, ((...args: readonly unknown[]) => unknown) | undefined>
      | undefined;
    if (served?.[method] === undefined)
      throw new Error(`The worker serves no ${service}.${method}.`);
    return served[method](...args);
  }

  #logService() {
    const log = this.#log;
    return {
      applyTopics: (specs: readonly TopicSpec[]) => log.applyTopics(specs),
      partitionsOf: (topic: string) => log.partitionsOf(topic),
      probe: () => log.probe(),
      send: async (batches: readonly EncodedBatch[]) => {
        this.#producer ??= log.producer();
        return (await this.#producer).send(batches.map(received));
      },
      openGroup: (number: number, spec: GroupSpec) => this.#openGroup(number, spec),
      closeGroup: async (number: number) => {
        const group = this.#groups.get(number);
        this.#groups.delete(number);
        await group?.close();
      },
      standing: async (number: number): Promise<Standing> => {
        const group = this.#groups.get(number);
        return { lags: (await group?.lag()) ?? [], missed: group?.missed() ?? [] };
      },
      commit: async (member: number, { parts }: CommitUnit) => {
        const unit = this.#members.get(member);
        if (unit === undefined) throw new CarillonError('CAR607', 'The member is closed.');
        await unit.commit({
          parts: parts.map((part) => ({ ...part, batches: part.batches.map(received) })),
        });
        await log.committed();
      },
      follow: (flow: number, topic: string) => this.#follow(flow, topic),
      read: (flow: number, topic: string, from: 'start' | 'end' | number, follow: boolean) => {
        const abort = new AbortController();
        const batches = log.readBatches(topic, { from, follow, signal: abort.signal });
        void this.#pump(flow, batches, abort);
      },
    };
  }

  /** What is written is committed before it is answered. */
  #inboxService(inbox: InboxStore) {
    return {
      acknowledge: (device: string, epoch: number, cursor: string) =>
        inbox.acknowledge(device, epoch, cursor),
      write: async (rows: readonly InboxRow[]) => {
        const outcomes = await inbox.write(
          rows.map(({ notification, expiresAt }) => ({
            expiresAt,
            notification: { ...notification, payload: asBuffer(notification.payload) },
          })),
        );
        await this.#log.committed();
        return outcomes;
      },
    };
  }

  async #openGroup(number: number, spec: GroupSpec): Promise<void> {
    const numbers = new Map<UnitPort, number>();
    // Not transactional as the embedded log has it: only committed records are given.
    const group = await this.#log.openGroup(
      { ...spec, transactional: false },
      {
        open: (port) => {
          const member = numbers.get(port.unit) ?? ++this.#lastId;
          numbers.set(port.unit, member);
          this.#members.set(member, port.unit);
          const flow = ++this.#lastId;
          const task = new ServedTask(flow, port, spec, this);
          this.#tasks.set(flow, task);
          this.post({ kind: 'open', group: number, member, flow, partition: port.partition });
          return task;
        },
      },
    );
    this.#groups.set(number, group);
  }

  #forget(flow: number): void {
    const task = this.#tasks.get(flow);
    if (!this.#tasks.delete(flow)) return;
    const { unit } = task!.port;
    for (const other of this.#tasks.values()) if (other.port.unit === unit) return;
    for (const [member, port] of this.#members) if (port === unit) this.#members.delete(member);
  }

  async #follow(flow: number, topic: string): Promise<void> {
    const give = (batch: LogBatch) => this.postBatch(flow, 'table', batch);
    const follower = await this.#log.followBatches(topic, give);
    const stop = () => {
      this.#reads.delete(flow);
      void follower.close();
    };
    this.#reads.set(flow, { stop, taken() {} });
  }

  async #pump(
    flow: number,
    batches: AsyncIterable<LogBatch>,
    abort: AbortController,
  ): Promise<void> {
    const window = new Window();
    let wake = () => {};
    this.#reads.set(flow, {
      taken(count, bytes) {
        window.taken(count, bytes);
        wake();
      },
      stop() {
        abort.abort();
        wake();
      },
    });
    let error: unknown;
    try {
      for await (const batch of batches) {
        window.sent(batch.bytes.length);
        this.postBatch(flow, 'input', batch);
        while (window.isFull && !abort.signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } catch (thrown) {
      error = thrown;
    }
    this.#reads.delete(flow);
    const sent = error === undefined ? undefined : sendError(error);
    this.post({ kind: 'end', flow, error: sent });
  }
}
