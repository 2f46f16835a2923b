// biome-ignore-start lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CarillonErrors } from '../core/error.ts';
import { gatewayUrlOf, parseDeployment, readDeployment } from './deployment.ts';
import { stateBytesMax } from './deployment-state.ts';
import { kafkaOptionsOf } from './kafka-options.ts';
import { registryOptionsOf } from './registry-options.ts';
import { budgetsOf } from './run/producer-quota.ts';
import { showError } from './show-error.ts';
import { packageFolder } from './version.ts';

const parse = (text: string, env: NodeJS.ProcessEnv = {}) =>
  parseDeployment(text, { file: 'deploy/carillon.yaml', folder: '/house', env });

const failure = (text: string, env: NodeJS.ProcessEnv = {}): CarillonErrors => {
  try {
    parse(text, env);
  } catch (error) {
    assert.ok(error instanceof CarillonErrors, String(error));
    return error;
  }
  assert.fail('it was taken');
};

test('everything may be left out', () => {
  const deployment = parse('');
  assert.equal(deployment.log.kind, 'embedded');
  assert.equal(deployment.partitions, 4);
  assert.equal(deployment.topology, '/house/topology/reno.yaml');
  assert.equal(deployment.dataFolder, '/house/.carillon');
  assert.equal(gatewayUrlOf(deployment), 'http://127.0.0.1:7400');
});

test('state has the memory that is set, or half of what the process has', () => {
  const GIB = 2 ** 30;
  const has = { total: 64 * GIB, constrained: 0, heap: 4 * GIB };
  const of = (text: string, more: object) => stateBytesMax(parse(text).state, { ...has, ...more });
  assert.equal(of('', {}), 2 * GIB);
  assert.equal(of('state: {}', { constrained: 3 * GIB }), 1.5 * GIB);
  assert.equal(of('', { constrained: 2 ** 62, heap: 100 * GIB }), 32 * GIB, 'no container');
  assert.equal(of('state: { memory_max: 300MiB }', {}), 300 * 2 ** 20);
  const { diagnostics } = failure('state: { memory_max: much }');
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['CAR307'],
  );
});

test('local checkpoints are for Kafka, in a folder from the config', () => {
  const state = (kafka: boolean) => {
    const text = `state: { checkpoints: kept }\n${kafka ? CLUSTER : ''}`;
    return kafka ? parse(text, ENV).state.checkpoints : failure(text).diagnostics;
  };
  assert.equal(state(true), '/house/deploy/kept');
  assert.equal(parse(CLUSTER, ENV).state.checkpoints, undefined);
  const { log, state: of } = parse(`state: { checkpoints: kept }\n${CLUSTER}`, ENV);
  assert.ok(log.kind === 'kafka');
  const options = kafkaOptionsOf({ ...log, ssl: false }, undefined, 0, of);
  assert.equal(options.checkpoints, '/house/deploy/kept');
  const [fault] = state(false) as CarillonErrors['diagnostics'];
  assert.equal(fault!.code, 'CAR903');
});

test('paths that are written are beside the config', () => {
  const { topology, dataFolder } = parse('{ topology: ../topology/reno.yaml, data_folder: data }');
  assert.equal(topology, '/house/topology/reno.yaml');
  assert.equal(dataFolder, '/house/deploy/data');
});

const CLUSTER = `
log:
  kind: kafka
  brokers: "\${BROKERS}"
  ssl: { ca: ca.pem }
  sasl: { mechanism: scram-sha-512, username: u, password: "\${PASSWORD}" }
registry: { url: http://registry:8081/ }
inbox: { kind: cassandra, contact_points: [a, b], local_data_center: dc1, ssl: { ca: cas.pem } }
auth: { secret: "\${SECRET}", internal_token: "\${SECRET}" }
http: { port: "\${PORT:-0}", health_port: "\${HEALTH_PORT:-9102}" }
`;
const ENV = { BROKERS: 'a:9092, b:9092', PASSWORD: 'hunter2-hunter2', SECRET: 's'.repeat(32) };

