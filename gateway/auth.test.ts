import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import { INTERNAL, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { Auth, mintToken } from './auth.ts';

function open() {
  const clock = new HandClock(NOW);
  return { clock, auth: new Auth({ secret: SECRET, internalToken: INTERNAL }, clock) };
}

const raises = (code: string) => (error: unknown) =>
  error instanceof CarillonError && error.code === code;

test('a token that is remembered is the same as at first, and ends when it ends', async () => {
  const { clock, auth } = open();
  const minted = { secret: SECRET, clock, ttlMs: 60_000 };
  const device = await mintToken({ ...minted, subject: 'tv-1', member: 'm-1' });
  const root = await mintToken({ ...minted, subject: 'tv-1', scope: 'admin' });
  const expected = {
    subject: 'tv-1',
    scopes: ['device'],
    member: 'm-1',
    expiresAt: NOW + 60_000,
  };
  for (let time = 1; time <= 3; time++) {
    const { subject, scopes, member, expiresAt } = await auth.identify(device);
    assert.deepEqual({ subject, scopes, member, expiresAt }, expected, `time ${time}`);
    assert.deepEqual((await auth.identify(root)).scopes, ['admin']);
  }
  // The tolerance for clocks is 5 s, for a remembered one and for one that is not.
  clock.moveTo(NOW + 64_999);
  await auth.identify(device);
  clock.moveTo(NOW + 65_000);
  await assert.rejects(auth.identify(device), raises('CAR703'));
  await assert.rejects(auth.identify(root), raises('CAR703'));
});
