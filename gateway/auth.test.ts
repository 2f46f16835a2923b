import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { HandClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import { INTERNAL, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { Auth, type AuthOptions, mintToken } from './auth.ts';
import { TrustedKeys } from './auth-keys.ts';

function open(options: Partial<AuthOptions> = {}) {
  const clock = new HandClock(NOW);
  const auth = new Auth({ secret: SECRET, internalToken: INTERNAL, ...options }, clock);
  return { clock, auth };
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

test('a token is remembered for a minute: then its key is asked for again', async () => {
  const { clock, auth } = open();
  const subject = 'tv-1';
  const token = await mintToken({ secret: SECRET, subject, clock, ttlMs: 3_600_000 });
  assert.equal(auth.known(token), undefined);
  const identity = await auth.identify(token);
  clock.moveTo(NOW + 59_999);
  assert.equal(auth.known(token), identity);
  clock.moveTo(NOW + 60_000);
  assert.equal(auth.known(token), undefined);
  assert.equal((await auth.identify(token)).subject, subject);
});

test('only HS256 is good with the secret', async () => {
  for (const alg of ['HS384', 'HS512']) {
    const secret = `${SECRET}${SECRET}`;
    const token = await sign(GOOD, { alg, secret });
    await assert.rejects(open({ secret }).auth.identify(token), raises('CAR702'), alg);
  }
});

const minutes = (count: number) => NOW / 1000 + 60 * count;
const sign = (claims: object, more: { alg?: string; secret?: string; header?: object } = {}) => {
  const token = new SignJWT({ ...claims });
  token.setProtectedHeader({ alg: more.alg ?? 'HS256', ...more.header });
  return token.sign(Buffer.from(more.secret ?? SECRET, 'utf8'));
};
const GOOD = { sub: 'tv-1', exp: minutes(5), iat: minutes(0), iss: 'us', aud: ['gw', 'x'] };
const BOUND = { issuer: 'us', audience: 'gw' };
const without = (name: keyof typeof GOOD) => {
  const { [name]: _, ...rest } = GOOD;
  return rest;
};

const claims: readonly [string, object, Partial<AuthOptions>, string][] = [
  ['all that is asked for', GOOD, BOUND, 'good'],
  ['issuer and audience that nobody asks for', GOOD, {}, 'good'],
  ['no expiry', without('exp'), {}, "CAR702 the token's claim `exp` is missing."],
  ['an expiry that is no number', { ...GOOD, exp: 'x' }, {}, 'CAR702'],
  ['no subject', without('sub'), {}, 'CAR702'],
  ['no time of issue', without('iat'), {}, 'good'],
  ['no issuer', without('iss'), BOUND, 'CAR702'],
  ['another issuer', { ...GOOD, iss: 'them' }, BOUND, 'CAR702'],
  ['no audience', without('aud'), BOUND, 'CAR702'],
  ['another audience', { ...GOOD, aud: 'x' }, BOUND, 'CAR702'],
  ['an audience as text', { ...GOOD, aud: 'gw' }, BOUND, 'good'],
  ['90 days', { ...GOOD, exp: minutes(90 * 1440) }, {}, 'good'],
  ['91 days', { ...GOOD, exp: minutes(91 * 1440) }, {}, 'CAR702'],
  ['91 days, and no time of issue', { ...without('iat'), exp: minutes(91 * 1440) }, {}, 'CAR702'],
  [
    '91 days from a time ahead',
    { ...GOOD, iat: minutes(4), exp: minutes(91 * 1440) },
    {},
    'CAR702',
  ],
  ['for ever', { ...GOOD, exp: 1e15 }, {}, 'CAR702'],
  [
    'an hour where a minute is trusted',
    { ...GOOD, exp: minutes(60) },
    { ttlMaxMs: 60_000 },
    'CAR702',
  ],
  ['events that are a list', { ...GOOD, events: ['plan-change'] }, {}, 'good'],
  ['events that are a text', { ...GOOD, events: 'plan-change' }, {}, 'CAR702'],
  ['events that are no texts', { ...GOOD, events: [1] }, {}, 'CAR702'],
  ['a scope that is none', { ...GOOD, scope: 'root' }, {}, 'CAR702'],
  ['a scope that is no text', { ...GOOD, scope: ['admin'] }, {}, 'CAR702'],
];
for (const [name, payload, options, expected] of claims) {
  test(`claims: ${name}: ${expected}`, async () => {
    const { auth } = open(options);
    const got = await auth.identify(await sign(payload)).then(
      () => 'good',
      (error: CarillonError) => `${error.code} ${error.what}`,
    );
    assert.ok(got.startsWith(expected), got);
    assert.doesNotMatch(got, /them|tv-1/);
  });
}

const OTHER = 'another secret that is long enough, and no more than that';

test('a secret that was replaced is trusted as long as it is named', async () => {
  const old = await sign(GOOD, { secret: OTHER });
  assert.equal((await open({ formerSecrets: [OTHER] }).auth.identify(old)).subject, 'tv-1');
  await assert.rejects(open().auth.identify(old), raises('CAR702'));
});

test('CAR719: a secret is long, and is for one thing', () => {
  const rows: readonly [Partial<AuthOptions>, RegExp][] = [
    [{ formerSecrets: ['short'] }, /formerSecrets\[0\] has fewer/],
    [{ secret: INTERNAL }, /internalToken is the same/],
    [{ formerSecrets: [INTERNAL] }, /internalToken is the same/],
  ];
  for (const [options, what] of rows) {
    assert.throws(() => open(options), { code: 'CAR719', what });
  }
});

const pair = async (kid: string, alg = 'ES256') => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg };
  const token = (payload: object, header: object = { kid }) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg, ...header }).sign(privateKey);
  return { jwk, token };
};

