/**
 * The embedded log by itself, with nothing that thinks above it: how fast it takes and restores,
 * and how many bytes it writes an event at 2,000 events/s. The pipeline is played: per event one
 * batch from a producer, a unit with one notification and two changelog rows, and a row of the
 * inbox.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedInbox } from '../connectors/embedded/inbox.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../connectors/embedded/log.ts';
import { BatchBuilder } from '../core/batch-builder.ts';
import { systemClock } from '../core/clock.ts';
import type { EncodedBatch, GroupSpec, LogBatch, TaskPort } from '../core/log.ts';
import { readBatch } from '../core/record-batch.ts';
import { RecordScan } from '../core/record-scan.ts';
import { printFigure } from './figure.ts';

const PARTITIONS = 4;
const APPENDED = 400_000;
const STATE_ROWS = 1_000_000;
const DEVICES = 50_000;
const EVENTS_PER_SECOND = 2_000;
const SECONDS = 15;
/**
 * Half of each payload is noise, as ids are; the rest repeats, as names of fields and titles do.
 */
const PAYLOADS = Array.from({ length: 997 }, () =>
  Buffer.from(
    `{"title":"The Crown","kind":"episode","profile":"${randomBytes(90).toString('base64')}",` +
      '"season":4,"positionMs":1234}',
  ),
);

