/**
 * `carillon produce`: events at a rate, samples with a seed or given ones, over HTTP or into Kafka.
 */
import { systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import { SAMPLE_TYPES } from '../demo/sample-events.ts';
import { type SampledTypes, sampledTypes } from '../demo/sampled-types.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { type EventSource, type GivenEvent, lineSource, sampleSource } from '../event-sources.ts';
import { type EventWriter, httpWriter, kafkaWriter } from '../event-writers.ts';
import { type LoadedTopology, loadTopology } from '../load-topology.ts';
import { EXIT_OK } from '../show-error.ts';

export interface ProduceOptions {
  readonly deployment?: string;
  readonly type?: string;
  readonly rate: number;
  readonly count?: number;
  readonly seed?: number;
  readonly members: number;
  readonly mistakes?: boolean;
  readonly url?: string;
}

/** One request is at most this large; the gateway takes 1,000. */
const BATCH_MAX = 500;
const TICK_MS = 50;
const SEED_BELOW = 1_000_000;

export async function produce(file: string | undefined, options: ProduceOptions): Promise<number> {
  const folder = process.cwd();
  const seed = options.seed ?? systemClock.now() % SEED_BELOW;
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const topology = () => loadTopology(deployment, { folder, env: process.env });
  const source =
    file === undefined
      ? samples(await typesOf(deployment, topology), seed, options)
      : lineSource(file, options.type);
  const direct = deployment.log.kind === 'kafka' && options.url === undefined;
  const writer = direct
    ? await kafkaWriter(deployment, await topology())
    : httpWriter(deployment, options.url);
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopped = true;
    });
  }
  const startMs = performance.now();
  const pump = new Pump(source, writer, options.count ?? Number.POSITIVE_INFINITY);
  try {
    await pump.run(options.rate, () => stopped);
  } finally {
    await writer.close();
    const seconds = (performance.now() - startMs) / 1_000;
    const repeat = file === undefined ? `, seed ${seed}` : '';
    const sent = pump.sent === 1 ? '1 event' : `${pump.sent.toLocaleString('en-US')} events`;
    process.stdout.write(`${sent} to ${writer.to} in ${seconds.toFixed(1)} s${repeat}\n`);
  }
  return EXIT_OK;
}

/** A producer of another machine has no topology: then it is the six that are shipped. */
async function typesOf(
  deployment: Deployment,
  topology: () => Promise<LoadedTopology>,
): Promise<SampledTypes> {
  try {
    const { plan, schemas } = await topology();
    return sampledTypes(plan, schemas);
  } catch (error) {
    const isAway = error instanceof CarillonError && error.code === 'CAR902';
    if (isAway && deployment.file === null)
      return { known: SAMPLE_TYPES, bySchema: [], unsampled: [] };
    throw error;
  }
}

function samples(all: SampledTypes, seed: number, options: ProduceOptions): EventSource {
  const { members, mistakes = false, type } = options;
  const { known, bySchema } = type === undefined ? all : chosenTypes(type.split(','), all);
  // With a seed of one's own the events are the same each time, ids and all.
  const run = options.seed === undefined ? systemClock.now().toString(36) : 'sample';
  return sampleSource({ seed, run, members, mistakes, types: known, bySchema });
}

/** Of those that the topology reads; throws CAR900 for others. */
function chosenTypes(texts: readonly string[], all: SampledTypes): SampledTypes {
  const names = texts.map((text) => text.trim());
  const there = [...all.known, ...all.bySchema.map(({ type }) => type)];
  const unknown = names.find((name) => !there.includes(name));
  if (unknown === undefined) {
    return {
      ...all,
      known: all.known.filter((name) => names.includes(name)),
      bySchema: all.bySchema.filter(({ type }) => names.includes(type)),
    };
  }
  const near = nearest(unknown, there);
  throw new CarillonError('CAR900', `there are no samples of type "${unknown}".`, {
    where: { at: '--type' },
    mend:
      near === undefined
        ? `types that the topology reads: ${there.join(', ')}; others are given as JSON lines`
        : `did you mean "${near}"?`,
  });
}

/** Moves events from where they come to where they go; `sent` are in the log, whatever failed. */
export class Pump {
  sent = 0;
  readonly #source: EventSource;
  readonly #writer: EventWriter;
  readonly #countMax: number;

  constructor(source: EventSource, writer: EventWriter, countMax: number) {
    this.#source = source;
    this.#writer = writer;
    this.#countMax = countMax;
  }

  /** `rate`: events a second; 0: as fast as they are taken. */
  async run(rate: number, stopped: () => boolean): Promise<void> {
    const startMs = performance.now();
    while (!stopped() && this.sent < this.#countMax) {
      const due =
        rate === 0 ? BATCH_MAX : ((performance.now() - startMs) * rate) / 1_000 - this.sent;
      const wanted = Math.min(BATCH_MAX, this.#countMax - this.sent, Math.floor(due));
      if (wanted < 1) {
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
        continue;
      }
      const batch: GivenEvent[] = [];
      while (batch.length < wanted) {
        const event = await this.#source(systemClock.now());
        if (event === undefined) break;
        batch.push(event);
      }
      if (batch.length === 0) return;
      await this.#writer.write(batch, (events) => {
        this.sent += events;
      });
      if (batch.length < wanted) return;
    }
  }
}
