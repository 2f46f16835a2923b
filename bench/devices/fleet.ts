/**
 * All devices of the benchmark, and who pushes to them, in one process: so one clock measures both
 * ends. Which device is pushed to comes from a seed.
 */
import { WebSocket } from 'ws';
import { random } from '../random.ts';
import { type Device, type Pushes, pushesTo } from './pushes.ts';
import type { FromFleet, Opening, ToFleet } from './talk.ts';

/** Local addresses: of one there are not ports enough for a storm behind another. */
const ADDRESSES = 16;
const WAIT_MS = 30_000;
/** Pushes at a rate. */
const UNDER_WAY_MAX = 1_000;

class Fleet {
  readonly #of: Opening;
  readonly #sockets: (WebSocket | undefined)[] = [];
  readonly #devices: Device[];
  readonly #random: () => number;
  #pushes!: Pushes;
  #frames = 0;
  #failed = 0;
  #frameChars = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #reached: () => void = () => {};
  /** When a frame was due for each device; of `rate` alone. */
  #dueAt: Float64Array | undefined;
  #latencies: number[] = [];

  constructor(of: Opening) {
    this.#of = of;
    this.#devices = of.urls.map(() => ({ connectionId: '', sequence: 0 }));
    this.#random = random(of.seed);
  }

  async open(): Promise<FromFleet> {
    const { kind, pushUrl, inFlight, frameChars } = this.#of;
    const answer = await this.connectAll(inFlight);
    this.#pushes = await pushesTo(kind, pushUrl, this.#devices, frameChars);
    return answer;
  }

  /** All, so many under way at one time; who is refused comes again, and is counted. */
  async connectAll(inFlight: number, count = this.#of.urls.length): Promise<FromFleet> {
    this.#failed = 0;
    this.#frames = 0;
    const startedAt = performance.now();
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const n = next++;
        while (!(await this.#connect(n))) this.#failed++;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return this.#answer(performance.now() - startedAt);
  }

  closeAll(): void {
    for (const [n, socket] of this.#sockets.entries()) {
      this.#sockets[n] = undefined;
      socket?.removeAllListeners();
      socket?.on('error', () => undefined);
      socket?.terminate();
    }
  }

  /** To any, as fast as it goes, for so long. */
  async unicast(seconds: number, batch: number, inFlight: number): Promise<FromFleet> {
    const count = this.#devices.length;
    const any = () => Array.from({ length: batch }, () => Math.floor(this.#random() * count));
    const until = performance.now() + seconds * 1_000;
    return await this.#push(inFlight, () => (performance.now() < until ? any() : undefined));
  }

  /** To each one, as fast as it goes. */
  async burst(batch: number, inFlight: number): Promise<FromFleet> {
    const all = this.#devices.map((_, n) => n);
    return await this.#push(inFlight, (n) => {
      const some = all.slice(n * batch, (n + 1) * batch);
      return some.length === 0 ? undefined : some;
    });
  }

  /**
   * One record a request, each at its time, however long the others take; but no more under way
   * than the machine has memory for. What was late then is told late: from when it was due.
   */
  async rate(perSecond: number, seconds: number): Promise<FromFleet> {
    const count = this.#devices.length;
    const first = Math.floor(this.#random() * count);
    this.#latencies = [];
    this.#dueAt = new Float64Array(count);
    this.#frames = 0;
    const startedAt = performance.now();
    const underWay = new Set<Promise<void>>();
    let sent = 0;
    for (let now = startedAt; now < startedAt + seconds * 1_000; now = performance.now()) {
      const due = Math.floor(((now - startedAt) * perSecond) / 1_000);
      for (; sent < due && underWay.size < UNDER_WAY_MAX; sent++) {
        const device = (first + sent) % count;
        this.#dueAt[device] = startedAt + (sent * 1_000) / perSecond;
        const one = this.#pushes.push([device]).finally(() => underWay.delete(one));
        underWay.add(one);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(underWay);
    await this.#came(sent);
    this.#dueAt = undefined;
    const latencies = this.#latencies.sort((a, b) => a - b);
    return { ...this.#answer(performance.now() - startedAt), latencies };
  }

  async #push(
    inFlight: number,
    devicesOf: (round: number) => readonly number[] | undefined,
  ): Promise<FromFleet> {
    this.#frames = 0;
    const startedAt = performance.now();
    let next = 0;
    let pushed = 0;
    const worker = async () => {
      for (;;) {
        const devices = devicesOf(next++);
        if (devices === undefined) return;
        pushed += devices.length;
        await this.#pushes.push(devices);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    await this.#came(pushed);
    return this.#answer(performance.now() - startedAt);
  }

  /** So many frames have come since they were last counted from 0. */
  #came(frames: number): Promise<void> {
    if (this.#frames >= frames) return Promise.resolve();
    this.#wanted = frames;
    return new Promise((resolve, reject) => {
      const why = () => reject(new Error(`${this.#frames} of ${frames} frames came`));
      const timer = setTimeout(why, WAIT_MS);
      this.#reached = () => {
        clearTimeout(timer);
        this.#wanted = Number.POSITIVE_INFINITY;
        resolve();
      };
    });
  }

  #connect(n: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const localAddress = `127.0.0.${1 + (n % ADDRESSES)}`;
    const socket = new WebSocket(this.#of.urls[n]!, {
      perMessageDeflate: false,
      localAddress,
      // Who it is, to who asks no token.
      headers: { 'x-device': String(n) },
    });
    this.#sockets[n] = socket;
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('message', (data) => {
      const { connectionId = '' } = JSON.parse(String(data)) as { connectionId?: string };
      Object.assign(this.#devices[n]!, { connectionId, sequence: 0 });
      socket.on('message', (frame: Buffer) => this.#took(n, frame));
      resolve(true);
    });
    return promise;
  }

  #took(n: number, frame: Buffer): void {
    this.#frameChars = frame.length;
    if (this.#dueAt !== undefined) this.#latencies.push(performance.now() - this.#dueAt[n]!);
    if (++this.#frames === this.#wanted) this.#reached();
  }

  #answer(ms: number): FromFleet {
    return { ms, failed: this.#failed, frames: this.#frames, frameChars: this.#frameChars };
  }
}

let fleet: Fleet | undefined;

async function act(message: ToFleet): Promise<FromFleet> {
  if (message.do === 'open') {
    fleet = new Fleet(message);
    return await fleet.open();
  }
  if (message.do === 'warm') {
    const few = new Fleet(message);
    const answer = await few.connectAll(
      message.inFlight,
      Math.min(message.count, message.urls.length),
    );
    few.closeAll();
    return answer;
  }
  const { inFlight = 1 } = message as { inFlight?: number };
  if (message.do === 'again') {
    fleet!.closeAll();
    return await fleet!.connectAll(inFlight);
  }
  if (message.do === 'unicast')
    return await fleet!.unicast(message.seconds, message.batch, inFlight);
  if (message.do === 'burst') return await fleet!.burst(message.batch, inFlight);
  if (message.do === 'rate') return await fleet!.rate(message.perSecond, message.seconds);
  fleet!.closeAll();
  return { ms: 0, failed: 0, frames: 0, frameChars: 0 };
}

if (import.meta.main) {
  process.on('message', (message: ToFleet) => {
    act(message).then(
      (answer) => process.send!(answer),
      (error) => process.send!({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
