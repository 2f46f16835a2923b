/** Bodies of requests that come packed, whole, broken and too large. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { Bench, NOW } from '../test/kit/gateway-bench.ts';

const BODY_BYTES_MAX = 64 * 1024;
let bench: Bench;
let token = '';
before(async () => {
  bench = await Bench.open({ limits: { bodyBytesMax: BODY_BYTES_MAX } });
  token = await bench.token('p', 'producer');
});
after(() => bench.close());

const PACKERS: Readonly<globalThis.Record<string, (body: string) => Buffer>> = {
  gzip: (body) => zlib.gzipSync(body),
  deflate: (body) => zlib.deflateSync(body),
  br: (body) => zlib.brotliCompressSync(body),
  zstd: (body) => zlib.zstdCompressSync(body),
};
const event = (eventId: string, planTo = 'x') =>
  JSON.stringify({ eventId, memberId: 'm-1', planTo, changedAt: NOW });
const written = () => bench.log.records('events.plan-change').length;

async function post(raw: Buffer | string, encoding: string) {
  const headers = { 'content-encoding': encoding };
  const got = await bench.call('POST', '/v1/events/plan-change', { token, raw, headers });
  return { status: got.status, code: got.body.code, accepts: got.headers.get('accept-encoding') };
}

for (const [encoding, pack] of Object.entries(PACKERS)) {
  test(`${encoding}: whole, cut off, not packed, and far too large`, async () => {
    const before = written();
    const whole = pack(event('e-1'));
    assert.equal((await post(whole, encoding)).status, 200);
    assert.equal((await post(whole, ` ${encoding.toUpperCase()} `)).status, 200);
    assert.equal(written(), before + 2);
    assert.equal(bench.values('events.plan-change').at(-1).eventId, 'e-1');
    for (const broken of [whole.subarray(0, -3), event('e-2'), Buffer.alloc(0)]) {
      const got = await post(broken, encoding);
      assert.equal(got.status, 400, encoding);
      assert.match(got.code, /^CAR7(43|09|21)$/);
    }
    const bomb = pack(event('e-3', 'x'.repeat(16 * 1024 * 1024)));
    assert.ok(bomb.length < BODY_BYTES_MAX);
    assert.deepEqual(await post(bomb, encoding), { status: 413, code: 'CAR707', accepts: null });
    assert.equal(written(), before + 2);
  });
}

test('what does not unpack is said as CAR743', async () => {
  for (const encoding of Object.keys(PACKERS)) {
    assert.equal((await post(event('e-1'), encoding)).code, 'CAR743', encoding);
  }
});

test('CAR742: another encoding, or two of them; the answer names those that are known', async () => {
  for (const encoding of ['compress', 'gzip, br', 'constructor']) {
    const accepts = 'gzip, deflate, br, zstd';
    assert.deepEqual(await post('x', encoding), { status: 415, code: 'CAR742', accepts });
  }
  assert.equal((await post(event('e-1'), 'identity')).status, 200);
});

test('a body that goes on after it was refused, and is broken then, harms nobody', async () => {
  const packed = zlib.gzipSync(event('e-1', 'x'.repeat(200_000)));
  const broken = Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8, 7)]);
  for (let n = 0; n < 5; n++) assert.equal((await post(broken, 'gzip')).status, 413);
  const socket = connect(bench.gateway.port, '127.0.0.1');
  socket.write(
    'POST /v1/events/plan-change HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
      `Authorization: Bearer ${token}\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n`,
  );
  socket.end(packed.subarray(0, 20));
  await text(socket);
  assert.equal((await post(PACKERS.gzip!(event('e-1')), 'gzip')).status, 200);
});
