/**
 * All settings of a deployment config, for people and editors: the reference and the JSON Schema
 * are made from it, and a test holds it to what the config's own readers take.
 */
import {
  CONNECTOR_SETTINGS,
  type SettingEntry,
  type SettingTable,
} from '../connectors/setting-tables.ts';

export type DeploymentKind =
  | SettingEntry['kind']
  | 'path'
  | 'paths'
  | 'texts'
  | 'bytes'
  | 'url'
  | 'secret'
  | 'tls'
  | 'ssl';

export interface DeploymentSetting {
  readonly kind: DeploymentKind | readonly string[];
  readonly doc: string;
  /** As it would be written, or in words; left out: there is none. */
  readonly fallback?: string;
  readonly max?: number;
  /** Where it must be written. */
  readonly needed?: string;
  /** For which `kind` of its section it is. */
  readonly of?: string;
}

export interface DeploymentSection {
  /** As `http`; empty: the top of the file. */
  readonly path: string;
  readonly doc: string;
  readonly settings: { readonly [key: string]: DeploymentSetting };
}

const INBOX = 'with `log.kind: kafka`';

const TOP: DeploymentSection = {
  path: '',
  doc: 'Paths are written from the folder of the config.',
  settings: {
    topology: { kind: 'path', doc: 'The topology file.', fallback: 'topology/reno.yaml' },
    schemas: {
      kind: 'paths',
      doc: "Folders of Avro schemas, beside Carillon's own; later ones win.",
      fallback: '[schemas], when it is there',
    },
    processors: { kind: 'paths', doc: 'Modules of steps and sinks of your own.' },
    data_folder: { kind: 'path', doc: 'Where the embedded log lies.', fallback: '.carillon' },
    partitions: {
      kind: 'count',
      max: 1024,
      doc: 'Of each topic; topics that are there must have as many.',
      fallback: '4, with Kafka 12',
    },
    workers: {
      kind: 'count',
      max: 256,
      doc: 'With Kafka: processes that `run` starts, which share `http.port`; `--workers` goes before it.',
      fallback: '1',
    },
  },
};

const LOG: DeploymentSection = {
  path: 'log',
  doc: 'Where records are kept.',
  settings: {
    kind: { kind: ['embedded', 'kafka'], doc: 'One SQLite file, or Kafka.', fallback: 'embedded' },
    retention: {
      kind: 'duration',
      of: 'embedded',
      doc: 'How long records of events are kept.',
      fallback: '7d',
    },
    bytes_max: {
      kind: 'bytes',
      of: 'embedded',
      doc: 'Of all topics of events together.',
      fallback: '1GiB',
    },
    synchronous: {
      kind: ['normal', 'full'],
      of: 'embedded',
      doc: '`full` survives a loss of power to the last commit.',
      fallback: 'normal',
    },
    brokers: { kind: 'texts', of: 'kafka', doc: '`host:port` each.', needed: 'with Kafka' },
    client_id: { kind: 'text', of: 'kafka', doc: 'As brokers know it.', fallback: 'carillon' },
    replication: {
      kind: 'count',
      of: 'kafka',
      max: 16,
      doc: "Of topics that are made; -1 is the broker's default.",
      fallback: '-1',
    },
    data_plane: {
      kind: ['batches', 'kafkajs'],
      of: 'kafka',
      doc: "What moves records: our own protocol level, or kafkajs' consumer and producer.",
      fallback: 'batches',
    },
    session_timeout: {
      kind: 'duration',
      of: 'kafka',
      doc:
        'After how long without a word of a process its tasks go to the others: 2s at least. ' +
        'Brokers have bounds of their own, by default 6s and 30m.',
      fallback: '10s',
    },
    ssl: { kind: 'ssl', of: 'kafka', doc: 'TLS to the brokers.', fallback: 'false' },
  },
};

