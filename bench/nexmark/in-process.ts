/**
 * `npm run bench -- nexmark`: NEXMark's queries by our engine and by Kafka Streams, each in one
 * process and without a log. What they tell is compared before anything is printed: where it
 * differs there are no figures, and the exit code is 1. See README.md.
 *
 *     node bench/nexmark/in-process.ts [--events N] [--per-second N] [--passes N] [--seed N]
 *         [--rocksdb] [q5 q7 …]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, printFigure } from '../figure.ts';
import { buildPeer } from '../peer/build.ts';
import { type Run, runCarillon } from './carillon.ts';
import type { EventOptions } from './events.ts';
import { runKafkaStreams, toldByKafkaStreams } from './kafka-streams.ts';
import { type Load, makeLoad, openSchemas } from './load.ts';
import { outputTopic, planOf, QUERIES, type Query } from './queries.ts';
import { difference, type Told, toldByCarillon } from './told.ts';

const EVENTS = 500_000;
const PASSES = 5;

interface Options {
  readonly load: EventOptions;
  readonly passes: number;
  readonly rocksdb: boolean;
  readonly queries: readonly Query[];
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      events: { type: 'string', default: String(EVENTS) },
      passes: { type: 'string', default: String(PASSES) },
      'per-second': { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      rocksdb: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !QUERIES.some((query) => query.name === name));
  if (unknown !== undefined) throw new Error(`there is no query ${unknown}`);
  const number = (name: 'events' | 'passes' | 'per-second' | 'seed') => {
    const n = Number(values[name]);
    if (Number.isSafeInteger(n) && n > 0) return n;
    throw new Error(`--${name} ${values[name]}: write a whole number above 0`);
  };
  return {
    load: { events: number('events'), perSecond: number('per-second'), seed: number('seed') },
    passes: number('passes'),
    rocksdb: values.rocksdb,
    queries: QUERIES.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  };
}

/** The first run is for the answers, the others are measured. */
function runOurs(query: Query, load: Load, passes: number): { runs: Run[]; told: Told[] } {
  const told = toldByCarillon(query, load);
  const plan = planOf(query);
  const topic = outputTopic(query);
  return { told, runs: Array.from({ length: passes }, () => runCarillon(plan, load, topic)) };
}

const rateOf = (runs: readonly Run[]) =>
  median(runs.map(({ events, cpuSeconds }) => events / cpuSeconds));

function print(query: Query, ours: readonly Run[], peers: readonly Run[], state: string): void {
  const { events, told, rows } = ours[0]!;
  const value = rateOf(ours);
  const floor = rateOf(peers);
  printFigure({
    bench: `nexmark/${query.name}`,
    value: Math.round(value),
    unit: 'events/CPU-s',
    floor: Math.round(floor),
    beside: `Kafka Streams, state ${state}`,
    aim: 'at least equal, aim twice',
    met: value >= floor,
    more: { events, told, rows, peerRows: peers[0]!.rows, ours, peers },
  });
}

async function main(options: Options): Promise<number> {
  const { queries, passes, rocksdb } = options;
  await buildPeer();
  const schemas = await openSchemas();
  const folder = mkdtempSync(join(tmpdir(), 'carillon-nexmark-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const peers = await runKafkaStreams(queries, schemas, { ...options, folder });
  const load = makeLoad(schemas, options.load);
  const ours = new Map<string, readonly Run[]>();
  const faults: string[] = [];
  for (const query of queries) {
    const { runs, told } = runOurs(query, load, passes);
    ours.set(query.name, runs);
    const fault = difference(query, schemas, told, toldByKafkaStreams(query, folder));
    if (fault !== undefined) faults.push(fault);
  }
  for (const fault of faults) process.stderr.write(`The answers differ: ${fault}\n`);
  if (faults.length > 0) return 1;
  const state = rocksdb ? 'in RocksDB' : 'in memory';
  for (const query of queries) print(query, ours.get(query.name)!, peers.get(query.name)!, state);
  return 0;
}

if (import.meta.main) process.exitCode = await main(readOptions(process.argv.slice(2)));
