import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { Bench, NOW } from '../test/kit/gateway-bench.ts';

let bench: Bench;
let producer = '';
let device = '';
let token = '';
let number = 0;

before(async () => {
  bench = await Bench.open({ metrics: () => 'carillon_connections 0\n' });
  producer = await bench.token('producer-1', 'producer');
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  token = await bench.token(device);
});

const EVENT = { eventId: 'e-1', memberId: 'm-1', planTo: 'premium', changedAt: NOW };

test('tokens: missing, wrong, of another scope, of another device', async () => {
  const other = await bench.token('somebody');
  const rows: readonly [string, string, string | undefined, number, string][] = [
    ['POST', '/v1/events/plan-change', undefined, 401, 'CAR701'],
    ['POST', '/v1/events/plan-change', 'abc', 401, 'CAR702'],
    ['POST', '/v1/events/plan-change', await bench.token('p', 'producer', -60_000), 401, 'CAR703'],
    ['POST', '/v1/events/plan-change', token, 403, 'CAR704'],
    ['GET', `/v1/devices/${device}/notifications`, other, 403, 'CAR704'],
    ['GET', `/v1/devices/${device}/notifications`, producer, 403, 'CAR704'],
    ['PUT', `/v1/devices/${device}`, other, 403, 'CAR704'],
    ['DELETE', `/v1/devices/${device}`, undefined, 401, 'CAR701'],
  ];
  for (const [method, path, bearer, status, code] of rows) {
    const {
      status: got,
      body,
      headers,
    } = await bench.call(method, path, {
      ...(bearer === undefined ? {} : { token: bearer }),
      ...(method === 'GET' || method === 'DELETE' ? {} : { body: EVENT }),
    });
    assert.deepEqual([got, body.code], [status, code], `${method} ${path}`);
    assert.equal(headers.get('www-authenticate'), status === 401 ? 'Bearer' : null);
  }
  const admin = await bench.token('root', 'admin');
  const { status } = await bench.call('POST', '/v1/events/plan-change', {
    token: admin,
    body: EVENT,
  });
  assert.equal(status, 200);
});

test('health tells what is away; metrics are what was handed in', async () => {
  assert.deepEqual((await bench.call('GET', '/health/live')).body, { status: 'live' });
  const ready = await bench.call('GET', '/health/ready');
  assert.deepEqual(
    [ready.status, ready.body],
    [200, { status: 'ready', parts: { log: 'ready', inbox: 'ready' } }],
  );
  bench.inbox.away = true;
  const away = await bench.call('GET', '/health/ready');
  bench.inbox.away = false;
  assert.deepEqual([away.status, away.body.parts], [503, { log: 'ready', inbox: 'failed' }]);
  assert.equal((await bench.call('GET', '/metrics')).body, 'carillon_connections 0\n');
});

test('the schemas are readable at the paths of a registry', async () => {
  const subjects = await bench.call('GET', '/subjects');
  assert.ok(subjects.body.includes('events.plan-change-value'));
  const subject = '/subjects/events.plan-change-value/versions';
  assert.deepEqual((await bench.call('GET', subject)).body, [1]);
  const latest = (await bench.call('GET', `${subject}/latest`)).body;
  assert.deepEqual([latest.subject, latest.version], ['events.plan-change-value', 1]);
  assert.equal(JSON.parse(latest.schema).name, 'PlanChange');
  const byId = await bench.call('GET', `/schemas/ids/${latest.id}`);
  assert.equal(byId.body.schema, latest.schema);
  const rows: readonly [string, number][] = [
    ['/schemas/ids/99', 40403],
    ['/schemas/ids/x', 40403],
    ['/subjects/nothing/versions', 40401],
    ['/subjects/nothing/versions/latest', 40401],
    [`${subject}/7`, 40402],
  ];
  for (const [path, code] of rows) {
    const got = await bench.call('GET', path);
    assert.deepEqual([got.status, got.body.error_code], [404, code], path);
  }
});

test('an unknown path, and a failure that nobody foresaw: a code, never a stack trace', async () => {
  const unknown = await bench.call('GET', '/v2/nothing?token=secret');
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'CAR705']);
  assert.doesNotMatch(JSON.stringify(unknown.body), /secret/);
  const broken = await Bench.open({
    metrics: () => {
      throw new Error('a secret inside');
    },
  });
  try {
    const { status, body } = await broken.call('GET', '/metrics');
    assert.deepEqual([status, body.code], [500, 'CAR717']);
    assert.doesNotMatch(JSON.stringify(body), /secret|\.ts/);
    assert.deepEqual(broken.said, ['A request failed.']);
  } finally {
    await broken.close();
  }
});

