/**
 * A small engine for tests of groups: each task numbers its records, keeps the number in a store,
 * and writes `partition:number:offset` to an output whose partitions all tasks share. So what is
 * lost, doubled or half committed shows in the output.
 */
import assert from 'node:assert/strict';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { CarillonError } from '../../core/error.ts';
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
import { readBatch } from '../../core/record-batch.ts';

export const PARTITIONS = 4;
const STORE = 'numbers';
const COMMIT_EVERY_MS = 10;

export interface Topics {
  readonly input: string;
  readonly output: string;
  readonly spec: GroupSpec;
}

export function topicsOf(name: string, over: Partial<GroupSpec> = {}): Topics {
  return {
    input: `${name}-in`,
    output: `${name}-out`,
    spec: {
      group: `${name}-group`,
      partitions: PARTITIONS,
      inputs: [`${name}-in`],
      tables: [],
      stores: [{ store: STORE, changelog: `${name}-changelog` }],
      transactional: true,
      topologyHash: 'h1',
      ...over,
    },
  };
}

export async function createTopics(log: Log, topics: Topics): Promise<void> {
  const of = (name: string, cleanup: 'delete' | 'compact') => ({
    name,
    partitions: PARTITIONS,
    cleanup,
  });
  await log.applyTopics([
    of(topics.input, 'delete'),
    of(topics.output, 'delete'),
    of(topics.spec.stores[0]!.changelog, 'compact'),
  ]);
}

/**
 * `count` records from number `from` for every partition. Their time is the present: a broker that
 * starts again forgets producers whose last record is old, and then takes a repeated batch for a
 * new one.
 */
export function inputs(topic: string, from: number, count: number): EncodedBatch[] {
  const now = Date.now();
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const builder = new BatchBuilder(topic, partition);
    for (let i = 0; i < count; i++) builder.append(now, `k${from + i}`, Buffer.from('v'));
    return builder.finish();
  });
}

/** What a task has done since the member's last unit. */
interface Done {
  readonly batches: EncodedBatch[];
  readonly offsets: CommittedOffset[];
}

export class NumberingTask implements TaskHost {
  readonly port: TaskPort;
  readonly #topics: Topics;
  /** Resolves when what is under way is committed. */
  readonly #committed: () => Promise<void>;
  readonly closedAs: string[] = [];
  isReady = false;
  restored = 0;
  number = 0;
  commits = 0;

  constructor(port: TaskPort, topics: Topics, committed: () => Promise<void>) {
    this.port = port;
    this.#topics = topics;
    this.#committed = committed;
  }

  restore(store: string, batch: LogBatch): void {
    assert.equal(store, STORE);
    for (const record of readBatch(batch)) {
      assert.equal(record.key, 'number');
      this.number = Number(record.valueBytes?.toString() ?? '0');
      this.restored++;
    }
  }
  table(): void {}
  ready(): void {
    assert.ok(!this.isReady, 'ready twice');
    this.isReady = true;
  }
  wake(): void {
    assert.ok(this.isReady, 'woken before ready');
    assert.deepEqual(this.closedAs, [], 'woken after close');
  }
  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    this.closedAs.push(why);
    if (why !== 'fenced') await this.#committed();
  }

  /** Takes and numbers what there is; undefined: nothing. */
  work(): Done | undefined {
    if (!this.isReady || this.closedAs.length > 0) return undefined;
    const { input, output, spec } = this.#topics;
    const outputs = Array.from({ length: PARTITIONS }, (_, p) => new BatchBuilder(output, p));
    let next = -1;
    for (let batch = this.port.take(input); batch !== undefined; batch = this.port.take(input)) {
      next = batch.nextOffset;
      for (const record of readBatch(batch)) {
        const text = `${this.port.partition}:${++this.number}:${record.offset}`;
        outputs[this.number % PARTITIONS]!.append(Date.now(), null, Buffer.from(text));
      }
    }
    if (next < 0) return undefined;
    const log = new BatchBuilder(spec.stores[0]!.changelog, this.port.partition);
    log.append(Date.now(), 'number', Buffer.from(String(this.number)));
    return {
      batches: [...outputs, log].filter((one) => one.count > 0).map((one) => one.finish()),
      offsets: [{ topic: input, offset: next, metadata: String(this.number) }],
    };
  }
}

