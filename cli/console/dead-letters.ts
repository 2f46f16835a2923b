/** The newest dead letters, with what is wrong with each and how it is mended. */

import type { Plan } from '../../compiler/plan.ts';
import type { DeadLetter, DeadLettersAnswer } from '../../console/answers.ts';
import type { ErrorEntry } from '../../core/error-entry.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import type { Record } from '../../core/record.ts';
import type { LogReader } from '../log-reader.ts';
import { RecordDecoder } from '../record-decoder.ts';
import { type DecodedRecord, headersOf, shownValue } from '../show-record.ts';

/** What is shown; all are counted. */
const NEWEST_MAX = 100;
const NO_CODE = '?';

const entries: { readonly [code: string]: ErrorEntry | undefined } = ERROR_TABLE;

export async function newestDeadLetters(
  reader: LogReader,
  { deadLetters: topic }: Pick<Plan, 'deadLetters'>,
  { sinceMs, signal }: { readonly sinceMs: number; readonly signal: AbortSignal },
): Promise<DeadLettersAnswer> {
  const counts = new Map<string, number>();
  let newest: Record[] = [];
  if ((await reader.partitionsOf(topic)) !== undefined) {
    for await (const records of reader.read(topic, { from: sinceMs, follow: false, signal })) {
      for (const record of records) {
        const code = headersOf(record)['carillon.code'] ?? NO_CODE;
        counts.set(code, (counts.get(code) ?? 0) + 1);
      }
      // Partitions come interleaved: what is newest is known when all are read.
      newest = newestOf([...newest, ...records]);
    }
  }
  const decoder = new RecordDecoder(reader);
  const shown: DeadLetter[] = [];
  for (const record of newest) shown.push(letterOf(await decoder.decode(record)));
  const byCode = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return {
    total: byCode.reduce((sum, [, n]) => sum + n, 0),
    byCode: byCode.map(([code, n]) => ({ code, n, slug: entries[code]?.slug ?? '' })),
    newest: shown,
    unread: signal.aborted ? [topic] : [],
  };
}

function newestOf(records: Record[]): Record[] {
  const order = (a: Record, b: Record) =>
    b.timestamp - a.timestamp || b.offset - a.offset || a.partition - b.partition;
  return records.sort(order).slice(0, NEWEST_MAX);
}

function letterOf(decoded: DecodedRecord): DeadLetter {
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
