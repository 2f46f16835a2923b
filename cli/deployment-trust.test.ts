/** The sections `http` and `auth` of a deployment config: ports, TLS, origins, keys. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CarillonErrors } from '../core/error.ts';
import { CERTIFICATE } from '../test/kit/certificate.ts';
import { gatewayUrlOf, parseDeployment } from './deployment.ts';
import { trustOf } from './deployment-auth.ts';
import { internalUrlOf } from './deployment-http.ts';
import { readTls } from './run/tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-trust-'));
after(() => rmSync(folder, { recursive: true }));

/** Within the certificate's time. */
const NOW = Date.UTC(2027, 0, 1);

const parse = (text: string, env: NodeJS.ProcessEnv = {}) =>
  parseDeployment(text, { file: 'deploy/carillon.yaml', folder: '/house', env });
const codes = (text: string): readonly string[] => {
  try {
    parse(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof CarillonErrors, String(error));
    return error.diagnostics.map(({ code }) => code).sort();
  }
};

const ports: readonly [string, string, string, number][] = [
  ['', '127.0.0.1', '127.0.0.1', 7401],
  ['http: { port: 8000 }', '127.0.0.1', '127.0.0.1', 8001],
  ['http: { port: 0 }', '127.0.0.1', '127.0.0.1', 0],
  ['http: { port: 65535 }', '127.0.0.1', '127.0.0.1', 0],
  ['http: { host: 0.0.0.0 }', '0.0.0.0', '0.0.0.0', 7401],
  ['http: { host: 0.0.0.0, internal_host: 10.0.0.1 }', '0.0.0.0', '10.0.0.1', 7401],
  ['http: { internal_port: 9000 }', '127.0.0.1', '127.0.0.1', 9000],
];
for (const [text, host, internalHost, internalPort] of ports) {
  test(`the internal port of "${text}" is ${internalHost}:${internalPort}`, () => {
    const { http } = parse(text);
    const got = [http.host, http.internalHost, http.internalPort];
    assert.deepEqual(got, [host, internalHost, internalPort]);
  });
}

const reached: readonly [string, string | null][] = [
  ['', null],
  ['http: { gateway_url: "https://push.example.com" }', 'http://push.example.com:7401'],
  ['http: { gateway_url: "http://[::1]:80", port: 80 }', 'http://[::1]:81'],
  ['http: { gateway_url: "http://g", port: 0 }', null],
  ['http: { gateway_url: "http://g", internal_url: "https://in:1" }', 'https://in:1'],
  ['http: { gateway_url: "http://g", internal_tls: { cert: a, key: b } }', 'https://g:7401'],
];
for (const [text, url] of reached) {
  test(`sinks reach "${text}" at ${url ?? 'where it listens'}`, () => {
    assert.equal(internalUrlOf(parse(text).http), url);
  });
}

test('TLS: paths beside the config; the address says https', () => {
  const text =
    'http: { tls: { cert: a.pem, key: /b.pem }, internal_tls: { cert: a, key: b, ca: c } }';
  const deployment = parse(text);
  const { tls, internalTls } = deployment.http;
  assert.deepEqual(tls, { cert: '/house/deploy/a.pem', key: '/b.pem', ca: null });
  assert.equal(internalTls?.ca, '/house/deploy/c');
  assert.equal(gatewayUrlOf(deployment), 'https://127.0.0.1:7400');
});

const refused: readonly [string, readonly string[]][] = [
  ['http: { origins: ["https://app.example"] }', []],
  ['http: { origins: "https://a.example, http://localhost:3000" }', []],
  ['http: { origins: ["https://app.example/"] }', ['CAR903']],
  ['http: { origins: ["app.example"] }', ['CAR903']],
  ['http: { origins: ["*"] }', ['CAR903']],
  ['http: { origins: [] }', ['CAR903']],
  ['http: { tls: { cert: a } }', ['CAR105']],
  ['http: { tls: {} }', ['CAR105', 'CAR105']],
  ['http: { tls: { cert: a, key: b, pass: c } }', ['CAR104']],
  ['http: { internal_port: 70000 }', ['CAR305']],
  ['http: { internal_url: "ftp://x" }', ['CAR903']],
  ['auth: { jwks: "https://issuer.example/jwks" }', []],
  ['auth: { jwks: keys.json }', []],
  ['auth: { jwks: "http://127.0.0.1:9/jwks" }', []],
  ['auth: { jwks: "http://issuer.example/jwks" }', ['CAR903']],
  ['auth: { jwks: "http://localhost.evil.example/jwks" }', ['CAR903']],
  ['auth: { former_secret: abc }', ['CAR309']],
  ['auth: { token_ttl_max: 7 }', ['CAR304']],
  ['auth: { token_ttl_max: 7d, issuer: us, audience: gw }', []],
  ['auth: { module: ./my-auth.ts }', []],
  ['auth: { module: [a] }', ['CAR103']],
  ['{ auth: { cookie: __Host-device }, http: { origins: ["https://app.example"] } }', []],
  ['auth: { cookie: device }', ['CAR775']],
  ['{ auth: { cookie: "a=b" }, http: { origins: ["https://app.example"] } }', ['CAR903']],
  ['{ auth: { cookie: "" }, http: { origins: ["https://app.example"] } }', ['CAR103']],
];
for (const [text, expected] of refused) {
  test(`${text}: ${expected.join(', ') || 'good'}`, () => assert.deepEqual(codes(text), expected));
}

