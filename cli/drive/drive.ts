/**
 * The driver protocol: JSON lines in, JSON lines out, the clock in the feed's hand. A public
 * contract, for any language; test files, simulator and replay stand on the same driver.
 */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import { HandClock } from '../../core/clock.ts';
import { parseDuration } from '../../core/duration.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import type { Priority } from '../../core/priority.ts';
import type { Record } from '../../core/record.ts';
import type { Sink } from '../../core/spec.ts';
import { DRIVER_START_MS, Driver } from '../../runtime/driver.ts';
import type { Drop } from '../../runtime/scheduler.ts';
import { totalsGap } from '../../runtime/totals.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { type Recorded, recorder } from './recorder.ts';
import { DriveWorld } from './world.ts';

type Fields = { readonly [name: string]: unknown };

export interface DriveOptions {
  readonly plan: Plan;
  readonly folder: SchemaFolder;
  readonly partitions: number;
  readonly commitEvery: number;
  readonly drops: boolean;
  readonly startMs?: number;
  /** Real sinks in place of recorders (`--sinks live`). */
  readonly openSink?: (sink: SinkPlan, priority: Priority) => Promise<Sink>;
}

export class Drive {
  readonly #driver: Driver;
  readonly #world: DriveWorld;
  readonly #write: (line: string) => void;
  #line = 0;

  private constructor(driver: Driver, world: DriveWorld, write: (line: string) => void) {
    this.#driver = driver;
    this.#world = world;
    this.#write = write;
  }

  static async open(options: DriveOptions, write: (line: string) => void): Promise<Drive> {
    const startMs = options.startMs ?? DRIVER_START_MS;
    const world = await DriveWorld.open(options.plan, options.folder, new HandClock(startMs));
    const print = (line: Fields) => write(JSON.stringify(line));
    const { openSink } = options;
    const driver = await Driver.open({
      plan: options.plan,
      schemas: world.schemas,
      partitions: options.partitions,
      commitEvery: options.commitEvery,
      startMs,
      openSink: async (sink, priority, nowMs) =>
        openSink === undefined
          ? recorder(sink, priority, nowMs, (recorded) => print(sinkLine(world, recorded)))
          : openSink(sink, priority),
      onRecord: (record) => print(recordLine(world, record)),
      ...(options.drops ? { onDrop: (drop: Drop) => print({ drop: dropLine(drop) }) } : {}),
    });
    return new Drive(driver, world, write);
  }

  /** One line of input. Throws CAR940 with the line's number when it cannot be used. */
  async input(text: string): Promise<void> {
    this.#line++;
    if (text.trim() === '') return;
    const line = this.#parse(text);
    if ('topic' in line) await this.#feed(line);
    else if ('advance' in line) await this.#driver.advance(this.#duration(line.advance));
    else if (line.commit === true) await this.#driver.commit();
    else if (line.restart === true) await this.#driver.restart();
    else if (line.crash === true) await this.#driver.crash();
    else if ('query' in line) this.#query(line.query as Fields);
    else throw this.#wrong('it is none of topic, advance, commit, restart, crash, query.');
  }

  /** Commits, closes, and prints the sums; false when they do not agree. */
  async end(): Promise<boolean> {
    await this.#driver.close();
    const totals = this.#driver.totals();
    this.#write(JSON.stringify({ end: totals }));
    return totalsGap(totals) === 0;
  }

