import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeError } from './probe-error.ts';

const failure = (name: string, message: string, cause?: Error) =>
  Object.assign(new Error(message, { cause }), { name });

const rows: readonly [error: Error, code: string, at: string, mend: RegExp][] = [
  [
    failure('KafkaJSConnectionError', 'Connection error: connect ECONNREFUSED 127.0.0.1:1'),
    'CAR640',
    'log.brokers',
    /log\.brokers names them/,
  ],
  [
    failure('KafkaJSConnectionError', 'Connection error: getaddrinfo ENOTFOUND nowhere'),
    'CAR640',
    'log.brokers',
    /log\.brokers/,
  ],
  [
    failure(
      'KafkaJSNumberOfRetriesExceeded',
      'all spent',
      failure('KafkaJSConnectionError', 'Connection error: self-signed certificate'),
    ),
    'CAR640',
    'log.ssl',
    /ssl: \{ ca: /,
  ],
  [
    failure('KafkaJSConnectionError', 'Connection error: ssl3_get_record:wrong version number'),
    'CAR640',
    'log.ssl',
    /speaks TLS/,
  ],
  [failure('Error', 'no answer within 5 s'), 'CAR640', 'log.brokers', /wants TLS or a login/],
  [
    failure('KafkaJSSASLAuthenticationError', 'SASL PLAIN authentication failed: Invalid'),
    'CAR645',
    'log.sasl',
    /variables are set/,
  ],
  [failure('KafkaJSNotImplemented', 'snappy'), 'CAR645', 'a:1, b:2', /See the cause/],
];
for (const [error, code, at, mend] of rows) {
  test(`${error.message}: ${code} at ${at}`, () => {
    const told = probeError(error, ['a:1', 'b:2']);
    assert.deepEqual([told.code, told.where.at, told.retryable], [code, at, code === 'CAR640']);
    assert.match(told.what, /a:1, b:2/);
    assert.match(told.mend!, mend);
  });
}
