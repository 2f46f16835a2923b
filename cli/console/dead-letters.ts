/** The newest dead letters, with what is wrong with each and how it is mended. */

import type { Plan } from '../../compiler/plan.ts';
import type { DeadLetter, DeadLetterGroup, DeadLettersAnswer } from '../../console/answers.ts';
import type { ErrorEntry } from '../../core/error-entry.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import type { Record } from '../../core/record.ts';
import type { LogReader } from '../log-reader.ts';
import { RecordDecoder } from '../record-decoder.ts';
import { type Letter, letterOf, redrivable } from '../redrive/redriven.ts';
import { type DecodedRecord, shownValue } from '../show-record.ts';

/** What is shown; all are counted. */
const NEWEST_MAX = 100;
const NO_CODE = '?';

const entries: { readonly [code: string]: ErrorEntry | undefined } = ERROR_TABLE;

export async function newestDeadLetters(
  reader: LogReader,
  plan: Pick<Plan, 'deadLetters' | 'topics'>,
  { sinceMs, signal }: { readonly sinceMs: number; readonly signal: AbortSignal },
): Promise<DeadLettersAnswer> {
  const { deadLetters: topic } = plan;
  const groups = new Groups(redrivable(plan));
  let newest: Record[] = [];
  if ((await reader.partitionsOf(topic)) !== undefined) {
    for await (const records of reader.read(topic, { from: sinceMs, follow: false, signal })) {
      for (const record of records) groups.add(letterOf(record));
      // Partitions come interleaved: what is newest is known when all are read.
      newest = newestOf([...newest, ...records]);
    }
  }
  const decoder = new RecordDecoder(reader);
  const shown: DeadLetter[] = [];
  for (const record of newest) shown.push(shownLetter(await decoder.decode(record)));
  return {
    total: groups.total,
    groups: groups.all(),
    since: sinceMs,
    newest: shown,
    unread: signal.aborted ? [topic] : [],
  };
}

class Groups {
  total = 0;
  readonly #events: ReadonlySet<string>;
  readonly #groups = new Map<string, DeadLetterGroup>();

  constructor(events: ReadonlySet<string>) {
    this.#events = events;
  }

  add({ code: written, origin, isChanged, record }: Letter): void {
    const { timestamp: at } = record;
    const code = written || NO_CODE;
    const canGoBack = this.#events.has(origin) && !isChanged;
    const key = `${code} ${origin} ${canGoBack}`;
    const before = this.#groups.get(key) ?? { n: 0, first: at, last: at };
    this.total++;
    this.#groups.set(key, {
      code,
      slug: entries[code]?.slug ?? '',
      origin,
      n: before.n + 1,
      first: Math.min(before.first, at),
      last: Math.max(before.last, at),
      canGoBack,
    });
  }

  all(): DeadLetterGroup[] {
    const name = ({ code, origin }: DeadLetterGroup) => `${code} ${origin}`;
    return [...this.#groups.values()].sort((a, b) => b.n - a.n || (name(a) < name(b) ? -1 : 1));
  }
}

function newestOf(records: Record[]): Record[] {
  const order = (a: Record, b: Record) =>
    b.timestamp - a.timestamp || b.offset - a.offset || a.partition - b.partition;
  return records.sort(order).slice(0, NEWEST_MAX);
}

function shownLetter(decoded: DecodedRecord): DeadLetter {
  const { topic, partition, offset, timestamp, key, headers, value, raw } = decoded;
  const of = (name: string) => headers[`carillon.${name}`] ?? '';
  const code = of('code') || NO_CODE;
  return {
    topic,
    partition,
    offset,
    at: timestamp,
    key,
    code,
    reason: of('reason'),
    mend: entries[code]?.mend ?? '',
    step: `${of('stream')}/${of('step')}`,
    origin: `${of('topic')}/${of('partition')}@${of('offset')}`,
    value: raw === undefined ? shownValue(value) : `base64: ${raw}`,
  };
}
