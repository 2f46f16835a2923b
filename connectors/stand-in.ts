/**
 * The ground of the providers' stand-ins: an HTTP/2 server with TLS on a local port that reads a
 * request whole, hands it to the stand-in's rules, and then does what they say: answer, answer
 * late, never answer, reset the stream, send GOAWAY, or cut the connection. It can go away and come
 * back on the same port, as a provider in an outage does.
 */
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { LocalCertificate } from './local-certificate.ts';

export interface Answer {
  readonly act: 'answer';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; undefined: no body. */
  readonly body?: unknown;
}

export type Act =
  /** What the rules of the provider say for this request. */
  | { readonly act: 'accept' }
  | Answer
  /** Waits, then accepts. */
  | { readonly act: 'slow'; readonly ms: number }
  /** Takes the request and never answers. */
  | { readonly act: 'silent' }
  /** Takes the request and breaks the connection. */
  | { readonly act: 'cut' }
  /** Takes the request and resets its stream. */
  | { readonly act: 'reset' }
  /** GOAWAY: as the last stream that was processed (`processed`), or the first that was not. */
  | { readonly act: 'goaway'; readonly processed: boolean };

export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bodyBytes: number;
}

export interface StandInRules<T> {
  /** The provider's own rules, always first: the refusal, or what was read out of the request. */
  check(request: StandInRequest): Answer | { readonly checked: T };
  /** What a good request gets: the script of its token. */
  script(checked: T): Act;
  /** What the provider answers to a good request when nothing else is scripted; counts it. */
  accept(checked: T): Answer;
}

/** A stand-in reads at most this much of a body; the providers' limit is 4 KiB. */
const BODY_BYTES_MAX = 1024 * 1024;

export class StandInServer<T> {
  readonly #rules: StandInRules<T>;
  readonly #tls: LocalCertificate;
  readonly #streamsMax: number;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #late = new Set<NodeJS.Timeout>();
  #server: Http2SecureServer | undefined;
  #port: number;
  /** Connections accepted since the start. */
  connections = 0;
  /** Requests under way now, and the most at any time. */
  open = 0;
  openMost = 0;

  constructor(tls: LocalCertificate, rules: StandInRules<T>, port: number, streamsMax: number) {
    this.#tls = tls;
    this.#rules = rules;
    this.#port = port;
    this.#streamsMax = streamsMax;
  }

  get url(): string {
    return `https://localhost:${this.#port}`;
  }

  /** Listens; on the first call the system chooses the port when it is 0. */
  async listen(): Promise<void> {
    const server = createSecureServer({
      key: this.#tls.key,
      cert: this.#tls.cert,
      settings: { maxConcurrentStreams: this.#streamsMax },
      maxSessionMemory: 64,
    });
    server.on('session', (session) => {
      this.connections++;
      this.#sessions.add(session);
      session.on('error', () => {});
      session.on('close', () => this.#sessions.delete(session));
    });
    server.on('stream', (stream, headers) => this.#read(stream, headers));
    // A client that breaks off its handshake is no fault of the stand-in.
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    server.on('error', () => {});
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts all connections and refuses new ones until `listen`. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const timer of this.#late) clearTimeout(timer);
    this.#late.clear();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  #read(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.open++;
    this.openMost = Math.max(this.openMost, this.open);
    let body = '';
    let bodyBytes = 0;
    stream.on('error', () => {});
    stream.on('close', () => {
      this.open--;
    });
    stream.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length;
      if (bodyBytes > BODY_BYTES_MAX) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      else body += chunk.toString('latin1');
    });
    stream.on('end', () => {
      if (stream.destroyed) return;
      const request = {
        method: String(headers[':method']),
        path: String(headers[':path']),
        headers,
        body: Buffer.from(body, 'latin1').toString('utf8'),
        bodyBytes,
      };
      const result = this.#rules.check(request);
      if ('act' in result) respond(stream, result);
      else this.#do(stream, result.checked, this.#rules.script(result.checked));
    });
  }

  #do(stream: ServerHttp2Stream, checked: T, act: Act): void {
    switch (act.act) {
      case 'accept':
        respond(stream, this.#rules.accept(checked));
        return;
      case 'answer':
        respond(stream, act);
        return;
      case 'slow': {
        const timer = setTimeout(() => {
          this.#late.delete(timer);
          if (!stream.destroyed) respond(stream, this.#rules.accept(checked));
        }, act.ms);
        this.#late.add(timer);
        return;
      }
      case 'silent':
        return;
      case 'cut':
        stream.session?.destroy();
        return;
      case 'reset':
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        return;
      case 'goaway': {
        const last = act.processed ? stream.id! : stream.id! - 2;
        // Node takes 0 for "the last one processed", so below the first stream -1 is not possible.
        stream.session?.goaway(constants.NGHTTP2_NO_ERROR, Math.max(1, last));
        if (act.processed) respond(stream, this.#rules.accept(checked));
        return;
      }
    }
  }
}

function respond(stream: ServerHttp2Stream, answer: Answer): void {
  if (stream.destroyed) return;
  const body = answer.body === undefined ? '' : JSON.stringify(answer.body);
  const type = body === '' ? {} : { 'content-type': 'application/json; charset=UTF-8' };
  stream.respond(
    { ':status': answer.status, ...type, ...answer.headers },
    { endStream: body === '' },
  );
  if (body !== '') stream.end(body);
}

/**
 * What a test or a demo says a token shall get: one act until it is changed, or a list that is used
 * up in order, after which the provider's own rules hold again.
 */
export class Script {
  readonly #acts = new Map<string, Act | Act[]>();

  set(token: string, acts: Act | readonly Act[]): void {
    if ('act' in acts) this.#acts.set(token, acts);
    else this.#acts.set(token, [...acts]);
  }

  next(token: string): Act {
    const acts = this.#acts.get(token);
    if (acts === undefined) return { act: 'accept' };
    if ('act' in acts) return acts;
    const act = acts.shift();
    if (acts.length === 0) this.#acts.delete(token);
    return act ?? { act: 'accept' };
  }
}

/** The newest of what was received, bounded, so that a bench does not fill the memory. */
export class Received<T> {
  readonly #keep: number;
  readonly #newest: T[] = [];
  count = 0;

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(entry: T): void {
    this.count++;
    this.#newest.push(entry);
    if (this.#newest.length > 2 * this.#keep) this.#newest.splice(0, this.#keep);
  }

  /** Oldest first. */
  get newest(): readonly T[] {
    return this.#newest;
  }
}