test('public keys by kid, of every kind; others are not trusted', async () => {
  for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA']) {
    const [mine, theirs] = [await pair('k-1', alg), await pair('k-2', alg)];
    const { auth } = open({ jwks: { keys: [mine.jwk] } });
    assert.equal((await auth.identify(await mine.token(GOOD))).subject, 'tv-1', alg);
    const wrong: readonly [string, string][] = [
      ['another key', await theirs.token(GOOD)],
      ['another key under this kid', await theirs.token(GOOD, { kid: 'k-1' })],
      ['no algorithm', `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(GOOD))}.`],
      ['the public key as a secret', await sign(GOOD, { secret: JSON.stringify(mine.jwk) })],
    ];
    for (const [name, token] of wrong) {
      await assert.rejects(auth.identify(token), raises('CAR702'), `${alg}: ${name}`);
    }
    // The shared secret is good beside them, and without public keys none is trusted.
    assert.equal((await auth.identify(await sign(GOOD))).subject, 'tv-1');
    await assert.rejects(open().auth.identify(await mine.token(GOOD)), raises('CAR702'));
  }
});

test('keys that the issuer publishes: fetched once, and again for a kid that is new', async () => {
  const [first, second] = [await pair('k-1'), await pair('k-2')];
  let keys = [first.jwk];
  let fetched = 0;
  const server = createServer((_request, response) => {
    fetched++;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const jwks = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`);
  const trusted = new TrustedKeys({ secret: SECRET, jwks }, 0);
  const verify = (token: string) => trusted.verify(token, { currentDate: new Date(NOW) });
  for (let i = 0; i < 3; i++) assert.equal((await verify(await first.token(GOOD))).sub, 'tv-1');
  assert.equal(fetched, 1);
  keys = [second.jwk];
  assert.equal((await verify(await second.token(GOOD))).sub, 'tv-1');
  assert.equal(fetched, 2);
  await assert.rejects(verify(await first.token(GOOD)), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  server.close();
  server.closeAllConnections();
  const { auth } = open({ jwks });
  await assert.rejects(auth.identify(await first.token(GOOD)), raises('CAR731'));
});
