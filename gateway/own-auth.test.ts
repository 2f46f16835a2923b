/** Tokens that a module knows: whatever it does, there is an identity or a code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import type { CarillonError } from '../core/error.ts';
import { Bench, INTERNAL, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { Auth, mintToken } from './auth.ts';

const DAY_MS = 86_400_000;
const GOOD = { subject: 'tv-1', expiresAt: NOW + 60_000 };

function open(ask: (token: string) => unknown) {
  const clock = new HandClock(NOW);
  const asked: string[] = [];
  const said: string[] = [];
  const module = async (token: string) => {
    asked.push(token);
    return ask(token);
  };
  const auth = new Auth({ secret: SECRET, internalToken: INTERNAL, module }, clock, {
    say: (sentence, facts) => said.push(`${sentence} ${facts.wrong ?? facts.error}`),
  });
  return { auth, clock, asked, said };
}

const seen = (auth: Auth, token: string) =>
  auth.identify(token).then(
    ({ subject, scopes, member, events, issuedAt, expiresAt }) => ({
      ...{ subject, scopes, member, events, issuedAt },
      inMs: expiresAt - NOW,
    }),
    ({ code }: CarillonError) => code,
  );
const device = { subject: 'tv-1', scopes: ['device'], member: undefined, events: undefined };

const answers: readonly [it: string, answer: unknown, expected: unknown, said?: RegExp][] = [
  ['a device', GOOD, { ...device, issuedAt: 0, inMs: 60_000 }],
  [
    'all that can be said',
    { ...GOOD, scope: 'producer operator', member: 'm', events: ['a'], issuedAt: NOW - 1 },
    {
      ...{ subject: 'tv-1', scopes: ['producer', 'operator'], member: 'm', events: ['a'] },
      ...{ issuedAt: NOW - 1, inMs: 60_000 },
    },
  ],
  ['that it does not know it', undefined, 'CAR702'],
  ['null', null, 'CAR702'],
  ['that it is refused', false, 'CAR702'],
  ['one that has expired', { ...GOOD, expiresAt: NOW }, 'CAR703'],
  [
    '90 days',
    { ...GOOD, expiresAt: NOW + 90 * DAY_MS },
    { ...device, issuedAt: 0, inMs: 90 * DAY_MS },
  ],
  ['91 days', { ...GOOD, expiresAt: NOW + 91 * DAY_MS }, 'CAR702'],
  [
    '91 days from a time ahead',
    { ...GOOD, issuedAt: NOW + DAY_MS, expiresAt: NOW + 91 * DAY_MS },
    'CAR702',
  ],
  ['true', true, 'CAR773', /it is no object/],
  ['a text', 'tv-1', 'CAR773', /it is no object/],
  ['a list', [GOOD], 'CAR773', /it is no object/],
  ['a function', () => GOOD, 'CAR773', /it is no object/],
  ['nothing of a device', {}, 'CAR773', /"subject" is no text/],
  ['an empty device', { ...GOOD, subject: '' }, 'CAR773', /"subject" is no text/],
  ['a device of 129 characters', { ...GOOD, subject: 'x'.repeat(129) }, 'CAR773', /"subject"/],
  ['a device that is a number', { ...GOOD, subject: 7 }, 'CAR773', /"subject"/],
  ['no end', { subject: 'tv-1' }, 'CAR773', /"expiresAt" is no epoch/],
  ['an end that is never', { ...GOOD, expiresAt: Infinity }, 'CAR773', /"expiresAt"/],
  ['an end that is no number', { ...GOOD, expiresAt: Number.NaN }, 'CAR773', /"expiresAt"/],
  ['an end that is a text', { ...GOOD, expiresAt: '2030' }, 'CAR773', /"expiresAt"/],
  ['a begin that is a text', { ...GOOD, issuedAt: 'x' }, 'CAR773', /"issuedAt"/],
  ['a scope that is none', { ...GOOD, scope: 'root' }, 'CAR773', /"scope" has none/],
  ['a scope that is a list', { ...GOOD, scope: ['admin'] }, 'CAR773', /"scope" has none/],
  ['a member that is none', { ...GOOD, member: '' }, 'CAR773', /"member" is no text/],
  ['events that are a text', { ...GOOD, events: 'a' }, 'CAR773', /"events" is no list/],
  ['events that are no texts', { ...GOOD, events: [1] }, 'CAR773', /"events" is no list/],
  ['65 events', { ...GOOD, events: Array(65).fill('a') }, 'CAR773', /"events" is no list/],
  [
    'a field that nobody knows',
    { ...GOOD, scopes: 'admin' },
    'CAR773',
    /"scopes" is none of subject/,
  ],
];
for (const [it, answer, expected, what] of answers) {
  test(`the module gives ${it}: ${typeof expected === 'string' ? expected : 'good'}`, async () => {
    const { auth, said } = open(() => answer);
    assert.deepEqual(await seen(auth, 'opaque-1'), expected);
    assert.equal(said.length, what === undefined ? 0 : 1, String(said));
    if (what !== undefined) assert.match(said[0]!, what);
  });
}

test('what it throws is for the log, and not for who asks', async () => {
  const { auth, said } = open(() => {
    throw new Error('hush: no such table');
  });
  const error: CarillonError = await auth.identify('opaque-1').then(
    () => assert.fail('it is refused'),
    (error) => error,
  );
  assert.deepEqual([error.code, error.retryable], ['CAR773', true]);
  assert.doesNotMatch(JSON.stringify(error) + error.message, /hush/);
  assert.match(said[0]!, /hush/);
});

test('a JWT is good beside it, when it does not know it; and no longer when it refuses it', async () => {
  const clock = new HandClock(NOW);
  const jwt = await mintToken({ secret: SECRET, subject: 'tv-2', clock, ttlMs: 60_000 });
  const beside = open((token) => (token === 'opaque-1' ? GOOD : undefined));
  assert.equal((await beside.auth.identify(jwt)).subject, 'tv-2');
  assert.equal((await beside.auth.identify('opaque-1')).subject, 'tv-1');
  assert.equal(await seen(open(() => false).auth, jwt), 'CAR702');
});

test('it is asked once a minute for a token that was good, and each time for one that was not', async () => {
  const { auth, clock, asked } = open((token) =>
    token === 'good' ? { ...GOOD, expiresAt: NOW + 90_000 } : false,
  );
  await auth.identify('good');
  clock.moveTo(NOW + 59_999);
  await auth.identify('good');
  assert.deepEqual(asked, ['good']);
  clock.moveTo(NOW + 60_000);
  await auth.identify('good');
  assert.deepEqual(asked, ['good', 'good']);
  assert.equal(await seen(auth, 'bad'), 'CAR702');
  assert.equal(await seen(auth, 'bad'), 'CAR702');
  assert.deepEqual(asked, ['good', 'good', 'bad', 'bad']);
});

test('nobody without a token, or with one that is too long, is its matter', async () => {
  const { auth, asked } = open(() => GOOD);
  await assert.rejects(auth.identify(undefined), { code: 'CAR701' });
  assert.equal(await seen(auth, 'x'.repeat(4097)), 'CAR702');
  assert.deepEqual(asked, []);
});

test('over HTTP and on the stream: a device of the module, and 503 when it fails', async () => {
  const module = async (token: string) => {
    if (token === 'opaque-1') return GOOD;
    throw new Error('hush');
  };
  const bench = await Bench.open({ auth: { secret: SECRET, internalToken: INTERNAL, module } });
  await bench.own('tv-1');
  const pull = (token: string) => bench.call('GET', '/v1/devices/tv-1/notifications', { token });
  assert.equal((await pull('opaque-1')).status, 200);
  const failed = await pull('opaque-2');
  assert.deepEqual([failed.status, failed.body.code], [503, 'CAR773']);
  assert.doesNotMatch(JSON.stringify(failed.body), /hush/);
  const client = bench.client('?access_token=opaque-1');
  assert.equal((await client.next()).type, 'welcome');
  const refused = bench.client('?access_token=opaque-2');
  await refused.until(() => refused.refused !== undefined);
  assert.equal(refused.refused?.status, 503, 'a browser sees 1006 there, and comes back');
  await bench.close();
});
