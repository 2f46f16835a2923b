/**
 * Whose request it is, behind proxies. Each proxy adds the address that it was asked from at the
 * right end of `Forwarded` (RFC 7239) or `X-Forwarded-For`; only what a trusted one has added is
 * believed, or anybody could write an address in front. So that limits see the device, and not the
 * balancer.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6, type Socket } from 'node:net';
import { CarillonError } from '../core/error.ts';

/** Longer ones are no addresses; what is kept by address stays small. */
const ADDRESS_CHARS_MAX = 64;
/** Proxies in a row. */
const HOPS_MAX = 16;

export class ClientAddresses {
  readonly #trusted = new BlockList();
  readonly #trustsNobody: boolean;
  /** What the PROXY protocol has told, by the balancer's end of the connection. */
  readonly #told = new Map<string, string>();

  /** Addresses and networks (`10.0.0.0/8`). Throws CAR903. */
  constructor(proxies: readonly string[] = []) {
    this.#trustsNobody = proxies.length === 0;
    for (const proxy of proxies) {
      const [address = '', bits] = proxy.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      const most = family === 'ipv6' ? 128 : 32;
      const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
      if (isIP(address) === 0 || prefix < 0 || prefix > most) {
        throw new CarillonError('CAR903', `http.trusted_proxies: "${proxy}" is no network.`, {
          where: { at: 'http.trusted_proxies' },
          mend: 'Write an address or a network: "10.0.0.0/8", "fd00::/8".',
        });
      }
      this.#trusted.addSubnet(address, prefix, family);
    }
  }

  /** For the PROXY protocol: who may say whose a connection is. Nobody is named: all may. */
  accepts({ remoteAddress = '' }: Socket): boolean {
    return this.#trustsNobody || this.#isTrusted(plain(remoteAddress));
  }

  /** Holds until the connection is closed. */
  tell(socket: Socket, address: string): void {
    const key = endOf(socket);
    this.#told.set(key, plain(address));
    socket.once('close', () => this.#told.delete(key));
  }

  of({ headers, socket }: IncomingMessage): string {
    let address = this.#told.get(endOf(socket)) ?? plain(socket.remoteAddress ?? '');
    if (this.#trustsNobody) return address;
    const hops = hopsOf(headers).slice(-HOPS_MAX);
    while (this.#isTrusted(address)) {
      const before = hops.pop();
      if (before === undefined) return address;
      address = before;
    }
    return address;
  }

  #isTrusted(address: string): boolean {
    const version = isIP(address);
    return version > 0 && this.#trusted.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}

/** The same for a connection and for the TLS in it. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** The addresses that the headers name, the first client's first. */
function hopsOf(headers: IncomingMessage['headers']): string[] {
  const { forwarded } = headers;
  const listed = headers['x-forwarded-for'];
  const texts =
    forwarded === undefined
      ? String(listed ?? '').split(',')
      : forwarded.split(',').map((hop) => /(?:^|;)\s*for="?([^";]*)/i.exec(hop)?.[1] ?? 'unknown');
  return texts.map((text) => plain(text.trim())).filter((text) => text !== '');
}

/** Without port and brackets; IPv4 as itself, not as `::ffff:…`. */
function plain(text: string): string {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
  return bare
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .slice(0, ADDRESS_CHARS_MAX)
    .toLowerCase();
}
