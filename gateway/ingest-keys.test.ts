/** Requests of producers that come twice, with the key that says so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, eventually, NOW } from '../test/kit/gateway-bench.ts';
import { FakeLog } from '../test/kit/gateway-fakes.ts';
import { KEY_KEPT_MS, keyFrom } from './ingest-keys.ts';

let bench: Bench;
before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());

const PATH = '/v1/events/plan-change';
const TOPIC = 'events.plan-change';
const event = (eventId: string) => {
  return { eventId, memberId: 'm-1', planTo: 'premium', changedAt: NOW };
};

interface Asked {
  readonly of?: Bench;
  readonly subject?: string;
  readonly path?: string;
  readonly key?: string;
}

async function post(body: unknown, { of = bench, subject = 'p', path = PATH, key }: Asked) {
  const token = await of.token(subject, 'producer');
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  const got = await of.call('POST', path, { token, body, headers });
  return { status: got.status, body: got.body, retry: got.headers.get('retry-after') };
}

const written = (of = bench) => of.log.records(TOPIC).length;

/** What a gateway that starts on the log of another one knows. */
async function restarted(log: FakeLog, work: (again: Bench) => Promise<void>, options = {}) {
  const again = await Bench.open(options, log);
  try {
    await work(again);
  } finally {
    await again.close();
  }
}

test('the same request again is answered, and not written again, by the next process neither', async () => {
  const before = written();
  const first = await post(event('e-1'), { key: 'k-1' });
  assert.deepEqual([first.status, first.body.topic, first.body.repeated], [200, TOPIC, undefined]);
  const again = await post(event('e-1'), { key: 'k-1' });
  assert.deepEqual([again.status, again.body], [200, { topic: TOPIC, repeated: true }]);
  assert.equal(written(), before + 1);
  assert.equal(bench.gateway.counts.eventsRepeated, 1);
  const [row] = bench.values('tables.ingest-keys');
  assert.doesNotMatch(JSON.stringify(row), /k-1|"p"/, 'neither the key nor who sent it');
  await restarted(bench.log, async (next) => {
    assert.equal((await post(event('e-1'), { of: next, key: 'k-1' })).body.repeated, true);
    assert.equal((await post(event('e-2'), { of: next, key: 'k-1' })).status, 409);
    assert.equal(written(next), before + 1);
  });
});

const others: readonly [string, unknown, Asked][] = [
  ['another body', event('e-9'), {}],
  ['another batch', [event('e-1')], {}],
  ['another address', event('e-1'), { path: `${PATH}?partial=true` }],
  ['another type', event('e-1'), { path: '/v1/events/plan-kept?key=x' }],
];
for (const [name, body, asked] of others) {
  test(`CAR744: the key of one request for ${name}`, async () => {
    await post(event('e-1'), { key: 'k-same' });
    const before = written();
    const got = await post(body, { key: 'k-same', ...asked });
    assert.deepEqual([got.status, got.body.code], [409, 'CAR744']);
    assert.equal(written(), before);
  });
}

test('the key of another producer is another key', async () => {
  const before = written();
  await post(event('e-1'), { key: 'k-two', subject: 'p-1' });
  await post(event('e-2'), { key: 'k-two', subject: 'p-2' });
  await post(event('e-3'), {});
  await post(event('e-3'), {});
  assert.equal(written(), before + 4);
});

test('a batch with some that are wrong: the same answer again, without the places', async () => {
  const path = `${PATH}?partial=true`;
  const body = [event('e-1'), { eventId: 'bad' }, event('e-2')];
  const first = await post(body, { key: 'k-batch', path });
  const before = written();
  const again = await post(body, { key: 'k-batch', path });
  assert.deepEqual([first.status, again.status, written()], [207, 207, before]);
  const { records, ...sums } = again.body;
  assert.deepEqual(sums, { topic: TOPIC, accepted: 2, refused: 1, repeated: true });
  assert.deepEqual(records, [{ repeated: true }, first.body.records[1], { repeated: true }]);
});

test('what was refused or not written leaves the key free', async () => {
  assert.equal((await post({}, { key: 'k-free' })).status, 400);
  bench.log.away = true;
  assert.equal((await post(event('e-1'), { key: 'k-free' })).status, 503);
  bench.log.away = false;
  const before = written();
  const got = await post(event('e-1'), { key: 'k-free' });
  assert.deepEqual([got.status, got.body.repeated, written()], [200, undefined, before + 1]);
});

test('the same request while the first is under way waits, and is not written', async () => {
  const before = written();
  bench.log.hold();
  const sends = bench.log.sends;
  const first = post(event('e-1'), { key: 'k-wait' });
  await eventually(() => bench.log.sends > sends, 'the first is under way');
  const others = [post(event('e-1'), { key: 'k-wait' }), post(event('e-1'), { key: 'k-wait' })];
  const wrong = await post(event('e-2'), { key: 'k-wait' });
  assert.equal(wrong.body.code, 'CAR744');
  bench.log.release();
  assert.equal((await first).body.repeated, undefined);
  for (const { body } of await Promise.all(others)) assert.equal(body.repeated, true);
  assert.equal(written(), before + 1);
});

