/** What is in Cassandra and in Kafka, read by the clients themselves and none of our code. */
import cassandra from 'cassandra-driver';
import { Kafka, logLevel } from 'kafkajs';
import type { SharedServers } from '../kit/shared-servers.ts';

export interface StoredRow {
  readonly device: string;
  readonly epoch: number;
  readonly priority: number;
  readonly sequence: number;
  readonly id: string;
  readonly count: number;
}

const PAGE_ROWS = 5_000;

/** The whole inbox, by device, epoch, priority, sequence. */
export async function readInbox(
  { contactPoints, port, localDataCenter }: SharedServers['cassandra'],
  keyspace: string,
): Promise<StoredRow[]> {
  const client = new cassandra.Client({
    contactPoints: [...contactPoints],
    localDataCenter,
    keyspace,
    protocolOptions: { port },
    socketOptions: { readTimeout: 60_000 },
  });
  try {
    await client.connect();
    const rows: StoredRow[] = [];
    const cql = 'SELECT device_id, epoch, priority, sequence, id, count FROM inbox';
    const options = { fetchSize: PAGE_ROWS, prepare: true, autoPage: true };
    for await (const row of await client.execute(cql, [], options)) {
      rows.push({
        device: row.get(0),
        epoch: row.get(1),
        priority: row.get(2),
        sequence: row.get(3),
        id: row.get(4),
        count: row.get(5),
      });
    }
    return rows;
  } finally {
    await client.shutdown();
  }
}

export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** How many offsets a topic has given, control records of transactions among them. */
export async function offsetsOf(brokers: readonly string[], topic: string): Promise<number> {
  const admin = kafkaOf(brokers).admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    return ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** How many records of a topic a group has not committed yet; all of them when it has nothing. */
export async function lagOf(
  brokers: readonly string[],
  group: string,
  topic: string,
): Promise<number> {
  const admin = kafkaOf(brokers).admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    const committed = new Map(found!.partitions.map((one) => [one.partition, Number(one.offset)]));
    return ends.reduce(
      (sum, { partition, high }) => sum + Number(high) - Math.max(0, committed.get(partition) ?? 0),
      0,
    );
  } finally {
    await admin.disconnect();
  }
}

/** Reads `count` committed records of a topic, or throws after `timeoutMs`. */
export async function readRecords(
  brokers: readonly string[],
  topic: string,
  count: number,
  timeoutMs = 30_000,
): Promise<StoredRecord[]> {
  if (count === 0) return [];
  const groupId = `reader-${topic}-${process.pid}-${performance.now()}`;
  const consumer = kafkaOf(brokers).consumer({ groupId, maxWaitTimeInMs: 200 });
  const records: StoredRecord[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${records.length} of ${count} records came from ${topic}`)),
        timeoutMs,
      );
      const eachBatch = async ({ batch }: { batch: import('kafkajs').Batch }) => {
        for (const { key, value, headers } of batch.messages) {
          records.push({
            topic,
            partition: batch.partition,
            key: key?.toString() ?? '',
            value,
            headers: Object.fromEntries(
              Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]),
            ),
          });
        }
        if (records.length < count) return;
        clearTimeout(late);
        resolve();
      };
      consumer.run({ eachBatch }).catch(reject);
    });
    return records;
  } finally {
    await consumer.disconnect();
  }
}

export function kafkaOf(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}