async function withLog<T>(body: (log: EmbeddedLog, dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-log-bench-'));
  const log = openEmbeddedLog({ dir, clock: systemClock });
  const topic = (name: string, cleanup: 'delete' | 'compact') => {
    return { name, partitions: PARTITIONS, cleanup };
  };
  try {
    await log.applyTopics([
      topic('events', 'delete'),
      topic('lane', 'delete'),
      topic('dedup', 'compact'),
      topic('numbers', 'compact'),
    ]);
    return await body(log, dir);
  } finally {
    await log.close();
    rmSync(dir, { recursive: true });
  }
}

function spec(group: string, inputs: readonly string[], isInside = true): GroupSpec {
  return {
    group,
    partitions: PARTITIONS,
    inputs,
    tables: [],
    stores: [],
    transactional: isInside,
    topologyHash: '',
  };
}

/** Runs `turn` with the ports that were woken, once a turn of the event loop. */
function worker(turn: (ports: ReadonlySet<TaskPort>) => void) {
  let woken = new Set<TaskPort>();
  const wake = (port: TaskPort) => {
    if (woken.size === 0) {
      setImmediate(() => {
        const ports = woken;
        woken = new Set();
        turn(ports);
      });
    }
    woken.add(port);
  };
  const open = (port: TaskPort) => ({
    restore() {},
    table() {},
    ready() {},
    wake: () => wake(port),
    async close() {},
  });
  return { open };
}

function takeAll(port: TaskPort, topic: string): readonly LogBatch[] {
  const batches: LogBatch[] = [];
  for (;;) {
    const batch = port.take(topic);
    if (batch === undefined) return batches;
    batches.push(batch);
  }
}

const committed = (topic: string, batches: readonly LogBatch[]) => {
  const last = batches.at(-1);
  if (last === undefined) return [];
  return [{ topic, offset: last.nextOffset, metadata: '' }];
};

/** One notification and two changelog rows an event. */
function outputsOf(partition: number, batches: readonly LogBatch[]): EncodedBatch[] {
  const [lane, dedup, numbers] = ['lane', 'dedup', 'numbers'].map(
    (topic) => new BatchBuilder(topic, partition),
  ) as [BatchBuilder, BatchBuilder, BatchBuilder];
  for (const batch of batches) {
    for (const { timestamp, key, valueBytes, eventId } of readBatch(batch)) {
      const head = Buffer.from(`${eventId};viewing-activity;normal;1;0;`);
      lane.append(timestamp, key, Buffer.concat([head, valueBytes!]));
      dedup.append(timestamp, eventId, Buffer.alloc(8));
      numbers.append(timestamp, key, Buffer.alloc(40));
    }
  }
  return [lane, dedup, numbers].flatMap((of) => (of.count > 0 ? [of.finish()] : []));
}

async function bytesWritten(log: EmbeddedLog): Promise<{ bytes: number; commits: number }> {
  const inbox = openEmbeddedInbox(log);
  let told = 0;
  const streams = worker((ports) => {
    const parts = [...ports].map((port) => {
      const taken = takeAll(port, 'events');
      const { partition } = port;
      return {
        partition,
        batches: outputsOf(partition, taken),
        offsets: committed('events', taken),
      };
    });
    for (const { unit } of [...ports].slice(0, 1)) unit.commit({ parts });
  });
  const sink = worker((ports) => {
    const parts = [...ports].map((port) => {
      const taken = takeAll(port, 'lane');
      for (const batch of taken) {
        for (const { offset, key, timestamp, valueBytes } of readBatch(batch)) {
          told++;
          const notification = {
            id: `${offset}/${batch.partition}`,
            deviceId: key!,
            epoch: 1,
            sequence: offset + 1,
            previous: offset,
            useCase: 'viewing-activity',
            priority: 'normal' as const,
            deadline: 0,
            collapseKey: null,
            count: 1,
            born: timestamp,
            payloadSchemaId: 7,
            payload: valueBytes!,
          };
          void inbox.write([{ notification, expiresAt: timestamp + 600_000 }]);
        }
      }
      return { partition: port.partition, batches: [], offsets: committed('lane', taken) };
    });
    for (const { unit } of [...ports].slice(0, 1)) unit.commit({ parts });
  });
  await log.openGroup(spec('streams', ['events']), streams);
  await log.openGroup(spec('inbox', ['lane']), sink);
  await feed(log, () => told);
  await inbox.close();
  // Closing copies what is in the WAL into the file, as would be done by and by.
  await log.close();
  const { bytesWritten, commits } = log.counts;
  return { bytes: bytesWritten / (EVENTS_PER_SECOND * SECONDS), commits };
}

/** Sends events at their pace, one a batch, and waits until all of them were told. */
async function feed(log: EmbeddedLog, told: () => number): Promise<void> {
  const producer = await log.producer();
  const events = EVENTS_PER_SECOND * SECONDS;
  const startedAt = performance.now();
  for (let sent = 0; told() < events; ) {
    const seconds = (performance.now() - startedAt) / 1_000;
    for (const due = Math.min(events, seconds * EVENTS_PER_SECOND); sent < due; sent++) {
      const device = (sent * 7_919) % DEVICES;
      const builder = new BatchBuilder('events', device % PARTITIONS);
      builder.append(systemClock.now(), `device-${device}`, PAYLOADS[sent % PAYLOADS.length]!);
      void producer.send([builder.finish()]);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Events/s that producers get in, 100 a batch. */
async function appendRate(log: EmbeddedLog): Promise<number> {
  const producer = await log.producer();
  const startedAt = performance.now();
  const sends: Promise<unknown>[] = [];
  for (let n = 0; n < APPENDED; n += 100) {
    const builder = new BatchBuilder('events', (n / 100) % PARTITIONS);
    for (let i = n; i < n + 100; i++) {
      builder.append(i, `device-${i % DEVICES}`, PAYLOADS[i % PAYLOADS.length]!);
    }
    sends.push(producer.send([builder.finish()]));
    if (sends.length === 64) await Promise.all(sends.splice(0));
  }
  await Promise.all(sends);
  return APPENDED / ((performance.now() - startedAt) / 1_000);
}

/** Rows/s that come back from a changelog of a million keys; and how fast the same bytes scan. */
async function restoreRate(log: EmbeddedLog): Promise<{ rate: number; floor: number }> {
  const producer = await log.producer();
  const batches: Buffer[] = [];
  for (let n = 0; n < STATE_ROWS; n += 1_000) {
    const builder = new BatchBuilder('dedup', (n / 1_000) % PARTITIONS);
    for (let i = n; i < n + 1_000; i++) {
      builder.append(i, `member-${(i * 7_919) % STATE_ROWS}-episode`, Buffer.alloc(16));
    }
    const batch = builder.finish();
    batches.push(batch.bytes);
    await producer.send([batch]);
  }
  const scan = new RecordScan();
  const count = (bytes: Buffer) => {
    let rows = 0;
    for (scan.open(bytes, 0); scan.next(); ) rows++;
    return rows;
  };
  let restored = 0;
  const open = () => ({
    restore(_: string, { bytes }: LogBatch) {
      restored += count(bytes);
    },
    table() {},
    ready() {},
    wake() {},
    async close() {},
  });
  const startedAt = performance.now();
  const stores = [{ store: 'dedup', changelog: 'dedup' }];
  await log.openGroup({ ...spec('restoring', []), stores }, { open });
  const rate = restored / ((performance.now() - startedAt) / 1_000);
  const floorAt = performance.now();
  for (const bytes of batches) count(bytes);
  return { rate, floor: STATE_ROWS / ((performance.now() - floorAt) / 1_000) };
}

/** What an event's payload takes, as often as it is kept: in its topic, the lane and the inbox. */
const payloadBytes = 3 * (PAYLOADS[0]!.length + 40);

if (import.meta.main) {
  const appended = await withLog(appendRate);
  const { rate, floor } = await withLog(restoreRate);
  const { bytes: written, commits } = await withLog(bytesWritten);
  printFigure({
    bench: 'embedded-log/append',
    value: Math.round(appended),
    unit: 'events/s',
    floor: 40_000,
    beside: 'what the whole pipeline is to do',
  });
  printFigure({
    bench: 'embedded-log/restore',
    value: Math.round(rate),
    unit: 'rows/s',
    floor: Math.round(floor),
    beside: 'going through the same bytes in memory',
    aim: '1,000,000 rows/s',
    met: rate >= 1_000_000,
  });
  printFigure({
    bench: 'embedded-log/written',
    value: Math.round(written),
    unit: `bytes an event at ${EVENTS_PER_SECOND}/s`,
    floor: payloadBytes,
    beside: 'the event and its copies, as they are',
    aim: 'below 3,072',
    met: written < 3_072,
    more: { commits, seconds: SECONDS },
  });
}
