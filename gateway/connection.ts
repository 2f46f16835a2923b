/**
 * One device's socket. It knows what it has sent (a cursor), so that fill and live frames never
 * double; its queue is bounded, and a device that reads too slowly is closed: the inbox keeps the
 * rest.
 *
 *   opening (stream.ts) ──welcome──▶ open ──close or error──▶ ended
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../core/clock.ts';
import {
  add,
  type Cursor,
  covers,
  emptyCursor,
  formatCursor,
  merge,
  uncover,
} from '../core/cursor.ts';
import type { DeviceNotification } from '../core/notification.ts';
import { encodeServerFrame } from '../schemas/frame-codec.ts';
import type { NotificationForm, ServerFrame, Skipped } from '../schemas/frames.ts';
import { type AckDeps, Acknowledgements } from './acknowledgements.ts';
import { OwnBudget } from './buckets.ts';
import type { Budgets } from './budgets.ts';
import { type FrameForm, readFrame } from './client-frame.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';
import { formOf } from './first-frame.ts';
import { writeFrame } from './frame-writer.ts';
import type { GatewayCounts, GatewayLimits } from './limits.ts';
import { skippedForm } from './payload.ts';
import { HttpProblem } from './problem.ts';
import type { Reports } from './reports.ts';

/** RFC 6455, 7.4.1. */
const PROTOCOL_ERROR = 1002;
const TOO_LARGE = 1009;
/** Time for a close frame to go out. */
const FLOOD_CUT_MS = 250;
/** So many ids cost as much as a frame: they may have to be looked up. */
const IDS_PER_FRAME = 20;

export interface ConnectionDeps extends AckDeps {
  readonly clock: Clock;
  readonly counts: GatewayCounts;
  readonly limits: GatewayLimits;
  readonly budgets: Budgets;
  readonly reports: Reports;
  /** Called once, when the connection counts no more; the socket may still be closing. */
  ended(connection: Connection, closeCode: number): void;
}

/**
 * Whose a socket is. Listeners are the same functions for all sockets: closures of its own would be
 * kept for each idle connection.
 */
const OWNER = Symbol('connection');
type Owned = WebSocket & { [OWNER]?: Connection };

export class Connection {
  readonly id: string;
  /** Of its handshake: of two the higher is the newer. */
  readonly order: number;
  readonly deviceId: string;
  readonly epoch: number;
  /** Epoch ms at which the token expires. */
  readonly expiresAt: number;
  /** Offset of its connect record; null until the log has it. */
  #generation: number | null = null;
  /** The newest connection of this device that any gateway has told of. */
  #newest = -1;
  /** The slot of the ping wheel. */
  slot = 0;
  readonly #recycleAt: number;
  #asked = false;
  readonly #deps: ConnectionDeps;
  readonly #socket: WebSocket;
  readonly #raw: Duplex | null;
  readonly #form: FrameForm;
  readonly #sent: Cursor;
  readonly acks: Acknowledgements;
  /** What this connection itself has told; the rest of `#sent` is what the device says it has. */
  #told: Cursor | null = null;
  /** Made at the first frame of the device. */
  #frames: OwnBudget | null = null;
  #skipped: Skipped[] | null = null;
  #answered = true;
  #ended = false;
  #onDrained: (() => void) | null = null;

  constructor(
    deps: ConnectionDeps,
    socket: WebSocket,
    facts: {
      readonly id: string;
      readonly order: number;
      /** Epoch ms from which on it is asked to come back; Infinity: never. */
      readonly recycleAt: number;
      readonly deviceId: string;
      readonly epoch: number;
      readonly expiresAt: number;
      /** What the device has already; the connection's own from now on. */
      readonly from: Cursor;
      readonly acked: Cursor;
      /** Below the socket, if frames may be written there as they are. */
      readonly raw: Duplex | null;
    },
  ) {
    this.#deps = deps;
    this.#socket = socket;
    this.#raw = facts.raw;
    this.#form = formOf(socket);
    this.id = facts.id;
    this.order = facts.order;
    this.#recycleAt = facts.recycleAt;
    this.deviceId = facts.deviceId;
    this.epoch = facts.epoch;
    this.expiresAt = facts.expiresAt;
    this.#sent = facts.from;
    this.acks = new Acknowledgements(deps, {
      deviceId: facts.deviceId,
      acked: facts.acked,
      recentMax: deps.limits.recentMax,
      device: this,
    });
    (socket as Owned)[OWNER] = this;
    socket.on('message', Connection.#onMessage);
    socket.on('pong', Connection.#onPong);
    socket.on('close', Connection.#onClose);
  }

  static readonly #onMessage = function (this: Owned, data: unknown, isBinary: boolean): void {
    this[OWNER]!.#receive(data as Buffer, isBinary);
  };

  static readonly #onPong = function (this: Owned): void {
    this[OWNER]!.#answered = true;
  };

  static readonly #onClose = function (this: Owned, code: number): void {
    this[OWNER]!.#end(code);
  };