const WEBSOCKET = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const refused: readonly [string, string, number, string][] = [
  [
    'an address that does not decode',
    'GET /v1/devices/%ff HTTP/1.1\r\nHost: x\r\n\r\n',
    400,
    'CAR721',
  ],
  ['a long id', `GET /v1/devices/${'x'.repeat(600)} HTTP/1.1\r\nHost: x\r\n\r\n`, 400, 'CAR721'],
  ['no HTTP', '\x00\x01\r\n\r\n', 400, 'CAR721'],
  ['too many headers', `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(5_000)}\r\n`, 431, 'CAR721'],
  ['an upgrade to no address', `GET // HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`, 404, 'CAR705'],
  [
    'an upgrade to half an address',
    `GET http://[ HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`,
    404,
    'CAR705',
  ],
];
for (const [name, request, status, code] of refused) {
  test(`${name}: refused in our form`, async () => {
    const said = bench.said.length;
    const socket = connect(bench.gateway.port, '127.0.0.1');
    socket.end(request);
    const [head, body] = (await text(socket)).split('\r\n\r\n');
    assert.match(head!, new RegExp(`^HTTP/1.1 ${status} `));
    assert.equal(JSON.parse(body!).code, code);
    assert.equal(bench.said.length, said, 'it is no failure of the gateway');
  });
}

test('CAR741: a path is here with another method: 405, and Allow names them', async () => {
  const rows: readonly [string, string, number, string | null][] = [
    ['GET', '/v1/devices/tv-1', 405, 'PUT, DELETE, OPTIONS'],
    ['POST', '/v1/devices/tv-1', 405, 'PUT, DELETE, OPTIONS'],
    ['PUT', '/v1/devices/tv-1/notifications', 405, 'GET, HEAD, OPTIONS'],
    ['GET', '/v1/events/plan-change', 405, 'POST, OPTIONS'],
    ['POST', '/health/live?x=1', 405, 'GET, HEAD'],
    ['GET', '/v1/devices', 404, null],
    ['GET', '/v1/devices/tv-1/', 404, null],
    ['GET', '/v1/devices/a/b/notifications', 404, null],
    ['DELETE', '/v1/nothing', 404, null],
  ];
  for (const [method, path, status, allow] of rows) {
    const got = await bench.call(method, path, { token: producer });
    const code = status === 405 ? 'CAR741' : 'CAR705';
    assert.deepEqual(
      [got.status, got.headers.get('allow'), got.body.code],
      [status, allow, code],
      `${method} ${path}`,
    );
  }
});

test('a parameter that is none of its choices is refused, with those', async () => {
  for (const [given, status] of [
    ['maybe', 400],
    ['TRUE', 400],
    ['', 400],
    ['true', 200],
    ['false', 200],
  ] as const) {
    const path = `/v1/events/plan-change?partial=${given}`;
    const got = await bench.call('POST', path, { token: producer, body: EVENT });
    assert.equal(got.status, status, given);
    if (status === 200) continue;
    assert.deepEqual(
      [got.body.code, got.body.what],
      ['CAR721', '"partial" is one of true, false.'],
    );
  }
});

test('a parameter that nobody reads is refused, with those that are', async () => {
  await bench.own(device);
  const pull = `/v1/devices/${device}/notifications`;
  const rows: readonly [string, string, string, object | undefined, RegExp][] = [
    ['GET', `${pull}?cursor=abc`, token, undefined, /no parameter "cursor".*after, limit, wait/s],
    ['GET', `${pull}?limt=5`, token, undefined, /no parameter "limt".*Did you mean "limit"/s],
    ['GET', `${pull}?limit=5&limit=6`, token, undefined, /"limit" is given twice/],
    ['POST', `${pull.replace('notifications', 'acknowledgements')}?cursor=a`, token, {}, /none/],
    ['POST', '/v1/events/plan-change?partal=true', producer, EVENT, /Did you mean "partial"/],
    ['PUT', `/v1/devices/${device}?member=m`, token, {}, /no parameter "member"/],
    ['DELETE', `/v1/devices/${device}?now`, token, undefined, /no parameter "now"/],
  ];
  for (const [method, path, bearer, body, what] of rows) {
    const more = body === undefined ? {} : { body };
    const got = await bench.call(method, path, { token: bearer, ...more });
    assert.deepEqual([got.status, got.body.code], [400, 'CAR721'], path);
    assert.match(`${got.body.what} ${got.body.mend}`, what);
  }
  const stranger = await bench.call('GET', `${pull}?cursor=abc`);
  assert.equal(stranger.status, 401, 'who is not let in is told nothing else');
  assert.equal((await bench.call('GET', '/health/live?probe=1')).status, 200);
});
