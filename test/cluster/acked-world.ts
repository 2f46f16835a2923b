/** Devices that have to acknowledge, on two gateways, with the reference client: its own count. */

import { GatewayClient } from '../../cli/gateway-client.ts';
import { DeviceClient } from '../../client/client.ts';
import type { ClientOptions } from '../../client/options.ts';
import type { NotificationFrame } from '../../schemas/frames.ts';
import { Front } from '../kit/device-app.ts';
import { type Pipeline, type PipelineProcess, until } from './pipeline.ts';

type Event = { readonly [field: string]: unknown };

/** Short waits, as a gateway that is killed is to be left at once. */
const LIMITS = { backoffFirstMs: 50, backoffMaxMs: 1_000, gapMs: 500, openMs: 5_000, spreadMs: 1 };

/** A device, and what its application was told, with how often. */
export class App {
  readonly id: string;
  readonly told = new Map<string, number>();
  /** Notifications as they came, doubles too. */
  readonly frames: NotificationFrame[] = [];
  readonly client: DeviceClient;
  /** What the application waits for before it has done what it was told. */
  gate: Promise<void> = Promise.resolve();
  /** Notifications that the application was told and has not done yet. */
  doing = 0;
  #memory = '';
  #isOpen = false;

  constructor(id: string, url: string, pipeline: Pipeline, more: Partial<ClientOptions> = {}) {
    this.id = id;
    this.client = new DeviceClient({
      url,
      deviceId: id,
      token: () => pipeline.token('device', id),
      transports: ['websocket'],
      memory: {
        load: () => this.#memory,
        save: (text) => {
          this.#memory = text;
        },
      },
      onState: ({ is }) => {
        this.#isOpen = is === 'open';
      },
      onFrame: (frame) => {
        if (frame.type === 'notification') this.frames.push(frame);
      },
      onNotification: async ({ value }) => {
        const { eventId } = value as { eventId: string };
        this.doing++;
        await this.gate;
        this.doing--;
        this.told.set(eventId, (this.told.get(eventId) ?? 0) + 1);
      },
      limits: LIMITS,
      ...more,
    });
    void this.client.start();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }
}

/** Where devices go: it leads them to the gateway that lives. */
export class Lead {
  readonly front = new Front(0);
  url = '';

  async open(gateway: PipelineProcess): Promise<void> {
    this.to(gateway);
    this.url = await this.front.listen();
  }

  to(gateway: PipelineProcess): void {
    this.front.target = Number(new URL(gateway.url).port);
  }
}

export async function register(
  pipeline: Pipeline,
  gateway: PipelineProcess,
  devices: PipelineProcess,
  all: readonly {
    readonly id: string;
    readonly member: string;
    readonly kinds: readonly string[];
  }[],
): Promise<void> {
  const folded = async () =>
    (await devices.metrics()).sum('carillon_step_records_out_total', {
      stream: 'devices-fold',
      step: 'to',
    });
  const before = await folded();
  const client = await pipeline.client(gateway, 'registrar');
  for (const { id, member, kinds } of all) {
    const transports = kinds.map((kind) =>
      kind === 'fcm' ? { kind, token: `token-${id}` } : { kind },
    );
    await client.register(id, { memberId: member, class: 'tv', transports });
  }
  await until('members have their devices', async () => (await folded()) >= before + all.length);
}

/** Tried until it is in the log: an event that comes twice is one, by its id. */
export async function post(
  pipeline: Pipeline,
  urlOf: () => string,
  type: string,
  event: Event,
): Promise<void> {
  const token = await pipeline.token('producer');
  await until(`${event.eventId} is taken`, async () => {
    await new GatewayClient(urlOf(), async () => token).postEvents(type, [event]);
    return true;
  });
}

export const planChange = (eventId: string, memberId: string): Event => ({
  eventId,
  memberId,
  planTo: 'basic',
  changedAt: Date.now(),
});
export const profileChange = (eventId: string, memberId: string): Event => ({
  eventId,
  memberId,
  profileId: 'p',
  kind: 'RENAMED',
  changedAt: Date.now(),
});
