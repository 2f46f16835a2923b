/** Who is measured: Carillon's streams by its command line, and the Kafka Streams application. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerChild } from '../../test/kit/servers/child.ts';
import { CLASS_PATH } from './build.ts';
import type { ContenderName, Options } from './options.ts';
import { treeOf } from './process-tree.ts';
import type { RenoTopology } from './reno-topology.ts';

const run = promisify(execFile);
const CLI = join(import.meta.dirname, '../../cli/carillon.ts');
const READY_MS = 60_000;
const TOPICS_MS = 60_000;
/** As Carillon's streams on Kafka at most wait (cli/run/policies.ts). */
const COMMIT_INTERVAL_MS = 100;

export interface Place {
  readonly brokers: readonly string[];
  readonly registry: string;
  /** Ids in the registry by the record's name. */
  readonly schemaIds: ReadonlyMap<string, number>;
  /** Of this contender alone; removed by whoever made it. */
  readonly folder: string;
}

export interface Contender {
  readonly name: ContenderName;
  /** Groups whose offsets say what it has done. */
  readonly groups: RenoTopology['groups'];
  /** Resolves when it says that it runs. */
  start(): Promise<void>;
  /** Its processes, with what they have started. */
  pids(): number[];
  /** kill -9. */
  stop(): Promise<void>;
}

/** The deployment of Carillon; its topics are made for both. */
export class Deployment {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(place: Place, topology: RenoTopology, partitions: number) {
    const { brokers, registry, folder } = place;
    const secret = () => randomBytes(32).toString('base64url');
    this.env = { ...process.env, CARILLON_SECRET: secret(), CARILLON_INTERNAL_TOKEN: secret() };
    this.file = join(folder, 'carillon.yaml');
    writeFileSync(join(folder, 'reno.yaml'), topology.text);
    writeFileSync(
      this.file,
      JSON.stringify({
        topology: join(folder, 'reno.yaml'),
        partitions,
        log: { kind: 'kafka', brokers, replication: 1 },
        registry: { url: registry },
        // Streams have no inbox, so that nobody ever connects to it.
        inbox: { kind: 'cassandra', contact_points: ['127.0.0.1'], local_data_center: 'none' },
        http: { host: '127.0.0.1', port: 0, health_port: 0 },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
        auth: { secret: '${CARILLON_SECRET}', internal_token: '${CARILLON_INTERNAL_TOKEN}' },
      }),
    );
  }

  async makeTopics(): Promise<void> {
    const args = [CLI, 'topics', 'apply', '--deployment', this.file];
    await run(process.execPath, args, { env: this.env, timeout: TOPICS_MS });
  }
}

/** Some processes under one name, ended with this one. */
abstract class Processes implements Contender {
  abstract readonly name: ContenderName;
  abstract readonly groups: RenoTopology['groups'];
  protected abstract readonly readyLine: string;
  readonly #children: ServerChild[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  abstract start(): Promise<void>;

  protected async launch(command: string, args: string[], env?: NodeJS.ProcessEnv): Promise<void> {
    const dir = join(this.#folder, `${this.name}-${this.#children.length + 1}`);
    mkdirSync(dir);
    const spec = { name: this.name, command, args, dir, ownsDir: true };
    const child = new ServerChild(env === undefined ? spec : { ...spec, env });
    this.#children.push(child);
    await child.waitForLog(this.readyLine, READY_MS);
  }

  pids(): number[] {
    const roots = this.#children.map((child) => {
      if (child.running && child.pid !== undefined) return child.pid;
      throw new Error(`${this.name} has ended; last lines of its log:\n${child.logTail()}`);
    });
    return treeOf(roots);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
  }
}

export class Carillon extends Processes {
  readonly name = 'carillon';
  readonly groups: RenoTopology['groups'];
  protected readonly readyLine = '"The pipeline runs."';
  readonly #deployment: Deployment;
  readonly #processes: number;

  constructor(place: Place, deployment: Deployment, topology: RenoTopology, options: Options) {
    super(place.folder);
    this.groups = topology.groups;
    this.#deployment = deployment;
    this.#processes = options.processes;
  }

  async start(): Promise<void> {
    const { file, env } = this.#deployment;
    const args = [CLI, 'run', '--deployment', file, '--role', 'streams'];
    for (let n = 0; n < this.#processes; n++) await this.launch(process.execPath, args, env);
  }
}

export class KafkaStreams extends Processes {
  readonly name = 'kafka-streams';
  readonly groups: RenoTopology['groups'];
  protected readonly readyLine = 'The peer runs.';
  readonly #settings: string;

  constructor(place: Place, topology: RenoTopology, options: Options) {
    super(place.folder);
    const topics = [...topology.useCases.values()].map(({ topic }) => topic);
    this.groups = [{ group: 'reno-peer', topics }];
    this.#settings = join(place.folder, 'peer.properties');
    const lines = [
      'application.id=reno-peer',
      `brokers=${place.brokers.join(',')}`,
      `state.dir=${join(place.folder, 'peer-state')}`,
      `threads=${options.threads}`,
      `guarantee=${options.guarantee}`,
      `commit.interval.ms=${COMMIT_INTERVAL_MS}`,
      `coalesce=${!options.withoutCoalesce}`,
      `store=${options.rocksdb ? 'rocksdb' : 'memory'}`,
      ...[...place.schemaIds].map(([schema, id]) => `schema.${schema}=${id}`),
      ...options.streams.map((setting) => `streams.${setting}`),
    ];
    writeFileSync(this.#settings, `${lines.join('\n')}\n`);
  }

  async start(): Promise<void> {
    const log = ['defaultLogLevel=warn', 'showDateTime=true'].map(
      (setting) => `-Dorg.slf4j.simpleLogger.${setting}`,
    );
    const heap = ['-Xms1g', '-Xmx4g', '-XX:+UseParallelGC'];
    await this.launch('java', [
      ...heap,
      ...log,
      ...['-cp', CLASS_PATH, 'carillon.peer.Peer', this.#settings],
    ]);
  }
}
