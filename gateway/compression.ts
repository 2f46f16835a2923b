/**
 * Frames that are packed on the way (permessage-deflate, RFC 7692), for thin lines. Each connection
 * that has it keeps a small window and its buffers, some 30 KB, so it has a bound of its own: over
 * it a device is served all the same, unpacked.
 */
import { type PerMessageDeflateOptions, type ServerOptions, WebSocketServer } from 'ws';

export interface CompressionLimits {
  /** Smaller frames go as they are. */
  readonly bytesMin: number;
  /** Connections that have it; others come without. */
  readonly connectionsMax: number;
}

export const COMPRESSION_LIMITS: CompressionLimits = { bytesMin: 512, connectionsMax: 2_000 };

/** Of 2^10 bytes: what zlib keeps is four times that, in and out. */
const WINDOW_BITS = 10;
/** 2^(3 + 9) bytes for what is being packed. */
const MEMORY_LEVEL = 3;
const CHUNK_BYTES = 1_024;
/** Frames that are packed or unpacked at one time, in Node's own threads. */
const AT_ONCE = 8;
const EXTENSION = 'permessage-deflate';

/** No frame leans on one before it, so that what is kept stays small and says nothing of others. */
const optionsOf = ({ bytesMin }: CompressionLimits): PerMessageDeflateOptions => ({
  threshold: bytesMin,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: WINDOW_BITS,
  concurrencyLimit: AT_ONCE,
  zlibDeflateOptions: { memLevel: MEMORY_LEVEL, chunkSize: CHUNK_BYTES },
  zlibInflateOptions: { chunkSize: CHUNK_BYTES },
});

/** Where sockets are made of upgrade requests: packed while there is room, else as they are. */
export class SocketMakers {
  readonly #plain: WebSocketServer;
  readonly #packed: WebSocketServer | undefined;
  readonly #limits: CompressionLimits | undefined;
  #count = 0;

  /** `limits` undefined: nothing is packed. */
  constructor(options: ServerOptions, limits?: CompressionLimits) {
    this.#limits = limits;
    this.#plain = new WebSocketServer({ ...options, perMessageDeflate: false });
    this.#packed =
      limits === undefined
        ? undefined
        : new WebSocketServer({ ...options, perMessageDeflate: optionsOf(limits) });
  }

  /** Connections that have it. */
  get packed(): number {
    return this.#count;
  }

  upgrade(...[request, socket, head, opened]: Parameters<WebSocketServer['handleUpgrade']>): void {
    const hasRoom = this.#count < (this.#limits?.connectionsMax ?? 0);
    const maker = hasRoom ? this.#packed! : this.#plain;
    maker.handleUpgrade(request, socket, head, (webSocket, from) => {
      if (webSocket.extensions.includes(EXTENSION)) {
        this.#count++;
        webSocket.once('close', () => {
          this.#count--;
        });
      }
      opened(webSocket, from);
    });
  }
}
