/**
 * An endpoint as somebody would write it by the Standard Webhooks text: it checks signature and
 * time stamp by itself, and answers as its script says, by device.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { localCertificate } from '../local-certificate.ts';

const TOLERANCE_SECONDS = 300;

export type WebhookAct =
  | { readonly act: 'accept' }
  | { readonly act: 'answer'; readonly status: number; readonly headers?: Record<string, string> }
  /** A body of one's own, with 200. */
  | { readonly act: 'body'; readonly body: string }
  | { readonly act: 'slow'; readonly ms: number }
  | { readonly act: 'silent' }
  | { readonly act: 'cut' };

/** What a request held. */
export interface Hook {
  readonly id: string;
  readonly deliveries: readonly { readonly id: string; readonly deviceId: string }[];
}

export interface WebhookFake {
  readonly url: string;
  readonly secret: string;
  /** What `connectors.webhook` has to hold to reach it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** In good form and well signed, oldest first; probes too. */
  readonly hooks: readonly Hook[];
  readonly openMost: number;
  /** The first device of a request decides. */
  script(deviceId: string, act: WebhookAct): void;
  away(): Promise<void>;
  back(): Promise<void>;
  close(): Promise<void>;
}

export async function startWebhookFake(
  secret = 'whsec_c2lnbmVkLWZvci10ZXN0cy1vbmx5LTI0Kw==',
): Promise<WebhookFake> {
  const fake = new Fake(secret);
  await fake.back();
  return fake;
}

class Fake implements WebhookFake {
  readonly secret: string;
  readonly hooks: Hook[] = [];
  readonly #tls = localCertificate(['localhost'], Date.now());
  readonly #acts = new Map<string, WebhookAct>();
  readonly #sockets = new Set<Duplex>();
  #server: Server | undefined;
  #port = 0;
  #open = 0;
  openMost = 0;

  constructor(secret: string) {
    this.secret = secret;
  }

  get url(): string {
    return `https://localhost:${this.#port}/hook`;
  }

  get settings() {
    return { allow: ['127.0.0.0/8', '::1'], ca: this.#tls.cert };
  }

  script(deviceId: string, act: WebhookAct): void {
    this.#acts.set(deviceId, act);
  }

  async back(): Promise<void> {
    const server = createServer({ key: this.#tls.key, cert: this.#tls.cert }, (request, response) =>
      this.#read(request, response),
    );
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, 'localhost', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async away(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  close(): Promise<void> {
    return this.away();
  }

  #read(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    this.#open++;
    this.openMost = Math.max(this.openMost, this.#open);
    response.on('close', () => {
      this.#open--;
    });
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (!this.#isSigned(request, body)) {
        response.writeHead(401).end();
        return;
      }
      const { deliveries } = JSON.parse(body.toString('utf8'));
      this.hooks.push({ id: String(request.headers['webhook-id']), deliveries });
      this.#answer(this.#acts.get(deliveries[0]?.deviceId) ?? { act: 'accept' }, response);
    });
  }

  #isSigned({ headers }: IncomingMessage, body: Buffer): boolean {
    const at = String(headers['webhook-timestamp']);
    const nowSeconds = Date.now() / 1_000;
    if (Math.abs(nowSeconds - Number(at)) > TOLERANCE_SECONDS) return false;
    const key = Buffer.from(this.secret.slice('whsec_'.length), 'base64');
    const text = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${at}.`), body]);
    const right = createHmac('sha256', key).update(text).digest();
    return String(headers['webhook-signature'])
      .split(' ')
      .map((one) => Buffer.from(one.replace(/^v1,/, ''), 'base64'))
      .some((one) => one.length === right.length && timingSafeEqual(one, right));
  }

  #answer(act: WebhookAct, response: ServerResponse): void {
    switch (act.act) {
      case 'accept':
        response.writeHead(204).end();
        return;
      case 'answer':
        response.writeHead(act.status, act.headers).end();
        return;
      case 'body':
        response.writeHead(200, { 'content-type': 'application/json' }).end(act.body);
        return;
      case 'slow':
        setTimeout(() => response.writeHead(204).end(), act.ms);
        return;
      case 'silent':
        return;
      case 'cut':
        response.socket?.destroy();
    }
  }
}
