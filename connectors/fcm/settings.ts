/** The deployment's settings of FCM, `connectors.fcm` in carillon.yaml, and their limits. */
import { FCM_SETTINGS } from '../setting-tables.ts';
import { SinkSettings } from '../sink-settings.ts';

export interface FcmSettings {
  /** The path of the service account's JSON, as Google gives it, or what it holds. */
  readonly credentials: string | Readonly<Record<string, unknown>>;
  readonly endpoint: string;
  /** Where access tokens come from; undefined: Google. Only for a stand-in, with a path above. */
  readonly tokenEndpoint: string | undefined;
  /** PEM to trust in place of the machine's list; only for a stand-in or an inspecting proxy. */
  readonly ca: string | undefined;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly pingEveryMs: number;
  readonly streamsMax: number;
  /** The shortest wait after a 500 or 503 without Retry-After. */
  readonly retryFloorMs: number;
  /** True: FCM checks each message (`validate_only`) and sends none. */
  readonly dryRun: boolean;
}

export const FCM_ENDPOINT = FCM_SETTINGS.endpoint.fallback;

/** Throws CAR660, by the setting's name. Reads the credentials file. */
export function fcmSettings(values: Readonly<Record<string, unknown>>): FcmSettings {
  const from = new SinkSettings('connectors.fcm', 'CAR660', values, FCM_SETTINGS);
  return {
    credentials: credentials(from),
    endpoint: from.origin('endpoint'),
    tokenEndpoint: from.has('token_endpoint') ? from.origin('token_endpoint') : undefined,
    ca: from.pem('ca'),
    requestTimeoutMs: from.duration('request_timeout'),
    connectTimeoutMs: from.duration('connect_timeout'),
    pingEveryMs: from.duration('ping_every'),
    streamsMax: from.count('streams_max'),
    retryFloorMs: from.duration('retry_floor'),
    dryRun: from.flag('dry_run'),
  };
}

function credentials(from: SinkSettings): FcmSettings['credentials'] {
  const mend =
    'Set connectors.fcm.credentials to the path of the service account JSON (Firebase console, ' +
    'project settings, service accounts).';
  if (!from.has('credentials')) throw from.wrong('credentials', 'is not set', mend);
  const value = from.get('credentials');
  if (typeof value === 'string') {
    try {
      JSON.parse(from.file('credentials', value));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw from.wrong('credentials', 'names a file that is not JSON', mend);
    }
    return value;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw from.wrong('credentials', 'is not a service account', mend);
  }
  if (from.has('token_endpoint')) {
    // firebase-admin 14.5 forgets the agent, which leads it there, when it is not given a path.
    throw from.wrong('credentials', 'is not a path, which `token_endpoint` asks for');
  }
  return value as Readonly<Record<string, unknown>>;
}
