import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { emptyCursor, formatCursor, parseCursor } from '../core/cursor.ts';
import { partitionOfText } from '../core/partition.ts';
import { schemaIdOf } from '../core/schema.ts';
import { Bench, eventually, NOW } from './test-bench.ts';

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
/** A member of another partition than m-1. */
const ELSEWHERE = ['m-2', 'm-3', 'm-4', 'm-5', 'm-6'].find(
  (member) => partitionOfText(member, 4) !== partitionOfText('m-1', 4),
);
const post = (body: unknown, path = '/v1/events/plan-change') =>
  bench.call('POST', path, { token: producer, body });
const lines = (problems: readonly { path: string; what: string }[]) =>
  problems.map(({ path, what }) => `${path}: ${what}`);

test('one event: answered with its place when it is in the log, defaults filled, keyed by member', async () => {
  const { status, body } = await post(EVENT);
  assert.equal(status, 200);
  const partition = partitionOfText('m-1', 4);
  assert.deepEqual(body, { topic: 'events.plan-change', partition, offset: 0 });
  const [record] = bench.log.records('events.plan-change');
  assert.deepEqual([record!.key, record!.partition, record!.timestamp], ['m-1', partition, NOW]);
  const { valueBytes, valueStart, valueEnd } = record!;
  assert.ok(schemaIdOf(valueBytes, valueStart, valueEnd) > 0, 'the Confluent wire format');
  assert.deepEqual(bench.values('events.plan-change')[0], {
    ...EVENT,
    planFrom: null,
    streamsMax: 1,
  });
});

for (const [name, wrap, path] of [
  ['an array', (events: unknown[]) => events, ''],
  ['an object with records', (events: unknown[]) => ({ records: events }), '/records'],
] as const) {
  test(`a batch as ${name}: offsets in order; with a bad record nothing is written`, async () => {
    const before = bench.log.records('events.plan-change').length;
    const good = await post(wrap([EVENT, { ...EVENT, memberId: ELSEWHERE }, EVENT]));
    assert.equal(good.status, 200);
    assert.deepEqual([good.body.accepted, good.body.refused], [3, 0]);
    assert.equal(good.body.records[2].offset, good.body.records[0].offset + 1);
    const bad = await post(wrap([EVENT, EVENT, EVENT, { ...EVENT, changedAt: 'now' }]));
    assert.deepEqual([bad.status, bad.body.code], [400, 'CAR710']);
    assert.deepEqual(lines(bad.body.problems), [
      `${path}/3/changedAt: expected long, got a string`,
    ]);
    assert.equal(bench.log.records('events.plan-change').length, before + 3);
  });
}

test('?partial=true writes the good ones and says which are not', async () => {
  const path = '/v1/events/plan-change?partial=true';
  const { status, body } = await post([EVENT, {}, EVENT], path);
  assert.deepEqual([status, body.accepted, body.refused], [207, 2, 1]);
  assert.equal(body.records[1].problems.length, 4);
  assert.equal(body.records[2].offset, body.records[0].offset + 1);
  const none = await post([{}], path);
  assert.equal(none.status, 400);
});

test('a batch of one partition that is larger than a log batch keeps its offsets', async () => {
  const wide = { ...EVENT, memberId: 'm-wide', planTo: 'x'.repeat(900) };
  const { body } = await post(Array.from({ length: 1000 }, () => wide));
  const offsets = body.records.map(({ offset }: { offset: number }) => offset);
  assert.deepEqual(
    offsets,
    Array.from({ length: 1000 }, (_, i) => offsets[0] + i),
  );
});

const refused: readonly [string, object, number, string, string][] = [
  [
    'bad JSON',
    { raw: '{"a":1,\n"b":x}' },
    400,
    'CAR709',
    'line 2, column 5: it is not JSON from there.',
  ],
  ['JSON that ends', { raw: '{"a":[1,' }, 400, 'CAR709', 'line 1, column 9: it ends too early.'],
  ['no body', { raw: '' }, 400, 'CAR709', 'the body is empty.'],
  ['not UTF-8', { raw: Buffer.from([0x22, 0xff, 0x22]) }, 400, 'CAR709', 'the body is not UTF-8.'],
  [
    'another type',
    { raw: 'a', type: 'text/csv' },
    415,
    'CAR708',
    'the content type of the body is not taken here.',
  ],
  [
    'too large',
    { raw: ' '.repeat(1024 * 1024 + 1) },
    413,
    'CAR707',
    'the body has more than 1048576 bytes.',
  ],
  ['too many', { body: Array(1001).fill(0) }, 413, 'CAR707', 'a batch has at most 1000 records.'],
  ['an empty batch', { body: [] }, 400, 'CAR710', 'the batch is empty.'],
  ['no object', { body: 7 }, 400, 'CAR710', 'the event is not of schema PlanChange.'],
  [
    'no key',
    { body: { ...EVENT, memberId: '' } },
    400,
    'CAR710',
    'the event is not of schema PlanChange.',
  ],
];
for (const [name, options, status, code, what] of refused) {
  test(`ingest refuses ${name}`, async () => {
    const got = await bench.call('POST', '/v1/events/plan-change', { token: producer, ...options });
    assert.deepEqual([got.status, got.body.code, got.body.what], [status, code, what]);
    assert.ok(got.body.mend.length > 0 && got.body.stack === undefined);
  });
}

