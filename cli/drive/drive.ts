/**
 * The driver protocol: JSON lines in, JSON lines out, the clock in the feed's hand. A public
 * contract, for any language; test files, simulator and replay stand on the same driver.
 */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import { listed } from '../../compiler/report.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { type Clock, HandClock } from '../../core/clock.ts';
import { parseDuration } from '../../core/duration.ts';
import { CarillonError } from '../../core/error.ts';
import { parseExact } from '../../core/exact-json.ts';
import type { Header } from '../../core/headers.ts';
import { nearest } from '../../core/nearest.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Priority } from '../../core/priority.ts';
import type { Record } from '../../core/record.ts';
import type { Sink } from '../../core/spec.ts';
import { DRIVER_START_MS, Driver } from '../../runtime/driver/driver.ts';
import { totalsGap } from '../../runtime/driver/totals.ts';
import type { DroppedRecord } from '../../runtime/node.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { type Recorded, recorder, recording } from './recorder.ts';
import { DriveWorld } from './world.ts';

type Fields = { readonly [name: string]: unknown };

export interface DriveOptions {
  readonly plan: Plan;
  readonly folder: SchemaFolder;
  readonly partitions: number;
  readonly commitEvery: number;
  readonly drops: boolean;
  readonly startMs?: number;
  /** Real sinks in place of recorders (`--sinks live`); null: that one records all the same. */
  readonly openSink?: (sink: SinkPlan, priority: Priority) => Promise<Sink | null>;
}

