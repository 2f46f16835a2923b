import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { ClientAddresses } from './client-address.ts';

const TRUSTED = ['10.0.0.0/8', '192.168.1.1', 'fd00::/8'];

/** Proxies that are trusted, the socket's address, headers, and whose request it is. */
const rows: readonly [string, readonly string[], string, IncomingMessage['headers'], string][] = [
  ['nobody between', TRUSTED, '203.0.113.7', {}, '203.0.113.7'],
  ['IPv4 in IPv6', TRUSTED, '::ffff:203.0.113.7', {}, '203.0.113.7'],
  ['a proxy', TRUSTED, '10.1.1.1', { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
  ['a proxy in IPv6', TRUSTED, '::ffff:10.1.1.1', { 'x-forwarded-for': '1.2.3.4' }, '1.2.3.4'],
  ['a proxy that says nothing', TRUSTED, '10.1.1.1', {}, '10.1.1.1'],
  [
    'a proxy that is not trusted',
    TRUSTED,
    '11.1.1.1',
    { 'x-forwarded-for': '1.2.3.4' },
    '11.1.1.1',
  ],
  ['nobody is trusted', [], '10.1.1.1', { 'x-forwarded-for': '1.2.3.4' }, '10.1.1.1'],
  [
    'what the client wrote itself',
    TRUSTED,
    '10.1.1.1',
    { 'x-forwarded-for': '1.1.1.1, 203.0.113.7' },
    '203.0.113.7',
  ],
  [
    'two proxies',
    TRUSTED,
    '10.1.1.1',
    { 'x-forwarded-for': '1.1.1.1, 203.0.113.7, 192.168.1.1' },
    '203.0.113.7',
  ],
  ['proxies alone', TRUSTED, '10.1.1.1', { 'x-forwarded-for': '10.2.2.2, 10.3.3.3' }, '10.2.2.2'],
  ['with ports', TRUSTED, '10.1.1.1', { 'x-forwarded-for': '203.0.113.7:4711' }, '203.0.113.7'],
  ['Forwarded', TRUSTED, '10.1.1.1', { forwarded: 'for=203.0.113.7;proto=https' }, '203.0.113.7'],
  [
    'Forwarded before X-Forwarded-For',
    TRUSTED,
    'fd00::1',
    { forwarded: 'proto=https;For="[2001:DB8::1]:4711"', 'x-forwarded-for': '1.1.1.1' },
    '2001:db8::1',
  ],
  ['several Forwarded', TRUSTED, '10.1.1.1', { forwarded: 'for=1.1.1.1, for=2.2.2.2' }, '2.2.2.2'],
  ['a hop that hides', TRUSTED, '10.1.1.1', { forwarded: 'for=1.1.1.1, for=_gate' }, '_gate'],
  ['a hop without for', TRUSTED, '10.1.1.1', { forwarded: 'for=1.1.1.1, by=x' }, 'unknown'],
  ['commas alone', TRUSTED, '10.1.1.1', { 'x-forwarded-for': ', ,' }, '10.1.1.1'],
  ['a long one', TRUSTED, '10.1.1.1', { 'x-forwarded-for': 'x'.repeat(999) }, 'x'.repeat(64)],
];
for (const [name, proxies, remoteAddress, headers, expected] of rows) {
  test(`the client's address: ${name}`, () => {
    const request = { headers, socket: { remoteAddress } } as IncomingMessage;
    assert.equal(new ClientAddresses(proxies).of(request), expected);
  });
}

test('CAR903: what is no network', () => {
  for (const proxy of [
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0/8',
    'fd00::/129',
    '1.1.1.1/-1',
  ]) {
    assert.throws(() => new ClientAddresses([proxy]), { code: 'CAR903' }, proxy);
  }
});