const SASL: DeploymentSection = {
  path: 'log.sasl',
  doc: 'How it says to the brokers who it is; without it nothing is said.',
  settings: {
    mechanism: {
      kind: ['plain', 'scram-sha-256', 'scram-sha-512'],
      doc: 'Of SASL.',
      fallback: 'plain',
    },
    username: { kind: 'text', doc: 'Its name.', needed: 'always' },
    password: { kind: 'secret', doc: 'Its password.', needed: 'always' },
  },
};

const STATE: DeploymentSection = {
  path: 'state',
  doc: 'What windows, identities, tables and the like may take of each process.',
  settings: {
    memory_max: {
      kind: 'bytes',
      doc: 'Memory; near it steps do what their `on_full` says, at it the process takes nothing.',
      fallback: "half of the container's, or of the heap's if that is less",
    },
    checkpoints: {
      kind: 'path',
      doc: 'With Kafka: a folder for the state of tasks that end cleanly, so that the next start on this host reads only what has come since.',
      fallback: 'none; state is read from its changelogs',
    },
  },
};

const REGISTRY: DeploymentSection = {
  path: 'registry',
  doc: 'The schema registry, with Kafka only.',
  settings: {
    url: { kind: 'url', doc: "Of Confluent's API, its path included.", needed: 'with Kafka' },
    username: { kind: 'text', doc: 'Who it is; shown as HTTP Basic.' },
    password: { kind: 'secret', doc: 'Its password.' },
    ssl: {
      kind: 'ssl',
      doc: 'Whom an https address is believed.',
      fallback: "true with https: the machine's list",
    },
  },
};

const INBOX_SECTION: DeploymentSection = {
  path: 'inbox',
  doc: `Where notifications wait for devices; needed ${INBOX}.`,
  settings: {
    kind: {
      kind: ['sqlite', 'cassandra'],
      doc: "In the log's own file, or in Cassandra.",
      fallback: 'sqlite',
    },
    contact_points: {
      kind: 'texts',
      of: 'cassandra',
      doc: 'Hosts to begin with.',
      needed: 'with Cassandra',
    },
    port: { kind: 'count', of: 'cassandra', max: 65_535, doc: 'Of each.', fallback: '9042' },
    local_data_center: {
      kind: 'text',
      of: 'cassandra',
      doc: 'As `nodetool status` has it.',
      needed: 'with Cassandra',
    },
    keyspace: { kind: 'text', of: 'cassandra', doc: 'Its keyspace.', fallback: 'carillon' },
    replication: {
      kind: 'count',
      of: 'cassandra',
      max: 16,
      doc: 'Copies, when the keyspace is made.',
      fallback: '3, or as many as there are nodes',
    },
    consistency: {
      kind: 'text',
      of: 'cassandra',
      doc: 'Of reads and writes.',
      fallback: 'local_quorum',
    },
    username: { kind: 'text', of: 'cassandra', doc: 'Who it is.' },
    password: { kind: 'secret', of: 'cassandra', doc: 'Its password.' },
    create: {
      kind: 'flag',
      of: 'cassandra',
      doc: 'Keyspace and tables are made when they are not there.',
      fallback: 'true',
    },
    ssl: { kind: 'ssl', of: 'cassandra', doc: 'TLS to the nodes.', fallback: 'false' },
  },
};

const HTTP: DeploymentSection = {
  path: 'http',
  doc: 'The ports of gateways: a public one, and one for sinks and operators.',
  settings: {
    host: { kind: 'text', doc: 'The address of the public port.', fallback: '127.0.0.1' },
    port: { kind: 'count', max: 65_535, doc: 'The public port; 0: any.', fallback: '7400' },
    tls: { kind: 'tls', doc: 'Of the public port; without it a proxy may speak TLS.' },
    gateway_url: {
      kind: 'url',
      doc: 'Where devices, producers and commands reach it.',
      fallback: 'host and port',
    },
    internal_host: { kind: 'text', doc: 'The address of the internal port.', fallback: 'host' },
    internal_port: {
      kind: 'count',
      max: 65_535,
      doc: 'Deliveries, metrics, details of health, schemas.',
      fallback: 'the port after `port`',
    },
    internal_tls: { kind: 'tls', doc: 'Of the internal port; `ca` is what sinks trust.' },
    internal_url: {
      kind: 'url',
      doc: 'Where sinks of other hosts reach it.',
      fallback: 'the host of `gateway_url`',
    },
    origins: { kind: 'texts', doc: 'Whose pages may come.', fallback: 'all' },
    trusted_proxies: {
      kind: 'texts',
      doc: 'Whose `Forwarded` and `X-Forwarded-For` are believed.',
      fallback: "nobody's",
    },
    proxy_protocol: {
      kind: 'flag',
      doc: 'Connections to the public port begin with the PROXY protocol.',
      fallback: 'false',
    },
    health_port: {
      kind: 'count',
      max: 65_535,
      doc: 'Of /health and /metrics in processes without a gateway.',
      fallback: 'none',
    },
  },
};

