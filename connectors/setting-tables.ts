/**
 * What a deployment says of the connectors of push services, `connectors.fcm` in carillon.yaml: the
 * file is checked by these tables, the connectors take their defaults from them, and the reference
 * shows them. Who adds a setting adds a line here.
 */

export interface SettingEntry {
  /**
   * `origin`: https, without a path. `pem`: the text itself, or a file's path. `account`: a file's
   * path, or the mapping that it holds. `ranges`: addresses, or ranges of them.
   */
  readonly kind: 'text' | 'duration' | 'count' | 'flag' | 'origin' | 'pem' | 'account' | 'ranges';
  readonly doc: string;
  /** As it would be written; left out: it has none. */
  readonly fallback?: string;
  /** Of a count; durations are at most an hour. */
  readonly max?: number;
}

export type SettingTable = { readonly [setting: string]: SettingEntry };

const CA = {
  ca: {
    kind: 'pem',
    doc: "To trust in place of the machine's list: of a stand-in, or of a proxy that looks into TLS.",
  },
} as const satisfies SettingTable;

/** Of a provider whose sessions are HTTP/2. */
const SESSIONS = {
  ...CA,
  request_timeout: { kind: 'duration', doc: 'How long an answer may take.', fallback: '10s' },
  connect_timeout: { kind: 'duration', doc: 'How long a connection may take.', fallback: '5s' },
  ping_every: {
    kind: 'duration',
    doc: 'How often an idle session is asked whether it lives.',
    fallback: '30s',
  },
} as const satisfies SettingTable;

export const FCM_SETTINGS = {
  credentials: {
    kind: 'account',
    doc: "The service account: the path of Google's JSON, or what it holds.",
  },
  endpoint: {
    kind: 'origin',
    doc: 'Where messages go.',
    fallback: 'https://fcm.googleapis.com',
  },
  token_endpoint: {
    kind: 'origin',
    doc: 'Where access tokens come from; without it Google. Of a stand-in, with a path as `credentials`.',
  },
  ...SESSIONS,
  streams_max: {
    kind: 'count',
    doc: 'Messages under way in one session.',
    fallback: '256',
    max: 10_000,
  },
  retry_floor: {
    kind: 'duration',
    // Google asks for 10 s at least (second-hand from its page on scaling, so it can be set).
    doc: 'The shortest wait after a 500 or 503 without `Retry-After`.',
    fallback: '10s',
  },
  dry_run: {
    kind: 'flag',
    doc: 'FCM checks each message (`validate_only`), and sends none.',
    fallback: 'false',
  },
} as const satisfies SettingTable;

export const APNS_SETTINGS = {
  team: { kind: 'text', doc: "Apple's ten-character team id." },
  key_id: { kind: 'text', doc: 'The id of the key.' },
  key: { kind: 'pem', doc: 'The .p8 key (PKCS #8, P-256).' },
  production_endpoint: {
    kind: 'origin',
    doc: 'Where notifications for apps of the store go.',
    fallback: 'https://api.push.apple.com',
  },
  sandbox_endpoint: {
    kind: 'origin',
    doc: 'Where those for apps in development go.',
    fallback: 'https://api.sandbox.push.apple.com',
  },
  ...SESSIONS,
  streams_max: {
    kind: 'count',
    // Apple grants 1,000 streams once it has seen a valid provider token.
    doc: 'Notifications under way in one session.',
    fallback: '1000',
    max: 10_000,
  },
  retry_floor: {
    kind: 'duration',
    doc: 'The shortest wait after a 500 or 503 without `Retry-After`.',
    fallback: '1s',
  },
} as const satisfies SettingTable;

export const WEBHOOK_SETTINGS = {
  allow: { kind: 'ranges', doc: 'Private addresses that webhooks may reach; without it none.' },
  ...CA,
  connections: { kind: 'count', doc: 'Open at once to one host.', fallback: '8', max: 256 },
  request_timeout: {
    kind: 'duration',
    // Below the sink's `timeout` (5 s), so that it is told what it was that took so long.
    doc: 'How long an answer may take.',
    fallback: '4s',
  },
} as const satisfies SettingTable;

/** By connector. `byApp`: `apps` holds, by app, what differs from the settings beside it. */
export const CONNECTOR_SETTINGS: {
  readonly [connector: string]: { readonly table: SettingTable; readonly byApp: boolean };
} = {
  fcm: { table: FCM_SETTINGS, byApp: true },
  apns: { table: APNS_SETTINGS, byApp: true },
  webhook: { table: WEBHOOK_SETTINGS, byApp: false },
};
