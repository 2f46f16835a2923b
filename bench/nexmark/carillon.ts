/**
 * Our engine on one query, without a log: its tasks in this thread, what they write to a topic that
 * another task reads is given to that one when it is committed, and the rest is counted.
 */
import type { Plan } from '../../compiler/plan.ts';
import { BytePool } from '../../core/byte-pool.ts';
import { HandClock } from '../../core/clock.ts';
import type { CommitUnit, EncodedBatch } from '../../core/log.ts';
import { wholeBatch } from '../../core/record-batch.ts';
import type { Schemas } from '../../core/schema.ts';
import { inputsOf } from '../../runtime/group-specs.ts';
import { StreamsTask } from '../../runtime/streams/streams-task.ts';
import { Unit } from '../../runtime/unit.ts';
import { WaitingPort } from '../waiting-port.ts';
import { START_MS } from './events.ts';
import type { Load } from './load.ts';

/** Rounds of a thousand events between two commits. */
const COMMIT_EVERY_ROUNDS = 10;
const COMMITS = { minMs: 0, maxMs: 0, recordsMax: Number.POSITIVE_INFINITY };

export interface Run {
  readonly cpuSeconds: number;
  /** Records that it was given. */
  readonly events: number;
  /** Records that it told. */
  readonly told: number;
  /** Rows that it wrote to changelogs. */
  readonly rows: number;
}

/** What is told, as it is committed; its bytes are written over behind the call. */
export type Listener = (batch: EncodedBatch) => void;

class Topics {
  readonly #readers = new Map<string, Port[]>();
  readonly #ends = new Map<string, number>();
  readonly #listener: Listener | undefined;
  readonly #output: string;
  told = 0;
  rows = 0;
  deadLetters = 0;

  constructor(output: string, listener: Listener | undefined) {
    this.#output = output;
    this.#listener = listener;
  }

  addReader(topic: string, port: Port): void {
    this.#readers.set(topic, [...(this.#readers.get(topic) ?? []), port]);
  }

  /** False: nobody reads it. */
  give(topic: string, bytes: Buffer, count: number): boolean {
    const readers = this.#readers.get(topic);
    if (readers === undefined) return false;
    const baseOffset = this.#ends.get(topic) ?? 0;
    this.#ends.set(topic, baseOffset + count);
    for (const port of readers) port.give(wholeBatch(topic, 0, bytes, baseOffset));
    return true;
  }

  write(batch: EncodedBatch): void {
    const { topic, count, bytes } = batch;
    if (topic === this.#output) {
      this.told += count;
      this.#listener?.(batch);
    } else if (topic.endsWith('-changelog')) this.rows += count;
    else if (topic === 'dead-letters') this.deadLetters += count;
    // A copy, as its task writes over the bytes.
    else if (!this.give(topic, Buffer.from(bytes), count)) throw new Error(`nobody reads ${topic}`);
  }
}

class Port extends WaitingPort {
  readonly #topics: Topics;

  constructor(topics: Topics) {
    super();
    this.#topics = topics;
  }

  commit({ parts }: CommitUnit): undefined {
    for (const { batches } of parts) for (const batch of batches) this.#topics.write(batch);
    return undefined;
  }
}

/** The tasks of a topology; `output`: the topic that it tells. */
export class Engine {
  readonly #clock = new HandClock(START_MS);
  readonly #topics: Topics;
  readonly #tasks: readonly { task: StreamsTask; unit: Unit; port: Port }[];

  constructor(plan: Plan, schemas: Schemas, output: string, listener?: Listener) {
    this.#topics = new Topics(output, listener);
    const pool = new BytePool();
    this.#tasks = plan.subTopologies.map((sub) => {
      const port = new Port(this.#topics);
      const unit = new Unit(port, COMMITS, this.#clock, () => {});
      const options = { clock: this.#clock, schemas, partitions: 1, pool, wake: () => {} };
      const task = new StreamsTask(plan, sub, port, unit, options);
      unit.add(task);
      for (const topic of inputsOf(sub)) this.#topics.addReader(topic, port);
      task.ready();
      return { task, unit, port };
    });
  }

  get told(): number {
    return this.#topics.told;
  }

  get rows(): number {
    return this.#topics.rows;
  }

  moveTo(atMs: number): void {
    this.#clock.moveTo(atMs);
  }

  /** False: nobody reads the topic. */
  give(topic: string, bytes: Buffer, count: number): boolean {
    return this.#topics.give(topic, bytes, count);
  }

  /** Works off what was given. */
  run(): void {
    for (const { task } of this.#tasks) while (task.runSlice());
  }

  /** Commits, and what one task has committed another one reads, hop by hop. */
  commit(): void {
    for (let hop = 0; hop < this.#tasks.length; hop++) {
      for (const { task, unit } of this.#tasks) {
        while (task.runSlice());
        unit.commit();
      }
    }
  }

  /** Throws when a task has failed or written a dead letter. */
  check(): void {
    for (const { port } of this.#tasks) if (port.failure !== null) throw port.failure;
    const { deadLetters } = this.#topics;
    if (deadLetters > 0) throw new Error(`${deadLetters} dead letters`);
  }
}

/** `output`: the topic that the query tells. */
export function runCarillon(plan: Plan, load: Load, output: string, listener?: Listener): Run {
  const engine = new Engine(plan, load.schemas, output, listener);
  let events = 0;
  let rounds = 0;
  const started = process.cpuUsage();
  for (const { atMs, batches } of load.rounds) {
    engine.moveTo(atMs);
    for (const { topic, bytes, count } of batches) {
      if (engine.give(topic, bytes, count)) events += count;
    }
    engine.run();
    if (++rounds % COMMIT_EVERY_ROUNDS === 0) engine.commit();
  }
  engine.commit();
  const { user, system } = process.cpuUsage(started);
  engine.check();
  const { told, rows } = engine;
  return { cpuSeconds: (user + system) / 1e6, events, told, rows };
}
