/** From the engine's batches to the objects that kafkajs wants. */
import type { IHeaders, Message } from 'kafkajs';
import type { Header } from '../../core/headers.ts';
import type { EncodedBatch } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';

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
  const records = readBatch(wholeBatch(batch.topic, batch.partition, batch.bytes, 0));
  return cut(batch.topic, batch.partition, at, records.map(messageOf(batch.partition)));
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
    const message: OutMessage = {
      key: record.keyBytes,
      value: record.valueBytes,
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
