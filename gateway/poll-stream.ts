/**
 * A device that asks again and again (`?wait=`) looks to `Connection` like a WebSocket: it has a
 * row in the registry, sinks deliver to it, and while nothing happens nothing is read or written.
 * What comes between two polls waits here, bounded like a socket's queue; a device that does not
 * ask again for a while is gone.
 *
 *   lingering ──poll──▶ polled ──first frame, or its time is over──▶ answered, lingering
 *        └────────not polled for lingerMs, or closed────────▶ ended
 */
import { EventEmitter } from 'node:events';
import type {
  NotificationForm,
  NotificationFrame,
  PullPage,
  ServerFrame,
  Skipped,
} from '../schemas/frames.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { HttpProblem } from './problem.ts';

/** What comes so near behind the first frame goes with it. */
const GATHER_MS = 10;
/** RFC 6455: the device has left. */
const LEFT = 1001;
const OPEN = 1;
const CLOSED = 3;

interface Poll {
  readonly limit: number;
  readonly timer: NodeJS.Timeout;
  readonly answer: PromiseWithResolvers<PullPage>;
}

type Held = Extract<ServerFrame, { type: 'notification' | 'skipped' }>;

export class PollStream extends EventEmitter {
  readonly OPEN = OPEN;
  readyState = OPEN;
  readonly #lingerMs: number;
  #held: { readonly frame: Held; readonly bytes: number }[] = [];
  #bytes = 0;
  #poll: Poll | null = null;
  #linger: NodeJS.Timeout | null = null;
  #gathering: NodeJS.Timeout | null = null;
  #taken: (() => void)[] = [];
  #epoch: number;
  #cursor: string;
  #goAfterMs = 0;

  /** `from`: the page that the device was given last. */
  constructor(lingerMs: number, from: PullPage) {
    super();
    this.#lingerMs = lingerMs;
    this.#epoch = from.epoch;
    this.#cursor = from.cursor;
  }

  /** Where the device stands when it has the last answer. */
  get cursor(): string {
    return this.#cursor;
  }

  get bufferedAmount(): number {
    return this.#bytes;
  }

  /**
   * Resolves with what comes within `waitMs`, or with an empty page; an older poll ends with one at
   * once: its request may be of nobody any more, so what is held is for the newer. Rejects with
   * CAR740 when a newer connection of the device is there, with CAR716 when the gateway stops.
   */
  poll(waitMs: number, limit: number): Promise<PullPage> {
    if (this.#poll !== null) this.#settle(this.#poll, 0);
    if (this.#linger !== null) clearTimeout(this.#linger);
    const timer = setTimeout(() => this.#answer(), waitMs);
    this.#poll = { limit, timer, answer: Promise.withResolvers() };
    const { promise } = this.#poll.answer;
    if (this.#held.length > 0) this.#answer();
    return promise;
  }

  /** The request of a poll is no more: what is held now is told when the device asks again. */
  hangUp(of: Promise<PullPage>): void {
    if (this.#poll?.answer.promise === of) this.#end();
  }

  send(text: string): void {
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === 'welcome') {
      this.#epoch = frame.epoch;
      this.#cursor = frame.cursor;
    } else if (frame.type === 'going-away') {
      this.#goAfterMs = frame.afterMs;
    } else if (frame.type === 'notification' || frame.type === 'skipped') {
      this.#held.push({ frame, bytes: text.length });
      this.#bytes += text.length;
      if (this.#poll !== null) this.#gathering ??= setTimeout(() => this.#answer(), GATHER_MS);
    }
  }

  /** Answered when all is taken that is held now: there is no other sign of life between polls. */
  ping(_data?: unknown, _mask?: boolean, taken?: () => void): void {
    this.emit('pong');
    if (taken === undefined) return;
    if (this.#held.length === 0) setImmediate(taken);
    else this.#taken.push(taken);
  }

  close(code: number): void {
    this.#end(code);
  }

  terminate(): void {
    this.#end(LEFT);
  }

  /** As the TCP socket that stands for it among the gateway's. */
  destroy(): void {
    this.#end(LEFT);
  }

  /** Nothing is read from it in any case. */
  pause(): void {}
  resume(): void {}

  #answer(): void {
    if (this.#poll !== null) this.#settle(this.#poll, this.#poll.limit);
  }

  #settle(poll: Poll, limit: number): void {
    this.#poll = null;
    this.#stopTimers(poll);
    this.#linger = setTimeout(() => this.#end(LEFT), this.#lingerMs);
    this.#linger.unref();
    poll.answer.resolve(this.#page(limit));
    if (this.#held.length > 0) return;
    for (const taken of this.#taken.splice(0)) taken();
  }

  #page(limit: number): PullPage {
    const notifications: NotificationForm[] = [];
    const skipped: Skipped[] = [];
    while (this.#held.length > 0 && notifications.length < limit) {
      const { frame, bytes } = this.#held.shift()!;
      this.#bytes -= bytes;
      this.#cursor = frame.cursor;
      skipped.push(...(frame.skipped ?? []));
      if (frame.type === 'notification') notifications.push(formOf(frame));
    }
    const more = this.#held.length > 0;
    return { epoch: this.#epoch, notifications, skipped, cursor: this.#cursor, more };
  }

  #stopTimers(poll: Poll | null): void {
    if (poll !== null) clearTimeout(poll.timer);
    if (this.#linger !== null) clearTimeout(this.#linger);
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
  }

  #end(code = LEFT): void {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSED;
    const poll = this.#poll;
    this.#poll = null;
    this.#stopTimers(poll);
    if (poll !== null) this.#dismiss(poll, code);
    this.emit('close', code, Buffer.alloc(0));
  }

  /** What is held goes out in any case; why else it ends, the device is told when it asks again. */
  #dismiss({ answer, limit }: Poll, code: number): void {
    if (this.#held.length > 0) answer.resolve(this.#page(limit));
    else if (code === CLOSE_CODES.replaced.code) {
      answer.reject(new HttpProblem('CAR740', 'the device has a newer connection.'));
    } else if (code === CLOSE_CODES.goingAway.code) {
      const retryAfterSeconds = Math.max(1, Math.ceil(this.#goAfterMs / 1_000));
      answer.reject(new HttpProblem('CAR716', 'the gateway stops.', { retryAfterSeconds }));
    } else answer.resolve(this.#page(limit));
  }
}

function formOf({
  type: _,
  cursor: __,
  skipped: ___,
  ...form
}: NotificationFrame): NotificationForm {
  return form;
}
