/** A token in a cookie: from our own pages, for a device, and never before another token. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, INTERNAL, SECRET } from '../test/kit/gateway-bench.ts';
import { CLOSE_CODES } from './close-codes.ts';

const APP = 'https://app.example';
const EVIL = 'https://evil.example';
const AUTH = { secret: SECRET, internalToken: INTERNAL };

let bench: Bench;
const tokens: { [name: string]: string } = {};
before(async () => {
  bench = await Bench.open({ origins: [APP], auth: { ...AUTH, cookie: 'device' } });
  await bench.own('tv-1');
  await bench.own('tv-2');
  tokens.one = await bench.token('tv-1');
  tokens.two = await bench.token('tv-2');
  tokens.admin = await bench.token('root', 'admin');
  tokens.registrar = await bench.token('tv-1', 'registrar');
});
after(() => bench.close());

type Headers = { readonly [name: string]: string };
/** `$one` stands for a token. */
const filled = (headers: Headers) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value.replace(/\$(\w+)/g, (_, token: string) => tokens[token]!),
    ]),
  );

const PULL = '/v1/devices/tv-1/notifications';
const pulls: readonly [it: string, Headers, status: number, code?: string][] = [
  ['a page of ours', { cookie: 'device=$one', origin: APP }, 200],
  ['beside other cookies', { cookie: 'a=b; device=$one; c=d', origin: APP }, 200],
  ['in quotes', { cookie: 'device="$one"', origin: APP }, 200],
  [
    'the same site, without Origin',
    { cookie: 'device=$one', 'sec-fetch-site': 'same-origin' },
    200,
  ],
  ['an older browser', { cookie: 'device=$one', referer: `${APP}/page?x` }, 200],
  ['another page', { cookie: 'device=$one', origin: EVIL }, 403, 'CAR729'],
  ['a page that hides itself', { cookie: 'device=$one', origin: 'null' }, 403, 'CAR729'],
  [
    'an image of another page',
    { cookie: 'device=$one', 'sec-fetch-site': 'cross-site' },
    403,
    'CAR776',
  ],
  ['a neighbouring site', { cookie: 'device=$one', 'sec-fetch-site': 'same-site' }, 403, 'CAR776'],
  [
    'another site that names us as its referer',
    { cookie: 'device=$one', 'sec-fetch-site': 'cross-site', referer: APP },
    403,
    'CAR776',
  ],
  [
    'a referer that begins like ours',
    { cookie: 'device=$one', referer: `${APP}.evil.example/` },
    403,
    'CAR776',
  ],
  ['a referer that is none', { cookie: 'device=$one', referer: 'app' }, 403, 'CAR776'],
  ['no page at all', { cookie: 'device=$one' }, 403, 'CAR776'],
  ['the cookie twice', { cookie: 'device=$one; device=$two', origin: APP }, 401, 'CAR702'],
  ['another cookie', { cookie: 'mydevice=$one', origin: APP }, 401, 'CAR701'],
  ['an empty cookie', { cookie: 'device=', origin: APP }, 401, 'CAR702'],
  ['a cookie that is no token', { cookie: 'device=abc', origin: APP }, 401, 'CAR702'],
  ["another device's cookie", { cookie: 'device=$two', origin: APP }, 403, 'CAR704'],
  ['a cookie of an admin', { cookie: 'device=$admin', origin: APP }, 403, 'CAR704'],
  ['a token beside a cookie', { cookie: 'device=$two', authorization: 'Bearer $one' }, 200],
  ['a token beside a page of nobody', { cookie: 'device=$one', authorization: 'Bearer $one' }, 200],
  [
    "a token of nobody's beside a good cookie",
    { cookie: 'device=$one', origin: APP, authorization: 'Bearer x' },
    401,
    'CAR702',
  ],
];
for (const [it, headers, status, code] of pulls) {
  test(`pull: ${it}: ${code ?? status}`, async () => {
    const got = await bench.call('GET', PULL, { headers: filled(headers) });
    assert.deepEqual([got.status, got.body.code], [status, code]);
  });
}

test('a token that was remembered as that of a backend is a device as a cookie', async () => {
  const register = { memberId: 'm-1', class: 'tv', platform: 'x', transports: [] };
  const path = '/v1/devices/tv-9';
  const as = (headers: Headers) =>
    bench.call('PUT', path, { headers: filled(headers), body: register });
  assert.equal((await as({ authorization: 'Bearer $registrar' })).status, 202);
  const { status, body } = await as({ cookie: 'device=$registrar', origin: APP });
  assert.deepEqual([status, body.code], [403, 'CAR704']);
  assert.equal((await as({ authorization: 'Bearer $registrar' })).status, 202);
});

const PROTOCOLS = ['carillon.v1'];
const sockets: readonly [it: string, Headers, string[], told: string | number][] = [
  ['a page of ours', { cookie: 'device=$one', origin: APP }, PROTOCOLS, 'tv-1'],
  ['a page of ours, no sub-protocol', { cookie: 'device=$one', origin: APP }, [], 'tv-1'],
  ['another page', { cookie: 'device=$one', origin: EVIL }, PROTOCOLS, CLOSE_CODES.notAllowed.code],
  ['no page', { cookie: 'device=$one' }, PROTOCOLS, CLOSE_CODES.notAllowed.code],
  [
    'a cookie of a backend',
    { cookie: 'device=$registrar', origin: APP },
    PROTOCOLS,
    CLOSE_CODES.notAllowed.code,
  ],
  [
    'a token before the cookie',
    { cookie: 'device=$two', origin: APP },
    ['carillon.v1', 'bearer.$one'],
    'tv-1',
  ],
];
for (const [it, headers, protocols, told] of sockets) {
  test(`stream: ${it}: ${told}`, async () => {
    const client = bench.client('', {
      headers: filled(headers),
      protocols: protocols.map((one) => one.replace('$one', tokens.one!)),
    });
    const first = await client.next().catch(() => undefined);
    const got = first?.type === 'welcome' ? first.deviceId : client.closed?.code;
    assert.equal(got, told);
  });
}

test('who has no cookie says who it is with its first frame, as ever', async () => {
  const client = bench.client('', {
    headers: { origin: APP, cookie: 'a=b' },
    protocols: PROTOCOLS,
  });
  client.socket.once('open', () => client.send({ type: 'authenticate', token: tokens.one }));
  assert.equal((await client.next()).type, 'welcome');
});

test('a page of another site may send its cookie, where one is named', async () => {
  const preflight = { origin: APP, 'access-control-request-method': 'GET' };
  const { headers } = await fetch(`${bench.gateway.url}${PULL}`, {
    method: 'OPTIONS',
    headers: preflight,
  });
  assert.equal(headers.get('access-control-allow-credentials'), 'true');
  assert.equal(headers.get('access-control-allow-origin'), APP);
  const without = await Bench.open({ origins: [APP] });
  const got = await fetch(`${without.gateway.url}${PULL}`, {
    headers: { origin: APP, cookie: `device=${tokens.one}` },
  });
  assert.equal(got.headers.get('access-control-allow-credentials'), null);
  assert.equal(got.status, 401, 'a cookie that nobody has named opens nothing');
  await without.close();
});

test('CAR775: a cookie, and no page that may send it', async () => {
  for (const origins of [undefined, []]) {
    const more = origins === undefined ? {} : { origins };
    const opened = Bench.open({ ...more, auth: { ...AUTH, cookie: 'device' } });
    await assert.rejects(opened, { code: 'CAR775' });
  }
});
