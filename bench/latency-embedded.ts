/**
 * Embedded: milliseconds from before `POST /v1/events` until the frame is at the device, at 1,000
 * events/s, log and inbox included. The pipeline is one process, producer and devices are this one.
 * The floor is a bare HTTP server that sends the same to the same sockets, in a process of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startApnsFake } from '../connectors/apns/fake.ts';
import { startFcmFake } from '../connectors/fcm/fake.ts';
import { House } from '../test/e2e/embedded-run.ts';
import { printFigure } from './figure.ts';
import { type Latency, LOAD, type LoadEvent, listen, runLoad, Stopwatch } from './latency-load.ts';

const DEVICES = 100;
const AIM_P99_MS = 50;

const members = Array.from({ length: DEVICES }, (_, i) => `m-${i}`);

const bodyOf = (events: readonly LoadEvent[]) => ({
  records: events.map(({ eventId, memberId, bornMs }) => {
    return { eventId, memberId, planTo: 'premium', changedAt: bornMs };
  }),
});

export async function embeddedLatency(): Promise<Latency> {
  const [fcm, apns] = await Promise.all([
    startFcmFake({ project: 'carillon-demo' }),
    startApnsFake({ bundle: 'com.example.carillon' }),
  ]);
  const house = new House({ connectors: { fcm: fcm.settings, apns: apns.settings } });
  try {
    await house.start();
    for (const member of members) await house.register(`tv-${member}`, member, 'websocket');
    const watch = new Stopwatch();
    const sockets = [];
    for (const member of members) {
      const device = `tv-${member}`;
      sockets.push(await listen(house.url, await house.token('device', device), watch));
    }
    const producer = await house.client('producer');
    const latency = await runLoad(LOAD, members, [watch], (events) =>
      producer.postEvents('plan-change', bodyOf(events).records),
    );
    for (const socket of sockets) socket.terminate();
    return latency;
  } finally {
    await house.close();
    await Promise.all([fcm.close(), apns.close()]);
  }
}

export async function echoLatency(): Promise<Latency> {
  const file = new URL('./echo-server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const url = `http://127.0.0.1:${port.toString().trim()}`;
    const watch = new Stopwatch();
    const sockets = [];
    for (const member of members) sockets.push(await listen(url, member, watch));
    const latency = await runLoad(LOAD, members, [watch], async (events) => {
      const body = JSON.stringify(bodyOf(events));
      await (await fetch(url, { method: 'POST', body })).text();
    });
    for (const socket of sockets) socket.terminate();
    return latency;
  } finally {
    child.kill('SIGKILL');
  }
}

if (import.meta.main) {
  const floor = await echoLatency();
  const measured = await embeddedLatency();
  printFigure({
    bench: 'latency-embedded',
    value: measured.p99Ms,
    unit: 'ms p99',
    floor: floor.p99Ms,
    beside: 'HTTP in, WebSocket out, nothing between',
    aim: `p99 below ${AIM_P99_MS} ms`,
    met: measured.p99Ms < AIM_P99_MS && measured.lost === 0,
    more: { measured, floor, load: LOAD, devices: DEVICES },
  });
}
