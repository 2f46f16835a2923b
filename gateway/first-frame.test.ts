/** A token in the first frame, and what is done to who sends none, or something else. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deviceMark, emptyCursor, formatCursor } from '../core/cursor.ts';
import { Bench, type Client, eventually } from '../test/kit/gateway-bench.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';

let bench: Bench;
let token = '';

before(async () => {
  bench = await Bench.open({ limits: { firstFrameMs: 300, strangersMax: 3 } });
  await bench.own('tv-1');
  token = await bench.token('tv-1');
});
after(() => bench.close());

const stranger = (of = bench, query = ''): Client => {
  const client = of.client(query, { protocols: ['carillon.v1'] });
  client.socket.on('open', () => client.send({ type: 'authenticate', token }));
  return client;
};

test('a device that says who it is with its first frame is welcomed, and served as any', async () => {
  const client = stranger();
  const welcome = await client.next();
  assert.deepEqual([welcome.type, client.socket.protocol], ['welcome', 'carillon.v1']);
  client.send({ type: 'ping' });
  assert.deepEqual(await client.next(), { type: 'pong' });
  await client.close();
});

test('it goes on from the cursor of the frame, or of the address', async () => {
  const cursor = emptyCursor(1, deviceMark('tv-1'));
  cursor.marks[2] = 1;
  const text = formatCursor(cursor);
  bench.inbox.put(bench.notification('tv-1', 1), bench.notification('tv-1', 2));
  const named = bench.client('', { protocols: ['carillon.v1'] });
  named.socket.on('open', () => named.send({ type: 'authenticate', token, after: text }));
  for (const client of [named, stranger(bench, `?after=${text}`)]) {
    const [, frame] = await client.take(2);
    assert.equal(frame?.type === 'notification' && frame.sequence, 2);
    client.socket.close();
  }
});

const frames: readonly [string, unknown, CloseCode][] = [
  ['no JSON', 'x', CLOSE_CODES.noToken],
  ['null', 'null', CLOSE_CODES.noToken],
  ['another frame', { type: 'ping' }, CLOSE_CODES.noToken],
  ['no token in it', { type: 'authenticate' }, CLOSE_CODES.noToken],
  ['a token that is none', { type: 'authenticate', token: 'x' }, CLOSE_CODES.badToken],
  [
    'a cursor that is none',
    { type: 'authenticate', token: 'x', after: 'x' },
    CLOSE_CODES.badCursor,
  ],
  [
    'a cursor that is no text',
    { type: 'authenticate', token: 'x', after: 7 },
    CLOSE_CODES.badCursor,
  ],
];
for (const [name, frame, { code, reason }] of frames) {
  test(`refused: ${name}: ${reason}`, async () => {
    const client = bench.client('', { protocols: ['carillon.v1'] });
    client.socket.on('open', () => client.send(frame));
    await client.until(() => client.closed !== undefined);
    assert.deepEqual(client.closed, { code, reason });
  });
}

test('a producer is not let in this way either, nor an address with too many bad tokens', async () => {
  const producer = await bench.token('p', 'producer');
  const client = bench.client('', { protocols: ['carillon.v1'] });
  client.socket.on('open', () => client.send({ type: 'authenticate', token: producer }));
  await client.until(() => client.closed !== undefined);
  assert.equal(client.closed?.code, CLOSE_CODES.notAllowed.code);
  const strict = await Bench.open({ budgets: { failures: { burst: 1, perSecond: 0.001 } } });
  try {
    for (const code of [CLOSE_CODES.badToken.code, CLOSE_CODES.tooMuch.code]) {
      const bad = strict.client('', { protocols: ['carillon.v1'] });
      bad.socket.on('open', () => bad.send({ type: 'authenticate', token: 'x' }));
      await bad.until(() => bad.closed !== undefined);
      assert.equal(bad.closed?.code, code);
    }
  } finally {
    await strict.close();
  }
});

test('what follows before the welcome closes it; binary is no first frame', async () => {
  const hasty = bench.client('', { protocols: ['carillon.v1'] });
  hasty.socket.on('upgrade', ({ socket }) => {
    hasty.socket.on('open', () => {
      // Both in one packet: what comes later is not read before the welcome.
      socket.cork();
      hasty.send({ type: 'authenticate', token });
      hasty.send({ type: 'ping' });
      socket.uncork();
    });
  });
  await hasty.until(() => hasty.closed !== undefined);
  assert.equal(hasty.closed?.code, CLOSE_CODES.badFrame.code);
  const binary = bench.client('', { protocols: ['carillon.v1'] });
  binary.socket.on('open', () => binary.socket.send(Buffer.from('{}')));
  await binary.until(() => binary.closed !== undefined);
  assert.equal(binary.closed?.code, CLOSE_CODES.noToken.code);
});

test('strangers are few, for a short time, and do not count once they have gone', async () => {
  const silent = [1, 2, 3].map(() => bench.client('', { protocols: ['carillon.v1'] }));
  const opened = new Set<Client>();
  for (const one of silent) one.socket.on('open', () => opened.add(one));
  await eventually(() => opened.size === 3, 'three that say nothing');
  const fourth = bench.client('', { protocols: ['carillon.v1'] });
  await fourth.until(() => fourth.refused !== undefined);
  assert.deepEqual([fourth.refused?.status, /CAR716/.test(fourth.refused!.body)], [503, true]);
  for (const one of silent) {
    await one.until(() => one.closed !== undefined);
    assert.deepEqual(one.closed, { code: 3504, reason: 'no-token' });
  }
  const gone = [1, 2, 3].map(() => bench.client('', { protocols: ['carillon.v1'] }));
  for (const one of gone) one.socket.on('open', () => one.socket.terminate());
  for (const one of gone) await one.until(() => one.closed !== undefined);
  const last = stranger();
  assert.equal((await last.next()).type, 'welcome');
});

test('while the gateway stops nobody is let in', async () => {
  const one = await Bench.open({ limits: { closeMs: 500, firstFrameMs: 400 } });
  await one.own('tv-1');
  const client = one.client('', { protocols: ['carillon.v1'] });
  await new Promise((resolve) => client.socket.once('open', resolve));
  const closing = one.close();
  if (client.socket.readyState === client.socket.OPEN) {
    client.send({ type: 'authenticate', token });
  }
  await client.until(() => client.closed !== undefined);
  assert.notEqual(client.closed?.code, 1000);
  assert.equal(client.waiting, 0, 'no welcome');
  await closing;
});
