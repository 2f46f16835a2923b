/**
 * Sends through the push sinks, per second and per second of processor time, each against its
 * stand-in (in a worker, on another core), beside the floor: a bare loop of node:http2 requests
 * with the same headers and body, against the same stand-in, in turns within one run. Prints one
 * JSON line per sink.
 *
 *     node bench/push-sinks.ts [sends]
 */
import { connect } from 'node:http2';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { apns } from '../connectors/apns/apns.ts';
import { startApnsFake } from '../connectors/apns/fake.ts';
import { startFcmFake } from '../connectors/fcm/fake.ts';
import { fcm } from '../connectors/fcm/fcm.ts';
import { systemClock } from '../core/clock.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type { Delivery } from '../core/outcome.ts';
import type { Sink } from '../core/spec.ts';
import { printFigure } from './figure.ts';

const IN_FLIGHT = 256;
const ROUNDS = 3;
const TOKEN = { fcm: 'fcm-token-1', apns: 'ab'.repeat(32) };

type Kind = 'fcm' | 'apns';

async function serve(kind: Kind): Promise<void> {
  // As many streams as the sinks may have under way, so that the provider's limit is not measured.
  const options = { streamsMax: IN_FLIGHT, keep: 100 };
  const fake = kind === 'fcm' ? await startFcmFake(options) : await startApnsFake(options);
  parentPort!.postMessage(fake.settings);
  parentPort!.once('message', async () => {
    await fake.close();
    process.exit(0);
  });
}

function delivery(kind: Kind): Delivery {
  const notification: DeviceNotification = {
    id: '00000000-0000-4000-8000-000000000001',
    deviceId: 'device-1',
    epoch: 1,
    sequence: 1,
    previous: 0,
    useCase: 'va',
    priority: 'normal',
    deadline: 0,
    collapseKey: null,
    count: 1,
    born: 0,
    payloadSchemaId: 1,
    payload: Buffer.alloc(0),
  };
  const transports = [{ kind, token: TOKEN[kind], environment: 'production', registeredAt: 0 }];
  const device = { transports } as unknown as Delivery['device'];
  return { notification, bytes: Buffer.alloc(0), device, joined: undefined, attempt: 1 };
}

interface Rate {
  readonly perSecond: number;
  /** Of this thread's processor time: what the stand-in and the neighbours cost is not in it. */
  readonly perCpuSecond: number;
}

/** How fast `one` goes, `IN_FLIGHT` at a time. */
async function rate(sends: number, one: () => Promise<void>): Promise<Rate> {
  let left = sends;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  const start = performance.now();
  const cpu = process.threadCpuUsage();
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const used = process.threadCpuUsage(cpu);
  return {
    perSecond: (sends / (performance.now() - start)) * 1_000,
    perCpuSecond: (sends / (used.user + used.system)) * 1_000_000,
  };
}

function median(rates: readonly Rate[], of: keyof Rate): number {
  const sorted = rates.map((rate) => rate[of]).sort((a, b) => a - b);
  return Math.round(sorted[sorted.length >> 1]!);
}

async function openSink(kind: Kind, settings: Readonly<Record<string, unknown>>): Promise<Sink> {
  const payload = { eventId: 'e-1', memberId: 'm-1', profileId: 'p-1', titleId: 't-9' };
  const service = <T>() => (async () => payload) as T;
  const context = { name: kind, clock: systemClock, settings, service };
  if (kind === 'fcm') return fcm.open({ project: 'carillon-sample' }, context);
  return apns.open({ bundle: 'com.example.carillon', push_type: 'background' }, context);
}

interface Request {
  readonly headers: Record<string, string | number>;
  readonly body: Buffer;
}

/** What the sink sends, seen on the way of a send of its own: the floor sends the same. */
async function sample(kind: Kind, sink: Sink): Promise<Request> {
  const { Http2Session } = await import('../connectors/http2-session.ts');
  const real = Http2Session.prototype.request;
  let seen: Request | undefined;
  Http2Session.prototype.request = function look(headers, body) {
    seen = { headers: headers as Request['headers'], body };
    return real.call(this, headers, body);
  };
  await sink.deliver([delivery(kind)]);
  Http2Session.prototype.request = real;
  return seen!;
}

async function measure(kind: Kind, sends: number): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: kind });
  const settings = await new Promise<Record<string, unknown>>((resolve) =>
    worker.once('message', resolve),
  );
  const sink = await openSink(kind, settings);
  await sink.probe();
  const request = await sample(kind, sink);
  const endpoint = String(settings.endpoint ?? settings.production_endpoint);
  const session = connect(endpoint, { ca: String(settings.ca), maxSessionMemory: 64 });
  const bare = () =>
    new Promise<void>((resolve, reject) => {
      const stream = session.request(request.headers);
      stream.on('response', (headers) => {
        if (headers[':status'] !== 200) reject(new Error(`status ${headers[':status']}`));
      });
      stream.on('error', reject);
      stream.on('end', resolve);
      stream.resume();
      stream.end(request.body);
    });
  const one = delivery(kind);
  const through = async () => {
    const [outcome] = await sink.deliver([one]);
    if (outcome?.kind !== 'delivered') throw new Error(JSON.stringify(outcome));
  };
  const floors: Rate[] = [];
  const sinks: Rate[] = [];
  await rate(2_000, bare);
  await rate(2_000, through);
  for (let round = 0; round < ROUNDS; round++) {
    floors.push(await rate(sends, bare));
    sinks.push(await rate(sends, through));
  }
  const own = median(sinks, 'perCpuSecond');
  const floor = median(floors, 'perCpuSecond');
  printFigure({
    bench: `push-sinks/${kind}`,
    value: own,
    unit: 'sends/CPU-s',
    floor,
    beside: 'a bare loop of HTTP/2 requests',
    more: {
      perSecond: median(sinks, 'perSecond'),
      floorPerSecond: median(floors, 'perSecond'),
    },
  });
  session.close();
  await sink.close();
  worker.postMessage('close');
  await new Promise((resolve) => worker.once('exit', resolve));
}

if (isMainThread) {
  const sends = Number(process.argv[2] ?? 20_000);
  for (const kind of ['fcm', 'apns'] as const) await measure(kind, sends);
} else {
  await serve(workerData as Kind);
}