/** A member of the group, with all tasks that it ever held, and their one cadence. */
export class Member {
  readonly tasks: NumberingTask[] = [];
  /** Why units failed as a whole. */
  readonly errors: unknown[] = [];
  group: Group | null = null;
  #committing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  async open(log: Log, topics: Topics): Promise<this> {
    this.group = await log.openGroup(topics.spec, {
      open: (port) => {
        const task = new NumberingTask(port, topics, () => this.#committing);
        this.tasks.push(task);
        return task;
      },
    });
    const close = this.group.close.bind(this.group);
    this.group.close = async () => {
      if (this.#timer !== null) clearInterval(this.#timer);
      await this.#committing;
      await close();
    };
    this.#timer = setInterval(() => {
      this.#committing = this.#committing.then(() => this.#commit());
    }, COMMIT_EVERY_MS);
    this.#timer.unref();
    return this;
  }

  async #commit(): Promise<void> {
    const worked = this.tasks.flatMap((task) => {
      const done = task.work();
      return done === undefined ? [] : [{ task, done }];
    });
    if (worked.length === 0) return;
    const parts = worked.map(({ task, done }) => ({ partition: task.port.partition, ...done }));
    try {
      await worked[0]!.task.port.unit.commit({ parts });
      for (const { task } of worked) if (!task.closedAs.includes('fenced')) task.commits++;
    } catch (error) {
      this.errors.push(error);
    }
  }
}

/** True when all tasks are held and all that was fed is committed. */
export async function isDone(members: readonly Member[]): Promise<boolean> {
  let lags: Awaited<ReturnType<Group['lag']>>;
  try {
    lags = (await Promise.all(members.map((member) => member.group!.lag()))).flat();
  } catch (error) {
    // A broker that has just come back does not lead its partitions yet.
    if (error instanceof CarillonError && error.retryable) return false;
    throw error;
  }
  const held = members.flatMap((member) => member.group!.tasks);
  // Counted apart, as a task may have opened between the two.
  const whole = held.length === PARTITIONS && lags.length === PARTITIONS;
  return whole && lags.every((one) => one.lag === 0);
}

/** Feeds all partitions a little at a time, until `stop`, which gives how many each has. */
export async function feeder(log: Log, topics: Topics): Promise<{ stop(): Promise<number> }> {
  const producer = await log.producer();
  let each = 0;
  let going = true;
  const running = (async () => {
    for (; going; each += 5) {
      await producer.send(inputs(topics.input, each, 5));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  })();
  return {
    async stop() {
      going = false;
      await running;
      await producer.close();
      return each;
    },
  };
}

/** Every input record was numbered once, densely, in input order. */
export async function checkOutput(log: Log, topics: Topics, fed: number): Promise<void> {
  const inputs = Array.from({ length: PARTITIONS }, () => 0);
  for await (const records of log.read(topics.input, { from: 'start', follow: false })) {
    for (const record of records) inputs[record.partition]!++;
  }
  const seen = Array.from({ length: PARTITIONS }, () => [] as [number, number][]);
  for await (const records of log.read(topics.output, { from: 'start', follow: false })) {
    for (const record of records) {
      const text = record.valueBytes!.toString();
      const [task, number, offset] = text.split(':').map(Number);
      seen[task!]!.push([number!, offset!]);
    }
  }
  seen.forEach((lines, p) => {
    assert.ok(inputs[p]! >= fed, `input ${p} has ${inputs[p]} of ${fed}`);
    lines.sort((a, b) => a[0] - b[0]);
    assert.deepEqual(
      lines,
      Array.from({ length: inputs[p]! }, (_, i) => [i + 1, i]),
    );
  });
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    assert.ok(performance.now() - start < withinMs, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
