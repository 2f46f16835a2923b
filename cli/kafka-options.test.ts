import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { logLines } from './commands/run.ts';
import { kafkaLoggerOf } from './kafka-options.ts';

/** Lines as pino writes them, read back. */
function lines() {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      written.push(String(chunk));
      done();
    },
  });
  const say = logLines(pino({ base: null, timestamp: false }, stream));
  return { say, read: () => written.splice(0).map((line) => JSON.parse(line)) };
}

test('what the Kafka connector warns of is a warning, and an error is an error', () => {
  const { say, read } = lines();
  const logger = kafkaLoggerOf(say);
  logger.debug({}, 'Debugged.');
  logger.info({}, 'Informed.');
  logger.warn({ topic: 't' }, 'Warned.');
  logger.error({ first: 3, last: 9 }, 'Failed.');
  assert.deepEqual(read(), [
    { level: 40, topic: 't', msg: 'Warned.' },
    { level: 50, first: 3, last: 9, msg: 'Failed.' },
  ]);
});

test('other lines have the level that their facts give them', () => {
  const { say, read } = lines();
  say('It runs.', { url: 'u' });
  say('It ends.', { error: new Error('why') });
  assert.deepEqual(read(), [
    { level: 30, url: 'u', msg: 'It runs.' },
    { level: 40, error: 'why', msg: 'It ends.' },
  ]);
});
