/**
 * What somebody with one device's own token, or with none, may try, and what it comes to:
 * docs/threats.md is the list. Each bench has small budgets, so that a flood is short.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Bench, eventually } from '../test/kit/gateway-bench.ts';
import type { GatewayOptions } from './gateway-options.ts';

async function withBench(
  options: Partial<GatewayOptions>,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const bench = await Bench.open(options);
  try {
    await bench.own('tv-1');
    await bench.own('tv-2');
    await work(bench);
  } finally {
    bench.inbox.release();
    await bench.close();
  }
}

const PULL = (device: string) => `/v1/devices/${device}/notifications`;
const REGISTRATION = { memberId: 'm-1', class: 'tv', transports: [] };

test('requests of a device: 429 over its budget, with the time to wait; others are served', async () => {
  const budgets = { deviceRequests: { burst: 3, perSecond: 0.5 } };
  await withBench({ budgets }, async (bench) => {
    const [one, other] = [await bench.token('tv-1'), await bench.token('tv-2')];
    const pull = (device: string, token: string) => bench.call('GET', PULL(device), { token });
    for (let i = 0; i < 3; i++) assert.equal((await pull('tv-1', one)).status, 200);
    const over = await pull('tv-1', one);
    assert.deepEqual(
      [over.status, over.body.code, over.headers.get('retry-after')],
      [429, 'CAR726', '2'],
    );
    // A new token of the same device has no budget of its own.
    const again = await bench.token('tv-1', 'device', 60_000);
    assert.equal((await pull('tv-1', again)).status, 429);
    const ack = await bench.call('POST', '/v1/devices/tv-1/acknowledgements', { token: one });
    assert.equal(ack.status, 429);
    assert.equal((await pull('tv-2', other)).status, 200);
    bench.clock.moveTo(bench.clock.now() + 2_000);
    assert.equal((await pull('tv-1', one)).status, 200);
  });
});

test('registrations of a device: few, and small', async () => {
  const budgets = { registrations: { burst: 2, perSecond: 0.1 } };
  await withBench({ budgets }, async (bench) => {
    const token = await bench.tokenOfMember('tv-1', 'm-1');
    const put = (body: object) => bench.call('PUT', '/v1/devices/tv-1', { token, body });
    const transports = Array.from({ length: 8 }, () => ({ kind: 'fcm', token: 'x'.repeat(4_000) }));
    const large = await put({ ...REGISTRATION, transports });
    assert.deepEqual([large.status, large.body.code], [413, 'CAR707']);
    assert.equal((await put(REGISTRATION)).status, 202);
    const over = await put(REGISTRATION);
    assert.deepEqual([over.status, over.headers.get('retry-after')], [429, '10']);
    const gone = await bench.call('DELETE', '/v1/devices/tv-1', { token });
    assert.equal(gone.status, 429);
    // A backend registers many: its budget is another.
    const registrar = await bench.token('backend', 'registrar');
    for (let i = 0; i < 20; i++) {
      const path = `/v1/devices/new-${i}`;
      const got = await bench.call('PUT', path, { token: registrar, body: REGISTRATION });
      assert.equal(got.status, 202);
    }
    assert.equal(bench.values('events.device-registration').length, 21);
  });
});

test('requests and bytes of a producer', async () => {
  const event = { eventId: 'e', memberId: 'm-1', planTo: 'x', changedAt: 1 };
  const budgets = {
    backendRequests: { burst: 5, perSecond: 1 },
    backendBytes: { burst: 150, perSecond: 100 },
  };
  await withBench({ budgets }, async (bench) => {
    const post = async (name: string, body: object) => {
      const token = await bench.token(name, 'producer');
      return (await bench.call('POST', '/v1/events/plan-change', { token, body })).status;
    };
    const size = JSON.stringify(event).length;
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push(await post('p-1', event));
    assert.ok(2 * size < 150 && 3 * size > 150, `${size}`);
    assert.deepEqual(statuses, [200, 200, 429, 429]);
    // Four requests are spent; what is no event is one too.
    assert.deepEqual([await post('p-1', {}), await post('p-1', {})], [400, 429]);
    assert.equal(await post('p-2', event), 200);
  });
});

test('tokens that are not good: an address that keeps trying is not even looked at', async () => {
  const budgets = { failures: { burst: 3, perSecond: 1 } };
  await withBench({ budgets }, async (bench) => {
    const good = await bench.token('tv-1');
    assert.equal((await bench.call('GET', PULL('tv-1'), { token: good })).status, 200);
    const tries = [];
    for (const token of ['a', undefined, 'b', 'c', 'd']) {
      const more = token === undefined ? {} : { token };
      tries.push((await bench.call('GET', PULL('tv-1'), more)).status);
    }
    assert.deepEqual(tries, [401, 401, 401, 429, 429]);
    const browser = bench.client('?access_token=x');
    await browser.until(() => browser.closed !== undefined);
    assert.deepEqual(browser.closed, { code: 3009, reason: 'too-much' });
    // Who was let in before, from the same address, still is.
    assert.equal((await bench.call('GET', PULL('tv-1'), { token: good })).status, 200);
  });
});

test('handshakes: of one device, and from one address that is not the machine itself', async () => {
  const budgets = {
    connects: { burst: 2, perSecond: 0.5 },
    addressConnects: { burst: 1, perSecond: 1 },
  };
  await withBench({ budgets }, async (bench) => {
    for (let i = 0; i < 2; i++) await bench.connect('tv-1');
    const query = `?access_token=${await bench.token('tv-1')}`;
    const browser = bench.client(query);
    await browser.until(() => browser.closed !== undefined);
    assert.deepEqual(browser.closed, { code: 3009, reason: 'too-much' });
    const headers = { authorization: `Bearer ${await bench.token('tv-1')}` };
    const native = bench.client('', { headers });
    await native.until(() => native.refused !== undefined);
    assert.equal(native.refused?.status, 429);
    await bench.connect('tv-2');
  });
});

test('handshakes from one address that a proxy tells of', async () => {
  const budgets = { addressConnects: { burst: 2, perSecond: 0.001 } };
  await withBench({ budgets, trustedProxies: ['127.0.0.1'] }, async (bench) => {
    const query = `?access_token=${await bench.token('tv-1')}`;
    const from = async (address: string) => {
      const client = bench.client(query, { headers: { 'x-forwarded-for': address } });
      await client.until(() => client.closed !== undefined || client.waiting > 0);
      return client.closed?.code ?? 'open';
    };
    const got = [];
    for (const address of [
      '203.0.113.7',
      '203.0.113.7',
      '203.0.113.7',
      '203.0.113.8',
      '127.0.0.1',
    ]) {
      got.push(await from(address));
    }
    assert.deepEqual(got, ['open', 'open', 3009, 'open', 'open']);
  });
});

test('frames: a flood is closed, and what it has sent beyond is not read', async () => {
  await withBench({ budgets: { frames: { burst: 20, perSecond: 1 } } }, async (bench) => {
    const flood = await bench.connect('tv-1');
    const calm = await bench.connect('tv-2');
    const before = bench.gateway.counts.framesReceived;
    for (let i = 0; i < 5_000; i++) flood.send({ type: 'ping' });
    await flood.until(() => flood.closed !== undefined);
    assert.deepEqual(flood.closed, { code: 3009, reason: 'too-much' });
    assert.equal(bench.gateway.counts.framesReceived - before, 21);
    calm.send({ type: 'ping' });
    assert.deepEqual(await calm.next(), { type: 'pong' });
  });
});

test('frames: each notification earns an acknowledgement, and many ids cost more', async () => {
  const budgets = { frames: { burst: 20, perSecond: 0.001 } };
  await withBench({ budgets }, async (bench) => {
    const client = await bench.connect('tv-1');
    const { connectionId } = client;
    for (let n = 1; n <= 60; n++) {
      await bench.deliver([{ connectionId, notification: bench.notification('tv-1', n) }]);
      await client.next();
      client.send({ type: 'ack', ids: [`tv-1/normal/${n}`] });
    }
    await eventually(() => bench.values('outcomes').length === 60, 'all are acknowledged');
    assert.equal(bench.gateway.counts.closed.size, 0);
    const unknown = Array.from({ length: 300 }, (_, i) => `x-${i}`);
    client.send({ type: 'ack', ids: unknown });
    assert.equal((await client.next()).type, 'unacknowledged');
    client.send({ type: 'ack', ids: unknown });
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, 3009);
  });
});

/** A connection that writes requests and reads nothing. */
async function deaf(bench: Bench, text: string): Promise<Socket> {
  const socket = connect(bench.gateway.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return socket;
}

test('100 pipelined pulls that nobody reads: few are under way, and the token gets no more', async () => {
  await withBench({ budgets: { deviceUnderWayMax: 4 } }, async (bench) => {
    const token = await bench.token('tv-1');
    const head = `Host: x\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    bench.inbox.hold();
    const socket = await deaf(bench, `GET ${PULL('tv-1')} HTTP/1.1\r\n${head}`.repeat(100));
    await eventually(() => bench.inbox.reading === 4, 'four pulls');
    const more = await bench.call('GET', PULL('tv-1'), { token });
    assert.deepEqual([more.status, more.body.code], [429, 'CAR726']);
    assert.equal(bench.inbox.readingMost, 4);
    // When the connection is gone, so is what it had under way, also what the inbox still holds.
    socket.destroy();
    const own = await bench.tokenOfMember('tv-1', 'm-1');
    const put = () => bench.call('PUT', '/v1/devices/tv-1', { token: own, body: REGISTRATION });
    let { status } = await put();
    for (let tries = 0; status === 429 && tries < 15; tries++) ({ status } = await put());
    assert.equal(status, 202);
  });
});

test('requests of one connection, whatever token they have', async () => {
  await withBench({ budgets: { pipelinedMax: 3 } }, async (bench) => {
    const socket = connect(bench.gateway.port, '127.0.0.1');
    let answers = '';
    socket.on('data', (chunk) => {
      answers += String(chunk);
    });
    bench.inbox.hold();
    const token = await bench.token('tv-1');
    const head = `Host: x\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    socket.write(`GET ${PULL('tv-1')} HTTP/1.1\r\n${head}`.repeat(10));
    await eventually(() => bench.inbox.reading === 3, 'three pulls');
    bench.inbox.release();
    await eventually(() => answers.split('HTTP/1.1 ').length === 11, 'ten answers');
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ['200', '200', '200', ...Array(7).fill('429')]);
    socket.destroy();
  });
});