  /**
   * For its socket, from its handshake on. What code ws closes it with is not in its close event.
   */
  static readonly onError = function (this: WebSocket, { code }: NodeJS.ErrnoException): void {
    const isLarge = code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const connection = (this as Owned)[OWNER];
    if (connection !== undefined) connection.#end(isLarge ? TOO_LARGE : PROTOCOL_ERROR);
  };

  get open(): boolean {
    return !this.#ended;
  }

  /**
   * What the device has, or will have when it has read its queue. Changed by `offer` and `skip`.
   */
  get sent(): Cursor {
    return this.#sent;
  }

  /** True: wait for `drained` before sending what is not urgent. */
  get congested(): boolean {
    return this.#socket.bufferedAmount > this.#deps.limits.queueBytesMax / 2;
  }

  /** Over it nothing more is queued. */
  get #full(): boolean {
    return this.#socket.bufferedAmount > this.#deps.limits.queueBytesMax;
  }

  /** Its own connect record is in the log. */
  registered(generation: number): void {
    this.#generation = generation;
    this.#yieldToNewer();
  }

  /** The device is online on another connection of this generation, here or elsewhere. */
  rival(generation: number): void {
    this.#newest = Math.max(this.#newest, generation);
    this.#yieldToNewer();
  }

  /** Of two connections of one device the newer wins (rule D10). */
  #yieldToNewer(): void {
    if (this.#ended || this.#generation === null || this.#newest <= this.#generation) return;
    this.close(CLOSE_CODES.replaced);
  }

  welcome(): void {
    this.#send({
      type: 'welcome',
      connectionId: this.id,
      deviceId: this.deviceId,
      epoch: this.epoch,
      heartbeatMs: this.#deps.limits.heartbeatMs,
      cursor: formatCursor(this.#sent),
    });
  }

  /**
   * Sends a notification unless it was sent before; closes the connection when its queue is full.
   */
  offer(
    notification: DeviceNotification,
    form: NotificationForm,
  ): 'delivered' | 'slow' | 'offline' {
    if (this.#ended) return 'offline';
    if (this.#full) {
      this.close(CLOSE_CODES.slow);
      return 'slow';
    }
    const how = this.#guaranteed(notification) ?? (this.#note(notification) ? 'new' : 'double');
    if (how === 'double') {
      this.#deps.counts.doubles++;
      return 'delivered';
    }
    if (how === 'again') this.#deps.counts.again++;
    this.acks.sent(notification);
    this.#frames?.earn(1);
    const cursor = formatCursor(this.#sent);
    const skipped = this.#skipped;
    this.#skipped = null;
    this.#send(
      skipped === null
        ? { type: 'notification', ...form, cursor }
        : { type: 'notification', ...form, cursor, skipped },
    );
    return 'delivered';
  }

  /**
   * Of a use case that has to be acknowledged, what the device has: it comes again until that is
   * done, and puts nothing in doubt. Undefined: it is as any other.
   */
  #guaranteed({ useCase, priority: name, sequence }: DeviceNotification) {
    if (!this.#deps.guarantee.asks(useCase)) return undefined;
    const priority = this.#deps.inbox.priorities.numberOf(name);
    if (covers(this.acks.cursor, priority, sequence)) return 'double';
    return covers(this.#sent, priority, sequence) ? 'again' : undefined;
  }

  /**
   * False: this connection has told it. A number that the device says it has, and that comes all
   * the same, puts what it says in doubt: from there on it counts as not told.
   */
  #note({ priority: name, sequence }: DeviceNotification): boolean {
    const { priorities } = this.#deps.inbox;
    const priority = priorities.numberOf(name);
    this.#told ??= emptyCursor(this.epoch, 0, priorities);
    if (covers(this.#told, priority, sequence)) return false;
    if (!add(this.#sent, priority, sequence)) {
      uncover(this.#sent, priority, sequence);
      merge(this.#sent, this.#told);
      add(this.#sent, priority, sequence);
    }
    add(this.#told, priority, sequence);
    return true;
  }

  /** Notes a number that will not come; it is told with the next frame (rule D6). */
  skip(notification: DeviceNotification, reason: Skipped['reason']): void {
    if (this.#ended) return;
    if (!this.#note(notification)) return;
    this.#deps.counts.skipped++;
    this.#skipped ??= [];
    this.#skipped.push(skippedForm(notification, reason));
    // A number that is not told looks like a gap to the device: it pulls, and is told there.
    if (this.#skipped.length > this.#deps.limits.skippedMax) this.#skipped.shift();
  }

  /** Tells what was skipped when nothing follows that could carry it. */
  flushSkipped(): void {
    if (this.#skipped === null || this.#ended) return;
    const skipped = this.#skipped;
    this.#skipped = null;
    this.#send({ type: 'skipped', skipped, cursor: formatCursor(this.#sent) });
  }

  /**
   * Resolves true when the queue is written, false after `timeoutMs` or when the connection ends.
   */
  drained(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (whole: boolean) => {
        clearTimeout(timer);
        this.#onDrained = null;
        resolve(whole);
      };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.#onDrained = () => done(false);
      // A ping goes behind what is queued: its callback comes when all of that is written.
      this.#socket.ping(undefined, false, (error) => done(error === undefined || error === null));
    });
  }

  /** Called once in each heartbeat. */
  beat(nowMs: number): void {
    this.acks.retry();
    if (nowMs >= this.expiresAt) {
      this.close(CLOSE_CODES.tokenExpired);
    } else if (this.#asked) {
      this.close(CLOSE_CODES.goingAway);
    } else if (this.#answered) {
      this.#answered = false;
      this.#socket.ping();
      if (nowMs >= this.#recycleAt) this.#askToComeBack();
    } else {
      this.#end(CLOSE_CODES.heartbeatLost.code);
      this.#socket.terminate();
    }
  }

  /**
   * It may close by itself, when that suits it, until the next heartbeat; all goes on till then.
   */
  #askToComeBack(): void {
    this.#asked = true;
    this.tell({ type: 'going-away', afterMs: 0 });
  }

  /** Closes it, and says before when to come back. */
  goAway(why: CloseCode, afterMs: number): void {
    if (this.#ended) return;
    this.#send({ type: 'going-away', afterMs });
    this.close(why);
  }

  close({ code, reason }: CloseCode, more = ''): void {
    this.#end(code);
    this.#socket.close(code, more === '' ? reason : `${reason}: ${more}`);
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onDrained?.();
    this.#deps.ended(this, code);
  }

  #send(frame: ServerFrame): void {
    this.#deps.counts.framesSent++;
    const data = this.#form.isBinary ? encodeServerFrame(frame) : JSON.stringify(frame);
    writeFrame(this.#socket, this.#raw, data);
  }

  /** Who asks faster than it reads the answers would fill the memory with them. */
  tell(frame: ServerFrame): void {
    if (this.#ended) return;
    if (this.#full) this.close(CLOSE_CODES.slow);
    else this.#send(frame);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#answered = true;
    this.#deps.counts.framesReceived++;
    if (!this.#spend(1)) return;
    const wrong = isBinary === this.#form.isBinary ? this.#act(data) : this.#form.are;
    if (wrong !== undefined) this.close(CLOSE_CODES.badFrame, wrong);
  }

  /** False: the device sends more than its budget, and is closed. */
  #spend(frames: number): boolean {
    const now = this.#deps.clock.now();
    this.#frames ??= new OwnBudget(this.#deps.budgets.limits.frames, now);
    if (this.#frames.spend(frames, now)) return true;
    this.close(CLOSE_CODES.tooMuch);
    // What it has sent beyond is not even read, nor its answer to the close frame waited for.
    this.#socket.pause();
    setTimeout(() => this.#socket.terminate(), FLOOD_CUT_MS).unref();
    return false;
  }

  /** Does what a frame asks for, or says what is wrong with it. */
  #act(data: Buffer): string | undefined {
    const frame = readFrame(data, this.#deps.limits.ackIdsMax, this.#form);
    if (frame.type === 'wrong') return frame.why;
    if (frame.type === 'ping') this.tell({ type: 'pong' });
    else if (frame.type === 'cursor') this.acks.byCursor(frame.cursor, this.#sent);
    else if (frame.type === 'report') void this.#report(frame.body);
    else if (this.#spend(frame.ids.length / IDS_PER_FRAME)) this.acks.byIds(frame.ids);
    return undefined;
  }

  /** It is answered when the log has it, or with what kept it from that. */
  async #report(body: { readonly eventId?: unknown }): Promise<void> {
    try {
      const { eventId } = await this.#deps.reports.take(this.deviceId, body);
      this.tell({ type: 'reported', eventId });
    } catch (error) {
      const problem =
        error instanceof HttpProblem ? error : new HttpProblem('CAR717', 'the gateway failed.');
      const eventId = typeof body.eventId === 'string' ? body.eventId : '';
      this.tell({ type: 'reported', eventId, code: problem.code, what: problem.what });
    }
  }
}
