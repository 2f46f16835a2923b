/**
 * The sockets of one client, so that they can be cut off. kafkajs cannot be stopped in every state:
 * a consumer whose `disconnect` meets a join under way joins after it, and stays in the group as a
 * ghost that nobody reads (see docs/decisions/kafkajs.md). Without sockets it ends by itself.
 */
import { connect, isIP, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { KafkaConfig } from 'kafkajs';

export type SocketFactory = NonNullable<KafkaConfig['socketFactory']>;

/** As kafkajs has it. */
const KEEP_ALIVE_DELAY_MS = 60_000;

export class Sockets {
  readonly #inner: SocketFactory;
  readonly #open = new Set<Socket>();
  #cut = false;

  constructor(inner: SocketFactory = plain) {
    this.#inner = inner;
  }

  readonly factory: SocketFactory = (asked) => {
    if (this.#cut) return dead();
    const socket = this.#inner(asked);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Ends all of them, and whatever is asked for later. */
  cut(): void {
    this.#cut = true;
    // Without an error: kafkajs would complain of what it has left behind itself.
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }
}

/** It fails as one does that cannot connect, after its maker has set its listeners. */
function dead(): Socket {
  const socket = new Socket();
  setImmediate(() => socket.destroy(new Error('the client was cut off')));
  return socket;
}

const plain: SocketFactory = ({ host, port, ssl, onConnect }) => {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
};
