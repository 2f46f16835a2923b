/** What a group has committed, asked by anybody. */

import type { Requester } from './connection-pool.ts';
import { Coordinator } from './coordinator.ts';
import { OFFSET_FETCH } from './group-requests.ts';
import type { ClusterMetadata } from './metadata.ts';
import type { PartitionOffset, TopicPartition } from './transaction-requests.ts';

const TIMEOUT_MS = 30_000;
/** A transaction that holds an offset has neither been committed nor aborted yet. */
const UNSTABLE: ReadonlySet<string> = new Set(['UNSTABLE_OFFSET_COMMIT']);

export interface CommittedOptions {
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Default true: waits for open transactions that hold some of them (KIP-447), at most
   * `timeoutMs`: until then their owner may still commit.
   */
  readonly stable?: boolean;
}

/** The committed offsets; -1 for a partition that has none. Rejects with a CarillonError. */
export async function committedOffsets(
  requester: Requester,
  metadata: ClusterMetadata,
  group: string,
  partitions: readonly TopicPartition[],
  options: CommittedOptions = {},
): Promise<readonly PartitionOffset[]> {
  if (partitions.length === 0) return [];
  const coordinator = new Coordinator(requester, metadata, 'group', group);
  const request = { group, partitions, requireStable: options.stable ?? true };
  const { offsets } = await coordinator.ask(OFFSET_FETCH, request, {
    purpose: 'group',
    deadlineMs: performance.now() + (options.timeoutMs ?? TIMEOUT_MS),
    again: UNSTABLE,
    signal: options.signal ?? new AbortController().signal,
  });
  return offsets;
}
