import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { Schemas } from '../core/schema.ts';
import { eventually } from '../test/kit/gateway-bench.ts';
import { FakeLog } from '../test/kit/gateway-fakes.ts';
import { LogWriter } from './log-writer.ts';
import { Reporter } from './reporter.ts';

/** Values are written as their text. */
const schemas = {
  encoder: () => ({ schemaId: 1, toBuffer: (value: unknown) => Buffer.from(String(value)) }),
} as unknown as Schemas;

async function opened(limits?: { recordsMax: number; bytesMax: number }) {
  const log = new FakeLog({ partitions: 1 });
  return { log, writer: await LogWriter.open(log, schemas, new HandClock(0), limits) };
}

const one = (value: string) => [{ key: 'k', value }];
const values = (log: FakeLog) =>
  log.records('t').map((record) => record.valueBytes!.toString('utf8'));
const refused = (code: string) => (error: unknown) =>
  error instanceof CarillonError && error.code === code && error.retryable;

test('what comes in one turn goes out in one write, each with its own offset', async () => {
  const { log, writer } = await opened();
  const written = await Promise.all(
    ['a', 'b', 'c'].map((value) => writer.write('t', 's', one(value))),
  );
  assert.deepEqual(
    written.flat().map(({ offset }) => offset),
    [0, 1, 2],
  );
  assert.deepEqual([log.sends, values(log)], [1, ['a', 'b', 'c']]);
  assert.deepEqual(await writer.write('t', 's', []), []);
});

test('a bounded number of writes is under way; what waits goes out together', async () => {
  const { log, writer } = await opened();
  log.hold();
  const writes: Promise<unknown>[] = [];
  for (let sends = 1; sends <= 4; sends++) {
    writes.push(writer.write('t', 's', one('x')));
    await eventually(() => log.sends === sends, `write ${sends}`);
  }
  for (let i = 0; i < 10; i++) writes.push(writer.write('t', 's', one('y')));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(log.sends, 4);
  log.release();
  await Promise.all(writes);
  assert.deepEqual([log.sends, values(log).length], [5, 14]);
});

for (const [name, limits] of [
  ['records', { recordsMax: 2, bytesMax: 1000 }],
  ['bytes', { recordsMax: 1000, bytesMax: 4 }],
] as const) {
  test(`CAR711: more ${name} than it holds are refused, nothing of them is written`, async () => {
    const { log, writer } = await opened(limits);
    log.hold();
    const first = writer.write('t', 's', [...one('a'), ...one('b')]);
    await eventually(() => log.sends === 1, 'the first is under way');
    await assert.rejects(writer.write('t', 's', one('cde')), refused('CAR711'));
    log.release();
    await first;
    await writer.write('t', 's', one('d'));
    assert.deepEqual(values(log), ['a', 'b', 'd']);
  });
}

test('CAR712: a write that fails is told to all of it, and the next goes on', async () => {
  const { log, writer } = await opened();
  log.away = true;
  const both = [writer.write('t', 's', one('a')), writer.write('t', 's', one('b'))];
  for (const write of both) await assert.rejects(write, refused('CAR712'));
  log.away = false;
  await writer.write('t', 's', one('c'));
  assert.deepEqual(values(log), ['c']);
});

test('close waits for what is under way', async () => {
  const { log, writer } = await opened();
  log.hold();
  const write = writer.write('t', 's', one('a'));
  await eventually(() => log.sends === 1, 'the write is under way');
  const closed = writer.close();
  log.release();
  await Promise.all([write, closed]);
  assert.deepEqual(values(log), ['a']);
});

test('a reporter keeps the order over a log that is away, and counts what it gives up', async () => {
  const { log, writer } = await opened();
  const said: string[] = [];
  const reporter = new Reporter(writer, {
    topic: 't',
    schema: 's',
    queueMax: 3,
    log: (sentence) => said.push(sentence),
  });
  log.away = true;
  for (const value of ['a', 'b', 'c', 'd']) reporter.report('k', value);
  await eventually(() => said.length > 0, 'a failed try');
  assert.deepEqual([reporter.lost, reporter.waiting], [1, 3]);
  log.away = false;
  await reporter.close();
  assert.deepEqual([values(log), reporter.lost], [['b', 'c', 'd'], 1]);
  log.away = true;
  reporter.report('k', 'e');
  await reporter.close();
  assert.equal(reporter.lost, 2);
});