test('each item of a list is told where it stands, and as the file has it', () => {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
  const listed = [
    ['http:', '  origins:', '    - https://a.example', '    - "${ONE}"', '    - "${TWO}"'],
    ['log: { kind: kafka, brokers: ["a:1", "${ONE}"] }'],
    ['console: { processes: ["http://a:1", "${ONE}"] }'],
  ];
  const told = listed.map((lines) => {
    const env = { ONE: 'first.hidden', TWO: 'http://b.example, second.hidden' };
    try {
      parse(lines.join('\n'), env);
    } catch (error) {
      assert.ok(error instanceof CarillonErrors, String(error));
      const ours = error.diagnostics.filter(({ code }) => code === 'CAR903');
      for (const { what, mend } of ours) assert.doesNotMatch(`${what} ${mend}`, /hidden/);
      return ours.map(({ where, what, mend }) => [
        where.line,
        where.column,
        what.slice(what.indexOf(': ') + 2, what.indexOf(' is no')),
        mend.startsWith('The text comes from'),
      ]);
    }
    return [];
  });
  assert.deepEqual(told, [
    [
      [4, 7, '"${ONE}"', true],
      [5, 7, '"${TWO}"', true],
    ],
    [[1, 38, '"${ONE}"', true]],
    [[1, 38, '"${ONE}"', true]],
  ]);
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
});

test('what a gateway trusts', () => {
  const file = join(folder, 'keys.json');
  const keys = [{ kty: 'EC', kid: 'k' }];
  writeFileSync(file, JSON.stringify({ keys }));
  const env = { OLD: 'o'.repeat(32), FILE: file };
  const text =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    'auth: { former_secret: "${OLD}", jwks: "${FILE}", issuer: us, audience: gw, token_ttl_max: 1d }';
  assert.deepEqual(trustOf(parse(text, env).auth), {
    formerSecrets: [env.OLD],
    jwks: { keys },
    issuer: 'us',
    audience: 'gw',
    ttlMaxMs: 86_400_000,
  });
  assert.deepEqual(trustOf(parse('').auth), {});
  const address = 'https://issuer.example/jwks';
  assert.deepEqual(trustOf(parse(`auth: { jwks: "${address}" }`).auth), { jwks: new URL(address) });
});

test('a cookie is what the gateway is told, and a module lies beside the config', () => {
  const { auth } = parse(
    '{ auth: { cookie: device, module: ./my-auth.ts }, http: { origins: ["https://a.example"] } }',
  );
  assert.deepEqual(trustOf(auth), { cookie: 'device' });
  assert.equal(auth.module, '/house/deploy/my-auth.ts');
});

test('CAR903: a file of keys that is none; what stands in it is not told', () => {
  const rows: readonly [string | undefined, RegExp][] = [
    [undefined, /it is not there/],
    ['hush', /no JSON Web Key Set/],
    ['{"keys":"hush"}', /no JSON Web Key Set/],
    ['{"keys":[{}]}', /no JSON Web Key Set/],
    ['null', /no JSON Web Key Set/],
  ];
  for (const [i, [text, what]] of rows.entries()) {
    const file = join(folder, `bad-${i}.json`);
    if (text !== undefined) writeFileSync(file, text);
    const { auth } = parse(`auth: { jwks: ${file} }`);
    assert.throws(
      () => trustOf(auth),
      (error: { code: string; what: string }) =>
        error.code === 'CAR903' && what.test(error.what) && !error.what.includes('hush'),
    );
  }
});

test('CAR733: certificate and key that are no pair, no PEM, or not there', () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const cert = write('cert.pem', CERTIFICATE.cert);
  const key = write('key.pem', CERTIFICATE.key);
  const none = write('none.pem', 'hush');
  assert.deepEqual(readTls('http.tls', { cert, key, ca: cert }, NOW), {
    ...CERTIFICATE,
    ca: CERTIFICATE.cert,
  });
  const rows: readonly [string, string, string | null][] = [
    [none, key, null],
    [cert, none, null],
    [cert, cert, null],
    [join(folder, 'missing'), key, null],
    [cert, folder, null],
    [cert, key, join(folder, 'missing')],
  ];
  for (const [one, other, ca] of rows) {
    assert.throws(
      () => readTls('http.tls', { cert: one, key: other, ca }, NOW),
      (error: { code: string; message: string }) =>
        error.code === 'CAR733' && !error.message.includes('hush'),
    );
  }
});
