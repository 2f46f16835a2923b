/**
 * One pooled HTTP/2 session to one provider, for the push sinks. Providers want few connections
 * that stay open and carry many streams, so a session lives until the provider says GOAWAY, the
 * line breaks, or a ping stays unanswered; the next request then opens another.
 *
 *   idle ──request──▶ connecting ──SETTINGS──▶ open ──GOAWAY, retire()──▶ draining
 *    ▲                   │ failed                │ broken, ping lost         no new streams
 *    └──── rest ◀────────┘                       └──▶ idle, at once
 *
 * What happened to a request is told honestly (rule D7): `ambiguous` is true when the provider may
 * have acted on it. Streams above the last stream id of a GOAWAY, and refused streams, were not
 * processed (RFC 9113, 6.8 and 8.7) and are sent again here, on another session.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { isIP } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { lost, type WireAnswer } from './wire-answer.ts';

export interface SessionOptions {
  /** `https://host:port` of the provider. */
  readonly authority: string;
  /** PEM of what to trust in place of the machine's list; undefined: the machine's list. */
  readonly ca?: string | undefined;
  /** The most streams under way; the provider's own limit counts too. */
  readonly streamsMax: number;
  /** The most requests that wait for a stream; one more is answered `crowded` at once. */
  readonly waitingMax: number;
  /** From `request` to the end of the answer, waiting and connecting included. */
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How often an open session is pinged; a ping unanswered for as long breaks it. */
  readonly pingEveryMs: number;
}

/** Answers of the providers are below 2 KiB; what is longer is not theirs. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** An unprocessed request is sent again at once this often; then the runner's backoff has it. */
const RESENDS_MAX = 2;
/** Rests between failed connects: doubled from the first to the last. */
const REST_FIRST_MS = 100;
const REST_LAST_MS = 5_000;

interface Call {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly resolve: (answer: WireAnswer) => void;
  readonly reject: (error: unknown) => void;
  timer: NodeJS.Timeout | undefined;
  line: Line | undefined;
  stream: ClientHttp2Stream | undefined;
  resends: number;
  done: boolean;
}

/** One TCP connection and what is known of it. */
interface Line {
  readonly session: ClientHttp2Session;
  /** Ours to close: a session that was closed gracefully leaves that to the peer, for ever. */
  readonly socket: TLSSocket;
  open: boolean;
  draining: boolean;
  inFlight: number;
  streamsMax: number;
  /** From the provider's GOAWAY: streams above it were not processed. */
  lastStreamId: number;
  detail: string;
  pingTimer: NodeJS.Timeout | undefined;
  pinging: boolean;
}

