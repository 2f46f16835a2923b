/**
 * `npm run bench:engine`: Carillon's streams beside a Kafka Streams application that does the same
 * work, one after the other, each on a real broker of its own; and, in the same run, the engine
 * without a log (bench/engine.ts). Outputs are compared before times: when they differ, there are
 * no figures and the exit code is 1. What is equal and what is not: bench/peer/README.md.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../core/clock.ts';
import { AvroSchemas } from '../schemas/avro-schemas.ts';
import { ConfluentRegistry } from '../schemas/confluent-registry.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { startRegistry } from '../test/kit/servers.ts';
import { printFigure } from './figure.ts';
import { type Result, type Ring, runContender } from './peer/arena.ts';
import { buildPeer } from './peer/build.ts';
import { differences, faultsOf } from './peer/compare.ts';
import { CONTENDERS, type Options, readOptions, USAGE } from './peer/options.ts';
import { type RenoTopology, readRenoTopology } from './peer/reno-topology.ts';
import { figuresOf, tableOf, variantOf } from './peer/report.ts';

const SCHEMAS = new URL('../schemas', import.meta.url).pathname;
const ENGINE = new URL('./engine.ts', import.meta.url).pathname;
const FAULTS_SHOWN = 10;

async function compete(options: Options): Promise<readonly Result[]> {
  await buildPeer();
  const topology = readRenoTopology(options.withoutCoalesce);
  const folder = readSchemaFolder(SCHEMAS);
  const registry = await startRegistry();
  try {
    const client = new ConfluentRegistry({ url: registry.url });
    const schemas = new AvroSchemas(folder, client, systemClock);
    await schemas.open(schemaTopicsOf(topology));
    const ring: Ring = { options, topology, folder, schemas, registry: registry.url };
    const results: Result[] = [];
    for (const name of CONTENDERS) results.push(await runContender(name, ring));
    return results;
  } finally {
    await registry.stop();
  }
}

function schemaTopicsOf({ useCases, lanes }: RenoTopology): { topic: string; schema: string }[] {
  return [
    ...[...useCases.values()].map(({ topic, schema }) => ({ topic, schema })),
    { topic: 'tables.devices', schema: 'MemberDevices' },
    ...lanes.map((topic) => ({ topic, schema: 'DeviceNotification' })),
  ];
}

/** All that is wrong with the outputs, a line each. */
function* faultsIn([ours, peer]: readonly Result[], { useCases }: RenoTopology): Generator<string> {
  for (const { name, told, deadLetters } of [ours!, peer!]) {
    if (told.length === 0) yield `${name}: told nothing`;
    if (deadLetters > 0) yield `${name}: ${deadLetters} dead letters`;
    for (const fault of faultsOf(told)) yield `${name}: ${fault}`;
  }
  const coalesces = (id: string) => useCases.get(id)?.coalesces === true;
  yield* differences(ours!.told, peer!.told, coalesces);
}

function report(results: readonly Result[], options: Options): boolean {
  const topology = readRenoTopology(options.withoutCoalesce);
  const faults: string[] = [];
  for (const fault of faultsIn(results, topology)) {
    if (faults.push(fault) === FAULTS_SHOWN) break;
  }
  const counts = results.map(({ name, told }) => `${told.length} by ${name}`).join(', ');
  if (faults.length > 0) {
    process.stderr.write(`The outputs differ (notifications: ${counts}); the first faults:\n`);
    for (const fault of faults) process.stderr.write(`  ${fault}\n`);
    return false;
  }
  process.stdout.write(`The outputs agree (notifications: ${counts}).\n`);
  process.stdout.write(`${variantOf(options)}, ${options.events} events:\n`);
  process.stdout.write(`${tableOf(results, options)}\n`);
  for (const figure of figuresOf(results[0]!, results[1]!, options)) printFigure(figure);
  return true;
}

async function runEngine(): Promise<boolean> {
  const [code] = await once(spawn(process.execPath, [ENGINE], { stdio: 'inherit' }), 'exit');
  return code === 0;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  // Ended in between, it still takes back its ports and folders; servers end by themselves.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const agree = report(await compete(options), options);
  if (!options.engine) return agree ? 0 : 1;
  return (await runEngine()) && agree ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
