/**
 * The parts of a deployment config with rules of their own: the log, the inbox, values with bounds.
 */
import { readBytes, readCount, readDuration } from '../compiler/quantity.ts';
import type { Report, Span } from '../compiler/report.ts';
import {
  emptyMend,
  headOf,
  isBlank,
  isTold,
  kindOf,
  type Placed,
  type Section,
} from '../compiler/section.ts';
import type { Tree } from '../compiler/tree.ts';
import type { Deployment, EmbeddedLogSettings, KafkaLogSettings } from './deployment.ts';

const LIST_MAX = 64;
/** Keys whose values are secrets wherever they stand. */
const SECRET_KEYS = [
  'secret',
  'former_secret',
  'internal_token',
  'password',
  'key',
  'credentials',
  'private_key',
];

function split({ value, span }: Placed): readonly Placed[] {
  return value.split(',').map((part) => ({ value: part.trim(), span }));
}

export class SettingReader {
  readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  bad(span: Span, what: string, mend?: string): undefined {
    this.report.error('CAR903', span, what, mend);
  }

  lacks(section: Section, key: string, because: string, write: string): undefined {
    const what = `${section.subject}: ${key} is missing, and ${because}.`;
    this.report.error('CAR904', section.span, what, `Add  ${write}`);
  }

  /** A whole number within bounds. */
  count(section: Section, key: string, fallback: number, min: number, max: number): number {
    const scalar = section.scalar(key);
    if (scalar === undefined) return fallback;
    const bounds = { min, max };
    return readCount(this.report, `${section.subject}: ${key}`, scalar, bounds) ?? fallback;
  }

  flag(section: Section, key: string, fallback: boolean): boolean {
    const scalar = section.scalar(key);
    if (scalar === undefined) return fallback;
    if (typeof scalar.value === 'boolean') return scalar.value;
    if (scalar.expanded && (scalar.value === 'true' || scalar.value === 'false')) {
      return scalar.value === 'true';
    }
    const what = `${section.subject}: ${key} is ${kindOf(scalar)}, neither true nor false.`;
    this.bad(scalar.span, what, emptyMend(scalar));
    return fallback;
  }

  texts(section: Section, key: string): readonly string[] | undefined {
    return this.placedTexts(section, key)?.map(({ value }) => value);
  }

  /**
   * A list of texts, each with its place; one text with commas stands for several, as variables
   * hold only texts.
   */
  placedTexts(section: Section, key: string): readonly Placed[] | undefined {
    const tree = section.tree(key);
    if (tree === undefined) return undefined;
    if (tree.kind === 'scalar') {
      const text = section.text(key);
      return text === undefined ? undefined : split(text);
    }
    const items = section.list(key)?.items;
    if (items === undefined) return undefined;
    const texts = items.flatMap((item) => {
      if (isTold(item)) return [];
      if (item.kind === 'scalar' && typeof item.value === 'string' && !isBlank(item)) {
        return split({ value: item.value, span: item.span });
      }
      const what = `${section.subject}: an item of ${key} is ${kindOf(item)}, not a text.`;
      this.bad(headOf(item), what, emptyMend(item));
      return [];
    });
    if (items.length === 0 || texts.length > LIST_MAX) {
      this.bad(
        headOf(tree),
        `${section.subject}: ${key} names ${texts.length}, not 1 to ${LIST_MAX}.`,
      );
    }
    return texts.length === 0 || texts.length > LIST_MAX ? undefined : texts;
  }

  url(section: Section, key: string, needed: boolean): string | undefined {
    const placed = needed ? section.neededText(key) : section.text(key);
    if (placed === undefined) return undefined;
    const url = URL.canParse(placed.value) ? new URL(placed.value) : undefined;
    if (url?.protocol === 'http:' || url?.protocol === 'https:') {
      return placed.value.replace(/\/+$/, '');
    }
    const what = `${section.subject}: ${key} is not an http or https address.`;
    return this.bad(placed.span, what, `Write e.g. ${key}: "http://host:8081".`);
  }

  /**
   * From the environment only: what stands in a file ends up in a repository. `needed`: a variable
   * that gives nothing is an error.
   */
  secret(section: Section, key: string, needed = true): string | undefined {
    const entry = section.entry(key);
    if (entry === undefined) return undefined;
    const { value: tree } = entry;
    if (isTold(tree)) return undefined;
    if (tree.kind === 'scalar' && tree.expanded) {
      if (!isBlank(tree)) return String(tree.value);
      if (!needed) return undefined;
      const what = `${section.subject}: ${key} is ${kindOf(tree)}.`;
      return this.bad(tree.span, what, emptyMend(tree));
    }
    const variable = `CARILLON_${key.toUpperCase()}`;
    this.report.error(
      'CAR309',
      entry.keySpan,
      `${section.subject}: the value of ${key} stands in the file itself.`,
      `Put it into the environment, and write ${key}: "\${${variable}}".`,
    );
    return undefined;
  }

