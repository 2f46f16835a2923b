import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { AddressGuard, isRange } from './address-guard.ts';

const rows: readonly (readonly [address: string, mayReach: boolean])[] = [
  ['8.8.8.8', true],
  ['1.1.1.1', true],
  ['172.15.255.255', true],
  ['172.32.0.0', true],
  ['100.63.255.255', true],
  ['2606:4700::1111', true],
  ['::ffff:8.8.8.8', true],
  ['0.0.0.0', false],
  ['10.0.0.1', false],
  ['100.64.0.1', false],
  ['127.0.0.1', false],
  ['127.255.255.254', false],
  ['169.254.169.254', false],
  ['172.16.0.1', false],
  ['172.31.255.255', false],
  ['192.168.1.1', false],
  ['198.19.0.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['::', false],
  ['::1', false],
  ['::ffff:127.0.0.1', false],
  ['::ffff:a9fe:a9fe', false],
  ['64:ff9b::a00:1', false],
  ['2001::1', false],
  ['2002:a00:1::', false],
  ['fc00::1', false],
  ['fdff::1', false],
  ['fe80::1', false],
  ['ff02::1', false],
  ['not an address', false],
];

for (const [address, mayReach] of rows) {
  test(`${address} ${mayReach ? 'may' : 'may not'} be reached`, () => {
    assert.equal(new AddressGuard([]).mayReach(address), mayReach);
    assert.equal(new AddressGuard([]).isAllowed(address), false);
  });
}

test('what is allowed may be reached, and no neighbour of it', () => {
  const guard = new AddressGuard(['10.1.0.0/16', '::1', '192.168.7.7']);
  const reached = ['10.1.2.3', '::1', '192.168.7.7', '::ffff:10.1.2.3'];
  for (const address of reached) assert.ok(guard.mayReach(address), address);
  for (const address of ['10.2.0.0', '::2', '192.168.7.8']) {
    assert.equal(guard.mayReach(address), false, address);
  }
});

test('a range is an address, with bits or without', () => {
  const right = ['10.0.0.0/8', '10.0.0.1', '::1/128', 'fc00::/7', '0.0.0.0/0'];
  const wrong = ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::1/129', '10.0.0/8'];
  for (const range of right) assert.ok(isRange(range), range);
  for (const range of wrong) assert.equal(isRange(range), false, range);
});

const looked = (guard: AddressGuard, host: string, all: boolean) =>
  new Promise<unknown>((resolve) => {
    guard.lookup(host, { all }, (error, address, family) => {
      if (error !== null) resolve(error.code);
      else resolve(all ? (address as LookupAddress[]).length > 0 : [address, family]);
    });
  });

test('a name is judged by what it points to', async () => {
  assert.equal(await looked(new AddressGuard([]), 'localhost', true), 'CAR681');
  const local = new AddressGuard(['127.0.0.0/8', '::1']);
  assert.equal(await looked(local, 'localhost', true), true);
  assert.deepEqual(await looked(local, '127.0.0.1', false), ['127.0.0.1', 4]);
  // One that is allowed does not make another one of the same name allowed.
  assert.equal(await looked(new AddressGuard(['192.168.0.0/16']), '127.0.0.1', false), 'CAR681');
});