export class Http2Session {
  readonly #options: SessionOptions;
  readonly #lines = new Set<Line>();
  #waiting: Call[] = [];
  #line: Line | undefined;
  #restMs = 0;
  #restTimer: NodeJS.Timeout | undefined;
  #lastDetail = '';
  #closed = false;
  /** Connections opened since the start; a sender that reconnects per push is a wrong one. */
  connects = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Sends one POST. Never rejects for what the network or the provider does; rejects when Node
   * refuses the headers, which is a bug of the caller.
   */
  request(headers: OutgoingHttpHeaders, body: Buffer): Promise<WireAnswer> {
    if (this.#closed) return Promise.resolve(lost('closed', false));
    if (this.#waiting.length >= this.#options.waitingMax) {
      return Promise.resolve(lost('crowded', false));
    }
    return new Promise((resolve, reject) => {
      const call: Call = {
        headers,
        body,
        resolve,
        reject,
        timer: undefined,
        line: undefined,
        stream: undefined,
        resends: 0,
        done: false,
      };
      call.timer = setTimeout(() => this.#timeOut(call), this.#options.requestTimeoutMs);
      this.#waiting.push(call);
      this.#pump();
    });
  }

  /** Lets the streams under way end, and opens another connection for what comes next. */
  retire(): void {
    if (this.#line !== undefined) this.#drain(this.#line);
  }

  /** Waits for the streams under way, at most `requestTimeoutMs`, then breaks them off. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restTimer);
    for (const call of this.#waiting.splice(0)) this.#settle(call, lost('closed', false));
    await Promise.all([...this.#lines].map((line) => this.#closeLine(line)));
  }

  #closeLine(line: Line): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(() => destroy(line), this.#options.requestTimeoutMs);
      line.session.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      if (line.open) this.#drain(line);
      else destroy(line);
    });
  }

  #pump(): void {
    if (this.#closed) return;
    const line = this.#line;
    if (line === undefined) {
      if (this.#waiting.length > 0) this.#connect();
      return;
    }
    if (!line.open) return;
    // `line` can be drained by a start that fails, so it is looked at again for each call.
    let taken = 0;
    while (this.#line === line && line.inFlight < line.streamsMax && taken < this.#waiting.length) {
      const call = this.#waiting[taken++]!;
      if (!call.done) this.#start(line, call);
    }
    if (taken > 0) this.#waiting.splice(0, taken);
    if (this.#line === undefined && this.#waiting.length > 0) this.#connect();
  }

  #connect(): void {
    if (this.#restTimer !== undefined) {
      this.#failWaiting();
      return;
    }
    const { authority, ca, streamsMax, connectTimeoutMs } = this.#options;
    const socket = openSocket(authority, ca);
    const session = connect(authority, {
      createConnection: () => socket,
      settings: { enablePush: false },
      // In MB; the default of 10 refuses streams when some thousand bodies are under way.
      maxSessionMemory: 64,
    });
    const line: Line = {
      session,
      socket,
      open: false,
      draining: false,
      inFlight: 0,
      streamsMax,
      lastStreamId: Number.POSITIVE_INFINITY,
      detail: '',
      pingTimer: undefined,
      pinging: false,
    };
    this.connects++;
    this.#line = line;
    this.#lines.add(line);
    const late = setTimeout(() => {
      line.detail = 'connect timed out';
      destroy(line);
    }, connectTimeoutMs);
    session.on('remoteSettings', (settings) => {
      clearTimeout(late);
      // APNs allows one stream until it has seen a valid provider token, and then tells more.
      line.streamsMax = Math.min(streamsMax, settings.maxConcurrentStreams ?? streamsMax);
      if (!line.open) this.#opened(line);
      this.#pump();
    });
    session.on('goaway', (_code, lastStreamId) => {
      line.lastStreamId = lastStreamId;
      this.#drain(line);
      this.#pump();
    });
    session.on('error', (error: NodeJS.ErrnoException) => {
      line.detail ||= error.code ?? error.name;
    });
    session.on('close', () => {
      clearTimeout(late);
      this.#lineClosed(line);
    });
  }

  #opened(line: Line): void {
    line.open = true;
    this.#restMs = 0;
    line.pingTimer = setInterval(() => this.#ping(line), this.#options.pingEveryMs);
    line.pingTimer.unref();
  }

  /** A half-open connection answers nothing, not even errors: only a ping finds it. */
  #ping(line: Line): void {
    if (line.session.destroyed || line.session.closed) return;
    if (line.pinging) {
      line.detail ||= 'ping unanswered';
      destroy(line);
      return;
    }
    line.pinging = true;
    line.session.ping(() => {
      line.pinging = false;
    });
  }

  #lineClosed(line: Line): void {
    clearInterval(line.pingTimer);
    this.#lines.delete(line);
    if (this.#line !== line && !(this.#line === undefined && !line.open)) {
      this.#pump();
      return;
    }
    this.#line = undefined;
    if (!line.open) {
      this.#lastDetail = line.detail;
      this.#rest();
      this.#failWaiting();
    }
    this.#pump();
  }

  /** After a failed connect: nothing is tried for a while, so that an outage is not hammered. */
  #rest(): void {
    if (this.#closed) return;
    this.#restMs = Math.min(REST_LAST_MS, Math.max(REST_FIRST_MS, this.#restMs * 2));
    this.#restTimer = setTimeout(() => {
      this.#restTimer = undefined;
    }, this.#restMs);
    this.#restTimer.unref();
  }

