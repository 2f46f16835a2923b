/**
 * What kafkajs has fetched, as a record batch of ours: its objects are encoded again, each under
 * its own offset. That costs what a produce of the same records costs, and is the price of its
 * public consumer.
 */
import type { EachBatchPayload, IHeaders } from 'kafkajs';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { Header } from '../../core/headers.ts';
import type { LogBatch } from '../../core/log.ts';

const NO_BYTES = Buffer.alloc(0);
/** Lengths, times and offsets of a record, counted upwards. */
const RECORD_OVERHEAD_BYTES = 32;

type KafkaBatch = EachBatchPayload['batch'];

/** What kafkajs keeps on its own batch and messages, beside what its types tell. */
interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders;
  readonly isControlRecord?: boolean;
  readonly batchContext?: { readonly inTransaction?: boolean; readonly producerId?: unknown };
}

/** No records: only the position moves on. */
export function emptyBatch(
  topic: string,
  partition: number,
  from: number,
  nextOffset: number,
): LogBatch {
  return { topic, partition, bytes: NO_BYTES, baseOffset: from, from, nextOffset };
}

/** The offset that a fetch begins with, control records and aborted ones included. */
export function firstOffsetOf(batch: KafkaBatch): number | undefined {
  const first = batch.firstOffset();
  return first === null ? undefined : Number(first);
}

/**
 * The records of a fetched batch. kafkajs looks for aborted transactions in the order in which it
 * is told of them, but the brokers tell them in the order of their ends: when several producers
 * abort in one partition, it lets aborted records through. So a record of a transaction counts only
 * once its own producer's end marker has been seen; where that lies beyond this fetch, the batch is
 * cut before the transaction and fetched again from there (a transaction larger than a fetch is
 * left to kafkajs).
 */
export function fetchedOf(batch: KafkaBatch, from: number): LogBatch {
  const raw = (batch as { messagesWithinOffset?: readonly FetchedMessage[] }).messagesWithinOffset;
  const messages = batch.messages as readonly FetchedMessage[];
  if (raw === undefined || !hasTransactions(raw)) {
    return encoded(batch, messages, from, Number(batch.lastOffset()) + 1);
  }
  const open = firstOpen(raw);
  const isWhole = open === 0;
  const end = isWhole ? raw.length : open;
  const kept = committed(raw, end, isWhole ? new Set(messages) : null);
  return encoded(batch, kept, from, Number(raw[end - 1]!.offset) + 1);
}

function encoded(
  { topic, partition }: KafkaBatch,
  messages: readonly FetchedMessage[],
  from: number,
  nextOffset: number,
): LogBatch {
  let bytes = 0;
  for (const { key, value } of messages) {
    bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  }
  const builder = new BatchBuilder(topic, partition);
  builder.room(bytes);
  let baseOffset = -1;
  for (const message of messages) {
    const offset = Number(message.offset);
    if (offset < from) continue;
    if (baseOffset < 0) baseOffset = offset;
    builder.skipTo(offset - baseOffset);
    const { key, value } = message;
    builder.append(Number(message.timestamp), key, value, headersOf(message.headers));
  }
  if (baseOffset < 0) return emptyBatch(topic, partition, from, nextOffset);
  const { bytes: whole } = builder.finish();
  return { topic, partition, bytes: whole, baseOffset, from, nextOffset };
}

/** A list under one key is so many headers. */
function headersOf(headers: IHeaders | undefined): readonly Header[] | null {
  if (headers === undefined) return null;
  let list: Header[] | null = null;
  for (const key in headers) {
    const value = headers[key];
    list ??= [];
    for (const one of Array.isArray(value) ? value : [value]) {
      list.push({ key, value: typeof one === 'string' ? Buffer.from(one) : (one ?? NO_BYTES) });
    }
  }
  return list;
}

/** Key of a control record: version i16, type i16; type 0 is an abort. */
function isAbort(control: FetchedMessage): boolean {
  return control.key !== null && control.key.length >= 4 && control.key.readInt16BE(2) === 0;
}

function hasTransactions(messages: readonly FetchedMessage[]): boolean {
  let context: FetchedMessage['batchContext'];
  for (const message of messages) {
    if (message.batchContext === context) continue;
    context = message.batchContext;
    if (context?.inTransaction === true) return true;
  }
  return false;
}

/** Where the first transaction begins whose end is not in these messages; their number if none. */
function firstOpen(messages: readonly FetchedMessage[]): number {
  const ended = new Set<unknown>();
  let first = messages.length;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!;
    const producerId = message.batchContext?.producerId;
    if (message.isControlRecord === true) ended.add(producerId);
    else if (message.batchContext?.inTransaction === true && !ended.has(producerId)) first = i;
  }
  return first;
}

/** Data records in [0, end) that were not aborted. Without a marker `kafkajs` has the last word. */
function committed(
  messages: readonly FetchedMessage[],
  end: number,
  trusted: ReadonlySet<FetchedMessage> | null,
): FetchedMessage[] {
  const aborted = new Map<unknown, boolean>();
  const kept: FetchedMessage[] = [];
  // Markers beyond `end` count too: they end transactions that began before it.
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!;
    const context = message.batchContext;
    if (message.isControlRecord === true) {
      aborted.set(context?.producerId, isAbort(message));
    } else if (i < end) {
      const fate = context?.inTransaction === true ? aborted.get(context.producerId) : false;
      if (fate === false || (fate === undefined && (trusted?.has(message) ?? false))) {
        kept.push(message);
      }
    }
  }
  return kept.reverse();
}
