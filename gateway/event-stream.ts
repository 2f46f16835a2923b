/**
 * A stream of server-sent events that looks to `Connection` like a WebSocket: the same frames, as
 * `data:`, with the cursor as the event's id, so that a browser's EventSource comes back with it by
 * itself (Last-Event-ID). What the other way has in frames, the device sends by HTTP. A close is an
 * event `close` with code and reason: EventSource knows no other way to learn why, or to stay away.
 */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';

export const EVENT_STREAM_TYPE = 'text/event-stream';
/** EventSource's first pause before it comes back. */
const RETRY_MS = 2_000;
/** RFC 6455: the connection was lost, nobody said why. */
const LOST = 1006;
const OPEN = 1;
const CLOSING = 2;

export class EventStream extends EventEmitter {
  readonly OPEN = OPEN;
  readyState = OPEN;
  readonly #response: ServerResponse;
  readonly #closeMs: number;
  #code = LOST;

  /** `headers`: beside the stream's own, e.g. those of CORS. */
  constructor(
    response: ServerResponse,
    headers: { readonly [name: string]: number | string | string[] | undefined },
    closeMs: number,
  ) {
    super();
    this.#response = response;
    this.#closeMs = closeMs;
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.writeHead(200, {
      'content-type': EVENT_STREAM_TYPE,
      'cache-control': 'no-store',
      // A stream that was closed leaves no connection behind that a stop would wait for.
      connection: 'close',
      // Proxies that collect answers would keep the events to themselves.
      'x-accel-buffering': 'no',
    });
    // It is idle for as long as nothing happens.
    response.socket?.setTimeout(0);
    response.write(`retry: ${RETRY_MS}\n\n`);
    response.once('close', () => {
      this.readyState = CLOSING;
      this.emit('close', this.#code, Buffer.alloc(0));
    });
    response.on('error', (error) => this.emit('error', error));
  }

  get bufferedAmount(): number {
    return this.#response.writableLength;
  }

  send(text: string): void {
    const { cursor } = JSON.parse(text) as { cursor?: string };
    const id = cursor === undefined ? '' : `id: ${cursor}\n`;
    this.#response.write(`${id}data: ${text}\n\n`);
  }

  /** Answered when it is written: there is no other sign of life on such a stream. */
  ping(_data?: unknown, _mask?: boolean, written?: (error?: Error | null) => void): void {
    this.#response.write(': ping\n\n', (error) => {
      written?.(error);
      if (error === undefined || error === null) this.emit('pong');
    });
  }

  close(code: number, reason: string): void {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#code = code;
    this.#response.end(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
    setTimeout(() => this.terminate(), this.#closeMs).unref();
  }

  terminate(): void {
    this.#response.destroy();
  }

  /** Nothing is read from it in any case. */
  pause(): void {}
  resume(): void {}
}