test('a key counts for a day, and is forgotten then, by the next process too', async () => {
  const log = new FakeLog();
  await restarted(log, async (one) => {
    await post(event('e-1'), { of: one, key: 'k' });
    one.clock.moveTo(NOW + KEY_KEPT_MS - 1);
    assert.equal((await post(event('e-1'), { of: one, key: 'k' })).body.repeated, true);
    one.clock.moveTo(NOW + KEY_KEPT_MS);
    const late = await post(event('e-2'), { of: one, key: 'k' });
    assert.deepEqual([late.status, late.body.repeated], [200, undefined]);
    // Counted from then on.
    one.clock.moveTo(NOW + 2 * KEY_KEPT_MS - 1);
    assert.equal((await post(event('e-2'), { of: one, key: 'k' })).body.repeated, true);
  });
});

test('CAR746: more keys than are kept are refused, of one producer and of all', async () => {
  const bounds = { keyBounds: { perProducerMax: 2, keysMax: 3 } };
  await restarted(
    new FakeLog(),
    async (small) => {
      const use = (key: string, subject: string) =>
        post(event(key), { of: small, key, subject }).then(({ status, body, retry }) => {
          return status === 200 ? 'taken' : `${body.code} ${body.what} ${retry}`;
        });
      assert.equal(await use('a', 'p-1'), 'taken');
      assert.equal(await use('b', 'p-1'), 'taken');
      assert.match(await use('c', 'p-1'), /^CAR746 .* than 2 of one\. 3600$/);
      assert.equal(await use('a', 'p-1'), 'taken', 'what is known is known');
      assert.equal(await use('a', 'p-2'), 'taken');
      assert.match(await use('b', 'p-2'), /^CAR746 .* than 3 of all producers\. 3600$/);
      small.clock.moveTo(NOW + KEY_KEPT_MS);
      assert.equal(await use('c', 'p-1'), 'taken', 'a day later there is room');
    },
    bounds,
  );
});

test('CAR745: what is not one key', async () => {
  for (const key of [' ', '', 'a'.repeat(256), 'é']) {
    const got = await post(event('e-1'), { key }).catch(() => undefined);
    // Of what no header can be the client itself says so.
    if (got !== undefined) assert.deepEqual([got.status, got.body.code], [400, 'CAR745'], key);
  }
  const before = written();
  assert.equal((await post(event('e-1'), { key: 'a'.repeat(255) })).status, 200);
  assert.equal(written(), before + 1);
});

test('CAR747: without its topic a key is refused, and all else is taken', async () => {
  await restarted(new FakeLog({ missing: ['tables.ingest-keys'] }), async (bare) => {
    const refused = await post(event('e-1'), { of: bare, key: 'k' });
    assert.deepEqual([refused.status, refused.body.code], [503, 'CAR747']);
    assert.equal((await post(event('e-1'), { of: bare })).status, 200);
    assert.equal(written(bare), 1);
  });
});

const UUID = '0b683060-e7c3-81c9-915a-02db50b8d161';
const HEADERS: readonly [values: readonly string[] | undefined, key: string | undefined][] = [
  [undefined, undefined],
  [[UUID], UUID],
  [[UUID.toUpperCase()], UUID],
  [[`"${UUID}"`], UUID],
  [[`"${UUID.toUpperCase()}"`], UUID],
  [['Order-1'], 'Order-1'],
  [['"Order-1"'], 'Order-1'],
  [['"a\\\\b\\"c"'], 'a\\b"c'],
  [['"a", "b"'], '"a", "b"'],
  [['"a'], '"a'],
  [[`"${'a'.repeat(255)}"`], 'a'.repeat(255)],
  [[`"${'a'.repeat(256)}"`], 'CAR745'],
  [['""'], 'CAR745'],
  [['" "'], 'CAR745'],
  [['a', 'b'], 'CAR745'],
  [[''], 'CAR745'],
];
for (const [values, key] of HEADERS) {
  test(`the header ${JSON.stringify(values)?.slice(0, 60)} is the key ${key?.slice(0, 60)}`, () => {
    let got: string | undefined;
    try {
      got = keyFrom(values);
    } catch (error) {
      got = (error as { code: string }).code;
    }
    assert.equal(got, key);
  });
}

test('quoted and in capitals it is the same request', async () => {
  const before = written();
  for (const key of [UUID, UUID.toUpperCase(), `"${UUID}"`]) {
    assert.equal((await post(event('e-q'), { key })).status, 200);
  }
  assert.equal(written(), before + 1);
});
