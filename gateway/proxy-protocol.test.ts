import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { CERTIFICATE } from '../test/kit/certificate.ts';
import { Bench, eventually } from '../test/kit/gateway-bench.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { type ProxyHeader, readProxyHeader } from './proxy-protocol.ts';

const v2 = (command: number, family: number, body: Buffer): Buffer => {
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex');
  head[12] = command;
  head[13] = family;
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
};
const V4 = Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 1, 187]);
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.alloc(16),
  Buffer.from([1, 2, 3, 4]),
]);
const line = (text: string) => Buffer.from(text, 'latin1');

const rows: readonly [string, Buffer, ProxyHeader['address'] | 'more' | undefined][] = [
  ['TCP4', line('PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\nGET /'), '203.0.113.7'],
  ['TCP6', line('PROXY TCP6 2001:db8::1 ::1 4711 443\r\n'), '2001:db8::1'],
  ['UNKNOWN', line('PROXY UNKNOWN\r\n'), null],
  ['UNKNOWN with more', line('PROXY UNKNOWN a b c d\r\n'), null],
  ['a part of a line', line('PROXY TCP4 203.0.11'), 'more'],
  ['a part of the word', line('PRO'), 'more'],
  ['nothing', line(''), 'more'],
  ['no end', line(`PROXY TCP4 ${'1'.repeat(120)}`), undefined],
  ['HTTP', line('GET / HTTP/1.1\r\n'), undefined],
  ['TLS', Buffer.from([0x16, 3, 1, 2]), undefined],
  ['another family', line('PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n'), undefined],
  ['IPv6 as TCP4', line('PROXY TCP4 ::1 ::1 1 2\r\n'), undefined],
  ['a name', line('PROXY TCP4 evil 2.2.2.2 1 2\r\n'), undefined],
  ['no ports', line('PROXY TCP4 1.1.1.1 2.2.2.2\r\n'), undefined],
  ['a port too many', line('PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n'), undefined],
  ['version 2, IPv4', v2(0x21, 0x11, V4), '203.0.113.7'],
  [
    'version 2, IPv4, more fields',
    v2(0x21, 0x11, Buffer.concat([V4, Buffer.alloc(9)])),
    '203.0.113.7',
  ],
  ['version 2, IPv6', v2(0x21, 0x21, V6), '2001:db8:0:0:0:0:0:1'],
  ['version 2, its own', v2(0x20, 0x11, V4), null],
  ['version 2, unspecified', v2(0x21, 0x00, Buffer.alloc(0)), null],
  ['version 2, too short', v2(0x21, 0x11, V4.subarray(0, 11)), undefined],
  ['version 2, a socket file', v2(0x21, 0x31, Buffer.alloc(216)), undefined],
  ['version 2, another command', v2(0x22, 0x11, V4), undefined],
  ['version 3', v2(0x31, 0x11, V4), undefined],
  ['version 2, a part of the signature', v2(0x21, 0x11, V4).subarray(0, 5), 'more'],
  ['version 2, a part of the head', v2(0x21, 0x11, V4).subarray(0, 14), 'more'],
  ['version 2, a part of the addresses', v2(0x21, 0x11, V4).subarray(0, 20), 'more'],
  ['version 2, too long', v2(0x21, 0x11, Buffer.alloc(9_000)), undefined],
];
for (const [name, bytes, expected] of rows) {
  test(`PROXY: ${name}`, () => {
    const got = readProxyHeader(bytes);
    assert.deepEqual(typeof got === 'object' ? got.address : got, expected);
    const rest = name === 'TCP4' ? 'GET /'.length : 0;
    if (typeof got === 'object') assert.equal(got.length, bytes.length - rest);
  });
}

const REQUEST =
  'GET /v1/devices/tv-1/notifications HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
/** One bad token an address. */
const STRICT: Partial<GatewayOptions> = {
  proxyProtocol: true,
  budgets: { failures: { burst: 1, perSecond: 0.001 } },
};

/** The status of a request with these bytes in front, sent in pieces; 0: it was cut. */
async function ask(bench: Bench, front: Buffer | string, pieces = 1): Promise<number> {
  const { port, url } = bench.gateway;
  const secure = url.startsWith('https');
  const raw = connect(port, '127.0.0.1');
  raw.on('error', () => undefined);
  let answer = '';
  let ended = false;
  const bytes = Buffer.concat(
    [Buffer.from(front), secure ? '' : REQUEST].map((one) => Buffer.from(one)),
  );
  const step = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += step) {
    await new Promise<void>((done) => raw.write(bytes.subarray(at, at + step), () => done()));
  }
  const socket = secure
    ? connectSecurely({ socket: raw, ca: CERTIFICATE.cert, host: 'localhost' })
    : raw;
  socket.on('error', () => undefined);
  if (secure) socket.write(REQUEST);
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('close', () => {
    ended = true;
  });
  await eventually(() => ended, 'the end');
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
}

const of = (address: string) => `PROXY TCP4 ${address} 10.0.0.1 4711 443\r\n`;

for (const tls of [undefined, CERTIFICATE]) {
  test(`limits see the device, not the balancer${tls === undefined ? '' : ', through TLS'}`, async () => {
    const bench = await Bench.open({ ...STRICT, ...(tls === undefined ? {} : { tls }) });
    try {
      assert.deepEqual(
        [
          await ask(bench, of('203.0.113.7')),
          await ask(bench, of('203.0.113.7'), 7),
          await ask(bench, of('203.0.113.8'), 7),
          await ask(bench, v2(0x21, 0x11, V4)),
        ],
        [401, 429, 401, 429],
      );
      assert.equal(await ask(bench, 'GET / HTTP/1.1\r\n\r\n'), 0);
      assert.equal(await ask(bench, 'PROXY nonsense\r\n'), 0);
    } finally {
      await bench.close();
    }
  });
}

test('only balancers that are named may say whose a connection is', async () => {
  const bench = await Bench.open({ ...STRICT, trustedProxies: ['10.0.0.0/8'] });
  try {
    assert.equal(await ask(bench, of('203.0.113.7')), 0);
  } finally {
    await bench.close();
  }
  const named = await Bench.open({ ...STRICT, trustedProxies: ['127.0.0.1'] });
  try {
    assert.equal(await ask(named, of('203.0.113.7')), 401);
  } finally {
    await named.close();
  }
});

test('a WebSocket comes through, and a listener behind a balancer closes', async () => {
  const bench = await Bench.open({ proxyProtocol: true });
  await bench.own('tv-1');
  const token = await bench.token('tv-1');
  const socket = connect(bench.gateway.port, '127.0.0.1');
  let got = '';
  socket.on('data', (chunk) => {
    got += String(chunk);
  });
  socket.write(
    `${of('203.0.113.7')}GET /v1/stream?access_token=${token} HTTP/1.1\r\nHost: x\r\n` +
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await eventually(() => got.includes('"welcome"'), 'the welcome');
  await bench.close();
  socket.destroy();
});
