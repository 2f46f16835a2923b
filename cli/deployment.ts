/**
 * The deployment config, `carillon.yaml`: it says *where*, the topology says *what*. Every key may
 * be left out; without a file everything runs in this process, on one SQLite file. Secrets come
 * from the environment as `${VAR}` and are never printed.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Placed, Section } from '../compiler/section.ts';
import { parseTree } from '../compiler/tree.ts';
import type { Environment } from '../compiler/variables.ts';
import type { CassandraSettings } from '../connectors/cassandra/settings.ts';
import { CarillonError } from '../core/error.ts';
import { AUTH_DEFAULTS, type AuthSettings, authOf } from './deployment-auth.ts';
import { connectorsOf } from './deployment-connectors.ts';
import { HTTP_DEFAULTS, type HttpSettings, httpOf, urlOf } from './deployment-http.ts';
import {
  type ConsoleSettings,
  consoleOf,
  inboxOf,
  logOf,
  masked,
  SettingReader,
} from './deployment-parts.ts';
import { type RegistrySettings, registryOf } from './deployment-registry.ts';
import { STATE_DEFAULTS, type StateSettings, stateOf } from './deployment-state.ts';
import { readText } from './read-text.ts';
import { FileErrors } from './show-error.ts';
import { packageFolder } from './version.ts';

export const DEPLOYMENT_FILE = 'carillon.yaml';
export const DATA_FOLDER = '.carillon';
const TOPOLOGY_FILE = 'topology/reno.yaml';
const PARTITIONS = { embedded: 4, kafka: 12 } as const;
const PARTITIONS_MAX = 1024;
const WORKERS_MAX = 256;

export interface EmbeddedLogSettings {
  readonly kind: 'embedded';
  /** Milliseconds; undefined: 7 d. */
  readonly retentionMs: number | undefined;
  /** Bytes of all event-like topics together; undefined: 1 GiB. */
  readonly bytesMax: number | undefined;
  readonly synchronous: 'normal' | 'full';
}

export interface KafkaLogSettings {
  readonly kind: 'kafka';
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Of topics that are made; -1: the broker's default. */
  readonly replicationFactor: number;
  /** What moves records: our own protocol level, or kafkajs' public consumer and producer. */
  readonly dataPlane: 'batches' | 'kafkajs';
  /** After so long without a heartbeat the tasks of a process go to the others. */
  readonly sessionTimeoutMs: number;
  readonly ssl: false | { readonly ca: string | undefined; readonly rejectUnauthorized: boolean };
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | undefined;
}

export interface Deployment {
  /** The file that it was read from; null: all defaults. */
  readonly file: string | null;
  readonly topology: string;
  /** Folders of Avro schemas, Carillon's own first; later ones win. */
  readonly schemas: readonly string[];
  /** Modules of steps and sinks of one's own. */
  readonly processors: readonly string[];
  readonly dataFolder: string;
  readonly log: EmbeddedLogSettings | KafkaLogSettings;
  readonly state: StateSettings;
  /** Of each topic; topics that are there must have as many. */
  readonly partitions: number;
  /** Processes that `run` starts, unless it is told with `--workers`. */
  readonly workers: number;
  /** With Kafka only; the embedded log has its own. */
  readonly registry: RegistrySettings | null;
  readonly inbox:
    | { readonly kind: 'sqlite' }
    | { readonly kind: 'cassandra'; readonly settings: CassandraSettings };
  readonly http: HttpSettings;
  readonly auth: AuthSettings;
  readonly console: ConsoleSettings;
  /** Settings by connector; of ours by the tables in connectors/setting-tables.ts. */
  readonly connectors: { readonly [connector: string]: { readonly [setting: string]: unknown } };
}

export interface DeploymentPlace {
  /** `--deployment`; undefined: carillon.yaml of the folder, if it is there. */
  readonly file: string | undefined;
  readonly folder: string;
  readonly env: Environment;
  /** `--processors`, from the folder: beside those of the deployment. */
  readonly processors?: readonly string[] | undefined;
}

const KEYS = [
  'topology',
  'schemas',
  'processors',
  'data_folder',
  'partitions',
  'workers',
  'log',
  'state',
  'registry',
  'inbox',
  'http',
  'auth',
  'console',
  'connectors',
];

/** Throws FileErrors with all that is wrong, CAR902 when a file that was named is not there. */
export function readDeployment(place: DeploymentPlace): Deployment {
  const deployment = writtenDeployment(place);
  const given = (place.processors ?? []).map((path) => resolve(place.folder, path));
  return { ...deployment, processors: [...new Set([...deployment.processors, ...given])] };
}

