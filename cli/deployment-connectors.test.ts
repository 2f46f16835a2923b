// biome-ignore-start lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
/** Settings of push services in a deployment: what is read, and what is told at its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apnsSettings } from '../connectors/apns/settings.ts';
import { CONNECTOR_SETTINGS } from '../connectors/setting-tables.ts';
import { SinkSettings } from '../connectors/sink-settings.ts';
import { parseDeployment } from './deployment.ts';
import { FileErrors } from './show-error.ts';

const PLACE = { file: 'conf/carillon.yaml', folder: '/srv' };

const parse = (text: string, env = {}) => parseDeployment(text, { ...PLACE, env }).connectors;

function toldOf(text: string, env = {}): string[] {
  try {
    parse(text, env);
    return [];
  } catch (error) {
    assert.ok(error instanceof FileErrors, String(error));
    return error.diagnostics.map(({ code, where, what }) => `${where.line} ${code} ${what}`);
  }
}

test('values have the types of their settings, and paths stand beside the config', () => {
  const text = `connectors:
  fcm:
    credentials: keys/fcm.json
    endpoint: "https://127.0.0.1:9000"
    request_timeout: 2s
    streams_max: "\${STREAMS}"
    dry_run: "\${DRY}"
    apps: { com.example.kids: { credentials: /etc/kids.json } }
  apns: { team: ABCDE12345, key_id: FGHIJ67890, key: "\${KEY}" }
  webhook: { allow: "10.0.0.0/8, 127.0.0.1", ca: ca.pem, connections: 3 }
`;
  const KEY = '-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n';
  assert.deepEqual(parse(text, { STREAMS: '12', DRY: 'true', KEY }), {
    fcm: {
      credentials: '/srv/conf/keys/fcm.json',
      endpoint: 'https://127.0.0.1:9000',
      request_timeout: 2_000,
      streams_max: 12,
      dry_run: true,
      apps: { 'com.example.kids': { credentials: '/etc/kids.json' } },
    },
    apns: { team: 'ABCDE12345', key_id: 'FGHIJ67890', key: KEY },
    webhook: { allow: ['10.0.0.0/8', '127.0.0.1'], ca: '/srv/conf/ca.pem', connections: 3 },
  });
});

test('a service account may stand there as a mapping', () => {
  const text = 'connectors: { fcm: { credentials: { client_email: a, private_key: "${KEY}" } } }';
  assert.deepEqual(parse(text, { KEY: 'k' }).fcm, {
    credentials: { client_email: 'a', private_key: 'k' },
  });
  assert.deepEqual(toldOf(text.replace('${KEY}', '${KEY:-}')), [
    '1 CAR903 deployment, connectors, fcm: credentials: private_key is a variable that gives nothing.',
  ]);
});

test('all that is wrong is told at once, each in its line', () => {
  const text = `connectors:
  fcm:
    credential: a.json
    endpoint: "http://127.0.0.1:9000"
    token_endpoint: "https://127.0.0.1/token"
    request_timeout: 2
    connect_timeout: 2h
    streams_max: 10_001
    dry_run: yes please
    apps: { kids: { streams_max: many }, tall: none }
  apns: { team: [a], key: 5 }
  webhook: { connections: 0, retry_floor: 1s, apps: {} }
  fmc: {}
`;
  assert.deepEqual(
    toldOf(text).map((told) => told.split(' ').slice(0, 2).join(' ')),
    [
      '3 CAR104',
      '4 CAR903',
      '5 CAR903',
      '6 CAR304',
      '7 CAR305',
      '8 CAR305',
      '9 CAR903',
      '10 CAR303',
      '10 CAR103',
      '11 CAR103',
      '11 CAR103',
      '12 CAR305',
      '12 CAR104',
      '12 CAR104',
      '13 CAR104',
    ],
  );
});

test('the name that was meant is proposed', () => {
  const text = 'connectors: { fcm: { request_timout: 5s } }';
  assert.throws(() => parse(text), /request_timout.*not known/s);
});

test('settings of a sink of one’s own are its own matter, but empty variables are told', () => {
  const own = 'processors: [siren.ts]\nconnectors: { siren: { host: x, times: 3, all: [a] } }';
  assert.deepEqual(parse(own).siren, { host: 'x', times: 3, all: ['a'] });
  const empty = own.replace('host: x', 'host: "${X:-}"');
  assert.match(toldOf(empty).join(), /^2 CAR903 .*siren: host is a variable that gives nothing/);
  assert.match(toldOf(own.replace('siren: {', 'fcm: {')).join(), /CAR104/);
});

test('what connectors take by default is what their tables say', () => {
  const key = '-----BEGIN PRIVATE KEY-----';
  const settings = apnsSettings({ team: 'a', key_id: 'b', key });
  assert.deepEqual(
    [settings.requestTimeoutMs, settings.streamsMax, settings.retryFloorMs],
    [10_000, 1_000, 1_000],
  );
  for (const [connector, { table }] of Object.entries(CONNECTOR_SETTINGS)) {
    const from = new SinkSettings(connector, 'CAR660', {}, table);
    for (const [name, { kind, fallback }] of Object.entries(table)) {
      if (fallback === undefined) continue;
      if (kind === 'duration') assert.ok(from.duration(name) > 0, name);
      if (kind === 'count') assert.ok(from.count(name) > 0, name);
      if (kind === 'origin') assert.equal(from.origin(name), fallback);
      if (kind === 'flag') assert.equal(String(from.flag(name)), fallback);
    }
  }
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
