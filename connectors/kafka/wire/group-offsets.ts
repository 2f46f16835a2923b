/** What a group has committed, asked by anybody or by one of its members. */

import type { Requester } from './connection-pool.ts';
import { Coordinator, isMoved } from './coordinator.ts';
import { BrokerError, typeOf, wireError } from './errors.ts';
import { HEARTBEAT, type Membership, OFFSET_FETCH } from './group-requests.ts';
import type { ClusterMetadata } from './metadata.ts';
import { pause } from './pause.ts';
import type { PartitionOffset, TopicPartition } from './transaction-requests.ts';

const TIMEOUT_MS = 30_000;
const RETRY_MS = { first: 2, most: 100 } as const;
/** A transaction that holds an offset has neither been committed nor aborted yet. */
const UNSTABLE: ReadonlySet<string> = new Set(['UNSTABLE_OFFSET_COMMIT']);

/** A coordinator that does not know the member may be an old one: the present one is looked for. */
const RETRIED: ReadonlySet<string> = new Set([
  ...UNSTABLE,
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
]);

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

/**
 * As `committedOffsets`, stable ones, from a coordinator that knows the member's generation. One
 * that was stopped in its tracks and runs on tells what stood when it was stopped, until it learns
 * that another coordinates: but a generation that is younger is unknown to it, and one that it
 * knows stands in its log behind all that former owners have committed.
 *
 * @param membership the present one; given up at once when it is another than at the call
 */
export async function committedForMember(
  requester: Requester,
  metadata: ClusterMetadata,
  membership: () => Membership | undefined,
  partitions: readonly TopicPartition[],
  timeoutMs = TIMEOUT_MS,
): Promise<readonly PartitionOffset[]> {
  const deadlineMs = performance.now() + timeoutMs;
  const mine = membership();
  const { signal } = new AbortController();
  const group = mine?.group ?? '';
  for (let delayMs: number = RETRY_MS.first; ; delayMs = Math.min(delayMs * 2, RETRY_MS.most)) {
    if (mine === undefined || membership() !== mine) {
      throw wireError(new BrokerError('REBALANCE_IN_PROGRESS'), `offsets of ${group}`);
    }
    // Found anew at each attempt, and both questions go to the same one.
    const coordinator = new Coordinator(requester, metadata, 'group', group);
    try {
      await knows(coordinator, mine);
      const request = { group, partitions, requireStable: true };
      return (await coordinator.askOnce(OFFSET_FETCH, request, 'group')).offsets;
    } catch (error) {
      const isRetried = isMoved(error) || RETRIED.has(typeOf(error) ?? '');
      const isLate = performance.now() + delayMs > deadlineMs;
      if (!isRetried || isLate) throw wireError(error, `offsets of ${group}`);
    }
    await pause(delayMs, signal);
  }
}

/** Resolves when the coordinator has this member in its present generation. */
async function knows(coordinator: Coordinator, membership: Membership): Promise<void> {
  try {
    await coordinator.askOnce(HEARTBEAT, membership, 'group');
  } catch (error) {
    if (typeOf(error) !== 'REBALANCE_IN_PROGRESS') throw error;
  }
}
