/**
 * Which addresses a webhook may reach. A name that somebody else owns may point anywhere, into our
 * own network too (server-side request forgery): so what a name resolves to is judged at every
 * connection, and not only when the sink is opened. The ranges are those that IANA's registries of
 * special-purpose addresses (RFC 6890) call not globally reachable, and those that hide another
 * address (IPv4-mapped, NAT64, 6to4, Teredo).
 */
import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const PRIVATE: readonly string[] = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32'],
  ...['2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

/** What Node gives for an error of ours on the way to a connection. */
export const REFUSED = 'CAR681';

class RefusedError extends Error {
  readonly code = REFUSED;
}

/** Undefined: it is no range. */
function rangeOf(text: string): readonly [net: string, bits: number] | undefined {
  const [net = '', bits] = text.split('/');
  const family = isIP(net);
  if (family === 0) return undefined;
  const most = family === 4 ? 32 : 128;
  if (bits === undefined) return [net, most];
  const given = /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  return given < 0 || given > most ? undefined : [net, given];
}

export const isRange = (text: string): boolean => rangeOf(text) !== undefined;

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net, bits] = rangeOf(range)!;
    list.addSubnet(net, bits, isIP(net) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** `::ffff:10.0.0.1` and `::ffff:a00:1` are 10.0.0.1. */
function unmapped(address: string): string {
  const [, dotted] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (dotted !== undefined) return dotted;
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((part) => [part >> 8, part & 0xff]).join('.');
}

const reserved = listOf(PRIVATE);

export class AddressGuard {
  readonly #allowed: BlockList;

  /** `allow`: ranges that may be reached although they are private (`isRange` holds for each). */
  constructor(allow: readonly string[]) {
    this.#allowed = listOf(allow);
  }

  /** It is one of those that the deployment names. */
  isAllowed(address: string): boolean {
    return check(this.#allowed, address);
  }

  mayReach(address: string): boolean {
    return this.isAllowed(address) || (isIP(address) !== 0 && !check(reserved, address));
  }

  /** In place of Node's: fails with code CAR681 where one of a name's addresses is private. */
  readonly lookup: LookupFunction = (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = found as LookupAddress[];
      if (error !== null) done(error, '');
      else if (
        addresses.length === 0 ||
        !addresses.every(({ address }) => this.mayReach(address))
      ) {
        done(new RefusedError('a private address'), '');
      } else if (options.all === true) done(null, addresses);
      else done(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

function check(list: BlockList, address: string): boolean {
  const bare = unmapped(address);
  return list.check(bare, isIP(bare) === 4 ? 'ipv4' : 'ipv6');
}