test('a deployment on Kafka, its texts from the environment', () => {
  const deployment = parse(CLUSTER, ENV);
  assert.deepEqual(deployment.log, {
    kind: 'kafka',
    brokers: ['a:9092', 'b:9092'],
    clientId: 'carillon',
    replicationFactor: -1,
    dataPlane: 'batches',
    sessionTimeoutMs: 10_000,
    ssl: { ca: '/house/deploy/ca.pem', rejectUnauthorized: true },
    sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'hunter2-hunter2' },
  });
  assert.deepEqual(deployment.registry, {
    url: 'http://registry:8081',
    auth: undefined,
    ssl: undefined,
  });
  assert.equal(deployment.partitions, 12);
  assert.equal(deployment.http.port, 0);
  assert.equal(deployment.http.healthPort, 9102);
  assert.ok(deployment.inbox.kind === 'cassandra');
  const trusted = { ca: '/house/deploy/cas.pem', rejectUnauthorized: true };
  assert.deepEqual(deployment.inbox.settings.ssl, trusted);
});

test('a producer has the quota that the deployment says, and two seconds of it at once', () => {
  const { http } = parse('http: { producer_quota: { bytes_per_second: 4KiB } }', {});
  assert.deepEqual(http.producerQuota, { requestsPerSecond: 20_000, bytesPerSecond: 4_096 });
  assert.equal(http.compression, null);
  const packed = (text: string) => parse(`http: { compression: ${text} }`, {}).http.compression;
  assert.deepEqual(packed('{}'), { bytesMin: 512, connectionsMax: 2_000 });
  assert.deepEqual(packed('{ min_bytes: 1KiB, connections_max: 9 }'), {
    bytesMin: 1_024,
    connectionsMax: 9,
  });
  assert.deepEqual(budgetsOf(http.producerQuota!).producerBytes, {
    burst: 8_192,
    perSecond: 4_096,
  });
  assert.equal(parse('http: {}', {}).http.producerQuota, null);
});

test('records move by batches, or by kafkajs when the deployment says so', () => {
  for (const said of ['batches', 'kafkajs']) {
    const { log } = parse(
      CLUSTER.replace('kind: kafka', `kind: kafka\n  data_plane: ${said}`),
      ENV,
    );
    assert.ok(log.kind === 'kafka');
    assert.equal(log.dataPlane, said);
    assert.equal(kafkaOptionsOf({ ...log, ssl: false }).dataPlane, said);
  }
});

test('how long a process may be silent is for the deployment to say', () => {
  const said = (text: string) =>
    parse(CLUSTER.replace('kind: kafka', `kind: kafka\n  session_timeout: ${text}`), ENV).log;
  for (const [text, ms] of [
    ['2s', 2_000],
    ['45s', 45_000],
    ['30m', 1_800_000],
  ] as const) {
    const log = said(text);
    assert.ok(log.kind === 'kafka');
    assert.equal(kafkaOptionsOf({ ...log, ssl: false }).sessionTimeoutMs, ms);
  }
});

test('a certificate that is not there is told by its path', () => {
  const { log } = parse(CLUSTER, ENV);
  assert.ok(log.kind === 'kafka');
  assert.throws(() => kafkaOptionsOf(log), { code: 'CAR902' });
});

test('the configs that are shipped are right', () => {
  for (const name of ['carillon.cluster.yaml', 'carillon.yaml']) {
    const file = `docker/${name}`;
    const env = { CARILLON_SECRET: 's'.repeat(32), CARILLON_INTERNAL_TOKEN: 't'.repeat(32) };
    const { topology } = readDeployment({ file, folder: packageFolder, env });
    assert.equal(topology, join(packageFolder, 'topology/reno.yaml'));
  }
});

const kafka = (registry: string) =>
  `log: { kind: kafka, brokers: [a:1] }
inbox: { kind: cassandra, contact_points: [a], local_data_center: d }
registry: { ${registry} }`;

test('a registry that asks who comes', () => {
  const text = kafka('url: "https://r/x/", username: u, password: "${P}", ssl: { ca: ca.pem }');
  const { registry } = parse(text, { P: 'hunter2' });
  assert.deepEqual(registry, {
    url: 'https://r/x',
    auth: { username: 'u', password: 'hunter2' },
    ssl: { ca: '/house/deploy/ca.pem', rejectUnauthorized: true },
  });
  assert.throws(() => registryOptionsOf(registry!), { code: 'CAR902' });
  const ssl = { ca: undefined, rejectUnauthorized: false };
  assert.deepEqual(registryOptionsOf({ ...registry!, ssl }), {
    url: 'https://r/x',
    auth: { username: 'u', password: 'hunter2' },
    ssl: { rejectUnauthorized: false },
  });
  // Where the environment gives the whole address, it may hold them.
  assert.equal(parse(kafka('url: "${R}"'), { R: 'http://u:p@r' }).registry!.url, 'http://u:p@r');
});

