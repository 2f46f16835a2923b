/** A live query over a log in memory: what is shown, what is counted, and when it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveLine } from '../../console/answers.ts';
import { CarillonError } from '../../core/error.ts';
import type { Record } from '../../core/record.ts';
import { Fed, LOADED } from '../../test/kit/fed-reader.ts';
import type { LogReader } from '../log-reader.ts';
import { liveLines } from './live-query.ts';

const EVENTS = 'events.plan-change';
const change = (n: number, planTo: string) => ({
  eventId: `e-${n}`,
  memberId: `m-${n}`,
  planTo,
  changedAt: 1_767_225_600_000,
});

/** Adds up lines until it has read so many, or it ends. */
async function sums(lines: AsyncIterable<LiveLine>, read: number, stop: AbortController) {
  const all = {
    read: 0,
    matched: 0,
    unjudged: 0,
    leftOut: 0,
    keys: [] as string[],
    topics: [] as readonly string[],
    end: '',
  };
  for await (const line of lines) {
    all.read += line.read;
    all.matched += line.matched;
    all.unjudged += line.unjudged;
    all.leftOut += line.leftOut;
    all.keys.push(...line.records.map(({ key }) => key ?? '-'));
    all.topics = line.topics;
    all.end = line.end ?? '';
    if (all.read >= read) stop.abort();
  }
  return all;
}

async function asked(fed: Fed, read: number, where?: string, topics: readonly string[] = [EVENTS]) {
  const stop = new AbortController();
  const found = sums(liveLines(fed.open, LOADED, { topics, where }, stop.signal), read, stop);
  return await found;
}

test('records that are meant are shown, all are counted', async () => {
  const fed = new Fed();
  for (const n of [1, 2, 3])
    await fed.write(EVENTS, `m-${n}`, change(n, n === 2 ? 'basic' : 'top'));
  await fed.writeRaw(EVENTS, 'm-4', Buffer.from('no Avro'));
  const { keys, end, topics: _, ...counts } = await asked(fed, 4, "value.planTo == 'top'");
  // Partitions have no order among them.
  assert.deepEqual(keys.sort(), ['m-1', 'm-3']);
  assert.deepEqual(counts, { read: 4, matched: 2, unjudged: 1, leftOut: 0 });
  assert.equal(end, '');
  assert.deepEqual([fed.opened, fed.closed], [1, 1]);
});

test('more than a person can read is counted, not shown', async () => {
  const fed = new Fed();
  for (let n = 0; n < 50; n++) await fed.write(EVENTS, `m-${n}`, change(n, 'top'));
  const { keys, matched, leftOut } = await asked(fed, 50);
  assert.equal(matched, 50);
  assert.equal(keys.length + leftOut, 50);
  // All of them may come between two lines, or within three.
  assert.ok(keys.length >= 20 && keys.length <= 60, String(keys.length));
});

test('without topics: the events that the topology reads, and no tables', async () => {
  const fed = new Fed();
  await fed.write(EVENTS, 'm-1', change(1, 'top'));
  await asked(fed, 1, undefined, []);
  assert.deepEqual(new Set(fed.asked.values()), new Set(['end']));
  assert.deepEqual([...fed.asked.keys()].sort(), [
    'events.diagnostic-signal',
    'events.my-list-update',
    'events.plan-change',
    'events.profile-change',
    'events.recommendation-refresh',
    'events.viewing-activity',
  ]);
});

test('without topics: a field that only some events have asks those, and says so', async () => {
  const fed = new Fed();
  await fed.write(EVENTS, 'm-1', change(1, 'top'));
  const all = await asked(fed, 1, "value.planTo == 'top'", []);
  assert.deepEqual([all.topics, all.keys], [[EVENTS], ['m-1']]);
  assert.deepEqual([...fed.asked.keys()], [EVENTS]);
});

test('tokens of devices are not shown', async () => {
  const fed = new Fed();
  const secret = 'a-token-of-a-phone';
  await fed.write('events.device-registration', 'd-1', {
    deviceId: 'd-1',
    memberId: 'm-1',
    action: 'REGISTERED',
    class: 'mobile',
    transports: [{ kind: 'fcm', token: secret }],
    occurredAt: 1_767_225_600_000,
  });
  const stop = new AbortController();
  const question = { topics: ['events.device-registration'], where: undefined };
  let told = '';
  for await (const line of liveLines(fed.open, LOADED, question, stop.signal)) {
    told += JSON.stringify(line);
    if (line.read > 0) stop.abort();
  }
  assert.match(told, /d-1/);
  assert.doesNotMatch(told, new RegExp(secret));
});

const wrong: readonly [where: string | undefined, topics: string[], code: string][] = [
  ['value.planTo ==', [EVENTS], 'CAR310'],
  ['value.noSuch == 1', [EVENTS], 'CAR402'],
  ['value.noSuch == 1', [], 'CAR402'],
  ["value.planTo == 'top'", [EVENTS, 'events.my-list-update'], 'CAR402'],
  ['value.planTo', [EVENTS], 'CAR312'],
  [undefined, ['events.none'], 'CAR605'],
];
for (const [where, topics, code] of wrong) {
  test(`${code} before anything is opened: ${where ?? topics}`, () => {
    const fed = new Fed();
    assert.throws(
      () => liveLines(fed.open, LOADED, { topics, where }, new AbortController().signal),
      { code },
    );
    assert.equal(fed.opened, 0);
  });
}

test('a log that is away ends it, with the reason', async () => {
  const away = async (): Promise<LogReader> => {
    throw new CarillonError('CAR640', 'Kafka cannot be reached.', { retryable: true });
  };
  const stop = new AbortController();
  const lines = liveLines(away, LOADED, { topics: [EVENTS], where: undefined }, stop.signal);
  const { end } = await sums(lines, 1, stop);
  assert.equal(end, 'CAR640: Kafka cannot be reached.');
});

test('who is gone before the first line has opened nothing', async () => {
  const fed = new Fed();
  const stop = new AbortController();
  stop.abort();
  const question = { topics: [EVENTS], where: undefined };
  const seen: Record[] = [];
  for await (const line of liveLines(fed.open, LOADED, question, stop.signal)) {
    seen.push(...(line.records as never[]));
  }
  assert.deepEqual([seen.length, fed.opened - fed.closed], [0, 0]);
});
