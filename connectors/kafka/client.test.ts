import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Backoff, errorType, forward, isFenced, kafkaError, within } from './client.ts';
import { pause } from './wire/pause.ts';

function failure(name: string, type?: string, cause?: unknown): Error {
  return Object.assign(new Error('why', { cause }), { name, ...(type ? { type } : {}) });
}

describe('an error of kafkajs in the words of the house', () => {
  const table: readonly [error: Error, code: string, retryable: boolean][] = [
    [failure('KafkaJSConnectionError'), 'CAR640', true],
    [failure('KafkaJSNumberOfRetriesExceeded', undefined, failure('x')), 'CAR640', true],
    [failure('KafkaJSProtocolError', 'UNKNOWN_TOPIC_OR_PARTITION'), 'CAR642', false],
    [
      failure('KafkaJSNonRetriableError', undefined, failure('x', 'TOPIC_AUTHORIZATION_FAILED')),
      'CAR645',
      false,
    ],
    [failure('KafkaJSSASLAuthenticationError'), 'CAR645', false],
    [failure('KafkaJSNotImplemented'), 'CAR645', false],
    [new RangeError('out of range'), 'CAR645', false],
  ];
  for (const [error, code, retryable] of table) {
    test(`${error.name} ${errorType(error) ?? ''} is ${code}`, () => {
      const told = kafkaError(error, 'here');
      assert.deepEqual([told.code, told.retryable, told.where.at], [code, retryable, 'here']);
      assert.equal(kafkaError(told, 'there'), told, 'told once');
    });
  }

  test('a fenced producer is known by its cause too', () => {
    assert.ok(isFenced(failure('x', undefined, failure('y', 'INVALID_PRODUCER_EPOCH'))));
    assert.ok(!isFenced(failure('x')));
    assert.ok(!isFenced(undefined));
  });
});

describe('waiting', () => {
  test('doubles up to 3 s, and begins anew', () => {
    const backoff = new Backoff();
    const delays = Array.from({ length: 7 }, () => backoff.next());
    assert.deepEqual(delays, [100, 200, 400, 800, 1_600, 3_000, 3_000]);
    backoff.reset();
    assert.equal(backoff.next(), 100);
  });

  test('a pause ends when the signal is given', async () => {
    const abort = new AbortController();
    const waiting = pause(60_000, abort.signal);
    abort.abort();
    await waiting;
    await pause(60_000, abort.signal);
  });

  test('within tells whether it was in time, whatever came of it', async () => {
    assert.equal(await within(Promise.resolve(), 60_000), true);
    assert.equal(await within(Promise.reject(new Error('x')), 60_000), true);
    assert.equal(await within(new Promise(() => {}), 1), false);
  });
});

describe('what kafkajs says', () => {
  const said: string[] = [];
  const say = (level: string) => (_: object, sentence: string) =>
    void said.push(`${level} ${sentence}`);
  const logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const table: readonly [level: number, message: string, error: string, expected: string][] = [
    [1, 'Connection error: broken', '', 'warn'],
    [1, 'Response from broker', 'The group is rebalancing, so a rejoin is needed', 'debug'],
    [2, 'KafkaJS v2 switched partitioner', '', 'debug'],
    [4, 'Starting', '', 'debug'],
  ];
  for (const [level, message, error, expected] of table) {
    test(`"${message}" ${error} is ${expected}`, () => {
      said.length = 0;
      const log = { message, error, timestamp: '', stack: 'secret', logger: 'kafkajs' };
      forward(logger, { namespace: 'Runner', level, label: '', log });
      assert.deepEqual(said, [`${expected} ${message}`]);
    });
  }
});
