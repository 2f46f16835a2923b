/**
 * `carillon redrive`: sends dead letters back to the topic that they came from, once what was wrong
 * is mended. Without `--send` it only says what it would send.
 */
import { BatchBuilder } from '../../core/batch-builder.ts';
import { CarillonError } from '../../core/error.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import type { Header } from '../../core/headers.ts';
import type { Log } from '../../core/log.ts';
import { nearest } from '../../core/nearest.ts';
import { partitionOfText } from '../../core/partition.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { LogScan, type Scanned, type ScanOptions } from '../log-scan.ts';
import { openLog } from '../open-log.ts';
import { EXIT_OK } from '../show-error.ts';

export interface RedriveOptions extends ScanOptions {
  /** Codes with commas; undefined: all. */
  readonly reason?: string;
  /** The topic that they came from. */
  readonly origin?: string;
  readonly send?: boolean;
}

/**
 * The header that a letter carries once it has been sent back: its own place. What the origin holds
 * under that header is not sent again, so that a second call sends nothing twice.
 */
export const REDRIVEN = 'carillon.redriven';

/** Sent in one go. */
const SENT_AT_ONCE = 500;

interface Letter {
  /** Where it lies: `dead-letters/0@7`. */
  readonly place: string;
  readonly origin: string;
  readonly partition: number;
  readonly code: string;
  readonly scanned: Scanned;
}

interface Sorted {
  readonly toSend: readonly Letter[];
  readonly alreadySent: number;
  /** Not of an event topic. */
  readonly ofOthers: number;
  /** They hold what a step had made, and not the bytes that came. */
  readonly changed: number;
}

export async function redrive(options: RedriveOptions): Promise<number> {
  const deployment = readDeployment({
    file: options.deployment,
    folder: process.cwd(),
    env: process.env,
  });
  const { plan } = await loadTopology(deployment, { folder: process.cwd(), env: process.env });
  const ofEvents = plan.topics.filter(({ use }) => use === 'events' || use === 'ticks');
  const events = new Set(ofEvents.map(({ name }) => name));
  const chosen = await lettersOf(plan.deadLetters, options);
  const sorted = await sort(chosen, events, options);
  process.stdout.write(summary(sorted, options.send === true));
  if (options.send !== true || sorted.toSend.length === 0) return EXIT_OK;
  const log = await openLog(deployment);
  try {
    await send(log, sorted.toSend);
  } finally {
    await log.close();
  }
  process.stdout.write(`${sorted.toSend.length} were sent.\n`);
  return EXIT_OK;
}

async function lettersOf(topic: string, options: RedriveOptions): Promise<Letter[]> {
  const reasons = options.reason?.split(',').map((code) => code.trim());
  const found = await all([topic], { ...options, follow: false });
  const codeOf = ({ decoded }: Scanned) => decoded.headers['carillon.code'] ?? '';
  for (const reason of reasons ?? []) checkReason(reason, new Set(found.map(codeOf)));
  const letters: Letter[] = [];
  for (const scanned of found) {
    const { partition, offset, headers } = scanned.decoded;
    const { 'carillon.topic': origin = '' } = headers;
    const code = codeOf(scanned);
    if (reasons !== undefined && !reasons.includes(code)) continue;
    if (options.origin !== undefined && origin !== options.origin) continue;
    const place = `${topic}/${partition}@${offset}`;
    letters.push({
      place,
      origin,
      partition: Number(headers['carillon.partition']),
      code,
      scanned,
    });
  }
  return letters;
}

/**
 * Steps of one's own have codes of their own, so what lies there exists, too. Throws CAR900: sent
 * back would be nothing, and it would look as if there were no such letters.
 */
function checkReason(reason: string, lying: ReadonlySet<string>): void {
  if (reason in ERROR_TABLE || lying.has(reason)) return;
  const near = nearest(reason, [...lying, ...Object.keys(ERROR_TABLE)]);
  const codes = lying.size === 0 ? 'there are none' : [...lying].sort().join(', ');
  throw new CarillonError('CAR900', `--reason: there is no code "${reason.slice(0, 64)}".`, {
    where: { at: 'carillon redrive' },
    mend: near === undefined ? `codes of the dead letters: ${codes}` : `did you mean "${near}"?`,
  });
}

async function all(topics: readonly string[], options: ScanOptions): Promise<Scanned[]> {
  const scan = await LogScan.open(topics, options);
  const found: Scanned[] = [];
  try {
    const { signal } = new AbortController();
    for await (const scanned of scan.records(signal)) found.push(scanned);
  } finally {
    await scan.close();
  }
  return found;
}

/** A letter's time is its event's, and it is sent back with that: so it is found from there on. */
async function sort(
  letters: readonly Letter[],
  events: ReadonlySet<string>,
  { deployment }: RedriveOptions,
): Promise<Sorted> {
  const ofEvents = letters.filter(({ origin }) => events.has(origin));
  const fit = ofEvents.filter(({ scanned }) => scanned.decoded.headers['carillon.form'] !== 'json');
  const sent = new Set<string>();
  for (const origin of new Set(fit.map((letter) => letter.origin))) {
    const times = fit
      .filter((letter) => letter.origin === origin)
      .map(({ scanned }) => scanned.decoded.timestamp);
    const from = new Date(times.reduce((least, at) => Math.min(least, at))).toISOString();
    const place = deployment === undefined ? {} : { deployment };
    for (const { decoded } of await all([origin], { from, ...place })) {
      const before = decoded.headers[REDRIVEN];
      if (before !== undefined) sent.add(before);
    }
  }
  const toSend = fit.filter(({ place }) => !sent.has(place));
  return {
    toSend,
    alreadySent: fit.length - toSend.length,
    ofOthers: letters.length - ofEvents.length,
    changed: ofEvents.length - fit.length,
  };
}

/** Key, bytes, time and headers as they came; the letter's own words are left out. */
async function send(log: Log, letters: readonly Letter[]): Promise<void> {
  const producer = await log.producer();
  try {
    for (let at = 0; at < letters.length; at += SENT_AT_ONCE) {
      const builders = new Map<string, BatchBuilder>();
      for (const { origin, partition: of, place, scanned } of letters.slice(
        at,
        at + SENT_AT_ONCE,
      )) {
        const { record } = scanned;
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
  } finally {
    await producer.close();
  }
}

function summary({ toSend, alreadySent, ofOthers, changed }: Sorted, isSending: boolean): string {
  const counts = new Map<string, number>();
  for (const { code, origin } of toSend) {
    const name = `${code}  ${origin}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const lines = [...counts]
    .sort()
    .map(([name, count]) => `${String(count).padStart(6)}  ${name}\n`);
  const left = [
    ...(alreadySent === 0 ? [] : [`${alreadySent} were sent back before`]),
    ...(ofOthers === 0 ? [] : [`${ofOthers} are of no topic of events`]),
    ...(changed === 0
      ? []
      : [
          `${changed} hold what a step had made of their events (map, join, …), and not what came: ` +
            'the events lie where their headers carillon.topic, partition and offset say',
        ]),
  ];
  const rest = left.length === 0 ? '' : `Left out: ${left.join('; ')}.\n`;
  if (isSending) return `${lines.join('')}${rest}`;
  const what = toSend.length === 1 ? '1 dead letter' : `${toSend.length} dead letters`;
  return `${lines.join('')}${rest}${what} would be sent back. Nothing was: say --send to do it.\n`;
}
