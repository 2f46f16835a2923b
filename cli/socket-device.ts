/**
 * A device on its WebSocket, as an app would be: it connects with its token, acknowledges what it
 * was told, keeps its cursor, and comes back when the close code says that it may.
 *
 *   waiting ──connect──▶ connecting ──welcome──▶ open ──close, may reconnect──▶ waiting (backoff)
 *                                                  └────close, final──▶ ended
 */
import { mayReconnect } from '../gateway/close-codes.ts';
import { SUBPROTOCOL } from '../gateway/handshake.ts';
import { STREAM_PATH } from '../gateway/stream.ts';
import type { ServerFrame } from '../schemas/frames.ts';

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 15_000;
/** A connection that lasted so long was a good one: the next wait is short again. */
const GOOD_AFTER_MS = 10_000;

export interface SocketDeviceOptions {
  /** The gateway, http or https. */
  readonly url: string;
  readonly token: () => Promise<string>;
  /** Where to go on; undefined: at what was acknowledged. */
  readonly after?: string | undefined;
  readonly acknowledge: boolean;
  readonly onFrame: (frame: ServerFrame) => void;
  /** `opened` false: the connection never got its welcome. Code 1006: it broke. */
  readonly onClose: (close: SocketClose) => void;
  /** In [0, 1): spreads reconnects, so that a fleet does not come back at once. */
  readonly random: () => number;
}

export interface SocketClose {
  readonly code: number;
  readonly reason: string;
  readonly opened: boolean;
  /** Milliseconds until the next try; undefined: it does not come back. */
  readonly againMs: number | undefined;
}

export class SocketDevice {
  readonly #options: SocketDeviceOptions;
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cursor: string | undefined;
  #waitMs = BACKOFF_FIRST_MS;
  #openedAt = 0;
  /** What the gateway asked for when it went away. */
  #asideMs = 0;
  #stopped = false;

  constructor(options: SocketDeviceOptions) {
    this.#options = options;
    this.#cursor = options.after;
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  start(): void {
    this.#connect().catch(() => this.#closed(1006, 'no token', false));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000, 'bye');
  }

  async #connect(): Promise<void> {
    const url = new URL(STREAM_PATH, this.#options.url.replace(/^http/, 'ws'));
    if (this.#cursor !== undefined) url.searchParams.set('after', this.#cursor);
    const token = await this.#options.token();
    if (this.#stopped) return;
    // Node's own WebSocket is a browser's: it cannot set a header, so the token is a sub-protocol.
    const socket = new WebSocket(url, [SUBPROTOCOL, `bearer.${token}`]);
    this.#socket = socket;
    let opened = false;
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as ServerFrame;
      if (frame.type === 'welcome') {
        opened = true;
        this.#openedAt = performance.now();
      }
      this.#take(socket, frame);
    });
    // What went wrong follows in `close`.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason, opened));
  }

  #take(socket: WebSocket, frame: ServerFrame): void {
    if (frame.type === 'going-away') this.#asideMs = frame.afterMs;
    if (frame.type === 'welcome' || frame.type === 'notification' || frame.type === 'skipped') {
      this.#cursor = frame.cursor;
    }
    this.#options.onFrame(frame);
    if (!this.#options.acknowledge) return;
    if (frame.type !== 'notification' && frame.type !== 'skipped') return;
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: 'ack', cursor: frame.cursor }));
  }

  #closed(code: number, reason: string, opened: boolean): void {
    this.#socket = undefined;
    const { onClose, random } = this.#options;
    if (this.#stopped || !mayReconnect(code)) {
      onClose({ code, reason, opened, againMs: undefined });
      return;
    }
    if (opened && performance.now() - this.#openedAt > GOOD_AFTER_MS) {
      this.#waitMs = BACKOFF_FIRST_MS;
    }
    const againMs = this.#asideMs + Math.round(this.#waitMs * (0.5 + random()));
    this.#asideMs = 0;
    this.#waitMs = Math.min(BACKOFF_MAX_MS, this.#waitMs * 2);
    this.#timer = setTimeout(() => this.start(), againMs);
    onClose({ code, reason, opened, againMs });
  }
}