test('an unknown type: the nearest name', async () => {
  const near = await post(EVENT, '/v1/events/plan_chnge');
  assert.deepEqual([near.status, near.body.code], [404, 'CAR706']);
  assert.equal(near.body.mend, 'Did you mean "plan-change"?');
  const far = await post(EVENT, '/v1/events/heartbeat');
  assert.equal(far.body.mend, 'Known types: plan-change, viewing-activity.');
});

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

test('a log that is away, or slower than what is sent: 503 with Retry-After', async () => {
  bench.log.away = true;
  const away = await post(EVENT);
  bench.log.away = false;
  assert.deepEqual([away.status, away.body.code], [503, 'CAR712']);
  assert.equal(away.headers.get('retry-after'), '1');
  const small = await Bench.open({ limits: { writeRecordsMax: 3 } });
  try {
    small.log.hold();
    const call = { token: producer, body: [EVENT, EVENT] };
    const first = small.call('POST', '/v1/events/plan-change', call);
    await eventually(() => small.log.sends > 1, 'the first is under way');
    const second = await small.call('POST', '/v1/events/plan-change', call);
    assert.deepEqual([second.status, second.body.code], [503, 'CAR711']);
    assert.equal(second.headers.get('retry-after'), '1');
    small.log.release();
    assert.equal((await first).status, 200);
    assert.equal(small.log.records('events.plan-change').length, 2);
  } finally {
    await small.close();
  }
});

const REGISTRATION = {
  memberId: 'm-1',
  class: 'mobile',
  platform: 'android 16',
  transports: [{ kind: 'fcm', token: 'secret-token' }, { kind: 'websocket' }],
};

test('a device registers and is deleted: 202 when it is in the log', async () => {
  const put = await bench.call('PUT', `/v1/devices/${device}`, { token, body: REGISTRATION });
  assert.deepEqual([put.status, put.body.accepted, put.body.deviceId], [202, 'REGISTERED', device]);
  const registrar = await bench.token('backend', 'registrar');
  const gone = await bench.call('DELETE', `/v1/devices/${device}`, { token: registrar });
  assert.deepEqual([gone.status, gone.body.accepted], [202, 'DELETED']);
  const [first, second] = bench
    .values('events.device-registration')
    .filter(({ deviceId }) => deviceId === device);
  const transport = { environment: null, registeredAt: NOW };
  assert.deepEqual(JSON.parse(JSON.stringify(first)), {
    deviceId: device,
    action: 'REGISTERED',
    memberId: 'm-1',
    class: 'mobile',
    platform: 'android 16',
    app: '',
    locale: '',
    transports: [
      { kind: 'fcm', token: 'secret-token', ...transport },
      { kind: 'websocket', token: null, ...transport },
    ],
    deadToken: null,
    deadBefore: null,
    occurredAt: NOW,
  });
  assert.deepEqual([second.action, second.memberId], ['DELETED', '']);
});

const registrations: readonly [string, unknown, readonly string[]][] = [
  [
    'no object',
    [],
    [
      '/: expected an object of memberId, class, platform, app, locale, transports',
      '/memberId: missing, expected text of 1 to 128 characters',
      '/class: missing, expected one of mobile, tablet, tv, stick, set-top, web',
    ],
  ],
  [
    'another class',
    { ...REGISTRATION, class: 'fridge' },
    ['/class: expected one of mobile, tablet, tv, stick, set-top, web'],
  ],
  ['a number', { ...REGISTRATION, app: 3 }, ['/app: expected text of 1 to 128 characters']],
  [
    'a field of nobody',
    { ...REGISTRATION, owner: 'x' },
    ['/owner: no such field; known: memberId, class, platform, app, locale, transports'],
  ],
  [
    'no list',
    { ...REGISTRATION, transports: {} },
    ['/transports: expected an array of at most 8 transports, best first'],
  ],
  [
    'no token',
    { ...REGISTRATION, transports: [{ kind: 'apns' }] },
    ['/transports/0/token: missing, expected text of 1 to 4096 characters'],
  ],
  [
    'a token too many',
    { ...REGISTRATION, transports: [{ kind: 'inbox', token: 't' }] },
    ['/transports/0/token: inbox has no token'],
  ],
  [
    'another kind',
    { ...REGISTRATION, transports: [{ kind: 'sms' }] },
    ['/transports/0/kind: expected one of websocket, fcm, apns, inbox'],
  ],
  [
    'an environment',
    {
      ...REGISTRATION,
      transports: [
        { kind: 'apns', token: 't', environment: 'test' },
        { kind: 'fcm', token: 't', environment: 'sandbox' },
      ],
    },
    [
      '/transports/0/environment: expected one of production, sandbox',
      '/transports/1/environment: fcm has no environment',
    ],
  ],
];
for (const [name, body, expected] of registrations) {
  test(`a registration with ${name} is told by path`, async () => {
    const got = await bench.call('PUT', `/v1/devices/${device}`, { token, body });
    assert.deepEqual([got.status, got.body.code], [400, 'CAR710']);
    assert.deepEqual(lines(got.body.problems), expected);
  });
}

