/**
 * Dead letters on their way back to the topics that they came from: which of them can go, which
 * have gone before, and the sending. The command and the console's page both do it by this.
 */
import type { Plan } from '../../compiler/plan.ts';
import type { RedriveAnswer } from '../../console/answers.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { Header } from '../../core/headers.ts';
import type { Log, Producer } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import type { Record } from '../../core/record.ts';
import { headersOf } from '../show-record.ts';

/**
 * The header that a letter carries once it has been sent back: its own place. What the origin holds
 * under that header is not sent again, so that a second call sends nothing twice.
 */
export const REDRIVEN = 'carillon.redriven';

/** Sent in one go, by count and by bytes. */
const SENT_AT_ONCE = 500;
const BYTES_AT_ONCE = 4 * 1024 * 1024;

export interface Letter {
  /** Where it lies: `dead-letters/0@7`. */
  readonly place: string;
  /** The topic that it came from; empty: it does not say. */
  readonly origin: string;
  readonly partition: number;
  readonly code: string;
  /** True: it holds what a step had made, and not the bytes that came. */
  readonly isChanged: boolean;
  readonly record: Record;
}

/** The topics that letters are sent back to. */
export function redrivable({ topics }: Pick<Plan, 'topics'>): ReadonlySet<string> {
  const of = topics.filter(({ use }) => use === 'events' || use === 'ticks');
  return new Set(of.map(({ name }) => name));
}

export function letterOf(record: Record): Letter {
  const headers = headersOf(record);
  return {
    place: `${record.topic}/${record.partition}@${record.offset}`,
    origin: headers['carillon.topic'] ?? '',
    partition: Number(headers['carillon.partition']),
    code: headers['carillon.code'] ?? '',
    isChanged: headers['carillon.form'] === 'json',
    record,
  };
}

/** How the letters that were chosen end; the groups are of those to send. */
export interface Sorted extends Omit<RedriveAnswer, 'upTo' | 'sent'> {
  /** By partition of the dead letters: what comes after the last that was seen. */
  readonly upTo: ReadonlyMap<number, number>;
}

export interface RedriveParts {
  /** The topics that letters are sent back to. */
  readonly events: ReadonlySet<string>;
  /** The letters that are chosen, anew at each call: they are read twice, and never held. */
  letters(): AsyncIterable<Letter>;
  /** What a topic holds from a time on. */
  read(origin: string, fromMs: number): AsyncIterable<readonly Record[]>;
  /** Undefined: it is only said what would be sent. */
  readonly send?: (letters: readonly Letter[]) => Promise<void>;
}

/**
 * Reads the letters, and sends those back that can go and have not gone. Those that are written
 * meanwhile are left for the next call: what is sent back may fail again at once.
 */
export async function redriveLetters(parts: RedriveParts): Promise<Sorted> {
  const { since, upTo } = await firstLook(parts);
  const sent = await sentBefore(parts, since);
  const groups = new Map<string, { code: string; origin: string; n: number }>();
  const counts = { toSend: 0, alreadySent: 0, ofOthers: 0, changed: 0 };
  const pack = new Pack(parts.send ?? (async () => undefined));
  for await (const letter of parts.letters()) {
    const { partition, offset } = letter.record;
    if (offset >= (upTo.get(partition) ?? 0)) continue;
    if (!parts.events.has(letter.origin)) counts.ofOthers++;
    else if (letter.isChanged) counts.changed++;
    else if (sent.has(letter.place)) counts.alreadySent++;
    else {
      counts.toSend++;
      const { code, origin } = letter;
      const group = groups.get(`${code} ${origin}`) ?? { code, origin, n: 0 };
      group.n++;
      groups.set(`${code} ${origin}`, group);
      await pack.add(letter);
    }
  }
  await pack.finish();
  const byName = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  return { groups: byName, ...counts, upTo };
}

interface FirstLook {
  /** By origin the least time of what can be sent back, epoch ms. */
  readonly since: ReadonlyMap<string, number>;
  readonly upTo: Sorted['upTo'];
}

async function firstLook({ letters, events }: RedriveParts): Promise<FirstLook> {
  const since = new Map<string, number>();
  const upTo = new Map<number, number>();
  for await (const { origin, isChanged, record } of letters()) {
    const { partition, offset, timestamp } = record;
    upTo.set(partition, Math.max(upTo.get(partition) ?? 0, offset + 1));
    if (isChanged || !events.has(origin)) continue;
    since.set(origin, Math.min(since.get(origin) ?? timestamp, timestamp));
  }
  return { since, upTo };
}

/** A letter's time is its event's, and it is sent back with that: so it is found from there on. */
async function sentBefore(
  { read }: RedriveParts,
  since: FirstLook['since'],
): Promise<ReadonlySet<string>> {
  const sent = new Set<string>();
  for (const [origin, fromMs] of since) {
    for await (const records of read(origin, fromMs)) {
      for (const { headers } of records) {
        const before = headers?.find(({ key }) => key === REDRIVEN);
        if (before !== undefined) sent.add(before.value.toString('utf8'));
      }
    }
  }
  return sent;
}

/** Holds a bounded number of letters, and sends them together. */
class Pack {
  readonly #send: (letters: readonly Letter[]) => Promise<void>;
  #letters: Letter[] = [];
  #bytes = 0;

  constructor(send: (letters: readonly Letter[]) => Promise<void>) {
    this.#send = send;
  }

  async add(letter: Letter): Promise<void> {
    this.#letters.push(letter);
    this.#bytes += letter.record.valueBytes?.length ?? 0;
    if (this.#letters.length >= SENT_AT_ONCE || this.#bytes >= BYTES_AT_ONCE) await this.finish();
  }

  async finish(): Promise<void> {
    const letters = this.#letters;
    this.#letters = [];
    this.#bytes = 0;
    if (letters.length > 0) await this.#send(letters);
  }
}

/** Key, bytes, time and headers as they came; the letter's own words are left out. */
export async function sendLetters(
  log: Pick<Log, 'partitionsOf'>,
  producer: Producer,
  letters: readonly Letter[],
): Promise<void> {
  const builders = new Map<string, BatchBuilder>();
  for (const { origin, partition: of, place, record } of letters) {
    const partitions = (await log.partitionsOf(origin)) ?? 1;
    const partition =
      of < partitions ? of : record.key === null ? 0 : partitionOfText(record.key, partitions);
    const name = `${origin}/${partition}`;
    const builder = builders.get(name) ?? new BatchBuilder(origin, partition);
    builders.set(name, builder);
    const headers: Header[] = [
      ...(record.headers ?? []).filter(({ key }) => !key.startsWith('carillon.')),
      { key: REDRIVEN, value: Buffer.from(place, 'utf8') },
    ];
    builder.append(record.timestamp, record.keyBytes, record.valueBytes, headers);
  }
  await producer.send([...builders.values()].map((builder) => builder.finish()));
}
