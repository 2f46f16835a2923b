/**
 * One contender on a broker of its own: topics, devices, a warm-up, then the load that is measured,
 * and what came of it. The order of things makes the figures comparable:
 *
 *   starts ─▶ warm-up: loaded while it runs, worked off, still ─▶ stopped (SIGSTOP) ─▶ load ─▶
 *   continued: the measuring begins, all events wait ─▶ inputs committed ─▶ outputs still ─▶ ended
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { progress as say } from '../../test/kit/servers/progress.ts';
import { startKafka } from '../../test/kit/servers.ts';
import { random } from '../random.ts';
import { renoEvents, START_MS, sampleDevices } from '../reno-load.ts';
import { Carillon, type Contender, Deployment, KafkaStreams, type Place } from './contenders.ts';
import { GroupProgress } from './group-progress.ts';
import { LaneDecoder, type LoadTimes, readLanes, type Told } from './lanes.ts';
import { Loader, type LoadRecord } from './loader.ts';
import { type Cost, measure, type Watched } from './measure.ts';
import type { ContenderName, Options } from './options.ts';
import { peakMegabytes } from './process-tree.ts';
import type { RenoTopology } from './reno-topology.ts';

const DEVICES = 'tables.devices';
const DEAD_LETTERS = 'dead-letters';
/** The longest `quiet` of reno.yaml: recommendation-refresh. */
const LONGEST_QUIET_MS = 30_000;
/** Clock ticks are 10 ms: 30 s of waiting are then known to 30 ms of processor time. */
const IDLE_MS = 10_000;

/** What all contenders share. */
export interface Ring {
  readonly options: Options;
  readonly topology: RenoTopology;
  readonly folder: SchemaFolder;
  /** Opened on the registry: they encode the load. */
  readonly schemas: AvroSchemas;
  readonly registry: string;
}

export interface Result {
  readonly name: ContenderName;
  readonly cost: Cost;
  readonly peakMegabytes: number;
  readonly told: readonly Told[];
  readonly deadLetters: number;
}

/** Whatever it starts has ended when it settles. */
export async function runContender(name: ContenderName, ring: Ring): Promise<Result> {
  const closing: (() => unknown)[] = [];
  try {
    const folder = mkdtempSync(join(tmpdir(), `carillon-bench-${name}-`));
    const remove = () => rmSync(folder, { recursive: true, force: true });
    // Also when the process is ended in between, by Ctrl-C or an error.
    process.once('exit', remove);
    closing.push(() => process.off('exit', remove), remove);
    const kafka = await startKafka({ fast: true, partitions: ring.options.partitions });
    closing.push(() => kafka.stop());
    const place: Place = {
      brokers: kafka.brokers,
      registry: ring.registry,
      schemaIds: schemaIdsOf(ring),
      folder,
    };
    const loader = new Loader(kafka.brokers, folder);
    closing.push(() => loader.close());
    const contender = await enter(name, place, ring, loader);
    closing.push(() => contender.stop());
    const groups = new GroupProgress(kafka.brokers, contender.groups);
    await groups.open();
    closing.push(() => groups.close());
    const bout = new Bout(ring, contender, groups, loader);
    const { cost, times } = await bout.run(kafka.pids?.() ?? []);
    const peak = peakMegabytes(contender.pids());
    await contender.stop();
    const decoder = new LaneDecoder(ring.folder, ring.topology, times);
    const told = await readLanes(kafka.brokers, ring.topology.lanes, decoder);
    const deadLetters = await groups.size([DEAD_LETTERS]);
    return { name, cost, peakMegabytes: peak, told, deadLetters };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

function schemaIdsOf({ schemas, topology }: Ring): Map<string, number> {
  const names = [...topology.useCases.values()].map(({ schema }) => schema);
  return new Map(
    [...names, 'DeviceNotification'].map((name) => [name, schemas.encoder(name).schemaId]),
  );
}

/** Topics and devices first, so that it finds the whole table when it starts. */
async function enter(
  name: ContenderName,
  place: Place,
  ring: Ring,
  loader: Loader,
): Promise<Contender> {
  const { options, topology } = ring;
  const deployment = new Deployment(place, topology, options.partitions);
  await deployment.makeTopics();
  await loader.prepare([DEVICES], options.partitions, devicesOf(ring)).send();
  return name === 'carillon'
    ? new Carillon(place, deployment, topology, options)
    : new KafkaStreams(place, topology, options);
}

function* devicesOf({ schemas, options }: Ring): Generator<LoadRecord> {
  const chance = random(options.seed + 1);
  const encoder = schemas.encoder('MemberDevices');
  for (let m = 0; m < options.members; m++) {
    const memberId = `m-${m}`;
    const value = { memberId, devices: sampleDevices(memberId, chance) };
    yield { topic: DEVICES, timestamp: START_MS, key: memberId, value: encoder.toBuffer(value) };
  }
}

class Bout {
  readonly #ring: Ring;
  readonly #contender: Contender;
  readonly #groups: GroupProgress;
  readonly #loader: Loader;
  readonly #chance: () => number;

  constructor(ring: Ring, contender: Contender, groups: GroupProgress, loader: Loader) {
    this.#ring = ring;
    this.#contender = contender;
    this.#groups = groups;
    this.#loader = loader;
    this.#chance = random(ring.options.seed);
  }

  async run(brokerPids: readonly number[]): Promise<{ cost: Cost; times: LoadTimes }> {
    const { warmUp, events } = this.#ring.options;
    const { name } = this.#contender;
    const startedAt = performance.now();
    await this.#contender.start();
    const watched: Watched = {
      progress: this.#groups,
      lanes: this.#ring.topology.lanes,
      appPids: this.#contender.pids(),
      brokerPids,
      quietMs: this.#coalesces() ? LONGEST_QUIET_MS : 0,
      idleMs: 0,
    };
    say(`${name}: runs`, startedAt);
    const warmUpMs = Date.now();
    await this.#load(0, warmUp, warmUpMs).send();
    await this.#groups.begin();
    await measure(watched);
    say(`${name}: warmed up with ${warmUp} events`, startedAt);
    const measuredMs = Date.now();
    const load = this.#load(warmUp, events, measuredMs);
    this.#signal(watched, 'SIGSTOP');
    try {
      await load.send();
      await this.#groups.begin();
    } finally {
      this.#signal(watched, 'SIGCONT');
    }
    const cost = await measure({ ...watched, idleMs: IDLE_MS });
    say(`${name}: has done ${events} events`, startedAt);
    return { cost, times: { warmUpMs, measuredMs } };
  }

  #coalesces(): boolean {
    return [...this.#ring.topology.useCases.values()].some(({ coalesces }) => coalesces);
  }

  /** Each load is `from` where the one before ended, as event ids must not come twice. */
  #load(from: number, events: number, startMs: number) {
    const { topology, options } = this.#ring;
    const topics = [...topology.useCases.values()].map(({ topic }) => topic);
    return this.#loader.prepare(topics, options.partitions, this.#events(from, events, startMs));
  }

  *#events(from: number, events: number, startMs: number): Generator<LoadRecord> {
    const { schemas, options } = this.#ring;
    const { members } = options;
    for (const event of renoEvents({ events, members, chance: this.#chance, startMs, from })) {
      const { topic, schema, member, atMs, value } = event;
      yield { topic, timestamp: atMs, key: member, value: schemas.encoder(schema).toBuffer(value) };
    }
  }

  /** The processes stay in their groups: a load takes less than their session time-out. */
  #signal({ appPids }: Watched, signal: NodeJS.Signals): void {
    for (const pid of appPids) process.kill(pid, signal);
  }
}