  #failWaiting(): void {
    for (const call of this.#waiting.splice(0)) {
      this.#settle(call, lost('unreachable', false, this.#lastDetail));
    }
  }

  #drain(line: Line): void {
    if (this.#line === line) this.#line = undefined;
    line.draining = true;
    if (!line.session.closed && !line.session.destroyed) line.session.close();
    if (line.inFlight === 0) end(line);
  }

  #start(line: Line, call: Call): void {
    let stream: ClientHttp2Stream;
    try {
      stream = line.session.request(call.headers);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      // The session ended between the look and the call, or ran out of stream ids.
      if (line.session.closed || line.session.destroyed || code === 'ERR_HTTP2_OUT_OF_STREAMS') {
        this.#drain(line);
        this.#resend(call, lost('cut', false, code));
      } else {
        this.#finish(call);
        call.reject(error);
      }
      return;
    }
    call.line = line;
    call.stream = stream;
    line.inFlight++;
    this.#listen(line, call, stream);
    stream.end(call.body);
  }

  #listen(line: Line, call: Call, stream: ClientHttp2Stream): void {
    let headers: IncomingHttpHeaders = {};
    let status = 0;
    let whole = false;
    let body = '';
    stream.setEncoding('utf8');
    stream.on('response', (received) => {
      headers = received;
      status = Number(received[constants.HTTP2_HEADER_STATUS] ?? 0);
    });
    stream.on('data', (text: string) => {
      if (body.length < ANSWER_BYTES_MAX) body += text;
    });
    stream.on('end', () => {
      whole = true;
    });
    // The 'close' that follows says all that matters; without a listener Node would throw.
    stream.on('error', () => {});
    stream.on('close', () => {
      line.inFlight--;
      if (line.draining && line.inFlight === 0) end(line);
      const known = status === 200 || (status > 0 && whole && stream.rstCode === 0);
      if (known) this.#settle(call, { kind: 'answer', status, headers, body });
      else this.#cut(line, call, stream, status);
      this.#pump();
    });
  }

  #cut(line: Line, call: Call, stream: ClientHttp2Stream, status: number): void {
    const unprocessed =
      status === 0 &&
      (stream.id === undefined ||
        stream.id > line.lastStreamId ||
        stream.rstCode === constants.NGHTTP2_REFUSED_STREAM);
    const answer = lost('cut', !unprocessed, line.detail || `rst ${stream.rstCode}`);
    if (unprocessed) this.#resend(call, answer);
    else this.#settle(call, answer);
  }

  #resend(call: Call, otherwise: WireAnswer): void {
    if (call.done) return;
    if (call.resends >= RESENDS_MAX || this.#closed) {
      this.#settle(call, otherwise);
      return;
    }
    call.resends++;
    call.line = undefined;
    call.stream = undefined;
    this.#waiting.push(call);
  }

  #timeOut(call: Call): void {
    const { stream, line } = call;
    this.#settle(call, lost('timeout', stream !== undefined));
    if (stream === undefined || line === undefined) {
      this.#waiting = this.#waiting.filter((other) => other !== call);
      return;
    }
    stream.close(constants.NGHTTP2_CANCEL);
    // Is it the one request that is slow, or the line that is dead? The next ping tells sooner.
    if (!line.pinging) this.#ping(line);
  }

  #settle(call: Call, answer: WireAnswer): void {
    if (call.done) return;
    this.#finish(call);
    call.resolve(answer);
  }

  #finish(call: Call): void {
    call.done = true;
    clearTimeout(call.timer);
  }
}

function openSocket(authority: string, ca: string | undefined): TLSSocket {
  const { hostname, port } = new URL(authority);
  return tlsConnect({
    host: hostname,
    port: Number(port || 443),
    ALPNProtocols: ['h2'],
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}

/** Closes a drained line without waiting for the peer, once what was written has left. */
function end(line: Line): void {
  setImmediate(() => line.socket.destroySoon());
}

function destroy(line: Line): void {
  line.session.destroy();
  line.socket.destroy();
}
