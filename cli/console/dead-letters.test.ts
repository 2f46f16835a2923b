/** Dead letters of a log in memory: counted by reason, the newest shown with their mend. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { AT_MS, Fed, LOADED } from '../../test/kit/fed-reader.ts';
import { newestDeadLetters } from './dead-letters.ts';

const TOPIC = LOADED.plan.deadLetters;
const HOUR_MS = 3_600_000;

const headers = (code: string, offset: number) =>
  Object.entries({
    code,
    reason: 'the time is 30d in the future',
    stream: 'plan-change',
    step: 'source',
    topic: 'events.plan-change',
    partition: '1',
    offset: String(offset),
  }).map(([name, value]) => ({ key: `carillon.${name}`, value: Buffer.from(value) }));

async function look(fed: Fed, sinceMs = AT_MS, signal = new AbortController().signal) {
  return await newestDeadLetters(await fed.open(), LOADED.plan, { sinceMs, signal });
}

test('none', async () => {
  assert.deepEqual(await look(new Fed()), {
    total: 0,
    groups: [],
    since: AT_MS,
    newest: [],
    unread: [],
  });
});

test('each with where it came from, why, and how it is mended', async () => {
  const fed = new Fed();
  const bytes = Buffer.from('no Avro');
  await fed.writeRaw(TOPIC, 'm-1', bytes, { headers: headers('CAR508', 7), at: AT_MS + 5 });
  const { newest } = await look(fed);
  assert.deepEqual(newest, [
    {
      topic: TOPIC,
      partition: newest[0]?.partition,
      offset: 0,
      at: AT_MS + 5,
      key: 'm-1',
      code: 'CAR508',
      reason: 'the time is 30d in the future',
      mend: ERROR_TABLE.CAR508.mend,
      step: 'plan-change/source',
      origin: 'events.plan-change/1@7',
      value: `base64: ${bytes.toString('base64')}`,
    },
  ]);
});

test('all are counted, by reason; a hundred are shown, the newest of all partitions', async () => {
  const fed = new Fed();
  for (let n = 0; n < 130; n++) {
    const code = n % 10 === 0 ? 'CAR505' : 'CAR508';
    const at = AT_MS + ((n * 37) % 130);
    await fed.writeRaw(TOPIC, `m-${n}`, null, { headers: headers(code, n), at });
  }
  await fed.writeRaw(TOPIC, 'm-x', null, { at: AT_MS });
  const { total, groups, newest } = await look(fed);
  assert.equal(total, 131);
  assert.deepEqual(
    groups.map(({ code, origin, n, first, last, canGoBack }) => [
      ...[code, origin, n, first - AT_MS, last - AT_MS, canGoBack],
    ]),
    [
      ['CAR508', 'events.plan-change', 117, 1, 129, true],
      ['CAR505', 'events.plan-change', 13, 0, 120, true],
      ['?', '', 1, 0, 0, false],
    ],
  );
  assert.deepEqual(
    newest.map(({ at }) => at - AT_MS),
    Array.from({ length: 100 }, (_, n) => 129 - n),
  );
});

test('what is older is not counted', async () => {
  const fed = new Fed();
  for (const at of [AT_MS, AT_MS + HOUR_MS]) {
    await fed.writeRaw(TOPIC, 'm-1', null, { headers: headers('CAR508', 1), at });
  }
  assert.equal((await look(fed, AT_MS + HOUR_MS)).total, 1);
});

test('what there was no time for is said', async () => {
  const fed = new Fed();
  await fed.writeRaw(TOPIC, 'm-1', null, { headers: headers('CAR508', 1) });
  const { unread } = await look(fed, AT_MS, AbortSignal.abort());
  assert.deepEqual(unread, [TOPIC]);
});
