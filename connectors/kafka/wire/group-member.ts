/**
 * One member of a consumer group, in the classic protocol. It joins, stays in by heartbeats, joins
 * again when the group changes, and survives brokers that go away by itself.
 *
 *   start ──▶ joining ──assigned()──▶ member ──group changes: rebalancing()──▶ joining …
 *               ▲  ▲                    │ coordinator away: goes on asking, keeps what it has
 *               │  └─as a new member────┤ thrown out: lost()
 *               └──── backoff ◀─────────┘                  leave() ends it from everywhere
 */
import { CarillonError } from '../../../core/error.ts';
import type { Api } from './api.ts';
import type { Requester } from './connection-pool.ts';
import { type Coded, Coordinator, isMoved } from './coordinator.ts';
import { BrokerError, ConnectionLost, typeOf, wireError } from './errors.ts';
import {
  HEARTBEAT,
  JOIN_GROUP,
  type JoinAnswer,
  LEAVE_GROUP,
  type Membership,
  OFFSET_COMMIT,
  SYNC_GROUP,
} from './group-requests.ts';
import {
  type Assignment,
  type AssignmentStrategy,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './group-strategy.ts';
import type { ClusterMetadata } from './metadata.ts';
import { pause } from './pause.ts';
import type { PartitionOffset } from './transaction-requests.ts';

export interface GroupMemberOptions {
  readonly group: string;
  readonly strategy: AssignmentStrategy;
  /** After how long without a heartbeat the broker gives the partitions to others. Default 10 s. */
  readonly sessionTimeoutMs?: number;
  /** How long members may take to finish and join when the group changes. Default 30 s. */
  readonly rebalanceTimeoutMs?: number;
  /** Default 500 ms: so soon a change of the group is noticed. */
  readonly heartbeatIntervalMs?: number;
  /** How long `start` tries before it rejects. Default 30 s. */
  readonly startTimeoutMs?: number;
}

export interface GroupMemberHost {
  /** What is this member's from now on, all of it; what is not in it any more is another's. */
  assigned(membership: Membership, assignment: Assignment): void;
  /**
   * The group changes. Until this resolves (at most the rebalance time-out) the member stays in its
   * generation and can commit; then it joins anew, and may lose partitions.
   */
  rebalancing?(): Promise<void> | void;
  /** The member was thrown out, others may have what it had; it joins again as a new one. */
  lost(why: string): void;
  /** An attempt to join has failed, or the coordinator is away; it is tried again by itself. */
  failed?(error: CarillonError): void;
}

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 30_000;
const HEARTBEAT_INTERVAL_MS = 500;
const START_TIMEOUT_MS = 30_000;
/** A coordinator that takes longer for a heartbeat is taken for gone. */
const HEARTBEAT_TIMEOUT_MS = 3_000;
/** How long a member that leaves waits for the answer to a join that is under way. */
const LAST_ANSWER_MS = 1_000;
/** Beyond the rebalance time-out, until which the broker may hold the answer to a join. */
const JOIN_GRACE_MS = 5_000;
const RETRY_MS = { first: 50, most: 1_000 } as const;
/** A coordinator that moves is not told of before the retries are so far apart. */
const ROUTINE_MS = 400;

/** The member id is no longer one of the group's. */
const THROWN_OUT: ReadonlySet<string> = new Set([
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'ILLEGAL_GENERATION',
]);

type Settings = Required<GroupMemberOptions>;

export class GroupMember {
  readonly #settings: Settings;
  readonly #host: GroupMemberHost;
  readonly #coordinator: Coordinator;
  readonly #joinPurpose: `join ${string}`;
  readonly #closing = new AbortController();
  #memberId = '';
  #membership: Membership | null = null;
  /** Ends the present wait between two heartbeats: another join is wished for. */
  #wake: (() => void) | null = null;
  #asNew = false;
  #running: Promise<void> | null = null;
  #leaving: Promise<void> | null = null;
  #started: ((error?: CarillonError) => void) | null = null;

  constructor(
    requester: Requester,
    metadata: ClusterMetadata,
    options: GroupMemberOptions,
    host: GroupMemberHost,
  ) {
    this.#host = host;
    this.#coordinator = new Coordinator(requester, metadata, 'group', options.group);
    this.#joinPurpose = `join ${options.group}`;
    this.#settings = {
      group: options.group,
      strategy: options.strategy,
      sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS,
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS,
      startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
    };
  }

  /** For offsets in a transaction; null while the member is in no generation. */
  get membership(): Membership | null {
    return this.#membership;
  }

  /**
   * Resolves at the first assignment. Rejects when it does not come about within the start
   * time-out, at once when Kafka refuses it; then the member has left.
   */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const first = new Promise<CarillonError | undefined>((resolve) => {
      this.#started = resolve;
      timer = setTimeout(
        () => resolve(wireError(new ConnectionLost('no join in time'), this.#settings.group)),
        this.#settings.startTimeoutMs,
      );
    });
    this.#running = this.#live();
    const error = await first;
    clearTimeout(timer);
    this.#started = null;
    if (error === undefined) return;
    await this.leave();
    throw error;
  }

  /** Leaves and joins again as a new member: what it had is given out anew. `lost` is called. */
  rejoin(): void {
    this.#asNew = true;
    this.#wake?.();
  }

  /**
   * Outside transactions. Rejects with CAR643 when the member is not in the group's present
   * generation any more, with a retryable error when the coordinator does not answer in time.
   */
  async commitOffsets(offsets: readonly PartitionOffset[], timeoutMs = 10_000): Promise<void> {
    const membership = this.#membership;
    if (membership === null) {
      throw wireError(new BrokerError('UNKNOWN_MEMBER_ID'), this.#settings.group);
    }
    const deadlineMs = performance.now() + timeoutMs;
    const { signal } = this.#closing;
    const call = { purpose: 'group' as const, deadlineMs, signal };
    await this.#coordinator.ask(OFFSET_COMMIT, { ...membership, offsets }, call);
  }

  /**
   * Ends the membership; resolves when the coordinator has said so, at the latest after the session
   * time-out, when the broker has ended it by itself.
   */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    this.#membership = null;
    await this.#quit();
    // The broker answers a join whose member has left, and one that only asks for an id.
    const patience = new AbortController();
    await Promise.race([this.#running, pause(LAST_ANSWER_MS, patience.signal)]);
    patience.abort();
    this.#coordinator.drop(this.#joinPurpose);
    await this.#running;
    // An id that came with the last answer.
    await this.#quit();
    this.#started?.(
      new CarillonError('CAR640', `"${this.#settings.group}" was left before it was joined.`, {
        where: { at: this.#settings.group },
      }),
    );
  }

  async #quit(): Promise<void> {
    const memberId = this.#memberId;
    this.#memberId = '';
    if (memberId === '') return;
    const { group, sessionTimeoutMs } = this.#settings;
    const deadlineMs = performance.now() + sessionTimeoutMs;
    const { signal } = new AbortController();
    const call = { purpose: 'group', deadlineMs, timeoutMs: HEARTBEAT_TIMEOUT_MS, signal } as const;
    // Thrown out already, or the coordinator is away for longer than the session lasts.
    await this.#coordinator.ask(LEAVE_GROUP, { group, memberId }, call).catch(() => {});
  }

  async #live(): Promise<void> {
    let delayMs = 0;
    while (!this.#closing.signal.aborted) {
      try {
        if (this.#asNew) await this.#renew();
        await this.#join();
        delayMs = 0;
        await this.#stay();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        delayMs = delayMs === 0 ? RETRY_MS.first : Math.min(delayMs * 2, RETRY_MS.most);
        this.#fail(error, delayMs);
        await pause(delayMs, this.#closing.signal);
      }
    }
  }

  #fail(error: unknown, delayMs: number): void {
    const told = wireError(error, `group ${this.#settings.group}`);
    const type = typeOf(error) ?? '';
    if (THROWN_OUT.has(type)) this.#thrownOut(type);
    // The group changed once more while it was joined, or a coordinator is about to be there.
    else if (type !== 'REBALANCE_IN_PROGRESS' && (!isMoved(error) || delayMs > ROUTINE_MS)) {
      this.#host.failed?.(told);
    }
    if (told.code === 'CAR645') this.#started?.(told);
  }

  #thrownOut(type: string): void {
    // A generation that was missed leaves the id valid: without it the old one were a ghost.
    if (type !== 'ILLEGAL_GENERATION') this.#memberId = '';
    if (this.#membership === null) return;
    this.#membership = null;
    this.#host.lost(type);
  }

  async #renew(): Promise<void> {
    this.#asNew = false;
    if (this.#membership !== null) {
      this.#membership = null;
      this.#host.lost('rejoin');
    }
    await this.#quit();
  }

  /**
   * Joins and learns what is this member's. The coordinator is watched while it holds its answer.
   */
  async #join(): Promise<void> {
    const watch = new AbortController();
    const dead = this.#watch(watch.signal);
    try {
      const joined = await Promise.race([this.#joined(), dead]);
      const { group, strategy } = this.#settings;
      const { generation, memberId } = joined;
      const membership = { group, generation, memberId };
      const assignments =
        joined.leader === memberId ? this.#assign(joined) : new Map<string, Buffer>();
      const sync = { ...membership, protocol: strategy.name, assignments };
      const synced = this.#long(SYNC_GROUP, sync);
      const { assignment } = await Promise.race([synced, dead]);
      if (this.#closing.signal.aborted) return;
      this.#membership = membership;
      this.#host.assigned(membership, decodeAssignment(assignment));
      this.#started?.();
    } catch (error) {
      // One that is given up must not hold the connection, nor tell of an id later.
      this.#coordinator.drop(this.#joinPurpose);
      throw error;
    } finally {
      watch.abort();
    }
  }

  async #joined(): Promise<JoinAnswer> {
    const { group, sessionTimeoutMs, rebalanceTimeoutMs, strategy } = this.#settings;
    for (;;) {
      const answer = await this.#long(JOIN_GROUP, {
        group,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocol: strategy.name,
        subscription: encodeSubscription(strategy.subscription()),
      });
      this.#memberId = answer.memberId;
      if (!answer.isOnlyId) return answer;
      if (this.#closing.signal.aborted) throw new ConnectionLost('the member has left');
    }
  }

  #assign({ members }: JoinAnswer): Map<string, Buffer> {
    const told = members.map(({ memberId, subscription }) => {
      return { memberId, ...decodeSubscription(subscription) };
    });
    const assignments = this.#settings.strategy.assign(told);
    return new Map([...assignments].map(([id, mine]) => [id, encodeAssignment(mine)]));
  }

  /** The broker answers when all members have come; on a connection of its own. */
  #long<Args, Answer extends Coded>(api: Api<Args, Answer>, args: Args): Promise<Answer> {
    const timeoutMs = this.#settings.rebalanceTimeoutMs + JOIN_GRACE_MS;
    return this.#coordinator.askOnce(api, args, this.#joinPurpose, timeoutMs);
  }

  /**
   * Heartbeats beside a join say only whether the coordinator is there, be it with an error: so a
   * join that waits at a broker that is gone is given up soon. Rejects then, and never resolves.
   */
  async #watch(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      void this.#watchUntil(signal).then((error) => {
        if (error !== null) reject(error);
      });
    });
  }

  async #watchUntil(signal: AbortSignal): Promise<unknown> {
    for (;;) {
      await pause(this.#settings.heartbeatIntervalMs, signal);
      if (signal.aborted) return null;
      if (this.#memberId === '') continue;
      try {
        const { group } = this.#settings;
        const generation = this.#membership?.generation ?? -1;
        await this.#beat({ group, generation, memberId: this.#memberId });
      } catch (error) {
        if (isMoved(error) && !signal.aborted) return error;
      }
    }
  }

  #beat(membership: Membership): Promise<unknown> {
    return this.#coordinator.askOnce(HEARTBEAT, membership, 'group', HEARTBEAT_TIMEOUT_MS);
  }

  /** Heartbeats until it is time to join again. Rejects when the member was thrown out. */
  async #stay(): Promise<void> {
    let finished: Promise<void> | null = null;
    let isFinished = false;
    while (!this.#closing.signal.aborted && !this.#asNew && !isFinished) {
      await this.#between();
      if (this.#closing.signal.aborted || this.#asNew || isFinished) return;
      try {
        await this.#beat(this.#membership!);
      } catch (error) {
        const isChange = typeOf(error) === 'REBALANCE_IN_PROGRESS';
        if (isMoved(error)) this.#host.failed?.(wireError(error, this.#settings.group));
        else if (!isChange) throw error;
        if (!isChange || finished !== null) continue;
        finished = this.#finish().finally(() => {
          isFinished = true;
          this.#wake?.();
        });
      }
    }
  }

  /** The host finishes its work in this generation; heartbeats go on meanwhile. */
  async #finish(): Promise<void> {
    const limit = new AbortController();
    const late = pause(this.#settings.rebalanceTimeoutMs, limit.signal);
    try {
      await Promise.race([this.#host.rebalancing?.(), late]);
    } catch (error) {
      this.#host.failed?.(wireError(error, this.#settings.group));
    } finally {
      limit.abort();
    }
  }

  async #between(): Promise<void> {
    const wait = new AbortController();
    this.#wake = () => wait.abort();
    await pause(this.#settings.heartbeatIntervalMs, wait.signal);
    this.#wake = null;
  }
}