const UNSET = 'topology: "${NO_SUCH}"';
const wrong: readonly [what: string, text: string, codes: readonly string[]][] = [
  ['unknown keys, at every depth', '{ topologi: a, http: { prt: 1 } }', ['CAR104', 'CAR104']],
  ['not a mapping', '- a', ['CAR103']],
  ['not YAML', 'a: [', ['CAR101']],
  ['a number out of bounds', 'partitions: 0', ['CAR305']],
  ['not a number', 'http: { port: x }', ['CAR303']],
  ['an unset variable', UNSET, ['CAR106']],
  ['a secret in the file', 'auth: { secret: abc }', ['CAR309']],
  [
    'a data plane that is none',
    'log: { kind: kafka, data_plane: bytes }',
    ['CAR109', 'CAR904', 'CAR904', 'CAR904'],
  ],
  [
    'a session that ends between two heartbeats',
    'log: { kind: kafka, session_timeout: 1999ms }',
    ['CAR305', 'CAR904', 'CAR904', 'CAR904'],
  ],
  [
    'a session that no broker grants',
    'log: { kind: kafka, session_timeout: 31m }',
    ['CAR305', 'CAR904', 'CAR904', 'CAR904'],
  ],
  ['a kind that is none', 'log: { kind: kafca }', ['CAR109']],
  [
    'a quota of nothing',
    'http: { producer_quota: { requests_per_second: 0, byte: 1 } }',
    ['CAR104', 'CAR305'],
  ],
  ['an address that is none', 'http: { gateway_url: "ftp://x" }', ['CAR903']],
  ['a broker without a port', 'log: { kind: kafka, brokers: [a] }', ['CAR904', 'CAR903', 'CAR904']],
  ['Kafka alone', 'log: { kind: kafka }', ['CAR904', 'CAR904', 'CAR904']],
  ['a registry without Kafka', 'registry: { url: "http://r" }', ['CAR903']],
  ['a registry’s password in its address', kafka('url: "http://u:hunter2@r"'), ['CAR309']],
  ['a registry’s user alone', kafka('url: "http://r", username: u'), ['CAR904']],
  ['a registry’s password alone', kafka('url: "http://r", password: "${SECRET:-x}"'), ['CAR904']],
  [
    'a registry’s password in the file',
    kafka('url: "http://r", username: u, password: p'),
    ['CAR309'],
  ],
  ['trust for an address without TLS', kafka('url: "http://r", ssl: true'), ['CAR903']],
  ['Cassandra without its ring', 'inbox: { kind: cassandra }', ['CAR904', 'CAR105']],
  ['a duration without a unit', 'log: { retention: 7 }', ['CAR304']],
];
/** Each is told by itself, whatever its kind; all others stand beside it, in one run. */
const EMPTY: readonly [text: string, code: string][] = [
  ['topology: "${X:-}"', 'CAR103'],
  ['data_folder: "${X:-}"', 'CAR103'],
  ['data_folder: " ${X:-} "', 'CAR103'],
  ['schemas: "${X:-}"', 'CAR103'],
  ['schemas: [a, "${X:-}"]', 'CAR903'],
  ['partitions: "${X:-}"', 'CAR303'],
  ['log: { kind: "${X:-}" }', 'CAR103'],
  ['log: { retention: "${X:-}" }', 'CAR304'],
  ['log: { bytes_max: "${X:-}" }', 'CAR307'],
  ['log: { synchronous: "${X:-}" }', 'CAR103'],
  ['http: { host: "${X:-}" }', 'CAR103'],
  ['http: { port: "${X:-}" }', 'CAR303'],
  ['http: { gateway_url: "${X:-}" }', 'CAR103'],
  ['http: { health_port: "${X:-}" }', 'CAR303'],
  ['inbox: { kind: "${X:-}" }', 'CAR103'],
  ['connectors: { fcm: { credentials: "${X:-}" } }', 'CAR103'],
  ['connectors: { webhook: { allow: ["${X:-}"] } }', 'CAR903'],
];
for (const [text, code] of EMPTY) {
  test(`a variable that gives nothing is told: ${text}`, () => {
    for (const env of [{}, { X: '' }]) {
      const { diagnostics } = failure(text, env);
      assert.deepEqual(
        diagnostics.map((one) => one.code),
        [code],
      );
      assert.match(diagnostics[0]!.what, /gives nothing/);
      assert.match(diagnostics[0]!.mend, /":-"/);
    }
  });
}

