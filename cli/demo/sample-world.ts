/**
 * The sample world of `npm start`: producers of all events that the topology reads, and devices on
 * WebSocket and pull, all of them over the gateway's public HTTP and WebSocket, as real ones.
 * Devices on FCM and APNs get theirs from the stand-ins.
 */
import { DeviceClient } from '../../client/client.ts';
import type { Words } from '../../core/words.ts';
import { type EventSource, type GivenEvent, sampleSource } from '../event-sources.ts';
import { byTypeAndKey } from '../event-writers.ts';
import { GatewayClient } from '../gateway-client.ts';
import { SeededRandom } from './random.ts';
import { registrationOf, type SampleDevice, sampleDevices } from './sample-devices.ts';
import type { SampledTypes } from './sampled-types.ts';

export interface SampleWorldOptions {
  /** The gateway. */
  readonly url: string;
  readonly mintToken: (claims: SampleClaims) => Promise<string>;
  readonly seed: number;
  /** Goes into the event ids, so that a second start sends new events. */
  readonly run: string;
  /** Of the topology; by default RENO's. */
  readonly words?: Words;
  /** 12 by default: 32 devices. */
  readonly members?: number;
  /** The event types that the topology reads. */
  readonly types: SampledTypes;
  /** Events a second; 20 by default. */
  readonly rate?: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A sentence for the log of the demo. */
  readonly say?: (sentence: string) => void;
}

export interface SampleClaims {
  readonly subject: string;
  readonly scope?: 'producer' | 'registrar';
  readonly events?: readonly string[];
}

export interface SampleCounts {
  /** Events that are in the log. */
  produced: number;
  /** Requests that the gateway refused, or that found none. */
  refused: number;
  /** Notifications that devices have seen, by how. */
  pushed: number;
  pulled: number;
  reconnects: number;
}

export interface SampleWorld {
  readonly devices: readonly SampleDevice[];
  readonly counts: Readonly<SampleCounts>;
  stop(): Promise<void>;
}

const MEMBERS = 12;
const RATE = 20;
/**
 * Producers send what has gathered in this time as one batch per type, and per key where that is
 * given beside the events.
 */
const TICK_MS = 250;
const PULL_EVERY_MS = 5_000;
const PULL_LIMIT = 100;
const PAGES_MAX = 20;
const REGISTERED_AT_ONCE = 8;

/**
 * Registers the devices, connects them and starts the producers. Throws CAR907 when nobody answers.
 */
export async function startSampleWorld(options: SampleWorldOptions): Promise<SampleWorld> {
  const world = new World(options);
  await world.start();
  return world;
}

class World implements SampleWorld {
  readonly devices: readonly SampleDevice[];
  readonly counts: SampleCounts = { produced: 0, refused: 0, pushed: 0, pulled: 0, reconnects: 0 };
  readonly #options: SampleWorldOptions;
  readonly #events: EventSource;
  readonly #random: SeededRandom;
  readonly #sockets: DeviceClient[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #working = new Set<Promise<void>>();
  #owed = 0;
  #stopped = false;
  #lastComplaint = '';

  constructor(options: SampleWorldOptions) {
    this.#options = options;
    const members = options.members ?? MEMBERS;
    this.devices = sampleDevices(members, options.words?.deviceClasses);
    this.#random = new SeededRandom(options.seed + 1);
    const { seed, run, types } = options;
    this.#events = sampleSource({
      seed,
      run,
      members,
      types: types.known,
      bySchema: types.bySchema,
      mistakes: true,
    });
  }

  async start(): Promise<void> {
    const { url, mintToken } = this.#options;
    const registrar = new GatewayClient(url, tokenOf(mintToken, 'sample-registrar', 'registrar'));
    for (let at = 0; at < this.devices.length; at += REGISTERED_AT_ONCE) {
      const some = this.devices.slice(at, at + REGISTERED_AT_ONCE);
      await Promise.all(
        some.map((device) =>
          registrar.register(device.deviceId, registrationOf(device, this.#options.words?.fields)),
        ),
      );
    }
    for (const device of this.devices) {
      if (device.transport === 'websocket') this.#connect(device);
      if (device.transport === 'inbox') this.#pullAgain(device);
    }
    const { known, bySchema } = this.#options.types;
    if (known.length + bySchema.length > 0) this.#produceAgain();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#sockets.map((socket) => socket.stop()));
    await Promise.allSettled(this.#working);
  }

  #connect({ deviceId }: SampleDevice): void {
    const { url, mintToken } = this.#options;
    const socket = new DeviceClient({
      url,
      deviceId,
      token: tokenOf(mintToken, deviceId),
      transports: ['websocket'],
      onNotification: () => {},
      onFrame: (frame) => {
        if (frame.type === 'notification') this.counts.pushed++;
      },
      onState: ({ is }) => {
        if (is === 'waiting') this.counts.reconnects++;
      },
      random: () => this.#random.next(),
    });
    this.#sockets.push(socket);
    void socket.start();
  }

  /** A device that only pulls comes at its own pace, a little apart from the others. */
  #pullAgain({ deviceId }: SampleDevice): void {
    const { url, mintToken } = this.#options;
    const client = new GatewayClient(url, tokenOf(mintToken, deviceId));
    let pulling = false;
    const pull = async () => {
      if (pulling) return;
      pulling = true;
      try {
        for (let page = 0; page < PAGES_MAX && !this.#stopped; page++) {
          const { notifications, cursor, more } = await client.pull(
            deviceId,
            undefined,
            PULL_LIMIT,
          );
          this.counts.pulled += notifications.length;
          if (notifications.length > 0) await client.acknowledge(deviceId, cursor);
          if (!more) break;
        }
      } finally {
        pulling = false;
      }
    };
    const every = PULL_EVERY_MS * (0.8 + this.#random.next() * 0.4);
    this.#every(every, pull);
  }

  #produceAgain(): void {
    const { url, mintToken, rate = RATE, now } = this.#options;
    const tokenFor = (type: string) => () =>
      mintToken({ subject: 'sample-producer', scope: 'producer', events: [type] });
    this.#every(TICK_MS, async () => {
      this.#owed += (rate * TICK_MS) / 1_000;
      const due = Math.floor(this.#owed);
      this.#owed -= due;
      const events: GivenEvent[] = [];
      for (let n = 0; n < due; n++) events.push((await this.#events(now()))!);
      for (const some of byTypeAndKey(events)) {
        const { type, key } = some[0]!;
        const client = new GatewayClient(url, tokenFor(type));
        const values = some.map(({ value }) => value);
        await client.postEvents(type, values, undefined, key);
        this.counts.produced += values.length;
      }
    });
  }

  #every(ms: number, work: () => Promise<void>): void {
    const once = () => {
      const working = work().catch((error: unknown) => this.#refused(error));
      this.#working.add(working);
      working.finally(() => this.#working.delete(working));
    };
    this.#timers.push(setInterval(once, ms));
  }

  /** Said once, not each time: the gateway may be away for a while. */
  #refused(error: unknown): void {
    if (this.#stopped) return;
    this.counts.refused++;
    const what = error instanceof Error ? error.message : String(error);
    if (what === this.#lastComplaint) return;
    this.#lastComplaint = what;
    this.#options.say?.(what);
  }
}

/**
 * Tokens of samples are minted anew for each request: they are cheap, and none ever expires on
 * them.
 */
function tokenOf(
  mintToken: SampleWorldOptions['mintToken'],
  subject: string,
  scope?: SampleClaims['scope'],
): () => Promise<string> {
  return () => mintToken(scope === undefined ? { subject } : { subject, scope });
}
