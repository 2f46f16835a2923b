/** Between the engine's records (views on a batch's bytes) and the objects that kafkajs wants. */
import type { EachBatchPayload, IHeaders, KafkaMessage, Message } from 'kafkajs';
import type { EncodedBatch, StateRow } from '../../core/log.ts';
import { type Header, Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';

const NO_BYTES = Buffer.alloc(0);

/** Records of one partition that go out in one request, at most; kafkajs groups them in O(n²). */
const PIECE_RECORDS_MAX = 1_000;
/**
 * Below the brokers' default `message.max.bytes` of 1 MiB, which counts for a partition's share.
 */
const PIECE_BYTES_MAX = 900_000;

/** Which leader a request goes to, as kafkajs itself sees it while it sends (see leaders.ts). */
export interface SendGroup {
  leader: number | null;
}

/** kafkajs hands the message itself to the partitioner: so it carries its partition and group. */
export interface OutMessage extends Message {
  readonly partition: number;
  group: SendGroup | null;
}

/**
 * A part of a batch that is small enough for one request. `batch` is its place in the caller's
 * list.
 */
export interface Piece {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly OutMessage[];
  readonly bytes: number;
  readonly batch: number;
  /** True for the piece that holds the batch's first record. */
  readonly first: boolean;
}

export function piecesOf(batch: EncodedBatch, at: number): Piece[] {
  const records = readBatch(batch.topic, batch.partition, batch.bytes, 0);
  return cut(batch.topic, batch.partition, at, records.map(messageOf(batch.partition)));
}

/** Changelog records: a row's key and value as they are. */
export function piecesOfRows(
  topic: string,
  partition: number,
  rows: readonly StateRow[],
  nowMs: number,
): Piece[] {
  const timestamp = String(nowMs);
  const messages = rows.map(
    (row): OutMessage => ({ key: row.key, value: row.value, partition, timestamp, group: null }),
  );
  return cut(topic, partition, -1, messages);
}

function cut(topic: string, partition: number, batch: number, messages: OutMessage[]): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < messages.length; i++) {
    const size = sizeOf(messages[i]!);
    if (i > from && (i - from >= PIECE_RECORDS_MAX || bytes + size > PIECE_BYTES_MAX)) {
      pieces.push(piece(messages.slice(from, i), bytes, from === 0));
      from = i;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < messages.length) pieces.push(piece(messages.slice(from), bytes, from === 0));
  return pieces;

  function piece(part: OutMessage[], size: number, first: boolean): Piece {
    return { topic, partition, messages: part, bytes: size, batch, first };
  }
}

/** What a record takes on the wire, counted upwards. */
function sizeOf(message: OutMessage): number {
  let size = 32 + (message.key?.length ?? 0) + (message.value?.length ?? 0);
  if (message.headers !== undefined) {
    for (const [key, value] of Object.entries(message.headers)) {
      size += key.length * 3 + 10;
      for (const one of Array.isArray(value) ? value : [value]) size += (one?.length ?? 0) + 5;
    }
  }
  return size;
}

/** Views on the batch's bytes; kafkajs copies them once, into its request. */
function messageOf(partition: number): (record: Record) => OutMessage {
  return (record) => {
    const { keyStart, valueStart } = record;
    const message: OutMessage = {
      key: keyStart < 0 ? null : record.keyBytes.subarray(keyStart, record.keyEnd),
      value: valueStart < 0 ? null : record.valueBytes.subarray(valueStart, record.valueEnd),
      partition,
      timestamp: String(record.timestamp),
      group: null,
    };
    if (record.headers !== null) message.headers = headersOut(record.headers);
    return message;
  };
}

/** A key that comes twice becomes a list. */
function headersOut(headers: readonly Header[]): IHeaders {
  const out: { [key: string]: Buffer[] } = {};
  for (const header of headers) {
    const list = Object.hasOwn(out, header.key) ? out[header.key]! : [];
    list.push(header.value);
    out[header.key] = list;
  }
  return out;
}

function headersIn(headers: IHeaders | undefined): readonly Header[] | null {
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

export function recordOf(
  topic: string,
  partition: number,
  offset: number,
  message: KafkaMessage,
): Record {
  const { key, value } = message;
  return new Record(
    topic,
    partition,
    offset,
    Number(message.timestamp),
    key ?? NO_BYTES,
    key === null ? -1 : 0,
    key === null ? -1 : key.length,
    value ?? NO_BYTES,
    value === null ? -1 : 0,
    value === null ? -1 : value.length,
    headersIn(message.headers),
  );
}

export interface Fetched {
  readonly records: readonly Record[];
  /** Where to go on: past control records and aborted ones. */
  readonly nextOffset: number;
}

/** What kafkajs keeps on its own batch and messages, beside what its types tell. */
interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord?: boolean;
  readonly batchContext?: { readonly inTransaction?: boolean; readonly producerId?: unknown };
}

/** Key of a control record: version i16, type i16; type 0 is an abort. */
function isAbort(control: FetchedMessage): boolean {
  return control.key !== null && control.key.length >= 4 && control.key.readInt16BE(2) === 0;
}

/**
 * The records of a fetched batch. kafkajs looks for aborted transactions in the order in which it
 * is told of them, but the brokers tell them in the order of their ends: when several producers
 * abort in one partition, it lets aborted records through. So a record of a transaction counts only
 * once its own producer's end marker has been seen; where that lies beyond this fetch, the batch is
 * cut before the transaction and fetched again from there (a transaction larger than a fetch is
 * left to kafkajs).
 */
export function fetchedOf(batch: EachBatchPayload['batch'], from: number): Fetched {
  const raw = (batch as { messagesWithinOffset?: readonly FetchedMessage[] }).messagesWithinOffset;
  const { topic, partition } = batch;
  if (raw === undefined || !hasTransactions(raw)) {
    return {
      records: recordsFrom(topic, partition, batch.messages, from),
      nextOffset: Number(batch.lastOffset()) + 1,
    };
  }
  const open = firstOpen(raw);
  const whole = open === 0;
  const end = whole ? raw.length : open;
  const kept = committed(raw, end, whole ? new Set(batch.messages as FetchedMessage[]) : null);
  const last = raw[end - 1]!;
  return {
    records: recordsFrom(topic, partition, kept as KafkaMessage[], from),
    nextOffset: Number(last.offset) + 1,
  };
}

function recordsFrom(
  topic: string,
  partition: number,
  messages: readonly KafkaMessage[],
  from: number,
): Record[] {
  const records: Record[] = [];
  for (const message of messages) {
    const offset = Number(message.offset);
    if (offset >= from) records.push(recordOf(topic, partition, offset, message));
  }
  return records;
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