test('a device id is short and printable', async () => {
  const registrar = await bench.token('backend', 'registrar');
  for (const id of ['x'.repeat(129), 'a%20b', 'ger%C3%A4t']) {
    const path = `/v1/devices/${id}`;
    const got = await bench.call('PUT', path, { token: registrar, body: REGISTRATION });
    assert.deepEqual([got.status, got.body.code], [400, 'CAR721']);
  }
});

const pull = (query = '', bearer = token) =>
  bench.call('GET', `/v1/devices/${device}/notifications${query}`, { token: bearer });

test('pull: pages until there is no more, expired ones as skipped', async () => {
  await bench.own(device);
  for (let sequence = 1; sequence <= 5; sequence++) {
    const deadline = sequence === 2 ? NOW - 1 : 0;
    bench.inbox.put(bench.notification(device, sequence, { deadline }));
  }
  const first = await pull('?limit=3');
  assert.equal(first.status, 200);
  assert.deepEqual(
    first.body.notifications.map(({ sequence }: { sequence: number }) => sequence),
    [1, 3],
  );
  assert.deepEqual(first.body.skipped, [
    { priority: 'normal', sequence: 2, id: `${device}/normal/2`, reason: 'expired' },
  ]);
  assert.deepEqual(first.body.notifications[0].value.planTo, 'premium');
  assert.equal(first.body.more, true);
  const second = await pull(`?limit=3&after=${first.body.cursor}`);
  assert.deepEqual([second.body.notifications.length, second.body.more], [2, false]);
  const third = await pull(`?after=${second.body.cursor}`);
  assert.deepEqual([third.body.notifications, third.body.cursor], [[], second.body.cursor]);
});

test('D5: what arrives late below the mark of others is not hidden', async () => {
  await bench.own(device);
  bench.inbox.put(bench.notification(device, 1), bench.notification(device, 3));
  const first = await pull();
  bench.inbox.put(bench.notification(device, 2), bench.notification(device, 4));
  const second = await pull(`?after=${first.body.cursor}`);
  assert.deepEqual(
    second.body.notifications.map(({ sequence }: { sequence: number }) => sequence),
    [2, 4],
  );
});

test('pull: acknowledgements are kept, merged, told as outcomes, and used when there is no cursor', async () => {
  await bench.own(device);
  for (const sequence of [1, 2, 3]) bench.inbox.put(bench.notification(device, sequence));
  const { body } = await pull('?limit=2');
  const path = `/v1/devices/${device}/acknowledgements`;
  const ack = (cursor: unknown) => bench.call('POST', path, { token, body: { cursor } });
  assert.equal((await ack(body.cursor)).status, 204);
  assert.equal((await ack(formatCursor(emptyCursor(1)))).status, 204);
  assert.equal((await ack(formatCursor(emptyCursor(7)))).status, 204);
  const outcomes = () => bench.values('outcomes').filter(({ deviceId }) => deviceId === device);
  await eventually(() => outcomes().length === 2, 'two outcomes');
  assert.deepEqual(
    outcomes().map(({ notificationId, sink, outcome }) => [notificationId, sink, outcome]),
    [1, 2].map((sequence) => [`${device}/normal/${sequence}`, 'inbox', 'acknowledged']),
  );
  const next = await pull();
  assert.deepEqual(
    next.body.notifications.map(({ sequence }: { sequence: number }) => sequence),
    [3],
  );
  assert.deepEqual(
    [(await ack('x')).body.code, (await ack(undefined)).body.code],
    ['CAR714', 'CAR710'],
  );
});

test('D4: a cursor of an older epoch is answered from the start of the current one', async () => {
  await bench.own(device, 2);
  bench.inbox.put(
    bench.notification(device, 1, { epoch: 1 }),
    bench.notification(device, 1, { epoch: 2 }),
  );
  const old = emptyCursor(1);
  old.marks[2] = 9;
  const { body } = await pull(`?after=${formatCursor(old)}`);
  assert.equal(body.notifications.length, 1);
  assert.equal(parseCursor(body.cursor)?.epoch, 2);
});

test('pull refuses: unknown and deleted devices, bad cursors and limits, an inbox that is away', async () => {
  assert.deepEqual([(await pull()).status, (await pull()).body.code], [404, 'CAR713']);
  await bench.own(device, 1, 'DELETED');
  assert.equal((await pull()).body.code, 'CAR713');
  await bench.own(device, 2);
  assert.equal((await pull('?after=x')).body.code, 'CAR714');
  for (const limit of ['0', '501', 'x', '1.5']) {
    assert.equal((await pull(`?limit=${limit}`)).body.code, 'CAR721');
  }
  bench.inbox.away = true;
  const away = await pull();
  bench.inbox.away = false;
  assert.deepEqual(
    [away.status, away.body.code, away.headers.get('retry-after')],
    [503, 'CAR715', '1'],
  );
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