  async #feed(line: Fields): Promise<void> {
    const { topic, key, timestamp, partition, headers } = line;
    if (typeof topic !== 'string' || !this.#world.hasTopic(topic)) {
      const near = nearest(
        String(topic),
        this.#world.plan.topics.map(({ name }) => name),
      );
      const mend = near === undefined ? undefined : `did you mean "${near}"?`;
      throw this.#wrong(`"${String(topic)}" is not a topic of the topology.`, mend);
    }
    if (key !== null && typeof key !== 'string') throw this.#wrong('"key" is a text or null.');
    if (timestamp !== undefined && typeof timestamp !== 'number') {
      throw this.#wrong('"timestamp" is a number, epoch milliseconds.');
    }
    await this.#driver.feed({
      topic,
      key,
      value: this.#value(topic, line),
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(partition === undefined ? {} : { partition: this.#partition(partition) }),
      headers: Object.entries((headers ?? {}) as Fields).map(([name, value]) => ({
        key: name,
        value: Buffer.from(String(value), 'utf8'),
      })),
    });
  }

  #value(topic: string, line: Fields): Buffer | null {
    if (typeof line.raw === 'string') return Buffer.from(line.raw, 'base64');
    if (line.value === null) return null;
    if (line.value === undefined) throw this.#wrong('it has neither "value" nor "raw".');
    try {
      return this.#world.encode(topic, line.value);
    } catch (error) {
      if (error instanceof CarillonError) throw this.#wrong(error.what);
      throw error;
    }
  }

  #query(query: Fields): void {
    const { store, key } = query;
    if (typeof store !== 'string') throw this.#wrong('a query names a store: {"store": …}.');
    if (!this.#driver.hasStore(store)) {
      const near = nearest(store, this.#driver.storeNames);
      throw this.#wrong(
        `"${store}" is not a store of the topology.`,
        near === undefined ? 'The topology has no stores.' : `did you mean "${near}"?`,
      );
    }
    for (const [of, row] of this.#driver.rows(store, key === undefined ? undefined : String(key))) {
      this.#write(JSON.stringify({ store, key: of, value: this.#world.plain(row) }));
    }
  }

  #partition(partition: unknown): number {
    if (Number.isInteger(partition) && (partition as number) >= 0) return partition as number;
    throw this.#wrong('"partition" is a whole number from 0.');
  }

  #duration(text: unknown): number {
    const ms = typeof text === 'string' ? parseDuration(text) : undefined;
    if (ms === undefined) throw this.#wrong('"advance" is a duration with a unit: "5s".');
    return ms;
  }

  #parse(text: string): Fields {
    try {
      const line: unknown = JSON.parse(text);
      if (typeof line === 'object' && line !== null && !Array.isArray(line)) return line as Fields;
    } catch (error) {
      throw this.#wrong(`it is not JSON: ${error instanceof Error ? error.message : ''}`);
    }
    throw this.#wrong('it is not a JSON object.');
  }

  #wrong(what: string, mend?: string): CarillonError {
    return new CarillonError('CAR940', what, {
      where: { file: '<stdin>', line: this.#line },
      ...(mend === undefined ? {} : { mend }),
    });
  }
}

function recordLine(world: DriveWorld, record: Record): Fields {
  return {
    topic: record.topic,
    partition: record.partition,
    key: record.key,
    ...world.valueOf(record),
    timestamp: record.timestamp,
    headers: Object.fromEntries(
      (record.headers ?? []).map(({ key, value }) => [key, value.toString('utf8')]),
    ),
  };
}

function sinkLine(world: DriveWorld, { sink, priority, atMs, delivery }: Recorded): Fields {
  const { notification, attempt } = delivery;
  return {
    sink,
    outcome: 'delivered',
    priority,
    key: notification.deviceId,
    at: atMs,
    id: notification.id,
    useCase: notification.useCase,
    sequence: notification.sequence,
    previous: notification.previous,
    epoch: notification.epoch,
    count: notification.count,
    deadline: notification.deadline,
    attempt: Math.max(1, attempt),
    value: world.payload(notification.payload, notification.payloadSchemaId),
  };
}

function dropLine({ stream, step, reason, by, record }: Drop): Fields {
  const origin =
    record === null
      ? {}
      : { topic: record.topic, partition: record.partition, offset: record.offset };
  return { stream, step, reason, ...(by === 1 ? {} : { count: by }), ...origin };
}
