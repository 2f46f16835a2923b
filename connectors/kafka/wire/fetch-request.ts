/**
 * Fetch, versions 12 (topics by name) and 13 (by id, KIP-516): one request for all partitions that
 * are wanted of a broker, without a fetch session. The record batches stay the bytes that they are.
 */
import type { Api, Throttled } from './api.ts';
import type { ResponseReader } from './response-reader.ts';

export interface WantedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that is wanted; the batch that holds it may begin before it. */
  readonly offset: number;
  /**
   * Of the topic that `offset` belongs to: one that was made anew is not read under the same name.
   */
  readonly topicId: string;
  /** Default 1 MiB; a first batch that is larger comes whole. */
  readonly maxBytes?: number;
}

export interface FetchRequest {
  readonly wanted: readonly WantedPartition[];
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** True: nothing beyond the last stable offset, and aborted transactions are told. */
  readonly readCommitted: boolean;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly wanted: WantedPartition;
  /** The protocol's error code; 0: none. */
  readonly code: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** -1 when there is an error. */
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** A run of record batches; the last one may be cut off. A view on the answer. */
  readonly bytes: Buffer;
}

export interface FetchAnswer extends Throttled {
  readonly code: number;
  readonly partitions: readonly FetchedPartition[];
}

export const PARTITION_BYTES_MAX = 1024 * 1024;
const BY_ID = 13;
const NONE: readonly AbortedTransaction[] = [];

export const FETCH: Api<FetchRequest, FetchAnswer> = {
  key: 1,
  name: 'Fetch',
  min: 12,
  max: BY_ID,
  write(writer, request, version) {
    writer.int32(-1).int32(request.maxWaitMs).int32(request.minBytes).int32(request.maxBytes);
    // Session 0 with epoch -1: no session, every request tells all.
    writer
      .int8(request.readCommitted ? 1 : 0)
      .int32(0)
      .int32(-1);
    writer.list(topicsOf(request.wanted), (partitions) => {
      const { topic, topicId } = partitions[0]!;
      if (version >= BY_ID) writer.uuid(topicId);
      else writer.text(topic);
      writer.list(partitions, (wanted) => {
        writer.int32(wanted.partition).int32(-1).int64(wanted.offset).int32(-1).int64(-1);
        writer.int32(wanted.maxBytes ?? PARTITION_BYTES_MAX).tags();
      });
      writer.tags();
    });
    writer.list([], () => {});
    writer.text('').tags();
  },
  read(reader, version, request) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    reader.int32();
    const partitions: FetchedPartition[] = [];
    const find = finder(request.wanted, version);
    reader.list(() => {
      const topic = version >= BY_ID ? reader.uuid() : reader.text();
      reader.list(() => {
        const partition = reader.int32();
        const wanted = find(topic, partition);
        const fetched = readPartition(reader, wanted);
        if (fetched !== undefined) partitions.push(fetched);
      });
      reader.tags();
    });
    reader.tags();
    return { throttleMs, code, partitions };
  },
};

/**
 * Runs of the same topic: the order of the wanted ones is kept, as it decides who is served first.
 */
function topicsOf(wanted: readonly WantedPartition[]): WantedPartition[][] {
  const topics: WantedPartition[][] = [];
  for (const one of wanted) {
    const last = topics.at(-1);
    if (last !== undefined && last[0]!.topicId === one.topicId && last[0]!.topic === one.topic) {
      last.push(one);
    } else topics.push([one]);
  }
  return topics;
}

/** Answers come in the order of the request, as a rule: so the next one is looked at first. */
function finder(wanted: readonly WantedPartition[], version: number) {
  let next = 0;
  const isIt = (one: WantedPartition | undefined, topic: string, partition: number) =>
    one !== undefined &&
    one.partition === partition &&
    (version >= BY_ID ? one.topicId : one.topic) === topic;
  return (topic: string, partition: number): WantedPartition | undefined => {
    if (!isIt(wanted[next], topic, partition)) {
      next = wanted.findIndex((one) => isIt(one, topic, partition));
    }
    return wanted[next++];
  };
}

/** Undefined for a partition that was not asked for. */
function readPartition(
  reader: ResponseReader,
  wanted: WantedPartition | undefined,
): FetchedPartition | undefined {
  const code = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = reader.int64();
  const aborted = reader.list((): AbortedTransaction => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
    reader.tags();
    return transaction;
  });
  reader.int32();
  const bytes = reader.blob();
  reader.tags();
  if (wanted === undefined) return undefined;
  return {
    wanted,
    code,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    aborted: aborted.length === 0 ? NONE : aborted,
    bytes,
  };
}
