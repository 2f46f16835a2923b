/**
 * A small engine for tests of groups: each task numbers its records, keeps the number in a store,
 * and writes `partition:number:offset` to an output whose partitions all tasks share. So what is
 * lost, doubled or half committed shows in the output.
 */
import assert from 'node:assert/strict';
import { CarillonError } from '../../core/error.ts';
import type { EncodedBatch, Group, GroupSpec, Log, TaskHost, TaskPort } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { BatchBuilder } from '../../core/record-batch.ts';

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

export class NumberingTask implements TaskHost {
  readonly port: TaskPort;
  readonly #topics: Topics;
  readonly closedAs: string[] = [];
  isReady = false;
  restored = 0;
  number = 0;
  next = 0;
  commits = 0;
  error: unknown = null;
  #queue: Record[] = [];
  #committing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(port: TaskPort, topics: Topics) {
    this.port = port;
    this.#topics = topics;
  }

  restore(store: string, key: Buffer, value: Buffer | null): void {
    assert.equal(store, STORE);
    assert.equal(key.toString(), 'number');
    this.number = Number(value?.toString() ?? '0');
    this.restored++;
  }
  table(): void {}
  ready(): void {
    assert.ok(!this.isReady, 'ready twice');
    this.isReady = true;
    this.#timer = setInterval(() => {
      this.#committing = this.#committing.then(() => this.#commit());
    }, COMMIT_EVERY_MS);
  }
  offer(_topic: string, records: readonly Record[], nextOffset: number): void {
    assert.ok(this.isReady, 'offered before ready');
    assert.deepEqual(this.closedAs, [], 'offered after close');
    this.#queue.push(...records);
    this.next = nextOffset;
  }
  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    this.closedAs.push(why);
    if (this.#timer !== null) clearInterval(this.#timer);
    if (why === 'fenced') this.#queue = [];
    else this.#committing = this.#committing.then(() => this.#commit());
    await this.#committing;
  }

  async #commit(): Promise<void> {
    if (this.#queue.length === 0 || this.error !== null) return;
    const records = this.#queue;
    const next = this.next;
    this.#queue = [];
    const outputs = Array.from(
      { length: PARTITIONS },
      (_, p) => new BatchBuilder(this.#topics.output, p),
    );
    for (const record of records) {
      const text = `${this.port.partition}:${++this.number}:${record.offset}`;
      outputs[this.number % PARTITIONS]!.append(Date.now(), null, Buffer.from(text));
    }
    const row = {
      store: STORE,
      key: Buffer.from('number'),
      value: Buffer.from(String(this.number)),
    };
    try {
      await this.port.commit({
        batches: outputs.filter((one) => one.count > 0).map((one) => one.finish()),
        rows: [row],
        offsets: [{ topic: this.#topics.input, offset: next, metadata: String(this.number) }],
      });
      this.commits++;
    } catch (error) {
      this.error = error;
    }
  }
}

/** A member of the group, with all tasks that it ever held. */
export class Member {
  readonly tasks: NumberingTask[] = [];
  group: Group | null = null;

  async open(log: Log, topics: Topics): Promise<this> {
    this.group = await log.openGroup(topics.spec, {
      open: (port) => {
        const task = new NumberingTask(port, topics);
        this.tasks.push(task);
        return task;
      },
    });
    return this;
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
      const text = record.valueBytes.toString('utf8', record.valueStart, record.valueEnd);
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
