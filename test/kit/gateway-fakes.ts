/** Stand-ins for tests: a log and an inbox in memory, which can be made slow or absent. */
import { mergedText } from '../../core/cursor.ts';
import type { Diagnostic } from '../../core/error.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type { EncodedBatch, Group, Log, Producer, ReadOptions, TopicSpec } from '../../core/log.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import type { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';

type OnRecords = (records: readonly Record[]) => void;

export class FakeLog implements Log {
  readonly #partitions: number;
  readonly #missing: ReadonlySet<string>;
  readonly #topics = new Map<string, Record[]>();
  readonly #ends = new Map<string, number>();
  readonly #followers = new Map<string, Set<OnRecords>>();
  #held: PromiseWithResolvers<void> | null = null;
  /** Batches that were sent. */
  sends = 0;
  /** The topic of each record, in the order in which they were written. */
  readonly order: string[] = [];
  away = false;

  constructor(options: { partitions?: number; missing?: readonly string[] } = {}) {
    this.#partitions = options.partitions ?? 4;
    this.#missing = new Set(options.missing);
  }

  records(topic: string): readonly Record[] {
    return this.#topics.get(topic) ?? [];
  }

  /** Writes wait until `release`. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  async applyTopics(_specs: readonly TopicSpec[]): Promise<void> {}

  async partitionsOf(topic: string): Promise<number | undefined> {
    return this.#missing.has(topic) ? undefined : this.#partitions;
  }

  async producer(): Promise<Producer> {
    return { send: (batches) => this.#send(batches), close: async () => undefined };
  }

  async openGroup(): Promise<Group> {
    throw new Error('the fake log has no groups');
  }

  async *read(topic: string, _options: ReadOptions): AsyncIterable<readonly Record[]> {
    yield this.records(topic);
  }

  async follow(topic: string, onRecords: OnRecords): Promise<{ close(): Promise<void> }> {
    const followers = this.#followers.get(topic) ?? new Set();
    this.#followers.set(topic, followers.add(onRecords));
    onRecords(this.records(topic));
    return {
      close: async () => {
        followers.delete(onRecords);
      },
    };
  }

  async probe(): Promise<void> {
    if (this.away) throw new Error('the fake log is away');
  }

  troubles(): readonly Diagnostic[] {
    return [];
  }

  async close(): Promise<void> {}

  async #send(batches: readonly EncodedBatch[]): Promise<readonly number[]> {
    this.sends++;
    await this.#held?.promise;
    if (this.away) throw new Error('the fake log is away');
    return batches.map((batch) => {
      const place = `${batch.topic}/${batch.partition}`;
      const base = this.#ends.get(place) ?? 0;
      this.#ends.set(place, base + batch.count);
      for (let i = 0; i < batch.count; i++) this.order.push(batch.topic);
      const records = readBatch(wholeBatch(batch.topic, batch.partition, batch.bytes, base));
      this.#topics.set(batch.topic, [...this.records(batch.topic), ...records]);
      for (const onRecords of this.#followers.get(batch.topic) ?? []) onRecords(records);
      return base;
    });
  }
}

export class FakeInbox implements InboxStore {
  priorities: Priorities = RENO_PRIORITIES;
  readonly #rows = new Map<string, DeviceNotification[]>();
  readonly #acknowledged = new Map<string, string>();
  /** When each row was written to be forgotten, by notification id. */
  readonly expiry = new Map<string, number>();
  away = false;
  /** Reads that are under way, and the most that ever were. */
  reading = 0;
  readingMost = 0;
  reads = 0;
  #held: PromiseWithResolvers<void> | null = null;
  /** Called when a read has seen its rows, so that a test can act between two reads. */
  afterRead: (deviceId: string) => void = () => undefined;

  /** Reads wait until `release`. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  async write(rows: readonly InboxRow[]): Promise<readonly Outcome[]> {
    return rows.map(({ notification, expiresAt }): Outcome => {
      if (this.away) return { kind: 'retry', why: 'the fake inbox is away', scope: 'lane' };
      this.expiry.set(notification.id, expiresAt);
      this.put(notification);
      return delivered();
    });
  }

  put(...notifications: readonly DeviceNotification[]): void {
    for (const row of notifications) {
      const key = `${row.deviceId}/${row.epoch}`;
      const same = (old: DeviceNotification) =>
        old.priority === row.priority && old.sequence === row.sequence;
      const others = (this.#rows.get(key) ?? []).filter((old) => !same(old));
      others.push(row);
      others.sort((a, b) => this.#rank(a) - this.#rank(b) || a.sequence - b.sequence);
      this.#rows.set(key, others);
    }
  }

  async read(
    deviceId: string,
    epoch: number,
    marks: readonly number[],
    limit: number,
  ): Promise<readonly DeviceNotification[]> {
    this.#check();
    this.reading++;
    this.reads++;
    this.readingMost = Math.max(this.readingMost, this.reading);
    await this.#held?.promise;
    this.reading--;
    const all = this.#rows.get(`${deviceId}/${epoch}`) ?? [];
    const rows = all.filter((row) => row.sequence > marks[this.#rank(row)]!).slice(0, limit);
    this.afterRead(deviceId);
    return rows;
  }

  async acknowledged(deviceId: string, epoch: number): Promise<string | null> {
    this.#check();
    return this.#acknowledged.get(`${deviceId}/${epoch}`) ?? null;
  }

  /** Without the wait of `acknowledged`, and also when it is away. */
  acknowledgedNow(deviceId: string, epoch: number): string | undefined {
    return this.#acknowledged.get(`${deviceId}/${epoch}`);
  }

  async acknowledge(deviceId: string, epoch: number, cursor: string): Promise<void> {
    this.#check();
    const key = `${deviceId}/${epoch}`;
    this.#acknowledged.set(
      key,
      mergedText(this.#acknowledged.get(key) ?? null, cursor, this.priorities),
    );
  }

  async probe(): Promise<void> {
    this.#check();
  }

  async close(): Promise<void> {}

  #rank({ priority }: DeviceNotification): number {
    return this.priorities.numberOf(priority);
  }

  #check(): void {
    if (this.away) throw new Error('the fake inbox is away');
  }
}
