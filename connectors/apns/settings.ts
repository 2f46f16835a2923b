/** The deployment's settings of APNs, `connectors.apns` in carillon.yaml, and their limits. */
import { APNS_SETTINGS } from '../setting-tables.ts';
import { SinkSettings } from '../sink-settings.ts';

export interface ApnsSettings {
  /** Apple's ten-character team id: the issuer of the provider token. */
  readonly team: string;
  readonly keyId: string;
  /** The .p8 key, PEM (PKCS #8, P-256). */
  readonly key: string;
  readonly productionEndpoint: string;
  readonly sandboxEndpoint: string;
  /** PEM to trust in place of the machine's list; only for a stand-in or an inspecting proxy. */
  readonly ca: string | undefined;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly pingEveryMs: number;
  readonly streamsMax: number;
  /** The shortest wait after a 500 or 503 without Retry-After. */
  readonly retryFloorMs: number;
}

export const APNS_PRODUCTION = APNS_SETTINGS.production_endpoint.fallback;
export const APNS_SANDBOX = APNS_SETTINGS.sandbox_endpoint.fallback;

/** Throws CAR665, by the setting's name. Reads the key file. */
export function apnsSettings(values: Readonly<Record<string, unknown>>): ApnsSettings {
  const from = new SinkSettings('connectors.apns', 'CAR665', values, APNS_SETTINGS);
  const key = from.pem('key');
  if (key === undefined) throw from.wrong('key', 'is not set');
  if (!key.includes('-----BEGIN PRIVATE KEY-----')) {
    throw from.wrong('key', 'is not a PKCS #8 key in PEM form, as the .p8 file of Apple is');
  }
  return {
    team: from.text('team'),
    keyId: from.text('key_id'),
    key,
    productionEndpoint: from.origin('production_endpoint'),
    sandboxEndpoint: from.origin('sandbox_endpoint'),
    ca: from.pem('ca'),
    requestTimeoutMs: from.duration('request_timeout'),
    connectTimeoutMs: from.duration('connect_timeout'),
    pingEveryMs: from.duration('ping_every'),
    streamsMax: from.count('streams_max'),
    retryFloorMs: from.duration('retry_floor'),
  };
}
