/** What the document says of the stream is what the gateway does. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { emptyCursor, formatCursor } from '../../core/cursor.ts';
import { Bench, type Client, NOW } from '../../test/kit/gateway-bench.ts';
import { CLOSE_CODES, mayReconnect } from '../close-codes.ts';
import { asyncApiOf, CLIENT_FRAMES, SERVER_FRAMES } from './asyncapi.ts';
import type { JsonSchema } from './operation.ts';

let bench: Bench;
let device = '';
let number = 0;
before(async () => {
  bench = await Bench.open({ limits: { fillAgainMs: 20 } });
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const isOf = (schema: JsonSchema) => {
  const validate = ajv.compile(schema);
  return (frame: unknown) => (validate(frame) ? '' : ajv.errorsText(validate.errors));
};
const SERVER = new Map(Object.entries(SERVER_FRAMES).map(([type, of]) => [type, isOf(of)]));
const CLIENT = Object.values(CLIENT_FRAMES).map(isOf);

const cursor = formatCursor(emptyCursor(1));
const REPORT = { type: 'report', eventId: 'r-1', kind: 'DIAGNOSTIC', details: { ms: '12' } };

test('every kind of frame that the gateway sends is as the document says', async () => {
  bench.inbox.put(
    bench.notification(device, 1),
    bench.notification(device, 2, { deadline: NOW - 1 }),
    bench.notification(device, 3),
    bench.notification(device, 4, { deadline: NOW - 1 }),
  );
  const seen = new Set<string>();
  const headers = { authorization: `Bearer ${await bench.token(device)}` };
  const client = bench.client('', { headers });
  const take = async (count: number) => {
    for (const frame of await client.take(count)) {
      seen.add(frame.type);
      assert.equal(SERVER.get(frame.type)?.(frame), '', JSON.stringify(frame));
    }
  };
  // The welcome, one and three, and that four does not come.
  await take(4);
  for (const frame of [
    { type: 'ping' },
    { type: 'ack', ids: ['x'] },
    REPORT,
    { ...REPORT, kind: '' },
  ]) {
    client.send(frame);
    await take(1);
  }
  const other = await Bench.open();
  try {
    await other.own(device);
    const leaving = await other.connect(device);
    const closed = other.gateway.close();
    const [frame] = await leaving.take(1);
    seen.add(frame!.type);
    assert.equal(SERVER.get(frame!.type)?.(frame), '');
    leaving.socket.close(1000);
    await closed;
  } finally {
    await other.close();
  }
  assert.deepEqual([...seen].sort(), Object.keys(SERVER_FRAMES).sort());
});

/** What a device sends on its open stream: whether it is a frame. */
const frames: readonly [string, unknown, boolean][] = [
  ['a ping', { type: 'ping' }, true],
  ['ids', { type: 'ack', ids: ['a', 'b'] }, true],
  ['1,000 ids', { type: 'ack', ids: Array(1_000).fill('a') }, true],
  ['1,001 ids', { type: 'ack', ids: Array(1_001).fill('a') }, false],
  ['ids that are numbers', { type: 'ack', ids: [1] }, false],
  ['an ack of nothing', { type: 'ack' }, false],
  ['a cursor', { type: 'ack', cursor }, true],
  ['a cursor that is a number', { type: 'ack', cursor: 1 }, false],
  ['a report', REPORT, true],
  ['another type', { type: 'nack' }, false],
  ['a list', [], false],
  ['null', null, false],
];
for (const [what, frame, isFrame] of frames) {
  test(`${what}: ${isFrame ? 'a frame' : 'closed as bad-frame'}, to document and gateway alike`, async () => {
    assert.equal(
      CLIENT.some((validate) => validate(frame) === ''),
      isFrame,
    );
    const client = await bench.connect(device);
    client.send(JSON.stringify(frame));
    client.send({ type: 'ping' });
    assert.equal(await isClosed(client), isFrame ? undefined : CLOSE_CODES.badFrame.code);
  });
}

/** With which code; undefined: the ping was answered. */
async function isClosed(client: Client): Promise<number | undefined> {
  try {
    while ((await client.next()).type !== 'pong');
    return undefined;
  } catch {
    return client.closed?.code;
  }
}

test('a first frame says who it is, as the document has it', async () => {
  const token = await bench.token(device);
  for (const more of [{}, { after: null }]) {
    const first = { type: 'authenticate', token, ...more };
    assert.equal(CLIENT.filter((validate) => validate(first) === '').length, 1);
    const client = bench.client('', { protocols: ['carillon.v1'] });
    client.socket.once('open', () => client.send(first));
    assert.equal((await client.next()).type, 'welcome');
  }
});

test('close codes, channel and operations: each once, and no name leads nowhere', () => {
  // biome-ignore lint/suspicious/noExplicitAny: JSON, and asserted on.
  const document = asyncApiOf('1') as any;
  const { stream } = document.channels;
  assert.equal(document.asyncapi, '3.0.0');
  assert.equal(stream.address, '/v1/stream');
  assert.deepEqual(
    stream['x-close-codes'],
    Object.values(CLOSE_CODES).map((one) => ({ ...one, reconnect: mayReconnect(one.code) })),
  );
  const { subprotocol, server, client } = stream['x-avro-frames'];
  assert.equal(subprotocol, 'carillon.v1+avro');
  assert.deepEqual(
    [server.length, client.length],
    [Object.keys(SERVER_FRAMES).length, Object.keys(CLIENT_FRAMES).length],
  );
  const names = [...JSON.stringify(document.operations).matchAll(/messages\/([\w-]+)"/g)];
  assert.deepEqual(names.map(([, name]) => name).sort(), Object.keys(stream.messages).sort());
});
