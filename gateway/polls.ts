/** Devices that wait for their next page (`?wait=`): each goes on where its last poll ended. */
import type { FastifyReply } from 'fastify';
import { parseCursor } from '../core/cursor.ts';
import type { PullPage } from '../schemas/frames.ts';
import type { Identity } from './auth.ts';
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
   * Waits without a look into the inbox, where the device's last poll was here and its answer has
   * arrived; undefined: it was not, or the answer was lost.
   */
  goOn(
    deviceId: string,
    after: unknown,
    wish: PollWish,
    reply: FastifyReply,
  ): Promise<PullPage> | undefined {
    const stream = this.#byDevice.get(deviceId);
    if (stream === undefined) return undefined;
    if (stream.cursor === after) return wait(stream, wish, reply);
    stream.destroy();
    return undefined;
  }

  /** Waits for what comes after a page that has nothing. Throws CAR704, CAR716, CAR726, CAR740. */
  async begin(
    identity: Identity,
    deviceId: string,
    page: PullPage,
    wish: PollWish,
    reply: FastifyReply,
  ): Promise<PullPage> {
    if (identity.subject !== deviceId) {
      throw new HttpProblem('CAR704', 'only the device itself waits: it counts as connected.');
    }
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
    return await wait(stream, wish, reply);
  }
}

function wait(
  stream: PollStream,
  { waitMs, limit }: PollWish,
  reply: FastifyReply,
): Promise<PullPage> {
  const waiting = stream.poll(waitMs, limit);
  reply.raw.once('close', () => stream.hangUp(waiting));
  return waiting;
}
