/**
 * The floor of the embedded pipeline's latency: HTTP in, WebSocket out, and nothing between. It
 * speaks what the load of `latency-load.ts` speaks. Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** By member, who is also the bearer of the token here. */
const sockets = new Map<string, WebSocket>();

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { records } = JSON.parse(Buffer.concat(parts).toString()) as {
      records: { memberId: string }[];
    };
    for (const value of records) {
      sockets.get(value.memberId)?.send(JSON.stringify({ type: 'notification', value }));
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
});
new WebSocketServer({ server }).on('connection', (socket, request) => {
  sockets.set(String(request.headers.authorization).replace('Bearer ', ''), socket);
  socket.send('{"type":"welcome"}');
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
