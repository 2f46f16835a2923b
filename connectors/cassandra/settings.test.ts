import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
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
];

for (const [name, changes] of BAD) {
  test(`CAR625 names the setting: ${name} ${JSON.stringify(changes)}`, () => {
    assert.throws(
      () => checkSettings({ ...GOOD, ...changes }),
      (error) => {
        assert.ok(error instanceof CarillonError);
        assert.equal(error.code, 'CAR625');
        assert.equal(error.where.at, `cassandra.${name}`);
        assert.doesNotMatch(JSON.stringify(error) + error.message, /secret-word/);
        return true;
      },
    );
  });
}
