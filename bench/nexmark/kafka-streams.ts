/** Kafka Streams on the same queries, without a broker: InProcess.java, in one process for all. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { CLASS_PATH } from '../peer/build.ts';
import { writeLoad } from '../peer/loader.ts';
import type { Run } from './carillon.ts';
import { type EventOptions, nexmarkEvents } from './events.ts';
import { KINDS, loadRecords } from './load.ts';
import { inputTopic, type Query } from './queries.ts';
import type { Told } from './told.ts';

export interface PeerOptions {
  readonly load: EventOptions;
  readonly passes: number;
  /** State in RocksDB, not in memory. */
  readonly rocksdb: boolean;
  /** Of this run alone; removed by whoever made it. */
  readonly folder: string;
}

/** The settings of a Kafka Streams application of ours, in the form that Settings.java reads. */
export function writeSettings(
  file: string,
  schemas: Pick<AvroSchemas, 'encoder'>,
  more: { readonly [name: string]: string },
): void {
  const written = ['Bid', 'BidInEuro', 'AuctionPrice', 'HotItem', 'HighestBid'];
  const ids = [...written, 'NewSeller', 'BidderSession'].map(
    (name) => [`schema.${name}`, String(schemas.encoder(name).schemaId)] as const,
  );
  const lines = [...Object.entries(more), ...ids].map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(''));
}

/** The runs of each query, after one that is not measured; all of them on one virtual machine. */
export async function runKafkaStreams(
  queries: readonly Query[],
  schemas: AvroSchemas,
  options: PeerOptions,
): Promise<ReadonlyMap<string, readonly Run[]>> {
  const { folder, load, passes, rocksdb } = options;
  const settings = join(folder, 'settings');
  writeSettings(settings, schemas, {
    'application.id': 'nexmark',
    brokers: 'none:1',
    'state.dir': join(folder, 'state'),
    threads: '1',
    guarantee: 'at_least_once',
    'commit.interval.ms': '100',
    store: rocksdb ? 'rocksdb' : 'memory',
  });
  const file = join(folder, 'load');
  writeLoad(file, KINDS.map(inputTopic), 1, loadRecords(schemas, nexmarkEvents(load)));
  const child = spawn(
    'java',
    [
      ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-Xms2g', '-Xmx4g'],
      ...['-XX:+UseParallelGC', '-cp', CLASS_PATH, 'carillon.nexmark.InProcess'],
      ...[settings, file, folder, String(passes), ...queries.map(({ name }) => name)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit');
  const runs = new Map<string, Run[]>();
  for await (const line of createInterface({ input: child.stdout })) {
    const { query, ...run } = JSON.parse(line) as Run & { query: string };
    runs.set(query, [...(runs.get(query) ?? []), run]);
  }
  const [code] = await ended;
  process.off('exit', kill);
  if (code !== 0) throw new Error(`Kafka Streams ended with ${code}`);
  return runs;
}

/** What it told in the run that was not measured. */
export function* toldByKafkaStreams({ name }: Query, folder: string): Generator<Told> {
  for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
    if (line === '') continue;
    const [, atMs, key, base64] = line.split('\t') as [string, string, string, string];
    yield { key, atMs: Number(atMs), value: Buffer.from(base64, 'base64') };
  }
}
