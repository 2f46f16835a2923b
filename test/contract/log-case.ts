/**
 * What the cases of the log contract are made of: names of topics, batches, a task that remembers.
 */
import assert from 'node:assert/strict';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { Header } from '../../core/headers.ts';
import type {
  CommittedOffset,
  EncodedBatch,
  Group,
  GroupSpec,
  Log,
  LogBatch,
  TaskHost,
  TaskPort,
} from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import type { LogUnderTest } from './log.ts';

export type Case = (under: LogUnderTest, names: Names) => Promise<void>;
export type Cases = { readonly [title: string]: Case };

export const PARTITIONS = 2;
export const T0 = 1_767_225_600_000;
const STORE = 'dedup';

/** Names of one case, so that no case sees another's records. */
export class Names {
  readonly #prefix: string;
  readonly withinMs: number;

  constructor(prefix: string, withinMs = 20_000) {
    this.#prefix = prefix;
    this.withinMs = withinMs;
  }

  get input(): string {
    return `${this.#prefix}-events`;
  }
  get output(): string {
    return `${this.#prefix}-out`;
  }
  get table(): string {
    return `${this.#prefix}-table`;
  }
  get changelog(): string {
    return `${this.#prefix}-changelog`;
  }

  group(over: Partial<GroupSpec> = {}): GroupSpec {
    return {
      group: `${this.#prefix}-group`,
      partitions: PARTITIONS,
      inputs: [this.input],
      tables: [],
      stores: [],
      transactional: true,
      topologyHash: 'h1',
      ...over,
    };
  }

  /** With a table and a store. */
  full(): GroupSpec {
    const stores = [{ store: STORE, changelog: this.changelog }];
    return this.group({ tables: [this.table], stores });
  }

  async apply(log: Log): Promise<void> {
    const of = (name: string, cleanup: 'delete' | 'compact') => ({
      name,
      partitions: PARTITIONS,
      cleanup,
    });
    await log.applyTopics([
      of(this.input, 'delete'),
      of(this.output, 'delete'),
      of(this.table, 'compact'),
      of(this.changelog, 'compact'),
    ]);
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; !(await condition()); waitedMs += 5) {
      assert.ok(waitedMs < this.withinMs, `not within ${this.withinMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

interface Row {
  readonly key: string | null;
  readonly value: string | null;
  readonly at?: number;
  readonly headers?: readonly Header[];
}

export function batch(topic: string, partition: number, rows: readonly Row[]): EncodedBatch {
  const builder = new BatchBuilder(topic, partition);
  for (const { key, value, at = T0, headers } of rows) {
    builder.append(at, key, value === null ? null : Buffer.from(value), headers ?? null);
  }
  return builder.finish();
}

/** Rows `k0:v0` and so on, `count` of them from number `from`. */
export function numbered(
  topic: string,
  partition: number,
  from: number,
  count: number,
): EncodedBatch {
  const rows = Array.from({ length: count }, (_, i) => ({
    key: `k${from + i}`,
    value: `v${from + i}`,
    at: T0 + from + i,
  }));
  return batch(topic, partition, rows);
}

export function valueText(record: Record): string | null {
  return record.valueBytes?.toString('utf8') ?? null;
}

export const values = (records: readonly Record[]) => records.map(valueText);

export async function send(log: Log, ...batches: EncodedBatch[]): Promise<readonly number[]> {
  const producer = await log.producer();
  const offsets = await producer.send(batches);
  await producer.close();
  return offsets;
}

export async function readAll(
  log: Log,
  topic: string,
  from: 'start' | number = 'start',
): Promise<Record[]> {
  const all: Record[] = [];
  for await (const records of log.read(topic, { from, follow: false })) all.push(...records);
  return all;
}

/** A task that keeps what it was given and what it took, in order. */
export class Task implements TaskHost {
  readonly port: TaskPort;
  readonly store = new Map<string, string>();
  readonly tableRows: (string | null)[] = [];
  readonly taken: Record[] = [];
  readonly closedAs: string[] = [];
  /** The offset after the last that was taken, of its input. */
  next = -1;
  isReady = false;
  wakes = 0;
  /** How many rows of tables were handed over before `ready`. */
  tableRowsAtReady = -1;
  /** False: it is woken, and takes nothing. */
  isPulling = true;
  readonly #inputs: readonly string[];

  constructor(port: TaskPort, inputs: readonly string[]) {
    this.port = port;
    this.#inputs = inputs;
  }

  restore(_store: string, batch: LogBatch): void {
    assert.ok(!this.isReady, 'restored after ready');
    for (const record of readBatch(batch)) {
      const value = valueText(record);
      if (value === null) this.store.delete(record.key!);
      else this.store.set(record.key!, value);
    }
  }

  table(_topic: string, batch: LogBatch): void {
    this.tableRows.push(...values(readBatch(batch)));
  }

  ready(): void {
    this.isReady = true;
    this.tableRowsAtReady = this.tableRows.length;
  }

  wake(): void {
    assert.ok(this.isReady, 'woken before ready');
    assert.deepEqual(this.closedAs, [], 'woken after close');
    this.wakes++;
    if (this.isPulling) this.pull();
  }

  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    this.closedAs.push(why);
  }

  /** Takes all that there is. */
  pull(): void {
    for (const topic of this.#inputs) while (this.pullOne(topic));
  }

  /** Takes one batch. False: there is none. */
  pullOne(topic: string): boolean {
    const batch = this.port.take(topic);
    if (batch === undefined) return false;
    assert.equal(batch.topic, topic);
    assert.equal(batch.partition, this.port.partition);
    const records = readBatch(batch);
    for (const { offset } of records) {
      assert.ok(offset >= batch.from && offset < batch.nextOffset, `${offset} is not in its batch`);
    }
    if (this.next >= 0) assert.ok(batch.from >= this.next, 'taken twice');
    assert.ok(batch.nextOffset > this.next, 'a batch moves the position on');
    this.taken.push(...records);
    this.next = batch.nextOffset;
    return true;
  }
}

export interface Position extends CommittedOffset {
  readonly partition: number;
}

export function position(
  topic: string,
  partition: number,
  offset: number,
  metadata = '',
): Position {
  return { topic, partition, offset, metadata };
}

/**
 * Commits what one task has done; a log that answers later is awaited. Positions of other
 * partitions are parts of their own.
 */
export async function commit(
  task: Task,
  batches: readonly EncodedBatch[],
  ...positions: Position[]
): Promise<void> {
  const own = task.port.partition;
  const parts = [...new Set([own, ...positions.map((one) => one.partition)])].map((partition) => ({
    partition,
    batches: partition === own ? batches : [],
    offsets: positions.filter((one) => one.partition === partition).map(offsetOf),
  }));
  await task.port.unit.commit({ parts });
}

export function offsetOf({ topic, offset, metadata }: Position): CommittedOffset {
  return { topic, offset, metadata };
}

/** Opens a group and waits until all of its tasks are ready. */
export async function openTasks(
  log: Log,
  spec: GroupSpec,
  names: Names,
  isPulling = true,
): Promise<{ group: Group; tasks: Task[] }> {
  const tasks: Task[] = [];
  const open = (port: TaskPort) => {
    const task = new Task(port, spec.inputs);
    task.isPulling = isPulling;
    tasks[port.partition] = task;
    return task;
  };
  const group = await log.openGroup(spec, { open });
  await names.until('all tasks ready', () => {
    const ready = tasks.filter((task) => task?.isReady);
    return ready.length === spec.partitions;
  });
  assert.deepEqual([...group.tasks].sort(), [0, 1]);
  return { group, tasks };
}
