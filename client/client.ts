/**
 * The reference client of a device, without dependencies, for browsers and for Node from 22 on. It
 * holds a WebSocket, or server-sent events, or asks again and again, whichever gets through; tells
 * the application each notification once, and acknowledges what it has done.
 *
 *   connecting ──welcome──▶ open ──lost, or "come back"──▶ waiting (full jitter) ──▶ connecting
 *        └──── a final close code, or stop() ────▶ stopped
 *
 * Once, because numbers are dense per epoch and priority: what comes again has a number that was
 * done. Also when the application dies in between, if it keeps what `onNotification` is given as
 * memory in one transaction with what it does; else what was done last may come once more.
 */
import type {
  DeviceReport,
  NotificationForm,
  PullPage,
  ServerFrame,
  Skipped,
} from '../schemas/frames.ts';
import { Deliveries } from './deliveries.ts';
import { CLIENT_LIMITS, type ClientLimits, type ClientOptions, type Transport } from './options.ts';
import {
  BAD_CURSOR,
  BYE,
  type Ended,
  GOING_AWAY,
  LOST,
  mayReconnect,
  Requests,
  TOKEN_EXPIRED,
  TOKEN_NOT_YET_VALID,
  TRY_AGAIN_LATER,
} from './requests.ts';
import { type Link, TRANSPORTS } from './transports.ts';

export type {
  ClientLimits,
  ClientMemory,
  ClientOptions,
  ClientState,
  Transport,
} from './options.ts';
export type { DeviceReport, NotificationForm, ServerFrame, Skipped };

/** Failures in a row before the next transport is tried. */
const MISSES_MAX = 2;
/** An acknowledgement that was sent so shortly before the end is sent again. */
const ACK_AGAIN_MS = 5_000;
/** Of one look for what is missing; what is behind them is pulled with the next. */
const GAP_PAGES_MAX = 20;

