/**
 * The seam between groups of tasks and what moves their bytes: membership and fetches come in as a
 * feed, units go out through a committer. kafkajs' public consumer and producer stand behind it
 * (`kafkajs-plane.ts`); whoever brings batches as they lie on the wire fits as well.
 */
import type { CarillonError } from '../../core/error.ts';
import type { CommitUnit, LogBatch, Producer } from '../../core/log.ts';
import type { LogAdmin } from './admin.ts';
import type { Self } from './assigner.ts';
import type { TopicSource } from './topic-watch.ts';

export interface FeedSpec {
  readonly groupId: string;
  readonly topics: readonly string[];
  /**
   * What this member says of itself at every join; tasks are shared by `assignTasks`. Without it
   * the group has one member, which gets everything.
   */
  readonly self?: () => Self;
}

/** A member of a group, and what it fetches. It stays up: it joins again by itself. */
export interface Feed {
  /**
   * Resolves at the first join. Rejects when that does not come about within the delivery timeout,
   * and at once when Kafka refuses it.
   */
  start(): Promise<void>;
  /** Leaves the group and joins it as a new member, with everything below made anew. */
  rejoin(): void;
  /** Leaves the group, whatever state it is in: no member stays behind. */
  close(): Promise<void>;
  /** Nothing of these is kept over a join: `joined` sets it again. */
  seek(topic: string, partition: number, offset: number): void;
  pause(topic: string, partition: number): void;
  resume(topic: string, partition: number): void;
  /** True: it tells of ends (`FeedHost.end`). kafkajs does not. */
  readonly tellsEnds?: boolean;
}

/** Calls come one at a time, and none of them waits but `finish`. */
export interface FeedHost {
  /** Called before the first fetch of a generation: seek and pause here. */
  joined(memberId: string, assignment: ReadonlyMap<string, readonly number[]>): void;
  /**
   * The group is about to change: what has been done is to be committed now. Until this resolves
   * the member stays in its generation; what is committed later waits for `joined`.
   */
  finish?(): Promise<void>;
  /** The member was out of its group: others may have had its tasks. `joined` may come again. */
  lost?(): void;
  /** Where reading goes on. Undefined: not wanted now, and to be fetched again when it is. */
  position(topic: string, partition: number): number | undefined;
  /**
   * Committed records of a partition, from its position on; without bytes only the position moves,
   * past control records and aborted ones.
   */
  fetched(batch: LogBatch): void;
  /**
   * The position is not in the log: below its start (retention) or beyond its end. Nothing more is
   * fetched of the partition until `seek`, or what is fetched is passed over.
   *
   * @param isSame it is known to be the topic that the position is of (by its id)
   */
  outOfRange(topic: string, partition: number, isSame?: boolean): void;
  /** Nothing is read from the position on, and why: told again as long as it is so. */
  unreadable?(topic: string, partition: number, error: CarillonError): void;
  /** The topic is not the one that the position was of: nothing is read until `seek`. */
  remade?(topic: string): void;
  /** What was fetched begins at `first`, behind the position: deleted, or compacted away. */
  gap?(topic: string, partition: number, position: number, first: number): void;
  /** Where what is committed of a partition ends, as its leader has just said. */
  end?(topic: string, partition: number, offset: number): void;
  /** The brokers answered `fetches` times in a row with nothing at all. */
  quiet?(fetches: number): void;
}

/** A part of a unit that did not become durable: its task is to be closed as fenced. */
export interface LostPart {
  readonly partition: number;
  readonly error: unknown;
}

/** How the units of one member become durable. */
export interface UnitCommitter {
  /**
   * Makes commits of a task possible here, and impossible where it was before: what is under way
   * there has ended when this resolves, so offsets that are read from then on are final. Opened
   * again after a loss, it begins anew.
   */
  open(partition: number): Promise<void>;
  /** The task has gone; what is under way for it may still come through. */
  close(partition: number): Promise<void>;
  /** Gives what was lost; the other parts stand. Never rejects for what the brokers say. */
  commit(unit: CommitUnit): Promise<readonly LostPart[]>;
  /** Lets go of everything; tasks are closed before. */
  end(): Promise<void>;
}

/** Where topics begin and end, and what groups have committed. */
export type OffsetSource = Pick<
  LogAdmin,
  'partitionsOf' | 'bounds' | 'offsetsAt' | 'committed' | 'committedAll' | 'staleMs'
>;

export interface DataPlane {
  readonly offsets: OffsetSource;
  readonly topics: TopicSource;
  feed(spec: FeedSpec, host: FeedHost): Feed;
  /** @param transactional a unit's part is visible as a whole, and fenced; else at least once */
  committer(group: string, transactional: boolean, feed: Feed): UnitCommitter;
  /** Writes outside transactions: ingest, gateway, tools. */
  producer(): Promise<Producer>;
  close(): Promise<void>;
}