const QUOTA: DeploymentSection = {
  path: 'http.producer_quota',
  doc: "What one producer, by its token's `sub`, may send a second; beyond it 429.",
  settings: {
    requests_per_second: { kind: 'count', max: 1_000_000, doc: 'Requests.', fallback: '20000' },
    bytes_per_second: { kind: 'bytes', doc: 'Of bodies, unpacked.', fallback: '64MiB' },
  },
};

const COMPRESSION: DeploymentSection = {
  path: 'http.compression',
  doc: 'Frames to devices that offer permessage-deflate are packed; without this section none are.',
  settings: {
    min_bytes: { kind: 'bytes', doc: 'Smaller frames go as they are.', fallback: '512B' },
    connections_max: {
      kind: 'count',
      max: 1_000_000,
      doc: 'Connections that have it, some 30 KB each; others come without.',
      fallback: '2000',
    },
  },
};

const AUTH: DeploymentSection = {
  path: 'auth',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of variables.
  doc: 'Whom gateways trust. Secrets come from the environment only: `"${CARILLON_SECRET}"`.',
  settings: {
    secret: {
      kind: 'secret',
      doc: 'Signs tokens (HS256); 32 characters or more.',
      fallback: 'embedded: one of its own',
    },
    internal_token: {
      kind: 'secret',
      doc: 'What sinks show to gateways; another one.',
      fallback: 'embedded: one of its own',
    },
    former_secret: {
      kind: 'secret',
      doc: 'The one before, trusted until its last token has expired.',
    },
    jwks: { kind: 'text', doc: 'Public keys of an issuer: an https address, or a file.' },
    issuer: { kind: 'text', doc: '`iss` that tokens must have.' },
    audience: { kind: 'text', doc: '`aud` that tokens must have.' },
    token_ttl_max: { kind: 'duration', doc: 'How far ahead `exp` may be.', fallback: '90d' },
    cookie: {
      kind: 'text',
      doc: 'The name of the cookie that may bring a token; `http.origins` names the pages.',
    },
    module: { kind: 'path', doc: 'A module that knows tokens of another form.' },
  },
};

const CONSOLE: DeploymentSection = {
  path: 'console',
  doc: 'The page for operators, on Kafka: where it learns what flows through the other processes.',
  settings: {
    processes: {
      kind: 'texts',
      doc: 'Internal or health ports: `http://streams:7402`. A name of several hosts stands for all.',
      fallback: 'its own process alone',
    },
  },
};

const CONNECTOR_DOCS: { readonly [connector: string]: string } = {
  fcm: 'Firebase Cloud Messaging. `apps` holds, by app, what differs.',
  apns: "Apple's push service. `apps` holds, by app, what differs.",
  webhook: 'Endpoints of other systems.',
};

function connectorSection([name, { table }]: [string, { table: SettingTable }]) {
  return { path: `connectors.${name}`, doc: CONNECTOR_DOCS[name]!, settings: table };
}

export const DEPLOYMENT_SECTIONS: readonly DeploymentSection[] = [
  TOP,
  LOG,
  SASL,
  STATE,
  REGISTRY,
  INBOX_SECTION,
  HTTP,
  QUOTA,
  COMPRESSION,
  AUTH,
  CONSOLE,
  ...Object.entries(CONNECTOR_SETTINGS).map(connectorSection),
];
