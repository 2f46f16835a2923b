/** The ports of a deployment config: the public one, and the internal one for sinks and tools. */

import type { Placed, Section } from '../compiler/section.ts';
import { COMPRESSION_LIMITS, type CompressionLimits } from '../gateway/compression.ts';
import type { SettingReader } from './deployment-parts.ts';

export const HTTP_PORT = 7400;
const HTTP_HOST = '127.0.0.1';
const PORT_MAX = 65_535;

/** Paths of PEM files. */
export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  /** What the other side's certificate is checked against; null: the machine's own list. */
  readonly ca: string | null;
}

export interface HttpSettings {
  readonly host: string;
  readonly port: number;
  /** Null: plain HTTP; a proxy may speak TLS. */
  readonly tls: TlsPaths | null;
  /** Where devices, producers and commands reach the gateway; null: host and port. */
  readonly gatewayUrl: string | null;
  /** Deliveries, metrics, details of health, schemas. */
  readonly internalHost: string;
  readonly internalPort: number;
  readonly internalTls: TlsPaths | null;
  /** Where sinks of other processes reach it; null: internal host and port. */
  readonly internalUrl: string | null;
  /** Origins whose pages may come; null: all. */
  readonly origins: readonly string[] | null;
  /** Whose `Forwarded` and `X-Forwarded-For` are believed; null: nobody's. */
  readonly trustedProxies: readonly string[] | null;
  /** Connections to the public port begin with the PROXY protocol. */
  readonly proxyProtocol: boolean;
  /** What one producer may send a second; null: the gateway's own bounds. */
  readonly producerQuota: ProducerQuota | null;
  /** Frames to devices that offer it are packed; null: none are. */
  readonly compression: CompressionLimits | null;
  /** Of /health and /metrics in processes that have no gateway; null: they have none. */
  readonly healthPort: number | null;
}

export interface ProducerQuota {
  readonly requestsPerSecond: number;
  /** Of bodies, as they are unpacked. */
  readonly bytesPerSecond: number;
}

const REQUESTS_PER_SECOND = 20_000;
const BYTES_PER_SECOND = 64 * 1024 * 1024;

export const HTTP_DEFAULTS: HttpSettings = {
  host: HTTP_HOST,
  port: HTTP_PORT,
  tls: null,
  gatewayUrl: null,
  internalHost: HTTP_HOST,
  internalPort: HTTP_PORT + 1,
  internalTls: null,
  internalUrl: null,
  origins: null,
  trustedProxies: null,
  proxyProtocol: false,
  producerQuota: null,
  compression: null,
  healthPort: null,
};

const KEYS = [
  'host',
  'port',
  'tls',
  'gateway_url',
  'internal_host',
  'internal_port',
  'internal_tls',
  'internal_url',
  'origins',
  'trusted_proxies',
  'proxy_protocol',
  'producer_quota',
  'compression',
  'health_port',
];

export function httpOf(
  read: SettingReader,
  section: Section | undefined,
  beside: (path: string) => string,
): HttpSettings {
  if (section === undefined) return HTTP_DEFAULTS;
  section.only(KEYS);
  const host = section.text('host')?.value ?? HTTP_HOST;
  const port = read.count(section, 'port', HTTP_PORT, 0, PORT_MAX);
  const origins = read.placedTexts(section, 'origins');
  for (const origin of origins ?? []) checkOrigin(read, section, origin);
  return {
    host,
    port,
    tls: tlsOf(section.section('tls'), beside),
    gatewayUrl: read.url(section, 'gateway_url', false) ?? null,
    internalHost: section.text('internal_host')?.value ?? host,
    // The next port, as two pipelines of one machine differ in theirs; any for any.
    internalPort: read.count(section, 'internal_port', nextPort(port), 0, PORT_MAX),
    internalTls: tlsOf(section.section('internal_tls'), beside),
    internalUrl: read.url(section, 'internal_url', false) ?? null,
    origins: origins?.map(({ value }) => value) ?? null,
    trustedProxies: read.texts(section, 'trusted_proxies') ?? null,
    proxyProtocol: read.flag(section, 'proxy_protocol', false),
    producerQuota: quotaOf(read, section.section('producer_quota')),
    compression: compressionOf(read, section.section('compression')),
    healthPort: section.has('health_port')
      ? read.count(section, 'health_port', 0, 0, PORT_MAX)
      : null,
  };
}

function quotaOf(read: SettingReader, section: Section | undefined): ProducerQuota | null {
  if (section === undefined) return null;
  section.only(['requests_per_second', 'bytes_per_second']);
  const bytes = read.bytes(section, 'bytes_per_second');
  return {
    requestsPerSecond: read.count(
      section,
      'requests_per_second',
      REQUESTS_PER_SECOND,
      1,
      1_000_000,
    ),
    bytesPerSecond: bytes ?? BYTES_PER_SECOND,
  };
}

const CONNECTIONS_MAX = 1_000_000;

function compressionOf(
  read: SettingReader,
  section: Section | undefined,
): CompressionLimits | null {
  if (section === undefined) return null;
  section.only(['min_bytes', 'connections_max']);
  const { bytesMin, connectionsMax } = COMPRESSION_LIMITS;
  return {
    bytesMin: read.bytes(section, 'min_bytes') ?? bytesMin,
    connectionsMax: read.count(section, 'connections_max', connectionsMax, 1, CONNECTIONS_MAX),
  };
}

function nextPort(port: number): number {
  return port === 0 || port === PORT_MAX ? 0 : port + 1;
}

function tlsOf(section: Section | undefined, beside: (path: string) => string): TlsPaths | null {
  if (section === undefined) return null;
  section.only(['cert', 'key', 'ca']);
  const cert = section.neededText('cert')?.value;
  const key = section.neededText('key')?.value;
  const ca = section.text('ca')?.value;
  if (cert === undefined || key === undefined) return null;
  return { cert: beside(cert), key: beside(key), ca: ca === undefined ? null : beside(ca) };
}

function checkOrigin(read: SettingReader, { subject }: Section, { value, span }: Placed): void {
  if (URL.canParse(value) && new URL(value).origin === value) return;
  const what = `${subject}: "${value.slice(0, 200)}" is no origin.`;
  read.bad(span, what, 'Write scheme, host and port: "https://app".');
}

/**
 * Where sinks of other hosts reach the internal port: as it is said, or on the host of the public
 * address, as that is known to be reached. Null: by the address that it listens on.
 */
export function internalUrlOf(http: HttpSettings): string | null {
  if (http.internalUrl !== null) return http.internalUrl;
  if (http.gatewayUrl === null || http.internalPort === 0) return null;
  const scheme = http.internalTls === null ? 'http' : 'https';
  return `${scheme}://${new URL(http.gatewayUrl).hostname}:${http.internalPort}`;
}

/** How this machine reaches a host and port. */
export function urlOf(scheme: string, host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
