import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CarillonError } from '../../core/error.ts';
import { baseOptions } from './connect.ts';
import { type CassandraSettings, checkSettings } from './settings.ts';

const GOOD: CassandraSettings = {
  contactPoints: ['127.0.0.1'],
  localDataCenter: 'datacenter1',
  keyspace: 'carillon',
};

test('what is not given has its default', () => {
  const checked = checkSettings(GOOD);
  assert.equal(checked.port, 9042);
  assert.equal(checked.consistency, 6);
  assert.equal(checked.create, true);
  assert.equal(checked.requestTimeoutMs, 1_500);
  assert.equal(checked.inFlightMax, 128);
  assert.equal(checked.credentials, undefined);
});

const BAD: readonly [string, Partial<CassandraSettings>][] = [
  ['contactPoints', { contactPoints: [] }],
  ['contactPoints', { contactPoints: Array.from({ length: 17 }, (_, n) => `host-${n}`) }],
  ['port', { port: 0 }],
  ['port', { port: 65_536 }],
  ['localDataCenter', { localDataCenter: '' }],
  ['keyspace', { keyspace: 'Reno' }],
  ['keyspace', { keyspace: 'a; drop' }],
  ['replication', { replication: 0 }],
  ['replication', { replication: { "dc'": 3 } }],
  ['replication.dc1', { replication: { dc1: 1.5 } }],
  ['consistency', { consistency: 'any' }],
  ['username', { password: 'secret-word' }],
  ['password', { username: 'carillon' }],
  ['requestTimeoutMs', { requestTimeoutMs: 10 }],
  ['inFlightMax', { inFlightMax: 5_000 }],
  ['ssl.ca', { ssl: { ca: '/nowhere/ca.pem', rejectUnauthorized: true } }],
  ['ssl.ca', { ssl: { ca: '/', rejectUnauthorized: true } }],
];

for (const [name, changes] of BAD) {
  test(`CAR625 names the setting: ${name} ${JSON.stringify(changes)}`, () => {
    assert.throws(
      () => checkSettings({ ...GOOD, ...changes }),
      (error) => {
        assert.ok(error instanceof CarillonError);
        assert.equal(error.code, 'CAR625');
        const written = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        assert.equal(error.where.at, `inbox.${written}`, 'as the deployment config has it');
        assert.doesNotMatch(JSON.stringify(error) + error.message, /secret-word/);
        return true;
      },
    );
  });
}

test('TLS: the certificates are read, and go to both clients', () => {
  const ca = fileURLToPath(import.meta.url);
  const rows: readonly [CassandraSettings['ssl'], object | undefined][] = [
    [undefined, undefined],
    [false, undefined],
    [{ ca: undefined, rejectUnauthorized: true }, { rejectUnauthorized: true }],
    [{ ca: undefined, rejectUnauthorized: false }, { rejectUnauthorized: false }],
    [
      { ca, rejectUnauthorized: true },
      { ca: readFileSync(ca, 'utf8'), rejectUnauthorized: true },
    ],
  ];
  for (const [ssl, expected] of rows) {
    const checked = checkSettings({ ...GOOD, ...(ssl === undefined ? {} : { ssl }) });
    assert.deepEqual(checked.ssl, expected);
    assert.deepEqual(baseOptions(checked, 1).sslOptions, expected);
  }
});
