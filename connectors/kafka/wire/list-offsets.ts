/** ListOffsets, versions 6 and 7: where partitions begin and end, or stood at a time. */

import type { Api, Throttled } from './api.ts';
import { ASK_TIMEOUT_MS, type Requester } from './connection-pool.ts';
import { BrokerError, errorName, wireError } from './errors.ts';
import type { ClusterMetadata } from './metadata.ts';
import { partitionKey } from './partition-key.ts';
import { pause } from './pause.ts';

export interface OffsetQuestion {
  readonly topic: string;
  readonly partition: number;
  /** Or a time, epoch ms. */
  readonly at: 'start' | 'end' | number;
}

export interface ListOptions {
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * What `end` is: the last stable offset, so without what open transactions hold (`committed`, the
   * default), or the high watermark.
   */
  readonly reads?: 'committed' | 'written';
}

interface Questions {
  readonly reads: 'committed' | 'written';
  readonly questions: readonly OffsetQuestion[];
}

interface Answer extends Throttled {
  /** By `topic/partition`. */
  readonly offsets: ReadonlyMap<string, { readonly code: number; readonly offset: number }>;
}

const ISOLATION = { written: 0, committed: 1 } as const;
const RETRY_MS = 100;
const TIMEOUT_MS = 30_000;

export const LIST_OFFSETS: Api<Questions, Answer> = {
  key: 2,
  name: 'ListOffsets',
  min: 6,
  max: 7,
  write(writer, { reads, questions }) {
    writer.int32(-1).int8(ISOLATION[reads]);
    writer.list([...Map.groupBy(questions, (one) => one.topic)], ([topic, partitions]) => {
      writer.text(topic);
      writer.list(partitions, ({ partition, at }) => {
        const time = at === 'start' ? -2 : at === 'end' ? -1 : at;
        writer.int32(partition).int32(-1).int64(time).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
  read(reader) {
    const throttleMs = reader.int32();
    const offsets = new Map<string, { code: number; offset: number }>();
    reader.list(() => {
      const topic = reader.text();
      reader.list(() => {
        const partition = reader.int32();
        const code = reader.int16();
        reader.int64();
        offsets.set(partitionKey({ topic, partition }), { code, offset: reader.int64() });
        reader.int32();
        reader.tags();
      });
      reader.tags();
    });
    reader.tags();
    return { throttleMs, offsets };
  },
};

/**
 * The offsets, in the order of the questions, which are of different partitions; -1 where no record
 * is as late as the time asked for. Leaders that have moved or do not answer are asked again until
 * `timeoutMs` is over (default 30 s), then the call rejects with a CarillonError; at once for a
 * topic that is not there.
 */
export async function listOffsets(
  requester: Requester,
  metadata: ClusterMetadata,
  questions: readonly OffsetQuestion[],
  options: ListOptions = {},
): Promise<readonly number[]> {
  const deadlineMs = performance.now() + (options.timeoutMs ?? TIMEOUT_MS);
  const reads = options.reads ?? 'committed';
  const signal = options.signal ?? new AbortController().signal;
  const found = new Map<string, number>();
  await metadata.track(new Set(questions.map((one) => one.topic)));
  for (;;) {
    const open = questions.filter((one) => !found.has(partitionKey(one)));
    if (open.length === 0) return questions.map((one) => found.get(partitionKey(one))!);
    const asked = { reads, questions: open };
    const failure = await askLeaders(requester, metadata, asked, found);
    if (failure === undefined) continue;
    const told = wireError(failure, 'list offsets');
    const late = performance.now() + RETRY_MS > deadlineMs;
    if (!told.retryable || late || signal.aborted) throw told;
    await metadata.complain();
    await pause(RETRY_MS, signal);
  }
}

/** Gives the failure that weighs most: one that no retry mends before others. */
async function askLeaders(
  requester: Requester,
  metadata: ClusterMetadata,
  { reads, questions }: Questions,
  found: Map<string, number>,
): Promise<unknown> {
  const failures: unknown[] = [];
  const byLeader = Map.groupBy(questions, (one) => metadata.leader(one.topic, one.partition));
  const asked = [...byLeader].map(async ([leader, mine]) => {
    if (leader < 0) {
      failures.push(leaderless(metadata, mine));
      return;
    }
    try {
      const request = { reads, questions: mine };
      const { offsets } = await requester.request(
        leader,
        'ask',
        LIST_OFFSETS,
        request,
        ASK_TIMEOUT_MS,
      );
      for (const one of mine) {
        const { code, offset } = offsets.get(partitionKey(one)) ?? { code: -1, offset: -1 };
        if (code === 0) found.set(partitionKey(one), offset);
        else failures.push(new BrokerError(errorName(code), partitionKey(one)));
      }
    } catch (error) {
      failures.push(error);
    }
  });
  await Promise.all(asked);
  const isFinal = (failure: unknown) => !wireError(failure, '').retryable;
  return failures.find(isFinal) ?? failures[0];
}

/** A partition beyond the topic's end is as good as a topic that is not there. */
function leaderless(metadata: ClusterMetadata, questions: readonly OffsetQuestion[]): BrokerError {
  const missing = questions.find(({ topic, partition }) => {
    return metadata.topic(topic)?.leaders[partition] === undefined;
  });
  if (missing === undefined) return new BrokerError('LEADER_NOT_AVAILABLE');
  const failure = metadata.failure(missing.topic) ?? 'UNKNOWN_TOPIC_OR_PARTITION';
  return new BrokerError(failure, partitionKey(missing));
}