test('a password that gives nothing is told, and does not turn the login off', () => {
  const { diagnostics } = failure(CLUSTER.replace('${PASSWORD}', '${PASSWORD:-}'), {
    ...ENV,
    PASSWORD: '',
  });
  assert.deepEqual(
    diagnostics.map(({ code, what }) => [code, what]),
    [['CAR903', 'deployment, log, sasl: password is a variable that gives nothing.']],
  );
});

test('a secret that may be left out may be empty', () => {
  assert.equal(parse('auth: { secret: "${CARILLON_SECRET:-}" }').auth.secret, null);
});

test('all errors of a deployment are told at once, each in its place', () => {
  const text = `topology: "\${NO_SUCH}"
partitions: zero
log: { kind: embedded, retention: 7, nothing: 1 }
http: { port: 70000, host: "\${EMPTY:-}" }
registry: { url: "http://r" }
auth: { secret: abc }
`;
  assert.deepEqual(
    failure(text).diagnostics.map(({ code, where }) => `${where.line} ${code}`),
    [
      '1 CAR106',
      '2 CAR303',
      '3 CAR304',
      '3 CAR104',
      '4 CAR305',
      '4 CAR103',
      '5 CAR903',
      '6 CAR309',
    ],
  );
});

const NOISE: readonly [what: string, text: string, codes: readonly string[]][] = [
  ['a no-break space', 'partitions:\u00a03\nhttp: { port: x }\n', ['1 CAR113', '2 CAR303']],
  [
    'a variable without quotes',
    'http: { port: ${P:-1} }\npartitions: 0\n',
    ['1 CAR114', '2 CAR305'],
  ],
  ['a tab', 'http:\n\tport: 1\npartitions: 0\n', ['2 CAR101']],
  ['two documents', 'partitions: 3\n---\npartitions: 4\n', ['2 CAR115']],
  ['nesting without end', `a: ${'['.repeat(5_000)}`, ['1 CAR116']],
];
for (const [what, text, codes] of NOISE) {
  test(`noise is told once in a deployment too: ${what}`, () => {
    assert.deepEqual(
      failure(text).diagnostics.map(({ code, where }) => `${where.line} ${code}`),
      codes,
    );
  });
}

for (const [what, text, codes] of wrong) {
  test(`refused, all at once: ${what}`, () => {
    assert.deepEqual(
      failure(text)
        .diagnostics.map(({ code }) => code)
        .sort(),
      [...codes].sort(),
    );
  });
}

test('a mapping of nothing is a file of all defaults', () => {
  assert.deepEqual(parse('{}', {}), { ...parse('', {}) });
});

test('near names are suggested', () => {
  const [first] = failure('{ topologi: a }').diagnostics;
  assert.match(first!.mend, /did you mean "topology"/);
});

const SECRETS: readonly [string, string][] = [
  ['in its place', 'auth: { secret: hunter2, internal_token: hunter2 }\npartitions: 0'],
  ['beside another error of its line', 'connectors: { fcm: { key: hunter2 } }\nauth: [hunter2]'],
  [
    'in a line that is wrong',
    'log: { kind: kafka, sasl: { username: u, password: hunter2, x: 1 } }',
  ],
  ['in an address', kafka('url: "http://u:hunter2@r"')],
  ['in a text that is not YAML', 'auth:\n  secret: hunter2: [\n'],
];
for (const [where, text] of SECRETS) {
  test(`a secret is not shown ${where}`, () => {
    const { text: shown } = showError(failure(text));
    if (!where.startsWith('beside')) assert.ok(!shown.includes('hunter2'), shown);
    else assert.ok(!/key: hunter2/.test(shown), shown);
  });
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