export class DeviceClient {
  readonly #options: ClientOptions;
  readonly #limits: ClientLimits;
  readonly #transports: readonly Transport[];
  readonly #random: () => number;
  readonly #requests: Requests;
  readonly #deliveries: Deliveries;
  /** The highest number of each priority that is missing, and those that were looked for. */
  readonly #missing = new Map<string, number>();
  readonly #looked = new Map<string, number>();
  #gapTimer: ReturnType<typeof setTimeout> | undefined;
  #link: Link | null = null;
  #welcome: { readonly epoch: number; readonly heartbeatMs: number } | null = null;
  #acked: { readonly cursor: string; readonly atMs: number } | null = null;
  /** The transport that is tried next. */
  #at = 0;
  #misses = 0;
  #tries = 0;
  #refused = false;
  #goAfterMs: number | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  /** Throws a TypeError when the address of the gateway is none. */
  constructor(options: ClientOptions) {
    new URL(options.url);
    this.#options = options;
    this.#limits = { ...CLIENT_LIMITS, ...options.limits };
    this.#transports = options.transports ?? ['websocket', 'sse', 'poll'];
    this.#random = options.random ?? Math.random;
    this.#requests = new Requests(options.url, options.deviceId, this.#limits.openMs);
    this.#deliveries = new Deliveries({
      options,
      acknowledge: (cursor, isGap) => this.#acknowledge(cursor, isGap),
      missing: (priority, sequence) => this.#lookLater(priority, sequence),
      failed: (error) => this.#hangUp(LOST, `the application failed: ${error}`),
    });
  }

  /** Of what was done last; undefined: nothing yet. */
  get cursor(): string | undefined {
    return this.#deliveries.cursor;
  }

  /**
   * Resolves when it has stopped, by `stop` or a final close code; rejects when the memory cannot
   * be loaded.
   */
  start(): Promise<void> {
    this.#running = this.#run();
    return this.#running;
  }

  /** Resolves when what is being done is done and acknowledged, and nothing is open any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#deliveries.drop();
    await this.#deliveries.idle();
    this.#hangUp(BYE, 'stopped');
    this.#wake();
    await this.#running;
  }

  /**
   * Tells what came of a notification, a diagnostic or a remote recovery. Rejects with `code` and
   * `reason` when it was not taken; with the same `eventId` it may be sent again.
   */
  async report(report: DeviceReport): Promise<void> {
    if (this.#requests.token === '') this.#requests.token = await this.#options.token(false);
    await this.#requests.post('reports', report);
  }

  async #run(): Promise<void> {
    const { memory, onState } = this.#options;
    this.#deliveries.recall((await memory?.load()) ?? '');
    while (!this.#stopped) {
      const beganAt = performance.now();
      const ended = await this.#connect();
      // Only when it is done the cursor says what is to come next.
      await this.#deliveries.idle();
      if (this.#stopped) break;
      const { code, reason } = ended;
      const againMs = this.#againMs(ended, performance.now() - beganAt);
      if (againMs === undefined) return onState?.({ is: 'stopped', code, reason });
      onState?.({ is: 'waiting', code, reason, againMs });
      await this.#pause(againMs);
    }
    onState?.({ is: 'stopped', code: BYE, reason: 'stopped' });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stopped) this.#wake();
    });
  }

  /** Milliseconds until the next connect; undefined: never. */
  #againMs({ code, answered, retryAfterMs }: Ended, livedMs: number): number | undefined {
    const { backoffFirstMs, backoffMaxMs, goodAfterMs, spreadMs } = this.#limits;
    if (code === BAD_CURSOR && this.cursor !== undefined) this.#deliveries.cursor = undefined;
    else if (!mayReconnect(code)) return undefined;
    this.#refused = code === TOKEN_EXPIRED || code === TOKEN_NOT_YET_VALID;
    const wasOpen = this.#welcome !== null;
    if (wasOpen || answered === true || code >= 3000) {
      this.#at = 0;
      this.#misses = 0;
    } else if (++this.#misses >= MISSES_MAX) {
      this.#at = (this.#at + 1) % this.#transports.length;
      this.#misses = 0;
    }
    if (wasOpen && livedMs >= goodAfterMs) this.#tries = 0;
    const goAfterMs = this.#goAfterMs;
    this.#goAfterMs = undefined;
    if (goAfterMs !== undefined) return goAfterMs + this.#random() * spreadMs;
    const mostMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** this.#tries++);
    return (retryAfterMs ?? 0) + this.#random() * mostMs;
  }

  async #connect(): Promise<Ended> {
    this.#welcome = null;
    try {
      this.#requests.token = await this.#options.token(this.#refused);
    } catch (error) {
      return { code: TRY_AGAIN_LATER, reason: `no token: ${error}`, answered: true };
    }
    if (this.#stopped) return { code: BYE, reason: 'stopped' };
    const link: Link = {
      url: this.#options.url,
      avro: this.#options.frames === 'avro',
      requests: this.#requests,
      limits: this.#limits,
      cursor: () => this.cursor,
      heartbeatMs: () => this.#welcome?.heartbeatMs,
      // What arrives behind the end is told by the next connection.
      hear: (frame) => this.#link === link && this.#hear(frame),
      take: (page) => this.#link === link && this.#take(page),
      idle: () => this.#deliveries.idle(),
      full: () => this.#deliveries.waiting >= this.#limits.queueMax,
      send: null,
      hangUp: () => undefined,
    };
    this.#link = link;
    try {
      return await TRANSPORTS[this.#transports[this.#at]!](link);
    } finally {
      this.#link = null;
      clearTimeout(this.#gapTimer);
      this.#gapTimer = undefined;
      const acked = this.#acked;
      if (acked !== null && performance.now() - acked.atMs < ACK_AGAIN_MS) {
        this.#deliveries.again(acked.cursor);
      }
    }
  }

  #hangUp(code: number, reason: string): void {
    const link = this.#link;
    this.#link = null;
    link?.hangUp({ code, reason });
  }

  #hear(frame: ServerFrame): void {
    this.#options.onFrame?.(frame);
    const epoch = this.#welcome?.epoch ?? 0;
    if (frame.type === 'welcome') {
      this.#deliveries.cursor = frame.cursor;
      this.#open(frame);
    } else if (frame.type === 'notification') {
      const { type: _, cursor, skipped = [], ...form } = frame;
      this.#deliveries.take({ epoch, notifications: [form], skipped, cursor });
    } else if (frame.type === 'skipped') {
      this.#deliveries.take({ epoch, notifications: [], ...frame });
    } else if (frame.type === 'going-away') {
      this.#goAfterMs = frame.afterMs;
      // What it was told is done, and acknowledged, before it goes.
      void this.#deliveries.idle().then(() => this.#hangUp(GOING_AWAY, 'going-away'));
    }
  }

  #take(page: PullPage): void {
    if (this.#welcome === null) this.#open({ epoch: page.epoch, heartbeatMs: 0 });
    this.#deliveries.take(page);
  }

  #open(welcome: { readonly epoch: number; readonly heartbeatMs: number }): void {
    this.#welcome = welcome;
    this.#options.onState?.({ is: 'open', transport: this.#transports[this.#at]! });
    this.#deliveries.work();
  }

  async #acknowledge(cursor: string, isGap: boolean): Promise<boolean> {
    const link = this.#link;
    if (link === null || this.#welcome === null) return false;
    if (link.send !== null && !isGap) link.send({ type: 'ack', cursor });
    else {
      try {
        await this.#requests.post('acknowledgements', { cursor });
      } catch {
        return false;
      }
    }
    if (!isGap) this.#acked = { cursor, atMs: performance.now() };
    return true;
  }

  #lookLater(priority: string, sequence: number): void {
    if (sequence <= (this.#looked.get(priority) ?? 0)) return;
    this.#missing.set(priority, Math.max(sequence, this.#missing.get(priority) ?? 0));
    this.#gapTimer ??= setTimeout(() => {
      this.#gapTimer = undefined;
      this.#look().catch(() => undefined);
    }, this.#limits.gapMs);
  }

  /** Pulls what is missing still: all that is not acknowledged, of which most was done. */
  async #look(): Promise<void> {
    const missing = [...this.#missing].filter(
      ([name, number]) => !this.#deliveries.has(name, number),
    );
    this.#missing.clear();
    if (missing.length === 0) return;
    let after: string | undefined;
    for (let pages = 0; pages < GAP_PAGES_MAX; pages++) {
      const page = await this.#requests.pull({ after });
      if ('reason' in page || this.#link === null) return;
      this.#deliveries.take({ ...page, isGap: true });
      await this.#deliveries.idle();
      after = page.cursor;
      if (!page.more) break;
    }
    // What is not there now will not come: its rows are gone.
    for (const [priority, sequence] of missing) this.#looked.set(priority, sequence);
  }
}
