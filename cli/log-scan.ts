/**
 * Records of one topic or several, decoded and chosen: what `tail`, `record` and `redrive` read.
 */
import { systemClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { Record } from '../core/record.ts';
import { readDeployment } from './deployment.ts';
import { type KnownTopics, knownTopics, noSuchTopic, topicsMeant } from './known-topics.ts';
import { loadTopology } from './load-topology.ts';
import { type LogReader, openLogReader } from './log-reader.ts';
import { mergeBatches } from './merge-batches.ts';
import { pointInTime } from './point-in-time.ts';
import { RecordDecoder } from './record-decoder.ts';
import type { DecodedRecord } from './show-record.ts';
import { type Matcher, matcherOf } from './where.ts';

export interface ScanOptions {
  readonly deployment?: string;
  readonly where?: string;
  /** `start`, `end`, a time or how long ago. */
  readonly from: string;
  /** The same; records of that time and later are left out. */
  readonly to?: string;
  readonly partition?: number;
  /** Of the partition: records before it are left out. */
  readonly offset?: number;
  readonly key?: string;
  readonly follow?: boolean;
  /** All rows that a table ever had, not only the present ones. */
  readonly history?: boolean;
  /** Of a table also rows written since `to`, where the log has none of their keys before. */
  readonly wholeTables?: boolean;
}

/** A record as it lies in the log, and decoded. */
export interface Scanned {
  readonly record: Record;
  readonly decoded: DecodedRecord;
}

export class LogScan {
  /** Records that stood in the topics, partitions and times that were asked for. */
  read = 0;
  /** Those for which `--where` could not be told. */
  unjudged = 0;
  readonly topics: readonly string[];
  readonly known: KnownTopics;
  readonly isFollowing: boolean;
  readonly #reader: LogReader;
  readonly #decoder: RecordDecoder;
  readonly #options: ScanOptions;
  readonly #from: 'start' | 'end' | number;
  readonly #toMs: number;
  readonly #matchers: ReadonlyMap<string, Matcher>;

  private constructor(
    known: KnownTopics,
    reader: LogReader,
    options: ScanOptions,
    times: { from: 'start' | 'end' | number; toMs: number },
    matchers: ReadonlyMap<string, Matcher>,
  ) {
    this.known = known;
    this.topics = [...matchers.keys()];
    this.#reader = reader;
    this.#decoder = new RecordDecoder(reader);
    this.#options = options;
    this.#from = times.from;
    this.#toMs = times.toMs;
    this.#matchers = matchers;
    this.isFollowing = options.follow === true;
  }

  /**
   * Throws CAR605 for topics that are not there, CAR900 and CAR910 for options that do not fit,
   * the compiler's code for a wrong expression; `written` empty: what the topology reads.
   */
  static async open(written: readonly string[], options: ScanOptions): Promise<LogScan> {
    const folder = process.cwd();
    const now = systemClock.now();
    const from = pointInTime(options.from, now);
    const to = options.to === undefined ? 'end' : pointInTime(options.to, now, '--to');
    if (to === 'start') throw refused('--to', 'nothing comes before the start.');
    const toMs = to === 'end' ? Number.POSITIVE_INFINITY : to;
    const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
    const known = await knownTopics(() => loadTopology(deployment, { folder, env: process.env }));
    const meant = topicsMeant(written.length === 0 ? known.inputs : written, known.names);
    if (options.offset !== undefined && (options.partition === undefined || meant.length !== 1)) {
      throw refused('--offset', 'it counts in one partition of one topic: add --partition.');
    }
    const matchers = new Map(
      meant.map((topic) => [topic, matcherOf(options.where, known.shapeOf(topic))] as const),
    );
    const reader = await openLogReader(deployment);
    try {
      const isNamed = (topic: string) => written.includes(topic);
      await leaveOutMissing(matchers, reader, options, known, isNamed);
      return new LogScan(known, reader, options, { from, toMs }, matchers);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** Topic by topic, or, while following, as they come. */
  async *records(signal: AbortSignal): AsyncGenerator<Scanned> {
    if (this.isFollowing) {
      yield* this.#chosen(mergeBatches(this.topics.map((topic) => this.#batches(topic, signal))));
      return;
    }
    for (const topic of this.topics) {
      if (signal.aborted) return;
      const isPresent = this.known.isTable(topic) && this.#options.history !== true;
      const batches = this.#batches(topic, signal, isPresent ? 'start' : this.#from);
      const isWhole = this.#options.wholeTables === true;
      yield* isPresent
        ? this.#chosen(rowsAt(batches, this.#toMs, isWhole), Number.POSITIVE_INFINITY)
        : this.#chosen(batches);
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #batches(topic: string, signal: AbortSignal, from = this.#from) {
    return this.#reader.read(topic, { from, follow: this.isFollowing, signal });
  }

  async *#chosen(
    batches: AsyncIterable<readonly Record[]>,
    toMs = this.#toMs,
  ): AsyncGenerator<Scanned> {
    for await (const records of batches) {
      for (const record of records) {
        if (!this.#isMeant(record) || record.timestamp >= toMs) continue;
        this.read++;
        const decoded = await this.#decoder.decode(record);
        const verdict = this.#matchers.get(record.topic)!(record, decoded);
        if (verdict === undefined) this.unjudged++;
        if (verdict === true) yield { record, decoded };
      }
    }
  }

  #isMeant({ partition, offset, key }: Record): boolean {
    const { partition: of, offset: from = 0, key: named } = this.#options;
    if (of !== undefined && (partition !== of || offset < from)) return false;
    return named === undefined || key === named;
  }
}

/** A topic that a pattern means may not have been made yet; one that was named must be there. */
async function leaveOutMissing(
  matchers: Map<string, Matcher>,
  reader: LogReader,
  { partition }: ScanOptions,
  known: KnownTopics,
  isNamed: (topic: string) => boolean,
): Promise<void> {
  for (const topic of [...matchers.keys()]) {
    const partitions = await reader.partitionsOf(topic);
    if (partitions === undefined) {
      if (isNamed(topic)) throw noSuchTopic(topic, known.names);
      matchers.delete(topic);
    } else if (partition !== undefined && partition >= partitions) {
      throw refused('--partition', `${topic} has the partitions 0 to ${partitions - 1}.`);
    }
  }
}

/**
 * The last row of each key before a time, in the order in which they were written, without deleted
 * ones. Compaction takes former rows away: `isWhole` gives the first row that is left instead.
 */
async function* rowsAt(
  batches: AsyncIterable<readonly Record[]>,
  toMs: number,
  isWhole: boolean,
): AsyncGenerator<readonly Record[]> {
  const rows = new Map<string | null, Record>();
  for await (const records of batches) {
    for (const record of records) {
      const { key, timestamp } = record;
      const isLate = timestamp >= toMs;
      if (isLate && (!isWhole || rows.has(key))) continue;
      rows.delete(key);
      rows.set(key, record);
    }
  }
  yield [...rows.values()].filter(({ valueBytes }) => valueBytes !== null);
}

function refused(at: string, what: string): CarillonError {
  return new CarillonError('CAR900', what, { where: { at } });
}
