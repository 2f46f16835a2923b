/**
 * An application with the reference client, and what lies between it and a gateway. A test file
 * closes all of it with `closeAll`.
 */

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcp, type Socket } from 'node:net';
import {
  type ClientOptions,
  type ClientState,
  DeviceClient,
  type Transport,
} from '../../client/client.ts';
import { parseCursor } from '../../core/cursor.ts';
import { type Bench, eventually } from './gateway-bench.ts';

/** Times of a gateway, and of a client, at which a test need not wait. */
export const GATEWAY_LIMITS = {
  fillAgainMs: 20,
  heartbeatMs: 640,
  pollLingerMs: 300,
  closeMs: 300,
};
export const CLIENT_LIMITS = {
  backoffFirstMs: 1,
  backoffMaxMs: 20,
  spreadMs: 1,
  gapMs: 60,
  pollMs: 1_000,
};
export const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'poll'];

const running = new Set<DeviceClient>();
const open = new Set<{ close(): unknown }>();

export function closeLater<T extends { close(): unknown }>(one: T): T {
  open.add(one);
  return one;
}

export async function closeAll(): Promise<void> {
  for (const client of running) await client.stop();
  for (const one of open) await one.close();
}

/** An application: what it was told, and what it keeps. */
export class App {
  readonly told: number[] = [];
  readonly skipped: number[] = [];
  readonly states: ClientState[] = [];
  readonly transports: Transport[] = [];
  text: string;
  client!: DeviceClient;
  readonly bench: Bench;
  readonly device: string;

  /** `text`: what an application of before has kept. */
  constructor(bench: Bench, device: string, text = '') {
    this.bench = bench;
    this.device = device;
    this.text = text;
  }

  open(options: Partial<ClientOptions> = {}): this {
    this.client = new DeviceClient({
      url: this.bench.gateway.url,
      deviceId: this.device,
      token: () => this.bench.token(this.device),
      onNotification: ({ sequence }) => void this.told.push(sequence),
      onSkipped: ({ sequence }) => this.skipped.push(sequence),
      onState: (state) => {
        this.states.push(state);
        if (state.is === 'open') this.transports.push(state.transport);
      },
      memory: {
        load: () => this.text,
        save: (text) => {
          this.text = text;
        },
      },
      random: () => 0,
      ...options,
      limits: { ...CLIENT_LIMITS, ...options.limits },
    });
    running.add(this.client);
    void this.client.start();
    return this;
  }

  async until(holds: (app: this) => boolean, what: string): Promise<void> {
    await eventually(() => holds(this), what).catch((error) => {
      throw new Error(`${error.message}: told ${this.told}, ${JSON.stringify(this.states)}`);
    });
  }

  async untilTold(...numbers: number[]): Promise<void> {
    await this.until(({ told }) => told.length >= numbers.length, `${numbers}`);
    assert.deepEqual(this.told, numbers);
  }

  put(...numbers: number[]): void {
    const { inbox } = this.bench;
    inbox.put(...numbers.map((sequence) => this.bench.notification(this.device, sequence)));
  }

  /** As the websocket sink: to the connection that the registry names. */
  async live(sequence: number, more: { readonly id?: string } = {}): Promise<string> {
    const rows = this.bench.values('events.connections');
    const row = rows.findLast((one) => one.deviceId === this.device);
    if (row === undefined) return 'offline';
    const { connectionId } = row;
    const notification = this.bench.notification(this.device, sequence, more);
    const [outcome] = await this.bench.deliver([{ connectionId, notification }]);
    return outcome!;
  }

  /** Sinks can know of a connection of it. */
  async registered(): Promise<void> {
    const isOurs = (row: { deviceId: string }) => row.deviceId === this.device;
    await eventually(() => this.bench.values('events.connections').some(isOurs), 'its row');
  }

  /** What the inbox has as acknowledged: all up to this number. */
  get acked(): number {
    const text = this.bench.inbox.acknowledgedNow(this.device, 1);
    return text === undefined ? 0 : parseCursor(text)!.marks[2]!;
  }

  async untilAcked(number: number): Promise<void> {
    await eventually(() => this.acked === number, `${number} acknowledged`);
  }
}

/** What lies between: it carries bytes to `target`, until it is cut. */
export class Front {
  target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createTcp((socket) => this.#carry(socket));
  /** False: who connects is cut at once. */
  lets = true;
  /** True: what the gateway says is lost. */
  swallows = false;

  constructor(target: number) {
    this.target = target;
    open.add(this);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #carry(near: Socket): void {
    if (!this.lets) return void near.destroy();
    const far = connect(this.target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.once('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.on('data', (bytes) => (one === far && this.swallows) || other.write(bytes));
    }
  }
}

/** A proxy of the kind that knows HTTP and nothing newer, or whatever else answers. */
export async function proxy(
  answer: (request: IncomingMessage, reply: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  server.on('upgrade', (_request, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.add({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Hands a request on to a gateway, and its answer back. */
export async function forward(
  to: string,
  request: IncomingMessage,
  reply: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
  const controller = new AbortController();
  reply.once('close', () => controller.abort());
  const answer = await fetch(`${to}${request.url}`, {
    method: request.method!,
    headers: headers as globalThis.Record<string, string>,
    signal: controller.signal,
    ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
  });
  reply.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
  for await (const chunk of answer.body ?? []) reply.write(chunk);
  reply.end();
}
