/**
 * A load of events at a steady rate, and the time from before each is sent until its frame is at
 * the device. Producer and devices are in this one process, so one clock measures; what is measured
 * runs in processes of its own.
 */
import { WebSocket } from 'ws';
import { quantile } from './figure.ts';

/** Events of one tick go out together, as a producer's client would batch them. */
const TICK_MS = 10;
const LATE_MS_MAX = 15_000;
const SUBPROTOCOL = 'carillon.v1';

export interface Load {
  readonly perSecond: number;
  /** Measured; the warm-up comes before it. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export const LOAD: Load = { perSecond: 1_000, seconds: 15, warmUpSeconds: 10 };

export interface LoadEvent {
  readonly eventId: string;
  readonly memberId: string;
  readonly bornMs: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly events: number;
  /** Sent and not seen within 15 s after the end. */
  readonly lost: number;
}

/**
 * Sends at the load's rate. `send` is not waited for; it is to call `arrived` of the stopwatches,
 * the first of which is told of.
 */
export async function runLoad(
  load: Load,
  members: readonly string[],
  watches: readonly [Stopwatch, ...Stopwatch[]],
  send: (events: readonly LoadEvent[]) => Promise<unknown>,
): Promise<Latency> {
  const { perSecond, seconds, warmUpSeconds } = load;
  const total = perSecond * (seconds + warmUpSeconds);
  const measuredFrom = perSecond * warmUpSeconds;
  const startedAt = performance.now();
  let failure: unknown;
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000));
    const events: LoadEvent[] = [];
    for (; sent < due; sent++) {
      const eventId = `l-${sent}`;
      events.push({ eventId, memberId: members[sent % members.length]!, bornMs: Date.now() });
      for (const watch of watches) watch.sent(eventId, sent >= measuredFrom);
    }
    if (events.length > 0) {
      send(events).catch((error: unknown) => {
        failure ??= error;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  for (const watch of watches) await watch.allArrived(LATE_MS_MAX);
  if (failure !== undefined) throw failure;
  return watches[0].latency();
}

export class Stopwatch {
  readonly #waiting = new Map<string, { readonly at: number; readonly counts: boolean }>();
  readonly #tookMs: number[] = [];

  sent(eventId: string, counts: boolean): void {
    this.#waiting.set(eventId, { at: performance.now(), counts });
  }

  /** Repeats are not counted: the device has it already. */
  arrived(eventId: string): void {
    const one = this.#waiting.get(eventId);
    if (one === undefined) return;
    this.#waiting.delete(eventId);
    if (one.counts) this.#tookMs.push(performance.now() - one.at);
  }

  async allArrived(atMostMs: number): Promise<void> {
    const startedAt = performance.now();
    while (this.#waiting.size > 0 && performance.now() - startedAt < atMostMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  latency(): Latency {
    const sorted = this.#tookMs.sort((a, b) => a - b);
    const at = (q: number) => Number(quantile(sorted, q).toFixed(1));
    const events = sorted.length;
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), events, lost: this.#waiting.size };
  }
}

/** Holds a device's WebSocket and tells the stopwatch of each frame; resolves at its welcome. */
export async function listen(url: string, token: string, watch: Stopwatch): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/stream`, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${token}` },
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (text: Buffer) => {
      const frame = JSON.parse(text.toString()) as { type: string; value?: { eventId: string } };
      if (frame.type === 'welcome') resolve();
      else if (frame.type === 'notification') watch.arrived(frame.value!.eventId);
    });
  });
  return socket;
}
