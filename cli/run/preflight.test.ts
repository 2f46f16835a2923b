// biome-ignore-start lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
/**
 * What a deployment names beside itself, when it is not there or not good: one error, in its place.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { SinkPlan } from '../../compiler/plan.ts';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { CERTIFICATE } from '../../test/kit/certificate.ts';
import { parseDeployment } from '../deployment.ts';
import { runDistributed } from './distributed.ts';
import { runEmbedded } from './embedded.ts';
import { preflight } from './preflight.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-preflight-'));
after(() => rmSync(folder, { recursive: true }));
const NOW = Date.UTC(2027, 0, 1);
/** The certificate is of November 2026 and good for a hundred years. */
const EXPIRED = Date.UTC(2127, 0, 1);
const EARLY = Date.UTC(2026, 0, 1);
const ENV = { S: 'only-for-tests-only-for-tests-only-for-tests' };

for (const [name, text] of [
  ['cert.pem', CERTIFICATE.cert],
  ['key.pem', CERTIFICATE.key],
  ['words.pem', 'no PEM at all'],
  ['broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ['account.json', '{'],
  ['keys.json', '{"keys": [{}]}'],
  ['module.ts', 'export default 1;'],
] as const) {
  writeFileSync(join(folder, name), text);
}
mkdirSync(join(folder, 'empty'));

const sink = (type: string, config: object = {}) =>
  ({
    name: type,
    spec: { type, byApp: true },
    config,
    apps: undefined,
    lane: { priorities: [0], order: RENO_PRIORITIES },
  }) as unknown as SinkPlan;

function told(text: string, sinks: readonly SinkPlan[], nowMs: number): readonly CarillonError[] {
  const deployment = parseDeployment(text, { file: 'carillon.yaml', folder, env: ENV });
  try {
    const roles = { all: [], has: () => true };
    preflight({ deployment, plan: { sinks }, roles, connectors: undefined, folder, nowMs });
    return [];
  } catch (error) {
    if (error instanceof CarillonErrors) return error.diagnostics as readonly CarillonError[];
    assert.ok(error instanceof CarillonError, String(error));
    return [error];
  }
}

const KAFKA = (ssl: string, cassandra = '') => `
log: { kind: kafka, brokers: ["a:1"], ssl: ${ssl} }
registry: { url: "http://r:1" }
inbox: { kind: cassandra, contact_points: [a], local_data_center: dc ${cassandra} }`;
const TLS = (tls: string) => `http: { tls: ${tls} }`;
const FCM = [sink('fcm')];
const APNS = [sink('apns')];
const HOOK = [sink('webhook', { url: 'https://example.com/' })];

const rows: readonly (readonly [
  what: string,
  text: string,
  says: readonly [code: string, place: string, words: RegExp] | null,
  sinks?: readonly SinkPlan[],
  nowMs?: number,
])[] = [
  [
    'all that is good',
    `${KAFKA('{ ca: cert.pem }')}\n${TLS('{ cert: cert.pem, key: key.pem }')}`,
    null,
  ],
  [
    'a certificate that is not there',
    TLS('{ cert: none.pem, key: key.pem }'),
    ['CAR733', 'http.tls.cert', /none\.pem cannot be read \(ENOENT\)/],
  ],
  [
    'a key that is not there',
    TLS('{ cert: cert.pem, key: none.pem }'),
    ['CAR733', 'http.tls.key', /none\.pem cannot/],
  ],
  ['a folder', TLS('{ cert: empty, key: key.pem }'), ['CAR733', 'http.tls.cert', /EISDIR/]],
  [
    'a certificate that is none',
    TLS('{ cert: words.pem, key: key.pem }'),
    ['CAR733', 'http.tls', /are no PEM/],
  ],
  [
    'a key in the place of a certificate',
    TLS('{ cert: key.pem, key: key.pem }'),
    ['CAR733', 'http.tls', /are no PEM/],
  ],
  [
    'an expired certificate',
    TLS('{ cert: cert.pem, key: key.pem }'),
    ['CAR733', 'http.tls', /cert\.pem has expired on 2126-11-03/],
    [],
    EXPIRED,
  ],
  [
    'one that is not good yet',
    TLS('{ cert: cert.pem, key: key.pem }'),
    ['CAR733', 'http.tls', /good from 2026-11-27 on only/],
    [],
    EARLY,
  ],
  [
    'an expired one of the internal port',
    'http: { internal_tls: { cert: cert.pem, key: key.pem } }',
    ['CAR733', 'http.internal_tls', /expired/],
    [],
    EXPIRED,
  ],
  [
    'nothing that sinks could trust',
    'http: { internal_tls: { cert: cert.pem, key: key.pem, ca: words.pem } }',
    ['CAR735', 'http.internal_tls.ca', /words\.pem holds no certificate/],
  ],
  [
    'brokers’ authority that is not there',
    KAFKA('{ ca: none.pem }'),
    ['CAR902', 'none.pem', /no such file/],
  ],
  [
    'brokers’ authority that is none',
    KAFKA('{ ca: key.pem }'),
    ['CAR735', 'log.ssl.ca', /key\.pem holds no certificate/],
  ],
  [
    'one that cannot be read',
    KAFKA('{ ca: broken.pem }'),
    ['CAR735', 'log.ssl.ca', /holds no certificate/],
  ],
  [
    'one that has expired',
    KAFKA('{ ca: cert.pem }'),
    ['CAR735', 'log.ssl.ca', /expired on 2126-11-03/],
    [],
    EXPIRED,
  ],
  [
    'Cassandra’s that is not there',
    KAFKA('true', ', ssl: { ca: none.pem }'),
    ['CAR625', 'inbox.ssl.ca', /none\.pem, which cannot be read/],
  ],
  [
    'Cassandra’s that is none',
    KAFKA('true', ', ssl: { ca: words.pem }'),
    ['CAR735', 'inbox.ssl.ca', /holds no certificate/],
  ],
  [
    'a user without a password',
    KAFKA('true', ', username: u'),
    ['CAR625', 'inbox.password', /missing/],
  ],
  [
    'a password without a user',
    KAFKA('true', ', password: "${S}"'),
    ['CAR625', 'inbox.username', /missing/],
  ],
  [
    'a keyspace that cannot be',
    KAFKA('true', ', keyspace: My-Keys'),
    ['CAR625', 'inbox.keyspace', /My-Keys/],
  ],
  [
    'a consistency that is none',
    KAFKA('true', ', consistency: most'),
    ['CAR625', 'inbox.consistency', /most/],
  ],
  [
    'a data centre that is none',
    KAFKA('true').replace('dc ', '"d c" '),
    ['CAR625', 'inbox.local_data_center', /"d c"/],
  ],
  [
    'keys of an issuer that are not there',
    'auth: { jwks: none.json }',
    ['CAR903', 'auth.jwks', /it is not there/],
  ],
  [
    'keys that are none',
    'auth: { jwks: keys.json }',
    ['CAR903', 'auth.jwks', /no JSON Web Key Set/],
  ],
  [
    'a module that is not there',
    'auth: { module: none.ts }',
    ['CAR902', 'none.ts', /auth\.module: there is no such file/],
  ],
  ['FCM without an account', '{}', ['CAR660', 'connectors.fcm.credentials', /not set/], FCM],
  [
    'an account that is not there',
    'connectors: { fcm: { credentials: none.json } }',
    ['CAR660', 'connectors.fcm.credentials', /none\.json|cannot be read/],
    FCM,
  ],
  [
    'an account that is no JSON',
    'connectors: { fcm: { credentials: account.json } }',
    ['CAR660', 'connectors.fcm.credentials', /not JSON/],
    FCM,
  ],
  [
    'APNs without a key',
    'connectors: { apns: { team: T, key_id: K } }',
    ['CAR665', 'connectors.apns.key', /not set/],
    APNS,
  ],
  [
    'a key of APNs that is not there',
    'connectors: { apns: { team: T, key_id: K, key: none.p8 } }',
    ['CAR665', 'connectors.apns.key', /none\.p8|cannot be read/],
    APNS,
  ],
  [
    'a key of APNs that is none',
    'connectors: { apns: { team: T, key_id: K, key: cert.pem } }',
    ['CAR665', 'connectors.apns.key', /PKCS #8/],
    APNS,
  ],
  [
    'a webhook’s authority that is not there',
    'connectors: { webhook: { ca: none.pem } }',
    ['CAR682', 'connectors.webhook.ca', /none\.pem|cannot be read/],
    HOOK,
  ],
  [
    'settings of push services that this process does not use',
    'connectors: { fcm: { credentials: none.json } }',
    null,
  ],
];

for (const [what, text, says, sinks = [], nowMs = NOW] of rows) {
  test(`${what}: ${says?.[0] ?? 'nothing is said'}`, () => {
    const errors = told(text, sinks, nowMs);
    const shown = JSON.stringify(errors.map(({ code, where, what: of }) => [code, where, of]));
    assert.equal(errors.length, says === null ? 0 : 1, shown);
    if (says === null) return;
    const [{ code, where, what: words, mend }] = errors as [CarillonError];
    const [wanted, place, saying] = says;
    assert.equal(code, wanted, shown);
    assert.match(words, saying);
    assert.ok(`${where.at ?? ''} ${where.file ?? ''}`.includes(place), shown);
    assert.ok(mend.length > 0);
    assert.doesNotMatch(words, /PRIVATE|MIG|only-for-tests/);
  });
}

test('all that is wrong is told at once', () => {
  const text = `${TLS('{ cert: none.pem, key: key.pem }')}\nauth: { jwks: none.json }`;
  const errors = told(text, [...FCM, ...APNS], NOW);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['CAR733', 'CAR903', 'CAR660', 'CAR665'],
  );
});
for (const [how, text] of [
  ['one file', ''],
  ['Kafka', KAFKA('false')],
] as const) {
  test(`nothing is opened, and nothing made: ${how}`, async () => {
    const file = join(folder, 'carillon.yaml');
    const topology = join(import.meta.dirname, '../../test/e2e/topologies/sockets.yaml');
    const tls = TLS('{ cert: none.pem, key: key.pem }');
    const whole = `topology: ${topology}\n${text}\n${tls}\nauth: { secret: "${'${S}'}" }\n`;
    const deployment = parseDeployment(whole, { file, folder, env: ENV });
    const options = { folder, say: () => undefined };
    const run =
      how === 'Kafka'
        ? runDistributed(deployment, ['all'], options)
        : runEmbedded(deployment, options);
    await assert.rejects(run, { code: 'CAR733' });
    assert.equal(existsSync(deployment.dataFolder), false);
  });
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
