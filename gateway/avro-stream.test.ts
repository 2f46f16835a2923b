/** `carillon.v1+avro`: the same conversation, in binary frames. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { readAvroFrame, writeAvroFrame } from '../client/avro-frames.ts';
import type { ServerFrame } from '../schemas/frames.ts';
import { App, closeAll } from '../test/kit/device-app.ts';
import { Bench, eventually } from '../test/kit/gateway-bench.ts';

const AVRO = 'carillon.v1+avro';
let bench: Bench;
let device = '';
let number = 0;
const sockets: WebSocket[] = [];
before(async () => {
  bench = await Bench.open({ limits: { fillAgainMs: 20 } });
});
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});
after(async () => {
  for (const socket of sockets) socket.terminate();
  await closeAll();
  await bench.close();
});

interface Talk {
  readonly socket: WebSocket;
  readonly frames: (ServerFrame | undefined)[];
  readonly closed: { code?: number; reason?: string };
}

/** `later`: the token comes with the first frame. */
async function talk(protocols = [AVRO], later = false): Promise<Talk> {
  const headers = later ? {} : { authorization: `Bearer ${await bench.token(device)}` };
  const url = `${bench.gateway.url.replace('http', 'ws')}/v1/stream`;
  const socket = new WebSocket(url, protocols, { headers });
  sockets.push(socket);
  const frames: (ServerFrame | undefined)[] = [];
  const closed: Talk['closed'] = {};
  socket.on('message', (data: Buffer, isBinary) => {
    const frame = isBinary ? readAvroFrame(new Uint8Array(data).buffer) : JSON.parse(String(data));
    frames.push(frame);
  });
  socket.on('close', (code, reason) => Object.assign(closed, { code, reason: String(reason) }));
  socket.on('error', () => undefined);
  await eventually(() => socket.readyState === WebSocket.OPEN, 'it is open');
  return { socket, frames, closed };
}
const send = ({ socket }: Talk, frame: Parameters<typeof writeAvroFrame>[0]) =>
  socket.send(writeAvroFrame(frame));

test('what is told is what a JSON stream is told', async () => {
  bench.inbox.put(bench.notification(device, 1), bench.notification(device, 2, { deadline: 1 }));
  const json = await bench.connect(device);
  const asJson = await json.take(2);
  await json.close();
  const avro = await talk();
  await eventually(() => avro.frames.length === 3, 'welcome, one, and that two does not come');
  assert.equal(avro.frames[0]?.type, 'welcome');
  assert.deepEqual(avro.frames.slice(1), asJson);
  send(avro, { type: 'ping' });
  await eventually(() => avro.frames.length === 4, 'a pong');
  assert.deepEqual(avro.frames[3], { type: 'pong' });
  const { acknowledged } = bench.gateway.counts;
  send(avro, { type: 'ack', ids: [`${device}/normal/1`] });
  await eventually(() => bench.gateway.counts.acknowledged === acknowledged + 1, 'acknowledged');
});

test('it says who it is with a first frame, and the first sub-protocol that is known counts', async () => {
  for (const [protocols, chosen] of [
    [[AVRO, 'carillon.v1'], AVRO],
    [['carillon.v1', AVRO], 'carillon.v1'],
    [['carillon.v9', AVRO], AVRO],
  ] as const) {
    const stream = await talk([...protocols], true);
    assert.equal(stream.socket.protocol, chosen);
    const first = { type: 'authenticate', token: await bench.token(device) };
    stream.socket.send(chosen === AVRO ? writeAvroFrame(first) : JSON.stringify(first));
    await eventually(() => stream.frames.length > 0, 'a welcome');
    assert.equal(stream.frames[0]?.type, 'welcome');
    stream.socket.terminate();
  }
});

const wrong: readonly [string, string | Uint8Array, RegExp][] = [
  ['text', '{"type":"ping"}', /^bad-frame: frames are Avro/],
  ['another schema', Uint8Array.of(9), /^bad-frame: not of the Avro schema/],
  ['bytes behind it', Uint8Array.of(4, 4), /^bad-frame: not of the Avro schema/],
  ['an ack of nothing', Uint8Array.of(2, 0, 0), /^bad-frame: ack has neither/],
  ['an ack that claims 2^40 ids', Uint8Array.of(2, 2, 128, 128, 128, 128, 128, 64), /^bad-frame/],
  [
    'who is known says who it is',
    writeAvroFrame({ type: 'authenticate', token: 't' }),
    /^bad-frame/,
  ],
];
for (const [what, bytes, reason] of wrong) {
  test(`closed as bad-frame: ${what}`, async () => {
    const stream = await talk();
    await eventually(() => stream.frames.length === 1, 'a welcome');
    stream.socket.send(bytes);
    await eventually(() => stream.closed.code !== undefined, 'closed');
    assert.equal(stream.closed.code, 3503);
    assert.match(stream.closed.reason!, reason);
  });
}

test('a first frame of the other kind is none (3504)', async () => {
  const stream = await talk([AVRO], true);
  stream.socket.send(JSON.stringify({ type: 'authenticate', token: await bench.token(device) }));
  await eventually(() => stream.closed.code !== undefined, 'closed');
  assert.equal(stream.closed.code, 3504);
});

test('the reference client: told once, acknowledged, filled', async () => {
  const app = new App(bench, device);
  app.put(1, 2);
  app.open({ frames: 'avro', transports: ['websocket'] });
  await app.untilTold(1, 2);
  await app.registered();
  assert.equal(await app.live(3), 'delivered');
  await app.untilTold(1, 2, 3);
  await app.untilAcked(3);
});
