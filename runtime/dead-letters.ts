/**
 * What cannot be used is kept: the source's own key and value, with the reason in headers (S48).
 */
import type { Header } from '../core/headers.ts';
import { jsonForm } from '../core/json-form.ts';
import type { Record } from '../core/record.ts';
import type { Collector } from './collector.ts';

const header = (key: string, value: string): Header => ({ key, value: Buffer.from(value, 'utf8') });

/** What a dead letter says of itself. */
export interface DeadLetter {
  readonly code: string;
  readonly why: string;
  readonly stream: string;
  readonly step: string;
}

export function writeDeadLetter(
  collector: Collector,
  topic: string,
  record: Record,
  letter: DeadLetter,
  nowMs: number,
): void {
  const headers = [header('carillon.code', letter.code), header('carillon.reason', letter.why)];
  writeAside(collector, topic, record, headers, letter, nowMs);
}

/**
 * A record as it came, with `added` and its origin. Its time is its own, but never ahead of the
 * task's clock or negative: brokers refuse such (`message.timestamp.after.max.ms`), and it would
 * stop the task that writes it.
 */
export function writeAside(
  collector: Collector,
  topic: string,
  record: Record,
  added: readonly Header[],
  { stream, step }: { readonly stream: string; readonly step: string },
  nowMs: number,
): void {
  const headers: Header[] = [
    ...(record.headers ?? []),
    ...added,
    header('carillon.stream', stream),
    header('carillon.step', step),
    header('carillon.topic', record.topic),
    header('carillon.partition', String(record.partition)),
    header('carillon.offset', String(record.offset)),
  ];
  let value = record.valueBytes;
  if (value === null && !record.isTombstone) {
    // The value was made by a step and has no bytes yet: it is kept readable.
    value = Buffer.from(JSON.stringify(jsonForm(record.value)), 'utf8');
    headers.push(header('carillon.form', 'json'));
  }
  collector
    .builder(topic, record.partition % collector.partitions)
    .append(Math.max(0, Math.min(record.timestamp, nowMs)), record.keyBytes, value, headers);
}
