/**
 * The PROXY protocol (HAProxy's, versions 1 and 2): a balancer that only passes bytes says in front
 * of them whose connection it is. Where it is asked for every connection must begin with it: a
 * listener that guessed would believe anybody.
 */
import { createServer, isIP, type Server, type Socket } from 'node:net';

/** Version 1 is a line of so many bytes at most, version 2 has addresses and a few more fields. */
const LINE_BYTES_MAX = 107;
const HEADER_BYTES_MAX = 16 + 2_048;
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const FIXED_BYTES = 16;

export interface ProxyHeader {
  /** Null: of the balancer itself (its health check), or it does not know. */
  readonly address: string | null;
  /** Bytes of the header. */
  readonly length: number;
}

/** `more`: it is not whole yet. Undefined: it is none. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'more' | undefined {
  const start = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, start, 0, start) === 0) return readBinary(bytes);
  return readLine(bytes);
}

function readLine(bytes: Buffer): ProxyHeader | 'more' | undefined {
  const text = bytes.toString('latin1', 0, LINE_BYTES_MAX);
  if (!'PROXY '.startsWith(text.slice(0, 6))) return undefined;
  const end = text.indexOf('\r\n');
  if (end < 0) return bytes.length < LINE_BYTES_MAX ? 'more' : undefined;
  const [, family, address = '', , ...ports] = text.slice(0, end).split(' ');
  if (family === 'UNKNOWN') return { address: null, length: end + 2 };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1;
  const isWhole = ports.length === 2 && ports.every((port) => /^\d{1,5}$/.test(port));
  if (!isWhole || isIP(address) !== version) return undefined;
  return { address, length: end + 2 };
}

function readBinary(bytes: Buffer): ProxyHeader | 'more' | undefined {
  if (bytes.length < FIXED_BYTES) return 'more';
  const command = bytes[12]!;
  const family = bytes[13]! >> 4;
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  if (command >> 4 !== 2 || (command & 15) > 1 || length > HEADER_BYTES_MAX) return undefined;
  if (bytes.length < length) return 'more';
  if ((command & 15) === 0 || family === 0) return { address: null, length };
  const size = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (size === 0 || length < FIXED_BYTES + 2 * size + 4) return undefined;
  return { address: addressOf(bytes.subarray(FIXED_BYTES, FIXED_BYTES + size)), length };
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return words.join(':');
}

export interface ProxyFront {
  /** False: a connection from there is cut. */
  accepts(socket: Socket): boolean;
  /** Whose the connection is. */
  tell(socket: Socket, address: string): void;
  /** Until the header must be there. */
  readonly timeoutMs: number;
}

/** A listener that takes the headers off, and hands the connections to the server. */
export function behindProxy(server: Server, front: ProxyFront): Server {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (!front.accepts(socket)) return void socket.destroy();
    const timer = setTimeout(() => socket.destroy(), front.timeoutMs);
    socket.once('close', () => clearTimeout(timer));
    let got = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      const header = readProxyHeader(got);
      if (header === 'more') return;
      socket.off('data', take);
      clearTimeout(timer);
      if (header === undefined) return void socket.destroy();
      if (header.address !== null) front.tell(socket, header.address);
      socket.pause();
      if (got.length > header.length) socket.unshift(got.subarray(header.length));
      server.emit('connection', socket);
      process.nextTick(() => socket.resume());
    };
    socket.on('data', take);
  });
}
