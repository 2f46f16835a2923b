/**
 * The gateway of the devices' benchmark, whole: tokens, registry rows, lease, pings, cursors,
 * fills, each connection's bounds. Its log forgets what it has told, and its inbox is empty.
 */
import { join } from 'node:path';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import type { Group, Log, Producer } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { mintToken } from '../../gateway/auth.ts';
import { startGateway } from '../../gateway/gateway.ts';
import { GATEWAY_SCHEMAS } from '../../gateway/gateway-options.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { DELIVER_PATH } from '../../schemas/deliveries.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { FakeInbox } from '../../test/kit/gateway-fakes.ts';
import { serveParent, tell } from './parent.ts';

type OnRecords = Parameters<Log['follow']>[1];
const PARTITIONS = 4;
const ROWS = 500;
const DAY_MS = 86_400_000;
/** Worth nothing. */
export const SECRET = 'a secret of a benchmark that is long enough, and no more';
export const INTERNAL = 'an-internal-token-of-a-benchmark-which-is-long-enough';
export const TOPICS = [
  ...GATEWAY_SCHEMAS,
  { topic: 'tables.device-owners', schema: 'Device' },
  { topic: 'tables.presence', schema: 'Presence' },
  { topic: 'notifications.normal.websocket', schema: 'DeviceNotification' },
  { topic: 'events.plan-change', schema: 'PlanChange' },
];

/** A registry gives ids in the order of the topics: here and in the fleet the same. */
export async function openSchemas(): Promise<AvroSchemas> {
  const folder = readSchemaFolder(join(import.meta.dirname, '../../schemas'));
  const schemas = new AvroSchemas(folder, new MemoryRegistry(), systemClock);
  await schemas.open(TOPICS);
  return schemas;
}

/** Tells who follows, and keeps nothing. */
function forgetfulLog(): Log {
  const followers = new Map<string, OnRecords[]>();
  const ends = new Map<string, number>();
  const producer: Producer = {
    send: async (batches) =>
      batches.map((batch) => {
        const place = `${batch.topic}/${batch.partition}`;
        const base = ends.get(place) ?? 0;
        ends.set(place, base + batch.count);
        const told = followers.get(batch.topic) ?? [];
        if (told.length === 0) return base;
        const records = readBatch(wholeBatch(batch.topic, batch.partition, batch.bytes, base));
        for (const onRecords of told) onRecords(records);
        return base;
      }),
    close: async () => undefined,
  };
  return {
    applyTopics: async () => {},
    partitionsOf: async () => PARTITIONS,
    producer: async () => producer,
    openGroup: async (): Promise<Group> => {
      throw new Error('a log without groups');
    },
    async *read() {},
    follow: async (topic: string, onRecords: OnRecords) => {
      followers.set(topic, [...(followers.get(topic) ?? []), onRecords]);
      return { close: async () => undefined };
    },
    probe: async () => {},
    troubles: () => [],
    close: async () => {},
  };
}

async function own(log: Log, schemas: AvroSchemas, ids: readonly string[]): Promise<void> {
  const producer = await log.producer();
  const encoder = schemas.encoder('Device');
  const none = { platform: '', app: '', locale: '', transports: [] };
  for (let at = 0; at < ids.length; at += ROWS) {
    const builders = Array.from(
      { length: PARTITIONS },
      (_, partition) => new BatchBuilder('tables.device-owners', partition),
    );
    for (const deviceId of ids.slice(at, at + ROWS)) {
      const row = { deviceId, memberId: `m-${deviceId}`, epoch: 1, status: 'ACTIVE', class: 'tv' };
      const value = encoder.toBuffer({ ...row, ...none, updatedAt: 1 });
      builders[partitionOfText(deviceId, PARTITIONS)]!.append(1, deviceId, value);
    }
    await producer.send(builders.filter(({ count }) => count > 0).map((one) => one.finish()));
  }
}

async function serve(connections: number): Promise<void> {
  const log = forgetfulLog();
  const schemas = await openSchemas();
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    internal: { host: '127.0.0.1', port: 0 },
    gatewayId: 'gateway-of-a-benchmark',
    log,
    schemas,
    inbox: new FakeInbox(),
    clock: systemClock,
    auth: { secret: SECRET, internalToken: INTERNAL },
    eventTypes: new Map(),
    random: Math.random,
    roles: { devices: true, ingest: false },
  });
  const ids = Array.from({ length: connections }, (_, n) => `device-${n}`);
  await own(log, schemas, ids);
  const base = `${gateway.url.replace('http', 'ws')}/v1/stream?access_token=`;
  const token = (subject: string) =>
    mintToken({ secret: SECRET, subject, clock: systemClock, ttlMs: DAY_MS });
  const urls = await Promise.all(ids.map(async (id) => base + (await token(id))));
  tell({ is: 'ready', urls, pushUrl: gateway.internalUrl + DELIVER_PATH });
  serveParent();
}

if (import.meta.main) await serve(Number(process.argv[2]));
