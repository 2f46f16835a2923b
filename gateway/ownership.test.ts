/** Who may touch which device: bound means bound, and a deletion revokes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { mintToken } from './auth.ts';
import type { Scope } from './identity.ts';

const OLD = NOW - 60_000;

/** Of the token: scope, member, when it was issued. Of the device: its row, if any. */
interface Case {
  readonly scope?: Scope;
  readonly member?: string;
  readonly issuedAgoMs?: number;
  readonly owner?: { memberId?: string; deleted?: boolean; at?: number };
}

/** The token, and what PUT for m-1 and DELETE come to. */
const rows: readonly [string, Case, number, number][] = [
  ['a registrar of m-1, its device', { scope: 'registrar', member: 'm-1', owner: {} }, 202, 202],
  ['a registrar of m-1, a new device', { scope: 'registrar', member: 'm-1' }, 202, 202],
  [
    'a registrar of m-1, another member’s device',
    { scope: 'registrar', member: 'm-1', owner: { memberId: 'm-2' } },
    403,
    403,
  ],
  [
    'a registrar of m-1, a device that another member deleted',
    { scope: 'registrar', member: 'm-1', owner: { memberId: 'm-2', deleted: true } },
    202,
    202,
  ],
  [
    'an admin of m-1, another’s',
    { scope: 'admin', member: 'm-1', owner: { memberId: 'm-2' } },
    403,
    403,
  ],
  ['a registrar, anybody’s', { scope: 'registrar', owner: { memberId: 'm-2' } }, 202, 202],
  [
    'a registrar from before a deletion',
    { scope: 'registrar', owner: { deleted: true, at: NOW }, issuedAgoMs: 60_000 },
    202,
    202,
  ],
  ['a device, its own', { member: 'm-1', owner: {} }, 202, 202],
  [
    'a device that comes to m-1 with a new token',
    { member: 'm-1', owner: { memberId: 'm-2' } },
    202,
    202,
  ],
  [
    'a device that has gone to m-2, with m-1’s token from before',
    { member: 'm-1', issuedAgoMs: 60_000, owner: { memberId: 'm-2', at: NOW - 1_000 } },
    401,
    401,
  ],
  [
    'a deleted device, with a token from before',
    { member: 'm-1', issuedAgoMs: 60_000, owner: { deleted: true, at: NOW - 1_000 } },
    401,
    401,
  ],
  [
    'a deleted device, with a token of that moment',
    { member: 'm-1', owner: { deleted: true, at: NOW } },
    401,
    401,
  ],
  [
    'a deleted device, with a new token',
    { member: 'm-1', owner: { deleted: true, at: OLD } },
    202,
    202,
  ],
];

test('who may register and delete a device that is there already', async () => {
  const bench = await Bench.open();
  try {
    for (const [i, [name, of, put, gone]] of rows.entries()) {
      const device = `tv-${i}`;
      if (of.owner !== undefined) {
        const { memberId = 'm-1', deleted = false, at = OLD } = of.owner;
        const status = deleted ? 'DELETED' : 'ACTIVE';
        await bench.own(device, 1, status, { memberId, updatedAt: at });
      }
      const token = await mintToken({
        secret: SECRET,
        subject: of.scope === undefined ? device : 'backend',
        clock: { now: () => NOW - (of.issuedAgoMs ?? 0) },
        ttlMs: 3_600_000,
        ...(of.scope === undefined ? {} : { scope: of.scope }),
        ...(of.member === undefined ? {} : { member: of.member }),
      });
      const body = { memberId: 'm-1', class: 'tv', transports: [] };
      const first = await bench.call('PUT', `/v1/devices/${device}`, { token, body });
      const second = await bench.call('DELETE', `/v1/devices/${device}`, { token });
      assert.deepEqual([first.status, second.status], [put, gone], name);
      const code = { 401: 'CAR727', 403: 'CAR704', 202: undefined }[put];
      assert.equal(first.body.code, code, name);
    }
  } finally {
    await bench.close();
  }
});

