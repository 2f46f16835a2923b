/**
 * The floor of the devices' benchmark: `ws` alone. No tokens, no acknowledgements, no registry, no
 * pings; what is posted is sent as it is to the connections that it names.
 *
 *   body: (connection, bytes of the text: 32 bits each, then the text) for each frame
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { serveParent, tell } from './parent.ts';

const connections = Number(process.argv[2]);
const BACKLOG = 4_096;

const open: WebSocket[] = [];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    for (let at = 0; at < body.length; ) {
      const socket = open[body.readUInt32LE(at)]!;
      const end = at + 8 + body.readUInt32LE(at + 4);
      socket.send(body.toString('utf8', at + 8, end));
      at = end;
    }
    response.end();
  });
});
new WebSocketServer({ server, clientTracking: false, perMessageDeflate: false }).on(
  'connection',
  (socket, request) => {
    open[Number(request.url!.slice(1))] = socket;
    socket.send('{"type":"welcome"}');
  },
);
server.listen(0, '127.0.0.1', BACKLOG, () => {
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urls = Array.from({ length: connections }, (_, n) => `ws://${at}/${n}`);
  tell({ is: 'ready', urls, pushUrl: `http://${at}/` });
});
serveParent();
