import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Sockets } from './sockets.ts';

const failure = async (socket: NodeJS.EventEmitter) =>
  ((await once(socket, 'error')) as [Error])[0].message;

test('a client that is cut off has no sockets, and gets none', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const sockets = new Sockets();
    const asked = { host: '127.0.0.1', port, ssl: undefined as never };
    const first = await new Promise<ReturnType<typeof sockets.factory>>((resolve) => {
      const socket = sockets.factory({ ...asked, onConnect: () => resolve(socket) });
    });
    assert.equal(sockets.size, 1);
    const ended = once(first, 'close');
    sockets.cut();
    await ended;
    const second = sockets.factory({ ...asked, onConnect: () => assert.fail('connected') });
    assert.equal(await failure(second), 'the client was cut off');
    assert.equal(sockets.size, 0);
  } finally {
    server.close();
  }
});
