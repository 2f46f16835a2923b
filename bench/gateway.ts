/**
 * What a device costs the gateway: memory per idle connection, and CPU per frame from a sink's
 * request to a socket; beside a floor, a bare `ws` server doing the least. Devices and sink are
 * another process.
 *
 *   node --expose-gc bench/gateway.ts [connections, 2000]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { DELIVER_PATH, DELIVERIES_TYPE, encodeDeliveries } from '../schemas/deliveries.ts';
import type { ServerFrame } from '../schemas/frames.ts';
import { Bench, INTERNAL } from '../test/kit/gateway-bench.ts';
import { printFigure } from './figure.ts';

const CONNECTIONS_MAX = 4_000;
const BATCH = 256;
const FRAMES = 200_000;
/** Connects under way at one time. */
const OPENING_MAX = 100;

type ToDevices =
  | { readonly do: 'connect'; readonly urls: readonly string[] }
  | { readonly do: 'deliver'; readonly url: string; readonly bodies: readonly Uint8Array[] }
  | { readonly do: 'disconnect' };
/** Bytes per connection, and CPU microseconds per frame. */
interface Cost {
  readonly heap: number;
  readonly rss: number;
  readonly frameMicros: number;
}

interface FromDevices {
  readonly done: string;
  readonly ids?: readonly string[];
  readonly frames: number;
}

function settled(): { heap: number; rss: number } {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

function ask(devices: ChildProcess, message: ToDevices): Promise<FromDevices> {
  return new Promise((resolve) => {
    devices.once('message', resolve);
    devices.send(message);
  });
}

async function idle(devices: ChildProcess, urls: readonly string[]) {
  const before = settled();
  const { ids } = await ask(devices, { do: 'connect', urls });
  // What the handshakes left behind is let go by the loop first.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const after = settled();
  return {
    ids: ids ?? [],
    heap: (after.heap - before.heap) / urls.length,
    rss: (after.rss - before.rss) / urls.length,
  };
}

async function gateway(devices: ChildProcess, count: number): Promise<Cost> {
  const bench = await Bench.open();
  const urls: string[] = [];
  const base = `${bench.gateway.url.replace('http', 'ws')}/v1/stream?access_token=`;
  for (let i = 0; i < count; i++) {
    await bench.own(`device-${i}`);
    urls.push(base + (await bench.token(`device-${i}`)));
  }
  const { heap, rss, ids } = await idle(devices, urls);
  const encoder = bench.schemas.encoder('DeviceNotification');
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < FRAMES; at += BATCH) {
    const items = Array.from({ length: BATCH }, (_, i) => {
      const device = (at + i) % count;
      const sequence = Math.floor((at + i) / count) + 1;
      const notification = bench.notification(`device-${device}`, sequence);
      return { connectionId: ids[device]!, value: encoder.toBuffer(notification) };
    });
    bodies.push(encodeDeliveries(items));
  }
  const url = bench.gateway.url + DELIVER_PATH;
  const frameMicros = await measured(devices, { do: 'deliver', url, bodies });
  await ask(devices, { do: 'disconnect' });
  await bench.close();
  return { heap, rss, frameMicros };
}

async function floor(devices: ChildProcess, count: number): Promise<Cost> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, clientTracking: false, perMessageDeflate: false });
  const open: WebSocket[] = [];
  sockets.on('connection', (socket) => {
    socket.send(JSON.stringify({ type: 'welcome', connectionId: String(open.length) }));
    open.push(socket);
  });
  let next = 0;
  const frame = 'x'.repeat(FRAME_CHARS);
  server.on('request', (request, response) => {
    request.resume().on('end', () => {
      for (let i = 0; i < BATCH; i++) open[next++ % open.length]!.send(frame);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urls = Array.from({ length: count }, () => `ws://${at}/`);
  const { heap, rss } = await idle(devices, urls);
  const bodies = Array.from({ length: Math.ceil(FRAMES / BATCH) }, () => new Uint8Array(1));
  const frameMicros = await measured(devices, { do: 'deliver', url: `http://${at}/`, bodies });
  await ask(devices, { do: 'disconnect' });
  server.close();
  return { heap, rss, frameMicros };
}

/** Characters of a frame of the gateway's run. */
const FRAME_CHARS = 330;

/** CPU microseconds of this process per frame. */
async function measured(devices: ChildProcess, work: ToDevices): Promise<number> {
  const cpu = process.cpuUsage();
  const { frames } = await ask(devices, work);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / frames;
}

function print(bare: Cost, own: Cost): void {
  printFigure({
    bench: 'gateway/idle-connection',
    value: own.heap / 1024,
    unit: 'KB heap',
    floor: bare.heap / 1024,
    beside: 'a bare ws server',
    more: { residentKb: own.rss / 1024, floorResidentKb: bare.rss / 1024 },
  });
  printFigure({
    bench: 'gateway/frame',
    value: own.frameMicros,
    unit: 'CPU-µs a frame',
    floor: bare.frameMicros,
    beside: 'a bare ws server that sends a fixed text',
  });
}

/** The other process: devices that count what comes, and a sink that posts. */
function beDevices(): void {
  let sockets: WebSocket[] = [];
  let frames = 0;
  const connect = (url: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      sockets.push(socket);
      socket.on('error', reject);
      socket.once('message', (data) => {
        const welcome = JSON.parse(String(data)) as ServerFrame;
        socket.on('message', () => frames++);
        resolve(welcome.type === 'welcome' ? welcome.connectionId : '');
      });
    });
  const act = async (message: ToDevices): Promise<FromDevices> => {
    frames = 0;
    if (message.do === 'connect') {
      const ids: string[] = [];
      for (let at = 0; at < message.urls.length; at += OPENING_MAX) {
        const some = message.urls.slice(at, at + OPENING_MAX);
        ids.push(...(await Promise.all(some.map(connect))));
      }
      return { done: message.do, ids, frames };
    }
    if (message.do === 'disconnect') {
      for (const socket of sockets) socket.terminate();
      sockets = [];
      return { done: message.do, frames };
    }
    const headers = { authorization: `Bearer ${INTERNAL}`, 'content-type': DELIVERIES_TYPE };
    for (const body of message.bodies) {
      const posted = { method: 'POST', headers, body: new Uint8Array(body) };
      await (await fetch(message.url, posted)).arrayBuffer();
    }
    const wanted = message.bodies.length * BATCH;
    while (frames < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
    return { done: message.do, frames };
  };
  process.on('message', (message: ToDevices) => {
    act(message).then((done) => process.send?.(done));
  });
}

if (process.argv[2] === 'devices') {
  beDevices();
} else {
  const count = Math.min(CONNECTIONS_MAX, Number(process.argv[2] ?? 2_000));
  const devices = fork(import.meta.filename, ['devices'], { serialization: 'advanced' });
  const bare = await floor(devices, count);
  print(bare, await gateway(devices, count));
  devices.kill();
}
