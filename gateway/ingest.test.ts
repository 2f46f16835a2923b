import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { partitionOfText } from '../core/partition.ts';
import { schemaIdOf } from '../core/schema.ts';
import { Bench, eventually, NOW } from '../test/kit/gateway-bench.ts';

let bench: Bench;
let producer = '';

before(async () => {
  bench = await Bench.open();
  producer = await bench.token('producer-1', 'producer');
});
after(() => bench.close());

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
  const bytes = record!.valueBytes!;
  assert.ok(schemaIdOf(bytes, 0, bytes.length) > 0, 'the Confluent wire format');
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
    'plain text',
    { raw: JSON.stringify(EVENT), type: 'text/plain' },
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
  assert.equal(far.body.mend, 'Known types: acme.plans, plan-change, plan-kept, viewing-activity.');
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

test('a type whose events have no key of their own takes it from the address', async () => {
  const before = bench.log.records('events.plan-change').length;
  const batch = [EVENT, { ...EVENT, memberId: 'm-2' }];
  assert.equal((await post(EVENT, '/v1/events/plan-kept?key=k%C3%A9')).status, 200);
  assert.equal((await post(batch, '/v1/events/plan-kept?key=k-2')).status, 200);
  const keys = bench.log.records('events.plan-change').map(({ key }) => key);
  assert.deepEqual(keys.slice(before).sort(), ['k-2', 'k-2', 'ké']);
  const wrong: readonly [string, RegExp, RegExp][] = [
    ['plan-kept', /"plan-kept" has no key of its own/, /plan-kept\?key=<key>/],
    ['plan-kept?key=', /needs a key that is text of 1 to 1024/, /key=<key>/],
    ['plan-kept?key=a&key=b', /"key" is given twice/, /named/],
    [`plan-kept?key=${'x'.repeat(1025)}`, /needs a key/, /key=<key>/],
    ['plan-change?key=m-1', /have their key in \/memberId: take \?key= away/, /./],
  ];
  for (const [path, what, mend] of wrong) {
    const { status, body } = await post(EVENT, `/v1/events/${path}`);
    assert.deepEqual([status, body.code], [400, 'CAR721'], path);
    assert.match(body.what, what);
    assert.match(body.mend, mend);
  }
  assert.equal(bench.log.records('events.plan-change').length, before + 3);
});

test('an id that is empty is none: refused, alone and in a batch', async () => {
  const alone = await post({ ...EVENT, eventId: '' });
  assert.deepEqual([alone.status, alone.body.code], [400, 'CAR710']);
  assert.deepEqual(lines(alone.body.problems), [
    "/eventId: expected text that is not empty: it is the event's id",
  ]);
  const batch = await post([EVENT, { ...EVENT, eventId: '', memberId: '' }]);
  assert.deepEqual(lines(batch.body.problems), [
    '/1/memberId: expected text of 1 to 1024 characters: it is the key',
    "/1/eventId: expected text that is not empty: it is the event's id",
  ]);
});

test('CAR726: a producer has a quota of requests and of bytes, and others theirs', async () => {
  const rates = (burst: number) => ({ burst, perSecond: burst / 2 });
  const strict = await Bench.open({
    budgets: { producerRequests: rates(4), producerBytes: rates(2_000) },
  });
  try {
    const send = async (subject: string, events: number) => {
      const token = await strict.token(subject, 'producer');
      const body = Array.from({ length: events }, () => EVENT);
      const {
        status,
        headers,
        body: said,
      } = await strict.call('POST', '/v1/events/plan-change', {
        token,
        body,
      });
      return status === 200 ? 'taken' : `${said.code} after ${headers.get('retry-after')}`;
    };
    for (let n = 0; n < 4; n++) assert.equal(await send('p-1', 1), 'taken');
    assert.equal(await send('p-1', 1), 'CAR726 after 1');
    assert.equal(await send('p-2', 20), 'taken', 'some 1,600 bytes');
    assert.equal(await send('p-2', 20), 'CAR726 after 2');
    assert.equal(await send('p-2', 1), 'taken', 'what was refused took nothing');
    strict.clock.moveTo(NOW + 2_000);
    assert.equal(await send('p-1', 1), 'taken');
    assert.equal(await send('p-2', 20), 'taken');
  } finally {
    await strict.close();
  }
});
