/** The bodies that are pushed, as each server wants them. */
import { Agent, request } from 'node:http';
import { systemClock } from '../../core/clock.ts';
import type { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { DELIVERIES_TYPE, decodeOutcomes, encodeDeliveries } from '../../schemas/deliveries.ts';
import { INTERNAL, openSchemas } from './gateway-server.ts';
import type { Kind } from './talk.ts';

export interface Pushes {
  /** One frame for each of these devices, in one request where the server takes batches. */
  push(devices: readonly number[]): Promise<void>;
}

/** Of a gateway: its welcome named the connection. */
export interface Device {
  connectionId: string;
  sequence: number;
}

const SOCKETS_MAX = 128;
const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });

function post(
  url: string,
  headers: { readonly [name: string]: string },
  body: Buffer,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`pushed, and answered ${answer.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.setHeader('content-length', body.length);
    sent.end(body);
  });
}

/** As the websocket sink does it; each record has an outcome. */
async function toGateway(url: string, devices: readonly Device[]): Promise<Pushes> {
  const schemas = await openSchemas();
  const headers = { authorization: `Bearer ${INTERNAL}`, 'content-type': DELIVERIES_TYPE };
  const notification = notificationOf(schemas);
  return {
    async push(numbers) {
      const items = numbers.map((n) => {
        const device = devices[n]!;
        return { connectionId: device.connectionId, value: notification(n, ++device.sequence) };
      });
      const answer = await post(url, headers, encodeDeliveries(items));
      const outcomes = decodeOutcomes(answer, items.length);
      const other = outcomes?.find((outcome) => outcome !== 'delivered');
      if (outcomes === undefined || other !== undefined) throw new Error(`pushed, and ${other}`);
    },
  };
}

function notificationOf(schemas: AvroSchemas): (n: number, sequence: number) => Buffer {
  const event = schemas.encoder('PlanChange');
  const encoder = schemas.encoder('DeviceNotification');
  const now = systemClock.now();
  const plan = { planFrom: null, planTo: 'premium', streamsMax: 4, changedAt: now };
  const payload = event.toBuffer({ eventId: 'an-event', memberId: 'm-1', ...plan }).subarray(5);
  const same = { epoch: 1, useCase: 'pl', priority: 'normal', deadline: 0, collapseKey: null };
  const rest = { ...same, count: 1, born: now, payloadSchemaId: event.schemaId, payload };
  return (n, sequence) => {
    const id = `018f0000-0000-8000-8000-${String(sequence).padStart(12, '0')}`;
    const of = { id, deviceId: `device-${n}`, sequence, previous: sequence - 1 };
    return encoder.toBuffer({ ...of, ...rest });
  };
}

function toWs(url: string, frameChars: number): Pushes {
  const text = Buffer.from('x'.repeat(frameChars));
  return {
    async push(numbers) {
      const heads = numbers.map((n) => {
        const head = Buffer.alloc(8);
        head.writeUInt32LE(n, 0);
        head.writeUInt32LE(text.length, 4);
        return [head, text];
      });
      await post(url, {}, Buffer.concat(heads.flat()));
    },
  };
}

/** One record a request: it knows no batches. */
function toZuul(url: string, frameChars: number): Pushes {
  const body = Buffer.from('x'.repeat(frameChars));
  return {
    async push(numbers) {
      await Promise.all(numbers.map((n) => post(url, { 'x-device': String(n) }, body)));
    },
  };
}

export async function pushesTo(
  kind: Kind,
  url: string,
  devices: readonly Device[],
  frameChars: number,
): Promise<Pushes> {
  if (kind === 'gateway') return await toGateway(url, devices);
  return kind === 'ws' ? toWs(url, frameChars) : toZuul(url, frameChars);
}