test('a deletion revokes at once, also before the table tells of it, and on every path', async () => {
  const bench = await Bench.open();
  try {
    await bench.own('tv-1');
    const old = await bench.tokenOfMember('tv-1', 'm-1');
    const body = { memberId: 'm-1', class: 'tv', transports: [] };
    const put = (token: string) => bench.call('PUT', '/v1/devices/tv-1', { token, body });
    assert.equal((await put(old)).status, 202);
    const gone = await bench.call('DELETE', '/v1/devices/tv-1', { token: old });
    assert.equal(gone.status, 202);
    assert.equal((await put(old)).body.code, 'CAR727');
    await bench.own('tv-1', 2, 'DELETED', { updatedAt: NOW });
    assert.equal((await put(old)).body.code, 'CAR727');
    bench.clock.moveTo(NOW + 5);
    const fresh = await bench.tokenOfMember('tv-1', 'm-1');
    assert.equal((await put(fresh)).status, 202);
    // It is registered again: the old token does not come back with it.
    await bench.own('tv-1', 2, 'ACTIVE', { updatedAt: NOW + 5 });
    assert.equal((await put(old)).body.code, 'CAR727');
    const path = '/v1/devices/tv-1/notifications';
    assert.equal((await bench.call('GET', path, { token: old })).body.code, 'CAR727');
    const browser = bench.client(`?access_token=${old}`);
    await browser.until(() => browser.closed !== undefined);
    assert.deepEqual(browser.closed, { code: 3509, reason: 'token-revoked' });
    assert.equal((await bench.call('GET', path, { token: fresh })).status, 200);
    const back = bench.client(`?access_token=${fresh}`);
    assert.equal((await back.next()).type, 'welcome');
  } finally {
    await bench.close();
  }
});

test('a deletion that another gateway took revokes too, also after the device is back', async () => {
  const bench = await Bench.open();
  try {
    const old = await bench.tokenOfMember('tv-1', 'm-1');
    const pull = async () =>
      (await bench.call('GET', '/v1/devices/tv-1/notifications', { token: old })).body.code;
    await bench.own('tv-1', 1);
    assert.equal(await pull(), undefined);
    await bench.own('tv-1', 2, 'DELETED', { updatedAt: NOW });
    assert.equal(await pull(), 'CAR713');
    await bench.own('tv-1', 2, 'ACTIVE', { updatedAt: NOW + 1 });
    assert.equal(await pull(), 'CAR727');
  } finally {
    await bench.close();
  }
});

test('a producer’s token may name the event types that it is for', async () => {
  const bench = await Bench.open();
  try {
    const post = async (type: string, events?: readonly string[], scope: Scope = 'producer') => {
      const token = await mintToken({
        secret: SECRET,
        subject: 'p',
        scope,
        clock: bench.clock,
        ttlMs: 60_000,
        ...(events === undefined ? {} : { events }),
      });
      const body = { eventId: 'e', memberId: 'm-1', planTo: 'x', changedAt: NOW };
      return (await bench.call('POST', `/v1/events/${type}`, { token, body })).status;
    };
    assert.equal(await post('plan-change'), 200);
    assert.equal(await post('plan-change', ['plan-change', 'viewing-activity']), 200);
    assert.equal(await post('plan-change', ['viewing-activity']), 403);
    assert.equal(await post('plan-change', []), 403);
    assert.equal(await post('plan-change', ['viewing-activity'], 'admin'), 403);
    assert.equal(await post('nothing', ['plan-change']), 403);
    // A topic of another name may be somebody else's: only who is named for it writes there.
    assert.equal(await post('acme.plans'), 403);
    assert.equal(await post('acme.plans', ['plan-change']), 403);
    assert.equal(await post('acme.plans', ['acme.plans']), 200);
    assert.equal(await post('acme.plans', undefined, 'admin'), 200);
    assert.equal(await post('acme.plans', ['plan-change'], 'admin'), 403);
  } finally {
    await bench.close();
  }
});
