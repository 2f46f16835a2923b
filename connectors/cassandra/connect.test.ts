import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'cassandra-driver';
import { failureOf } from './connect.ts';
import { checkSettings } from './settings.ts';

const settings = checkSettings({
  contactPoints: ['cassandra-1', 'cassandra-2'],
  localDataCenter: 'dc1',
  keyspace: 'carillon',
  username: 'carillon',
  password: 'secret-word',
});

const TABLE: readonly [unknown, string, string, boolean][] = [
  [new errors.AuthenticationError('bad'), 'CAR626', 'login refused', false],
  [
    new errors.NoHostAvailableError({ a: new errors.AuthenticationError('bad') }),
    'CAR626',
    'login refused',
    false,
  ],
  [
    new errors.ResponseError(0x2100, 'no CREATE permission'),
    'CAR624',
    'not authorised: no CREATE permission',
    false,
  ],
  [new errors.NoHostAvailableError({}), 'CAR620', 'does not answer: no host is up', true],
];

for (const [error, code, words, retryable] of TABLE) {
  test(`${code}: ${words}; hosts are named, secrets are not`, () => {
    const failure = failureOf(error, settings);
    assert.equal(failure.code, code);
    assert.equal(failure.retryable, retryable);
    assert.ok(failure.what.endsWith(words), failure.what);
    assert.ok(failure.what.includes('cassandra-1:9042, cassandra-2:9042'), failure.what);
    assert.doesNotMatch(JSON.stringify(failure) + failure.stack, /secret-word/);
  });
}