  /** Milliseconds, from `min` to `max`. */
  duration(
    section: Section,
    key: string,
    max = Number.MAX_SAFE_INTEGER,
    min = 1,
  ): number | undefined {
    const scalar = section.scalar(key);
    const subject = `${section.subject}: ${key}`;
    return scalar && readDuration(this.report, subject, scalar, { min, max });
  }

  bytes(section: Section, key: string): number | undefined {
    const scalar = section.scalar(key);
    return scalar && readBytes(this.report, `${section.subject}: ${key}`, scalar, { min: 1 });
  }
}

const EMBEDDED: EmbeddedLogSettings = {
  kind: 'embedded',
  retentionMs: undefined,
  bytesMax: undefined,
  synchronous: 'normal',
};

/** `beside`: from a path as it is written to one from the config's own folder. */
export function logOf(
  read: SettingReader,
  section: Section | undefined,
  beside: (path: string) => string,
): Deployment['log'] {
  if (section === undefined) return EMBEDDED;
  const kind = section.choice('kind', ['embedded', 'kafka']) ?? 'embedded';
  if (kind === 'kafka') return kafkaOf(read, section, beside);
  section.only(['kind', 'retention', 'bytes_max', 'synchronous']);
  return {
    kind,
    retentionMs: read.duration(section, 'retention'),
    bytesMax: read.bytes(section, 'bytes_max'),
    synchronous: section.choice('synchronous', ['normal', 'full']) ?? 'normal',
  };
}

const SESSION_TIMEOUT_MS = 10_000;
/** Some heartbeats have to fit in. */
const SESSION_TIMEOUT_MS_MIN = 2_000;
/** More than this no broker grants unless it is told to. */
const SESSION_TIMEOUT_MS_MAX = 30 * 60_000;

function kafkaOf(
  read: SettingReader,
  section: Section,
  beside: (path: string) => string,
): KafkaLogSettings {
  const own = ['client_id', 'replication', 'data_plane', 'session_timeout', 'ssl', 'sasl'];
  section.only(['kind', 'brokers', ...own]);
  const brokers = read.placedTexts(section, 'brokers') ?? [];
  if (!section.has('brokers')) {
    read.lacks(section, 'brokers', 'kind is kafka', 'brokers: ["kafka:9092"]');
  }
  for (const { value: broker, span } of brokers) {
    if (/^[\w.-]+:\d{1,5}$/.test(broker) || /^\[[0-9a-f:]+\]:\d{1,5}$/i.test(broker)) continue;
    const what = `${section.subject}: "${broker}" is not host:port.`;
    read.bad(span, what, 'Write e.g. kafka:9092.');
  }
  return {
    kind: 'kafka',
    brokers: brokers.map(({ value }) => value),
    clientId: section.text('client_id')?.value ?? 'carillon',
    replicationFactor: read.count(section, 'replication', -1, -1, 16),
    dataPlane: section.choice('data_plane', ['batches', 'kafkajs']) ?? 'batches',
    sessionTimeoutMs:
      read.duration(section, 'session_timeout', SESSION_TIMEOUT_MS_MAX, SESSION_TIMEOUT_MS_MIN) ??
      SESSION_TIMEOUT_MS,
    ssl: sslOf(read, section, beside),
    sasl: saslOf(read, section.section('sasl')),
  };
}

/** `ssl: true`, or a mapping with the path of the certificate to trust. */
export function sslOf(
  read: SettingReader,
  section: Section,
  beside: (path: string) => string,
): KafkaLogSettings['ssl'] {
  const tree = section.tree('ssl');
  if (tree === undefined) return false;
  if (tree.kind !== 'map') {
    const on = read.flag(section, 'ssl', false);
    return on && { ca: undefined, rejectUnauthorized: true };
  }
  const ssl = section.section('ssl')!.only(['ca', 'verify']);
  const ca = ssl.text('ca')?.value;
  const verify = read.flag(ssl, 'verify', true);
  return { ca: ca === undefined ? undefined : beside(ca), rejectUnauthorized: verify };
}

function saslOf(read: SettingReader, section: Section | undefined): KafkaLogSettings['sasl'] {
  if (section === undefined) return undefined;
  section.only(['mechanism', 'username', 'password']);
  const known = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
  const mechanism = section.choice('mechanism', known) ?? 'plain';
  const username = section.neededText('username')?.value;
  const password = section.has('password')
    ? read.secret(section, 'password')
    : section.missing('password');
  if (username === undefined || password === undefined) return undefined;
  return { mechanism, username, password };
}

