import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Bench, type Client, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { mintToken } from './auth.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';

let bench: Bench;
let token = '';
let producer = '';

before(async () => {
  bench = await Bench.open({ limits: { firstFrameMs: 100 } });
  await bench.own('tv-1');
  token = await bench.token('tv-1');
  producer = await bench.token('p', 'producer');
});
after(() => bench.close());

async function raw(request: string): Promise<string> {
  const socket = connect(bench.gateway.port, '127.0.0.1');
  socket.write(request);
  return await text(socket);
}

const upgrades: readonly [string, string, number][] = [
  [
    'h2c, as Java offers it',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n',
    200,
  ],
  ['h2c alone', 'Connection: Upgrade\r\nUpgrade: h2c\r\n', 200],
  ['TLS', 'Connection: upgrade\r\nUpgrade: TLS/1.0\r\n', 200],
  ['several, none of them ours', 'Connection: Upgrade\r\nUpgrade: h2c, foo/2\r\n', 200],
  ['an upgrade that the connection does not name', 'Upgrade: websocket\r\n', 200],
  ['an empty upgrade', 'Connection: Upgrade\r\nUpgrade:\r\n', 200],
];
for (const [name, headers, status] of upgrades) {
  test(`RFC 9110, 7.8: served as it is: ${name}`, async () => {
    const end = 'Host: x\r\nConnection: close\r\n\r\n';
    const got = await raw(`GET /health/live HTTP/1.1\r\n${headers}${end}`);
    assert.match(got, new RegExp(`^HTTP/1.1 ${status} `));
  });
}

test('a body beside an upgrade that is ignored is read whole', async () => {
  const event = { eventId: 'e', memberId: 'm-1', planTo: 'x', changedAt: NOW };
  const body = JSON.stringify(event);
  for (const upgrade of ['h2c', 'websocket']) {
    const got = await raw(
      'POST /v1/events/plan-change HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
        `Authorization: Bearer ${producer}\r\nConnection: Upgrade, close\r\nUpgrade: ${upgrade}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.match(got, /^HTTP\/1.1 200 /, upgrade);
  }
});

type Ask = () => Promise<Client> | Client;
const browser = (jwt: string, query = ''): Client =>
  bench.client(query, { protocols: ['carillon.v1', `bearer.${jwt}`] });
const minted = (more: object) =>
  mintToken({ secret: SECRET, subject: 'tv-1', clock: bench.clock, ttlMs: 60_000, ...more });

const refusals: readonly [string, Ask, CloseCode][] = [
  ['no token', () => bench.client('', { protocols: ['carillon.v1'] }), CLOSE_CODES.noToken],
  ['no token, no sub-protocol', () => bench.client(), CLOSE_CODES.noToken],
  ['no JWT', () => browser('abc'), CLOSE_CODES.badToken],
  ['another signature', () => browser(`${token.slice(0, -3)}xxx`), CLOSE_CODES.badToken],
  ['no JWT, in the address', () => bench.client('?access_token=x'), CLOSE_CODES.badToken],
  ['expired', async () => browser(await minted({ ttlMs: -60_000 })), CLOSE_CODES.tokenExpired],
  [
    'not valid yet',
    async () => browser(await minted({ notBeforeMs: 60_000 })),
    CLOSE_CODES.tokenNotYetValid,
  ],
  ['another scope', () => browser(producer), CLOSE_CODES.notAllowed],
  ['a bad cursor', () => browser(token, '?after=nonsense'), CLOSE_CODES.badCursor],
  ['a wrong path', () => browser(token, 's'), CLOSE_CODES.unknownPath],
  ['a path below', () => browser(token, '/more'), CLOSE_CODES.unknownPath],
  [
    'no token that counts beside a password for the page',
    () => bench.client('?access_token=x', { headers: { authorization: 'Basic dTpw' } }),
    CLOSE_CODES.badToken,
  ],
];
for (const [name, ask, { code, reason }] of refusals) {
  test(`who may be a browser is told by close code: ${name}`, async () => {
    const client = await ask();
    await client.until(() => client.closed !== undefined || client.refused !== undefined);
    assert.deepEqual(client.closed, { code, reason });
  });
}

test('who reads the status is told by status: nbf ahead', async () => {
  const early = await minted({ notBeforeMs: 60_000 });
  const client = bench.client('', { headers: { authorization: `Bearer ${early}` } });
  await client.until(() => client.refused !== undefined);
  assert.equal(client.refused?.status, 401);
  assert.match(client.refused?.body ?? '', /CAR725.*clocks/);
  const pulled = await bench.call('GET', '/v1/devices/tv-1/notifications', { token: early });
  assert.deepEqual([pulled.status, pulled.body.code], [401, 'CAR725']);
  const near = await minted({ notBeforeMs: 5_000 });
  const { status } = await bench.call('GET', '/v1/devices/tv-1/notifications', { token: near });
  assert.equal(status, 200, 'within the tolerance for clocks');
});

test('a password for the page beside a token of the sub-protocol or the address', async () => {
  const headers = { authorization: 'Basic dTpw' };
  for (const client of [
    bench.client('', { headers, protocols: ['carillon.v1', `bearer.${token}`] }),
    bench.client(`?access_token=${token}`, { headers }),
    bench.client(`?access_token=${token}`, { headers: { authorization: '' } }),
  ]) {
    assert.equal((await client.next()).type, 'welcome');
  }
});

test('CAR729: an origin that is not named is refused, on the socket too', async () => {
  const strict = await Bench.open({ origins: ['https://app.example'] });
  try {
    await strict.own('tv-1');
    const query = `?access_token=${await strict.token('tv-1')}`;
    const bad = strict.client(query, { headers: { origin: 'https://evil.example' } });
    await bad.until(() => bad.closed !== undefined);
    assert.deepEqual(bad.closed, { code: 3506, reason: 'not-allowed' });
    const good = strict.client(query, { headers: { origin: 'https://app.example' } });
    assert.equal((await good.next()).type, 'welcome');
    assert.equal((await strict.client(query).next()).type, 'welcome');
  } finally {
    await strict.close();
  }
});

test('a browser that offers its token as the only sub-protocol is let in, or told by code', async () => {
  const client = bench.client('', { protocols: [`bearer.${token}`] });
  assert.equal((await client.next()).type, 'welcome');
  assert.equal(client.socket.protocol, `bearer.${token}`);
  const bad = bench.client('', { protocols: ['bearer.abc'] });
  await bad.until(() => bad.closed !== undefined || bad.refused !== undefined);
  assert.deepEqual(bad.closed, {
    code: CLOSE_CODES.badToken.code,
    reason: CLOSE_CODES.badToken.reason,
  });
  const both = bench.client('', { protocols: [`bearer.${token}`, 'carillon.v1'] });
  assert.equal((await both.next()).type, 'welcome');
  assert.equal(both.socket.protocol, 'carillon.v1', 'the token is not sent back without need');
});