test('a pull is bounded in bytes: what does not fit follows', async () => {
  await withBench({ limits: { pullBytesMax: 100_000 } }, async (bench) => {
    const encoder = bench.schemas.encoder('PlanChange');
    const event = (size: number) => ({
      eventId: 'e',
      memberId: 'm-1',
      planFrom: null,
      planTo: 'x'.repeat(size),
      streamsMax: 1,
      changedAt: 1,
    });
    const sizes = [40_000, 40_000, 40_000, 60_000, 150_000, 10, 10];
    sizes.forEach((size, i) => {
      const payload = encoder.toBuffer(event(size)).subarray(5);
      bench.inbox.put(bench.notification('tv-1', i + 1, { payload }));
    });
    const token = await bench.token('tv-1');
    const pages: number[][] = [];
    let after = '';
    for (let more = true; more; ) {
      const { body } = await bench.call('GET', `${PULL('tv-1')}?limit=500${after}`, { token });
      pages.push(body.notifications.map(({ sequence }: { sequence: number }) => sequence));
      after = `&after=${body.cursor}`;
      more = body.more;
    }
    // The one that is larger than a page comes alone.
    assert.deepEqual(pages, [[1, 2], [3], [4], [5], [6, 7]]);
  });
});

test('an answer that nobody reads is not kept for ever', async () => {
  await withBench({ limits: { stalledMs: 100, pullBytesMax: 64 * 1024 * 1024 } }, async (bench) => {
    const encoder = bench.schemas.encoder('PlanChange');
    const planTo = 'x'.repeat(60_000);
    const event = {
      eventId: 'e',
      memberId: 'm',
      planFrom: null,
      planTo,
      streamsMax: 1,
      changedAt: 1,
    };
    const payload = encoder.toBuffer(event).subarray(5);
    for (let n = 1; n <= 300; n++) bench.inbox.put(bench.notification('tv-1', n, { payload }));
    const head = `Host: x\r\nAuthorization: Bearer ${await bench.token('tv-1')}\r\n\r\n`;
    const socket = await deaf(bench, `GET ${PULL('tv-1')}?limit=500 HTTP/1.1\r\n${head}`);
    const ends = bench.gateway.httpConnections;
    await eventually(async () => (await ends()) === 1, 'the connection');
    await eventually(async () => (await ends()) === 0, 'its end');
    socket.destroy();
  });
});

test('health is asked by many at once: log and inbox are asked once', async () => {
  let asked = 0;
  const wait = Promise.withResolvers<void>();
  const health = new Map([
    [
      'part',
      async () => {
        asked++;
        await wait.promise;
      },
    ],
  ]);
  await withBench({ health }, async (bench) => {
    const answers = Array.from({ length: 20 }, () => bench.call('GET', '/health/ready'));
    await eventually(() => asked === 1, 'the first');
    await bench.call('GET', '/health/live');
    wait.resolve();
    assert.ok((await Promise.all(answers)).every(({ status }) => status === 200));
    assert.ok(asked <= 2, `${asked}`);
  });
});
