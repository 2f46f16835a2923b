/** The public port shows nothing of the inside, and both speak TLS where it is asked for. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { GatewayLink } from '../connectors/websocket/gateway-link.ts';
import { CERTIFICATE } from '../test/kit/certificate.ts';
import { Bench, INTERNAL, NOW } from '../test/kit/gateway-bench.ts';

const INSIDE = { host: '127.0.0.1', port: 0 };

const paths: readonly [string, number, number][] = [
  ['/health/live', 200, 200],
  ['/health/ready', 200, 200],
  ['/metrics', 404, 200],
  ['/subjects', 404, 200],
  ['/schemas/ids/1', 404, 200],
  ['/internal/v1/deliver', 404, 405],
  ['/v1/devices/tv-1/notifications', 401, 404],
];

test('what is on which port', async () => {
  const metrics = () => 'carillon_connections 0\n';
  const bench = await Bench.open({ internal: INSIDE, metrics });
  try {
    const { url, internalUrl } = bench.gateway;
    assert.notEqual(url, internalUrl);
    for (const [path, outside, inside] of paths) {
      const [one, other] = [await fetch(url + path), await fetch(internalUrl + path)];
      assert.deepEqual([one.status, other.status], [outside, inside], path);
    }
    const post = { method: 'POST', headers: { authorization: `Bearer ${INTERNAL}` } };
    assert.equal((await fetch(`${url}/internal/v1/deliver`, post)).status, 404);
    assert.equal((await fetch(`${internalUrl}/internal/v1/deliver`, post)).status, 415);
    bench.inbox.away = true;
    const [plain, whole] = [
      await fetch(`${url}/health/ready`),
      await fetch(`${internalUrl}/health/ready`),
    ];
    assert.deepEqual([plain.status, await plain.json()], [503, { status: 'not ready' }]);
    const parts = { log: 'ready', inbox: 'failed' };
    assert.deepEqual([whole.status, await whole.json()], [503, { status: 'not ready', parts }]);
    // Sinks are told the internal one.
    assert.equal(bench.values('tables.gateways')[0].url, internalUrl);
  } finally {
    await bench.close();
  }
});

test('CAR718: the internal port is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  await assert.rejects(Bench.open({ internal: { host: '127.0.0.1', port } }), {
    code: 'CAR718',
    where: { at: 'http.internal_port' },
  });
  other.close();
});

test('TLS on both ports: devices and sinks that trust the certificate, and no others', async () => {
  const bench = await Bench.open({ tls: CERTIFICATE, internal: { ...INSIDE, tls: CERTIFICATE } });
  try {
    await bench.own('tv-1');
    const { url, internalUrl } = bench.gateway;
    assert.match(url, /^https:/);
    assert.match(internalUrl, /^https:/);
    await assert.rejects(fetch(`${url}/health/live`));
    const address = `${url.replace('https', 'wss')}/v1/stream?access_token=${await bench.token('tv-1')}`;
    const socket = new WebSocket(address, { ca: CERTIFICATE.cert });
    const welcome = await new Promise((resolve, reject) => {
      socket.once('message', (data) => resolve(JSON.parse(String(data))));
      socket.once('error', reject);
    });
    const { connectionId } = welcome as { connectionId: string };
    const value = bench.schemas
      .encoder('DeviceNotification')
      .toBuffer(bench.notification('tv-1', 1));
    const settings = { internalToken: INTERNAL, timeoutMs: 2_000, connectionsMax: 1 };
    const trusting = new GatewayLink(internalUrl, { ...settings, ca: CERTIFICATE.cert });
    assert.deepEqual(await trusting.deliver([{ connectionId, value }], NOW), {
      kind: 'outcomes',
      outcomes: ['delivered'],
    });
    const wary = new GatewayLink(internalUrl, settings);
    const refused = await wary.deliver([{ connectionId, value }], NOW);
    assert.deepEqual(refused, {
      kind: 'away',
      why: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      ambiguous: false,
    });
    trusting.close();
    wary.close();
    socket.terminate();
  } finally {
    await bench.close();
  }
});
