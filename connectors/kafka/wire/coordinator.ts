/**
 * The broker that coordinates a group or a transactional id: found when it is needed, found anew
 * when it has moved or is away (FindCoordinator, version 3).
 */

import type { Api, Throttled } from './api.ts';
import { ASK_TIMEOUT_MS, type Purpose, type Requester } from './connection-pool.ts';
import { BrokerError, ConnectionLost, check, errorName, wireError } from './errors.ts';
import type { ClusterMetadata } from './metadata.ts';
import { pause } from './pause.ts';

/** An answer with one error code for all of it: the first that is not 0, where it has several. */
export interface Coded {
  readonly code: number;
}

export interface CoordinatorCall {
  readonly purpose: Purpose;
  /** Monotonic milliseconds; after it no other attempt is made. */
  readonly deadlineMs: number;
  /** Of one attempt. Default 3 s: all requests to coordinators may be made again. */
  readonly timeoutMs?: number;
  /**
   * Answers after which the same request is made again, beside those of a coordinator that moves.
   */
  readonly again?: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

const RETRY_MS = { first: 2, most: 100 } as const;

const MOVED: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
]);

interface Question {
  readonly key: string;
  readonly kind: number;
}

interface Found extends Throttled, Coded {
  readonly node: number;
}

export const FIND_COORDINATOR: Api<Question, Found> = {
  key: 10,
  name: 'FindCoordinator',
  min: 3,
  max: 3,
  write: (writer, { key, kind }) => void writer.text(key).int8(kind).tags(),
  read(reader) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    reader.textOrNull();
    const node = reader.int32();
    reader.text();
    reader.int32();
    reader.tags();
    return { throttleMs, code, node };
  },
};

export class Coordinator {
  readonly #requester: Requester;
  readonly #metadata: ClusterMetadata;
  readonly #question: Question;
  readonly #at: string;
  #node: number | null = null;
  #last: number | null = null;

  constructor(
    requester: Requester,
    metadata: ClusterMetadata,
    kind: 'group' | 'transaction',
    key: string,
  ) {
    this.#requester = requester;
    this.#metadata = metadata;
    this.#question = { key, kind: kind === 'group' ? 0 : 1 };
    this.#at = key;
  }

  /**
   * Gives up what is under way, on the connection of this purpose, to the last known coordinator.
   */
  drop(purpose: Purpose): void {
    if (this.#last !== null) this.#requester.drop(this.#last, purpose);
  }

  /**
   * Asks until there is an answer that is not a coordinator's move, or the deadline. Rejects with a
   * CarillonError whose cause is the BrokerError or ConnectionLost.
   */
  async ask<Args, Answer extends Coded>(
    api: Api<Args, Answer>,
    args: Args,
    call: CoordinatorCall,
  ): Promise<Answer> {
    let delayMs: number = RETRY_MS.first;
    for (;;) {
      try {
        return await this.askOnce(api, args, call.purpose, call.timeoutMs);
      } catch (error) {
        const isLate = performance.now() + delayMs > call.deadlineMs || call.signal.aborted;
        const isRetried = isMoved(error) || call.again?.has((error as BrokerError).type) === true;
        if (!isRetried || isLate) throw wireError(error, `${api.name} of ${this.#at}`);
        await pause(delayMs, call.signal);
        delayMs = Math.min(delayMs * 2, RETRY_MS.most);
      }
    }
  }

  /** Rejects with the BrokerError or ConnectionLost itself. */
  async askOnce<Args, Answer extends Coded>(
    api: Api<Args, Answer>,
    args: Args,
    purpose: Purpose,
    timeoutMs: number = ASK_TIMEOUT_MS,
  ): Promise<Answer> {
    try {
      const node = this.#node ?? (await this.#find());
      this.#node = node;
      this.#last = node;
      const answer = await this.#requester.request(node, purpose, api, args, timeoutMs);
      check(answer.code);
      return answer;
    } catch (error) {
      if (isMoved(error)) {
        this.#node = null;
        if (error instanceof ConnectionLost) void this.#metadata.complain();
      }
      throw error;
    }
  }

  async #find(): Promise<number> {
    await this.#metadata.known();
    const { code, node } = await this.#requester.request(
      null,
      'ask',
      FIND_COORDINATOR,
      this.#question,
      ASK_TIMEOUT_MS,
    );
    if (code !== 0) throw new BrokerError(errorName(code), `coordinator of ${this.#at}`);
    return node;
  }
}

/** The request was not done, or nobody knows: another coordinator may be asked. */
export function isMoved(error: unknown): boolean {
  if (error instanceof ConnectionLost) return error.retriable;
  return error instanceof BrokerError && MOVED.has(error.type);
}
