/**
 * A stand-in for a gateway: takes deliveries over HTTP as one does, and does with a connection what
 * it is told. It can go away and come back on the same port.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  DELIVER_OUTCOMES_TYPE,
  DELIVER_PATH,
  DELIVERIES_TYPE,
  type DeliverOutcome,
  type DeliveryItem,
  decodeDeliveries,
  encodeOutcomes,
} from '../../schemas/deliveries.ts';

export type GatewayAct =
  | { readonly act: 'answer'; readonly outcome: DeliverOutcome }
  /** Answers the whole request after `ms`. */
  | { readonly act: 'slow'; readonly ms: number }
  /** Never answers the request. */
  | { readonly act: 'silent' }
  /** Breaks the connection when the request has come. */
  | { readonly act: 'cut' }
  /** 503 with Retry-After. */
  | { readonly act: 'overloaded'; readonly afterSeconds: number };

export class FakeGateway {
  readonly #internalToken: string;
  readonly #acts = new Map<string, GatewayAct>();
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #server: Server | null = null;
  #port = 0;
  /** The values of all records that came, as text, oldest first. */
  readonly received: string[] = [];
  requests = 0;
  connections = 0;

  private constructor(internalToken: string) {
    this.#internalToken = internalToken;
  }

  static async start(internalToken: string): Promise<FakeGateway> {
    const fake = new FakeGateway(internalToken);
    await fake.listen();
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  arrange(connectionId: string, act: GatewayAct): void {
    this.#acts.set(connectionId, act);
  }

  async listen(): Promise<void> {
    const server = createServer((incoming, response) => this.#take(incoming, response));
    server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  #take(incoming: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      const { authorization, 'content-type': type } = incoming.headers;
      const items = decodeDeliveries(Buffer.concat(chunks));
      if (authorization !== `Bearer ${this.#internalToken}`) response.writeHead(401).end();
      else if (incoming.url !== DELIVER_PATH) response.writeHead(404).end();
      else if (type !== DELIVERIES_TYPE || items === undefined) response.writeHead(400).end();
      else this.#answer(items, response);
    });
  }

  #answer(items: readonly DeliveryItem[], response: ServerResponse): void {
    const acts = items.map((item) => this.#acts.get(item.connectionId));
    const overloaded = acts.find((act) => act?.act === 'overloaded');
    if (overloaded?.act === 'overloaded') {
      response.writeHead(503, { 'retry-after': String(overloaded.afterSeconds) }).end();
      return;
    }
    for (const item of items) this.received.push(String(item.value));
    const outcomes = acts.map((act) => (act?.act === 'answer' ? act.outcome : 'delivered'));
    const answer = () => {
      response.writeHead(200, { 'content-type': DELIVER_OUTCOMES_TYPE });
      response.end(encodeOutcomes(outcomes));
    };
    if (acts.some((act) => act?.act === 'cut')) response.destroy();
    else if (acts.some((act) => act?.act === 'silent')) return;
    else {
      const waits = acts.map((act) => (act?.act === 'slow' ? act.ms : 0));
      const wait = Math.max(0, ...waits);
      if (wait === 0) answer();
      else this.#later(wait, answer);
    }
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }
}
