/** Devices that wait for their next page (`?wait=`): each goes on where its last poll ended. */
import type { FastifyReply } from 'fastify';
import { parseCursor } from '../core/cursor.ts';
import type { PullPage } from '../schemas/frames.ts';
import type { Identity } from './identity.ts';
import type { GatewayLimits } from './limits.ts';
import { PollStream } from './poll-stream.ts';
import { HttpProblem } from './problem.ts';
import type { Streams } from './stream.ts';

export interface PollWish {
  /** Milliseconds; 0: it does not wait. */
  readonly waitMs: number;
  readonly limit: number;
}

export class Polls {
  readonly #limits: GatewayLimits;
  readonly #streams: () => Streams | undefined;
  readonly #byDevice = new Map<string, PollStream>();

  constructor(limits: GatewayLimits, streams: () => Streams | undefined) {
    this.#limits = limits;
    this.#streams = streams;
  }

  /**
   * Goes on with the connection of the device's last poll, where it was here and its answer has
   * arrived; undefined: it was not, or the answer was lost. Throws CAR704.
   */
  goOn(
    identity: Identity,
    deviceId: string,
    after: unknown,
    wish: PollWish,
    reply: FastifyReply,
  ): Promise<PullPage> | undefined {
    checkWaits(identity, deviceId);
    const stream = this.#byDevice.get(deviceId);
    if (stream === undefined) return undefined;
    if (stream.cursor === after) return this.#wait(deviceId, stream, wish, reply, true);
    stream.destroy();
    return undefined;
  }

  /** Waits for what comes after a page that has nothing. Rejects with CAR716, CAR726, CAR740. */
  async begin(
    identity: Identity,
    deviceId: string,
    page: PullPage,
    wish: PollWish,
    reply: FastifyReply,
  ): Promise<PullPage> {
    const streams = this.#streams();
    if (streams === undefined || this.#byDevice.size >= this.#limits.pollersMax) {
      throw new HttpProblem('CAR716', 'too many devices wait for their inbox.');
    }
    const stream = new PollStream(this.#limits.pollLingerMs, page);
    streams.acceptPoll(stream, { identity, after: parseCursor(page.cursor) });
    this.#byDevice.get(deviceId)?.destroy();
    this.#byDevice.set(deviceId, stream);
    stream.once('close', () => {
      if (this.#byDevice.get(deviceId) === stream) this.#byDevice.delete(deviceId);
    });
    return await this.#wait(deviceId, stream, wish, reply, false);
  }

  /**
   * What goes another way than to connections (a device of no transport, or of FCM) is in the inbox
   * alone, so it is looked into from time to time.
   */
  #wait(
    deviceId: string,
    stream: PollStream,
    { waitMs, limit }: PollWish,
    reply: FastifyReply,
    looksNow: boolean,
  ): Promise<PullPage> {
    const waiting = stream.poll(waitMs, limit);
    const look = () => this.#streams()?.lookFor(deviceId);
    const timer = setInterval(look, this.#limits.pollLookMs);
    const stop = () => clearInterval(timer);
    waiting.then(stop, stop);
    if (looksNow) look();
    reply.raw.once('close', () => stream.hangUp(waiting));
    return waiting;
  }
}

/** Throws CAR704. */
function checkWaits({ subject }: Identity, deviceId: string): void {
  if (subject === deviceId) return;
  throw new HttpProblem('CAR704', 'only the device itself waits: it counts as connected.');
}
