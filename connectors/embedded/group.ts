/**
 * A group inside the embedded log. There is one process, so its one member holds all tasks.
 *
 *   opening ──stores, tables──▶ running ──close──▶ stopped
 *      ▲                           │
 *      └──── backoff ◀── fenced ◀──┘ a COMMIT failed: memory is ahead of the file
 */
import type { Group, GroupHost, GroupSpec } from '../../core/log.ts';
import { fenceTasks, Member, type MemberLog } from './member.ts';

/**
 * How long a group waits before it opens its tasks again after a failed COMMIT; doubles up to the
 * second.
 */
const REOPEN_FIRST_MS = 100;
const REOPEN_MAX_MS = 30_000;

export class EmbeddedGroup implements Group {
  readonly spec: GroupSpec;
  readonly #log: MemberLog;
  readonly #host: GroupHost;
  readonly #onClosed: () => void;
  #member: Member | undefined;
  #reopenMs = REOPEN_FIRST_MS;
  #reopenTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  /** Why the member left the group by itself. */
  failure: Error | undefined;

  constructor(spec: GroupSpec, host: GroupHost, log: MemberLog, onClosed: () => void) {
    this.spec = spec;
    this.#host = host;
    this.#log = log;
    this.#onClosed = onClosed;
  }

  get tasks(): readonly number[] {
    return this.#member?.tasks ?? [];
  }

  /** Opens all tasks; resolves when they are ready. */
  async open(): Promise<void> {
    this.#member = new Member(this.spec, this.#log, (error) => {
      this.failure = error;
      this.close().catch(() => {});
    });
    await this.#member.open(this.#host);
  }

  /** A COMMIT succeeded: the trouble, if there was any, is over. */
  settled(): void {
    this.#reopenMs = REOPEN_FIRST_MS;
  }

  /** Every task drops what it has, and is opened again from what is committed, a little later. */
  fence(): void {
    const member = this.#member;
    const tasks = member?.drop() ?? [];
    if (this.#closing !== undefined) return;
    const delay = this.#reopenMs;
    this.#reopenMs = Math.min(REOPEN_MAX_MS, delay * 2);
    clearTimeout(this.#reopenTimer);
    // The failure may have come out of the member's own commit: it is closed in its own turn.
    setImmediate(async () => {
      await fenceTasks(tasks);
      if (this.#member !== member || this.#closing !== undefined) return;
      this.#reopenTimer = setTimeout(() => {
        this.open().catch(() => this.fence());
      }, delay);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#reopenTimer);
    try {
      await this.#member?.close();
    } finally {
      this.#member = undefined;
      this.#onClosed();
    }
    await this.#log.committed();
  }

  /** For a log that is abandoned: as if the process had died. */
  abandon(): void {
    clearTimeout(this.#reopenTimer);
    this.#closing ??= Promise.resolve();
    this.#member?.drop();
  }

  missed(): readonly { topic: string; partition: number; offsets: number }[] {
    return this.tasks.flatMap((task) =>
      this.spec.inputs.flatMap((topic) => {
        const offsets = this.#log.missed(topic, task);
        return offsets === 0 ? [] : [{ topic, partition: task, offsets }];
      }),
    );
  }

  async lag(): Promise<readonly { topic: string; partition: number; lag: number }[]> {
    const { spec } = this;
    return this.tasks.flatMap((task) =>
      spec.inputs.map((topic) => {
        const partition = this.#log.partition(topic, task);
        const committed = this.#log.offsets.get(spec.group, partition.slot)?.offset;
        const from = Math.max(committed ?? 0, partition.startOffset);
        return { topic, partition: task, lag: partition.nextOffset - from };
      }),
    );
  }
}