/** The fields of each kind of line; the first names the kind. */
const LINES: readonly (readonly string[])[] = [
  ['topic', 'key', 'value', 'raw', 'timestamp', 'partition', 'headers', 'offset', 'why'],
  ['advance'],
  ['commit'],
  ['restart'],
  ['crash'],
  ['query'],
];
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export class Drive {
  readonly #driver: Driver;
  readonly #world: DriveWorld;
  readonly #write: (line: string) => void;
  readonly #partitions: number;
  #line = 0;

  private constructor(
    driver: Driver,
    world: DriveWorld,
    write: (line: string) => void,
    partitions: number,
  ) {
    this.#driver = driver;
    this.#world = world;
    this.#write = write;
    this.#partitions = partitions;
  }

  static async open(options: DriveOptions, write: (line: string) => void): Promise<Drive> {
    const startMs = options.startMs ?? DRIVER_START_MS;
    // The driver's clock is the schemas' too, but the driver is opened after them.
    let clock: Clock = new HandClock(startMs);
    const world = await DriveWorld.open(options.plan, options.folder, { now: () => clock.now() });
    const print = (line: Fields) => write(JSON.stringify(line));
    const tell = (recorded: Recorded) => print(sinkLine(world, recorded));
    const driver = await Driver.open({
      plan: options.plan,
      log: new MemoryLog(),
      schemas: world.schemas,
      partitions: options.partitions,
      commitEvery: options.commitEvery,
      startMs,
      openSink: async (sink, priority, nowMs) => {
        const live = (await options.openSink?.(sink, priority)) ?? null;
        return live === null
          ? recorder(sink, priority, nowMs, tell)
          : recording(live, sink, priority, nowMs, tell);
      },
      onRecord: (record) => print(recordLine(world, record)),
      ...(options.drops ? { onDrop: (...drop) => print({ drop: dropLine(...drop) }) } : {}),
    });
    clock = driver.clock;
    return new Drive(driver, world, write, options.partitions);
  }

  /** One line of input. Throws CAR940 with the line's number when it cannot be used. */
  async input(text: string): Promise<void> {
    this.#line++;
    if (text.trim() === '') return;
    const line = this.#parse(text);
    switch (this.#kindOf(line)) {
      case 'topic':
        return this.#feed(line);
      case 'advance':
        return this.#driver.advance(this.#duration(line.advance));
      case 'commit':
        return this.#driver.commit();
      case 'restart':
        return this.#driver.restart();
      case 'crash':
        return this.#driver.crash();
      default:
        return this.#query(line.query);
    }
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
    if (timestamp !== undefined && !Number.isSafeInteger(timestamp)) {
      throw this.#wrong('"timestamp" is a whole number, epoch milliseconds.');
    }
    if (line.offset !== undefined) await this.#goTo(timestamp);
    await this.#driver.feed({
      topic,
      key,
      value: this.#value(topic, line),
      headers: this.#headers(headers),
      ...(timestamp === undefined ? {} : { timestamp: timestamp as number }),
      ...(partition === undefined ? {} : { partition: this.#partition(partition, line.offset) }),
    });
  }

  /** A record of a log brings its time along: the clock goes on to it, and never back. */
  async #goTo(timestamp: unknown): Promise<void> {
    if (typeof timestamp !== 'number') throw this.#wrong('with "offset" it has a "timestamp".');
    if (timestamp > this.#driver.clock.now()) await this.#driver.advanceTo(timestamp);
  }

  #headers(headers: unknown = {}): Header[] {
    const isMapping = typeof headers === 'object' && headers !== null && !Array.isArray(headers);
    const entries = isMapping ? Object.entries(headers) : [];
    if (!isMapping || entries.some(([, value]) => typeof value !== 'string')) {
      throw this.#wrong('"headers" is an object of texts.');
    }
    return entries.map(([key, value]) => ({ key, value: Buffer.from(value as string, 'utf8') }));
  }

  #value(topic: string, line: Fields): Buffer | null {
    if (line.raw !== undefined) {
      if (line.value !== undefined) throw this.#wrong('it has both "value" and "raw".');
      if (typeof line.raw === 'string' && BASE64.test(line.raw)) {
        return Buffer.from(line.raw, 'base64');
      }
      throw this.#wrong('"raw" is bytes in base64.');
    }
    if (line.value === null) return null;
    if (line.value === undefined) throw this.#wrong('it has neither "value" nor "raw".');
    try {
      return this.#world.encode(topic, line.value);
    } catch (error) {
      if (error instanceof CarillonError) throw this.#wrong(error.what);
      throw error;
    }
  }

  #query(query: unknown): void {
    const { store, key } = (typeof query === 'object' && query !== null ? query : {}) as Fields;
    if (typeof store !== 'string') throw this.#wrong('a query names a store: {"store": …}.');
    if (key !== undefined && typeof key !== 'string') throw this.#wrong('the key is a text.');
    if (!this.#driver.hasStore(store)) {
      const near = nearest(store, this.#driver.storeNames);
      throw this.#wrong(
        `"${store}" is not a store of the topology.`,
        near === undefined ? 'The topology has no stores.' : `did you mean "${near}"?`,
      );
    }
    for (const [of, row] of this.#driver.rows(store, key)) {
      this.#write(JSON.stringify({ store, key: of, value: this.#world.plain(row) }));
    }
  }

  /** Those of a log may be more: then several are one, the same ones of every topic. */
  #partition(partition: unknown, offset: unknown): number {
    const last = this.#partitions - 1;
    const isGood = Number.isInteger(partition) && (partition as number) >= 0;
    if (isGood && offset !== undefined) return (partition as number) % this.#partitions;
    if (isGood && (partition as number) <= last) return partition as number;
    const mend = 'Give the topics more of them: --partitions N.';
    throw this.#wrong(`"partition" is a whole number from 0 to ${last}.`, mend);
  }

  #duration(text: unknown): number {
    const ms = typeof text === 'string' ? parseDuration(text) : undefined;
    if (ms === undefined) throw this.#wrong('"advance" is a duration with a unit: "5s".');
    return ms;
  }

  /** Which line it is; a field that such a line does not have is an error, not passed over. */
  #kindOf(line: Fields): string {
    const kinds = LINES.filter(([kind]) => kind! in line);
    const names = listed(LINES.map(([kind]) => kind!));
    if (kinds.length !== 1) {
      const what = kinds.length === 0 ? 'none' : 'more than one';
      throw this.#wrong(`it is ${what} of ${names}.`);
    }
    const [kind, ...rest] = kinds[0]!;
    const unknown = Object.keys(line).find((name) => name !== kind && !rest.includes(name));
    if (unknown !== undefined) {
      const near = nearest(unknown, rest);
      const mend = near === undefined ? undefined : `did you mean "${near}"?`;
      throw this.#wrong(`a line with "${kind}" has no "${unknown}".`, mend);
    }
    if (['commit', 'restart', 'crash'].includes(kind!) && line[kind!] !== true) {
      throw this.#wrong(`"${kind}" is true.`);
    }
    return kind!;
  }

  #parse(text: string): Fields {
    try {
      const line: unknown = parseExact(text);
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

/** What else a sink said of its outcome. */
function answerOf(outcome: Outcome): Fields {
  if (outcome.kind === 'rejected') return { reason: outcome.reason };
  if (outcome.kind === 'delivered') {
    return outcome.receipt === undefined ? {} : { receipt: outcome.receipt };
  }
  const after = outcome.afterMs === undefined ? {} : { afterMs: outcome.afterMs };
  return { why: outcome.why, scope: outcome.scope, ...after };
}

function sinkLine(
  world: DriveWorld,
  { sink, priority, atMs, delivery, outcome }: Recorded,
): Fields {
  const { notification, attempt } = delivery;
  return {
    sink,
    outcome: outcome.kind,
    ...answerOf(outcome),
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

function dropLine(
  { topic, partition, offset }: DroppedRecord,
  stream: string,
  step: string,
  reason: string,
  by: number,
): Fields {
  const origin = offset < 0 ? {} : { topic, partition, offset };
  return { stream, step, reason, ...(by === 1 ? {} : { count: by }), ...origin };
}