function writtenDeployment({ file, folder, env }: DeploymentPlace): Deployment {
  const named = file ?? env.CARILLON_DEPLOYMENT;
  const found = named ?? (existsSync(join(folder, DEPLOYMENT_FILE)) ? DEPLOYMENT_FILE : undefined);
  if (found === undefined) return defaults(folder);
  return parseDeployment(readText(resolve(folder, found), found), { file: found, folder, env });
}

/** As `readDeployment`, for a text that is at hand. */
export function parseDeployment(
  text: string,
  { file, folder, env }: { file: string; folder: string; env: Environment },
): Deployment {
  const { tree, report } = parseTree(text, file, env);
  const fail = () => new FileErrors(report.diagnostics(), new Map([[file, masked(text, tree)]]));
  if (tree === undefined) throw fail();
  if (tree.kind === 'scalar' && tree.value === null) return { ...defaults(folder), file };
  if (tree.kind !== 'map') {
    report.error('CAR103', { start: 0, end: 1 }, 'the text is not a mapping of settings.');
    throw fail();
  }
  const section = new Section(
    report,
    'deployment',
    tree,
    tree.entries[0]?.keySpan ?? tree.span,
  ).only(KEYS);
  const read = new SettingReader(report);
  const beside = (path: string) =>
    isAbsolute(path) ? path : join(dirname(resolve(folder, file)), path);
  const base = defaults(folder);
  const log = logOf(read, section.section('log'), beside);
  const inbox = inboxOf(read, section.section('inbox'), log.kind, beside);
  const http = httpOf(read, section.section('http'), beside);
  const deployment: Deployment = {
    file,
    topology: textOr(section.text('topology'), base.topology, beside),
    schemas: schemasOf(read, section, beside) ?? base.schemas,
    processors: (read.texts(section, 'processors') ?? []).map(beside),
    dataFolder: textOr(section.text('data_folder'), base.dataFolder, beside),
    log,
    state: stateOf(read, section.section('state'), log.kind, beside),
    partitions: read.count(section, 'partitions', PARTITIONS[log.kind], 1, PARTITIONS_MAX),
    workers: read.count(section, 'workers', 1, 1, WORKERS_MAX),
    registry: registryOf(read, section, log.kind, beside),
    inbox,
    http,
    auth: authOf(read, section.section('auth'), beside, http),
    console: consoleOf(read, section.section('console')),
    connectors: connectorsOf(
      { read, beside, hasOwn: section.has('processors') },
      section.section('connectors'),
    ),
  };
  if (report.hasErrors) throw fail();
  return deployment;
}

function defaults(folder: string): Deployment {
  const own = join(packageFolder, 'schemas');
  const users = join(folder, 'schemas');
  return {
    file: null,
    topology: join(folder, TOPOLOGY_FILE),
    schemas: users !== own && existsSync(users) ? [own, users] : [own],
    processors: [],
    dataFolder: join(folder, DATA_FOLDER),
    log: { kind: 'embedded', retentionMs: undefined, bytesMax: undefined, synchronous: 'normal' },
    state: STATE_DEFAULTS,
    partitions: PARTITIONS.embedded,
    workers: 1,
    registry: null,
    inbox: { kind: 'sqlite' },
    http: HTTP_DEFAULTS,
    auth: AUTH_DEFAULTS,
    console: { processes: [] },
    connectors: {},
  };
}

/** Where commands, devices and producers of this machine reach the gateway. */
export function gatewayUrlOf({ http }: Deployment): string {
  if (http.gatewayUrl !== null) return http.gatewayUrl;
  return urlOf(http.tls === null ? 'http' : 'https', http.host, http.port);
}

/** Throws CAR906 when the deployment gives no secret and cannot keep one of its own. */
export function mustHaveSecret(what: 'auth.secret' | 'auth.internal_token'): CarillonError {
  return new CarillonError(
    'CAR906',
    `${what} is not set, and only an embedded deployment has one of its own.`,
    {
      where: { at: what },
    },
  );
}

function textOr(
  placed: Placed | undefined,
  fallback: string,
  beside: (path: string) => string,
): string {
  return placed === undefined ? fallback : beside(placed.value);
}

/** Carillon's own schemas always come first: the engine's topics need them. */
function schemasOf(
  read: SettingReader,
  section: Section,
  beside: (path: string) => string,
): readonly string[] | undefined {
  const folders = read.texts(section, 'schemas');
  if (folders === undefined) return undefined;
  const own = join(packageFolder, 'schemas');
  return [own, ...folders.map(beside).filter((folder) => folder !== own)];
}
