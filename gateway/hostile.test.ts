/**
 * Devices that break RFC 6455 on an open stream: each is closed with the protocol's own code,
 * learns nothing, and costs nobody else anything.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Bench } from '../test/kit/gateway-bench.ts';

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  await bench.own('tv-1');
  await bench.own('tv-2');
});
after(() => bench.close());

const FIN = 0x80;
const MASK = [1, 2, 3, 4];
/** A frame as a client sends it: masked, at most 125 bytes. */
const frame = (first: number, payload: readonly number[]): number[] => [
  first,
  0x80 | payload.length,
  ...MASK,
  ...payload.map((byte, n) => byte ^ MASK[n % 4]!),
];
const ascii = (text: string) => [...Buffer.from(text)];
const PING = ascii('{"type":"ping"}');

const rows: readonly [string, readonly number[], number][] = [
  ['not masked', [FIN | 1, PING.length, ...PING], 1002],
  ['a text that is no UTF-8', frame(FIN | 1, [0xc3, 0x28]), 1007],
  ['a reserved bit', frame(FIN | 0x40 | 1, PING), 1002],
  ['an opcode that is none', frame(FIN | 3, PING), 1002],
  ['a continuation of nothing', frame(FIN, PING), 1002],
  ['a text within a text', [...frame(1, PING), ...frame(FIN | 1, PING)], 1002],
  ['a ping in parts', frame(9, [1]), 1002],
  ['a ping of 126 bytes', [FIN | 9, 0x80 | 126, 0, 126, ...MASK], 1002],
  ['a close with one byte', frame(FIN | 8, [3]), 1002],
  ['a close with a code that nobody may send', frame(FIN | 8, [0x03, 0xed]), 1002],
  ['64 KiB and 1 byte', [FIN | 1, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 1, ...MASK], 1009],
  ['2^63 bytes', [FIN | 1, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, ...MASK], 1009],
];

interface Opened {
  readonly socket: Socket;
  heard(): Buffer;
  readonly ended: Promise<void>;
  readonly connectionId: string;
}

/** A socket that has its welcome, and all that comes behind it. `staying`: it never hangs up. */
async function open({ staying = false } = {}): Promise<Opened> {
  const { port } = bench.gateway;
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.once('end', () => {
    if (!staying) socket.end();
  });
  const chunks: Buffer[] = [];
  const welcomed = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    if (Buffer.concat(chunks).includes('"welcome"')) welcomed.resolve();
  });
  socket.write(
    [
      'GET /v1/stream HTTP/1.1',
      'Host: gateway',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Authorization: Bearer ${await bench.token('tv-1')}`,
      '',
      '',
    ].join('\r\n'),
  );
  await welcomed.promise;
  const { connectionId } = JSON.parse(/{.*}/.exec(String(Buffer.concat(chunks)))![0]);
  chunks.length = 0;
  return { socket, heard: () => Buffer.concat(chunks), ended, connectionId };
}

for (const [what, bytes, code] of rows) {
  test(`closed with ${code}: ${what}`, async () => {
    const other = await bench.connect('tv-2');
    const { socket, heard, ended } = await open();
    socket.write(Buffer.from(bytes));
    await ended;
    const close = heard();
    assert.deepEqual([close[0], close.readUInt16BE(2)], [FIN | 8, code]);
    assert.equal(close.length, 4, 'nothing but the code');
    other.send({ type: 'ping' });
    assert.equal((await other.next()).type, 'pong');
    await other.close();
  });
}

test('nothing follows the answer to a close frame, and the process lives', async () => {
  const { socket, heard, connectionId } = await open({ staying: true });
  const finished = new Promise((resolve) => socket.once('end', resolve));
  socket.write(Buffer.from(frame(FIN | 8, [0x03, 0xe8])));
  await finished;
  const notification = bench.notification('tv-1', 1);
  await bench.deliver([{ connectionId, notification }]);
  assert.deepEqual([...heard()], [FIN | 8, 2, 0x03, 0xe8]);
  assert.deepEqual(bench.gateway.counts.closed.get(1006) ?? 0, 0);
  socket.destroy();
});
