/**
 * A question to records as they are written: each is decoded, asked, and shown if it is meant.
 * Nothing runs when nobody asks; who asks costs one reader, and at most so many records a line.
 */
import type { LiveLine, LiveRecord } from '../../console/answers.ts';
import { CarillonError } from '../../core/error.ts';
import type { Record } from '../../core/record.ts';
import type { LiveQuestion } from '../../gateway/console.ts';
import { noSuchTopic, topicsOf } from '../known-topics.ts';
import type { LoadedTopology } from '../load-topology.ts';
import type { LogReader } from '../log-reader.ts';
import { mergeBatches } from '../merge-batches.ts';
import { pause } from '../pause.ts';
import { RecordDecoder } from '../record-decoder.ts';
import { type DecodedRecord, shownValue } from '../show-record.ts';
import { type Matcher, matcherOf } from '../where.ts';

/** A line so often, also when nothing came: whoever looks sees that it goes on. */
const LINE_EVERY_MS = 500;
/** More cannot be read by a person; the rest of a line's time is counted alone. */
const SHOWN_MAX = 20;
/** Somebody who has left the page open is not looking any more. */
const QUERY_MS_MAX = 30 * 60_000;

interface Tally {
  read: number;
  matched: number;
  unjudged: number;
  leftOut: number;
  records: LiveRecord[];
}

/** Throws CAR605, or the compiler's code; nothing is opened before the first line is taken. */
export function liveLines(
  open: () => Promise<LogReader>,
  topology: LoadedTopology,
  { topics, where }: LiveQuestion,
  signal: AbortSignal,
): AsyncIterable<LiveLine> {
  const known = topicsOf(topology);
  const meant = topics.length === 0 ? known.inputs.filter((one) => !known.isTable(one)) : topics;
  const unknown = meant.find((topic) => !known.names.includes(topic));
  if (unknown !== undefined) throw noSuchTopic(unknown, known.names);
  const matchers = new Map<string, Matcher>();
  let refusal: unknown;
  for (const topic of meant) {
    try {
      matchers.set(topic, matcherOf(where, known.shapeOf(topic)));
    } catch (error) {
      // Of topics that nobody named, those are meant that have the field.
      if (topics.length > 0 || !lacksField(error)) throw error;
      refusal ??= error;
    }
  }
  if (matchers.size === 0 && refusal !== undefined) throw refusal;
  return new LiveQuery(open, matchers, signal).lines();
}

const lacksField = (error: unknown) => error instanceof CarillonError && error.code === 'CAR402';

class LiveQuery {
  readonly #open: () => Promise<LogReader>;
  readonly #matchers: ReadonlyMap<string, Matcher>;
  readonly #stop = new AbortController();
  #tally = newTally();
  #end: string | undefined;

  constructor(
    open: () => Promise<LogReader>,
    matchers: ReadonlyMap<string, Matcher>,
    signal: AbortSignal,
  ) {
    this.#open = open;
    this.#matchers = matchers;
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    if (signal.aborted) this.#stop.abort();
  }

  async *lines(): AsyncGenerator<LiveLine> {
    const { signal } = this.#stop;
    const topics = [...this.#matchers.keys()];
    const reading = this.#read().catch((error: unknown) => {
      this.#end = error instanceof CarillonError ? `${error.code}: ${error.what}` : 'it failed.';
    });
    const late = setTimeout(() => {
      this.#end = `it has run for ${QUERY_MS_MAX / 60_000} minutes; ask again to go on.`;
    }, QUERY_MS_MAX);
    try {
      while (!signal.aborted) {
        const line = this.#tally;
        this.#tally = newTally();
        const end = this.#end;
        yield { topics, ...line, ...(end === undefined ? {} : { end }) };
        if (end !== undefined) return;
        await pause(LINE_EVERY_MS, signal);
      }
    } finally {
      clearTimeout(late);
      this.#stop.abort();
      await reading;
    }
  }

  async #read(): Promise<void> {
    const { signal } = this.#stop;
    const reader = await this.#open();
    try {
      const decoder = new RecordDecoder(reader);
      const batches = [...this.#matchers.keys()].map((topic) =>
        reader.read(topic, { from: 'end', follow: true, signal }),
      );
      for await (const records of mergeBatches(batches)) {
        for (const record of records) await this.#ask(record, decoder);
      }
    } finally {
      await reader.close();
    }
  }

  async #ask(record: Record, decoder: RecordDecoder): Promise<void> {
    const decoded = await decoder.decode(record);
    // Only now: a line may have been told meanwhile.
    const tally = this.#tally;
    tally.read++;
    const verdict = this.#matchers.get(record.topic)!(record, decoded);
    if (verdict === undefined) tally.unjudged++;
    if (verdict !== true) return;
    tally.matched++;
    if (tally.records.length >= SHOWN_MAX) tally.leftOut++;
    else tally.records.push(shown(decoded));
  }
}

const newTally = (): Tally => ({ read: 0, matched: 0, unjudged: 0, leftOut: 0, records: [] });

function shown({
  topic,
  partition,
  offset,
  timestamp: at,
  key,
  value,
  raw,
}: DecodedRecord): LiveRecord {
  const told = raw === undefined ? shownValue(value) : `base64: ${raw}`;
  return { topic, partition, offset, at, key, value: told };
}
