import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { packageFolder } from '../version.ts';

/** A gateway of few words: what it does with each connection is a script. */
async function gateway(
  script: readonly ((socket: WebSocket, url: URL) => void)[],
): Promise<{ url: string; close(): void }> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'carillon.v1',
  });
  let next = 0;
  server.on('connection', (socket, request) => {
    script[next++]?.(socket, new URL(request.url!, 'http://gateway'));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

const welcome = {
  type: 'welcome',
  connectionId: 'c',
  deviceId: 'd',
  epoch: 1,
  heartbeatMs: 30_000,
};
const told = { type: 'notification', id: 'n', sequence: 1, previous: 0, value: {} };
const send = (socket: WebSocket, frame: object) => socket.send(JSON.stringify(frame));

test('carillon device ends with CAR913 when it is turned away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-device-'));
  after(() => rmSync(folder, { recursive: true }));
  const { url, close } = await gateway([
    (socket) => {
      send(socket, { ...welcome, cursor: 'c0' });
      send(socket, { ...told, priority: 'high', useCase: 'pl', count: 1, born: 0, cursor: 'c1' });
      socket.close(3502, 'deleted');
    },
  ]);
  const words = ['device', '--id', 'd', '--url', url];
  const child = spawn(process.execPath, [join(packageFolder, 'cli/carillon.ts'), ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  close();
  assert.match(out, /^high #1 +pl .* \{\}\n$/);
  assert.match(err, /error CAR913 device-turned-away\n.*deleted/);
  assert.equal(code, 1);
});