const CASSANDRA_KEYS = [
  'kind',
  'contact_points',
  'port',
  'local_data_center',
  'keyspace',
  'replication',
  'consistency',
  'username',
  'password',
  'create',
  'ssl',
];

export function inboxOf(
  read: SettingReader,
  section: Section | undefined,
  log: Deployment['log']['kind'],
  beside: (path: string) => string,
): Deployment['inbox'] {
  const kind = section?.choice('kind', ['sqlite', 'cassandra']) ?? 'sqlite';
  if (section === undefined || kind === 'sqlite') {
    section?.only(['kind']);
    if (log === 'kafka') tellInboxNeeded(read, section);
    return { kind: 'sqlite' };
  }
  section.only(CASSANDRA_KEYS);
  const contactPoints = read.texts(section, 'contact_points') ?? [];
  if (!section.has('contact_points')) {
    read.lacks(section, 'contact_points', 'kind is cassandra', 'contact_points: [cassandra]');
  }
  const dataCenter = section.neededText(
    'local_data_center',
    'Write what `nodetool status` says, e.g. local_data_center: datacenter1.',
  );
  const username = section.text('username')?.value;
  const password = section.has('password') ? read.secret(section, 'password') : undefined;
  const consistency = section.text('consistency')?.value;
  const replication = section.has('replication')
    ? read.count(section, 'replication', 3, 1, 16)
    : undefined;
  return {
    kind,
    settings: {
      contactPoints,
      port: read.count(section, 'port', 9042, 1, 65_535),
      localDataCenter: dataCenter?.value ?? '',
      keyspace: section.text('keyspace')?.value ?? 'carillon',
      ...(replication === undefined ? {} : { replication }),
      ...(consistency === undefined ? {} : { consistency }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      create: read.flag(section, 'create', true),
      ssl: sslOf(read, section, beside),
    },
  };
}

function tellInboxNeeded(read: SettingReader, section: Section | undefined): void {
  const what =
    'deployment: the inbox is in SQLite, but log.kind is kafka: its processes share no file.';
  const mend = 'Add  inbox: { kind: cassandra, contact_points: […], local_data_center: … }';
  read.report.error('CAR904', section?.span ?? { start: 0, end: 1 }, what, mend);
}

export interface ConsoleSettings {
  /** Base addresses of processes whose flow the page shows beside its own. */
  readonly processes: readonly string[];
}

export function consoleOf(read: SettingReader, section: Section | undefined): ConsoleSettings {
  if (section === undefined) return { processes: [] };
  section.only(['processes']);
  const processes = read.placedTexts(section, 'processes') ?? [];
  for (const { value: process, span } of processes) {
    if (/^https?:$/.test(URL.canParse(process) ? new URL(process).protocol : '')) continue;
    const what = `${section.subject}: "${process}" is not an http or https address.`;
    read.bad(span, what, 'Write e.g. http://streams:7402.');
  }
  return { processes: processes.map(({ value }) => value.replace(/\/+$/, '')) };
}

/**
 * The text as it may be shown: whatever stands under a secret's key is blotted out, and who an
 * address names before its host.
 */
export function masked(text: string, tree: Tree | undefined): string {
  const blot = (all: string, head: string) => `${head}${'*'.repeat(all.length - head.length - 1)}@`;
  return maskedByKey(text, tree).replace(/(:\/\/)[^/@\s'"]*@/g, blot);
}

function maskedByKey(text: string, tree: Tree | undefined): string {
  // A text that is not YAML has no keys to go by; whatever looks like a secret's line is taken out.
  if (tree === undefined) {
    const line = new RegExp(`^(.*\\b(?:${SECRET_KEYS.join('|')})\\b\\s*:).*$`, 'gm');
    return text.replace(line, (all, head: string) => head + '*'.repeat(all.length - head.length));
  }
  let shown = text;
  for (const { start, end } of secretSpans(tree, false)) {
    const inside = shown.slice(start, end).replace(/[^\n]/g, '*');
    shown = shown.slice(0, start) + inside + shown.slice(end);
  }
  return shown;
}

function secretSpans(tree: Tree, isSecret: boolean): Span[] {
  if (tree.kind === 'scalar') return isSecret && !tree.expanded ? [tree.span] : [];
  if (tree.kind === 'list') return tree.items.flatMap((item) => secretSpans(item, isSecret));
  return tree.entries.flatMap(({ key, value }) =>
    secretSpans(value, isSecret || SECRET_KEYS.includes(key)),
  );
}
