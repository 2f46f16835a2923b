/** Dead letters sent back from the page, over a log in memory: looked at first, once each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedriveAnswer } from '../../console/answers.ts';
import type { Record } from '../../core/record.ts';
import { AT_MS, Fed, LOADED } from '../../test/kit/fed-reader.ts';
import { letterOf, redriveLetters } from '../redrive/redriven.ts';
import { headersOf } from '../show-record.ts';
import { redriveFromPage } from './redrive.ts';

const { plan } = LOADED;
const EVENTS = 'events.plan-change';

interface Dead {
  readonly code?: string;
  readonly origin?: string;
  readonly at?: number;
  readonly form?: string;
}

class Board extends Fed {
  readonly said: object[] = [];
  #n = 0;

  /** Its bytes are its number, so that it is known again. */
  async die({ code = 'CAR508', origin = EVENTS, at = AT_MS, form }: Dead = {}): Promise<void> {
    const n = this.#n++;
    const words = { code, topic: origin, partition: '1', offset: String(n), ...(form && { form }) };
    const headers = Object.entries(words).map(([name, value]) => ({
      key: `carillon.${name}`,
      value: Buffer.from(value),
    }));
    const trace = { key: 'trace', value: Buffer.from(`t-${n}`) };
    const bytes = Buffer.from(String(n));
    await this.writeRaw(plan.deadLetters, `m-${n}`, bytes, { headers: [trace, ...headers], at });
  }

  async ask(
    asked: { from?: number; code?: string; origin?: string; upTo?: string } = {},
    signal = new AbortController().signal,
  ): Promise<RedriveAnswer> {
    const { from = AT_MS, code, origin, upTo } = asked;
    const pairs = upTo?.split(',').filter((pair) => pair !== '');
    const map = pairs?.map((pair) => pair.split(':').map(Number) as [number, number]);
    const say = (sentence: string, facts: object) => this.said.push({ sentence, ...facts });
    const reader = await this.open();
    const question = {
      ...{ fromMs: from, code, origin, by: 'me' },
      upTo: map === undefined ? null : new Map(map),
    };
    return await redriveFromPage({ reader, plan, log: this.log, say }, question, signal);
  }

  async back(topic = EVENTS): Promise<Record[]> {
    const reader = await this.open();
    const { signal } = new AbortController();
    const found: Record[] = [];
    for await (const records of reader.read(topic, { from: 'start', follow: false, signal })) {
      found.push(...records);
    }
    return found;
  }
}

const counts = ({ toSend, alreadySent, ofOthers, changed, sent }: RedriveAnswer) => ({
  ...{ toSend, alreadySent, ofOthers, changed, sent },
});
const NONE = { toSend: 0, alreadySent: 0, ofOthers: 0, changed: 0, sent: null };

test('of none there is none', async () => {
  const board = new Board();
  const answer = await board.ask();
  assert.deepEqual(answer, { ...NONE, groups: [], upTo: '' });
  assert.deepEqual(counts(await board.ask({ upTo: '' })), { ...NONE, sent: 0 });
  assert.deepEqual(board.said, []);
});

test('a look sends nothing; what it saw is sent as it came, and once', async () => {
  const board = new Board();
  for (let n = 0; n < 4; n++) await board.die();
  const look = await board.ask();
  assert.deepEqual(counts(look), { ...NONE, toSend: 4 });
  assert.deepEqual(look.groups, [{ code: 'CAR508', origin: EVENTS, n: 4 }]);
  assert.deepEqual(await board.back(), []);
  const { upTo } = look;
  assert.deepEqual(counts(await board.ask({ upTo })), { ...NONE, toSend: 4, sent: 4 });
  const back = await board.back();
  assert.deepEqual(
    back.map((record) => [record.partition, record.key, String(record.valueBytes)]).sort(),
    ['0', '1', '2', '3'].map((n) => [1, `m-${n}`, n]),
  );
  for (const record of back) {
    const { trace, 'carillon.redriven': place, ...rest } = headersOf(record);
    assert.deepEqual([trace, rest], [`t-${record.valueBytes}`, {}]);
    assert.match(place ?? '', /^dead-letters\/[01]@[0-3]$/);
    assert.equal(record.timestamp, AT_MS);
  }
  assert.deepEqual(counts(await board.ask({ upTo })), { ...NONE, alreadySent: 4, sent: 0 });
  assert.equal((await board.back()).length, 4);
  assert.deepEqual(board.said, [{ sentence: 'Dead letters were sent back.', sent: 4, by: 'me' }]);
});

test('what came after the look is not sent', async () => {
  const board = new Board();
  await board.die();
  const { upTo } = await board.ask();
  for (let n = 0; n < 3; n++) await board.die();
  assert.equal((await board.ask({ upTo })).sent, 1);
  assert.deepEqual(
    (await board.back()).map(({ key }) => key),
    ['m-0'],
  );
  assert.deepEqual(counts(await board.ask()), { ...NONE, toSend: 3, alreadySent: 1 });
});

test('by time, code and origin; what cannot go back is counted', async () => {
  const board = new Board();
  await board.die({ at: AT_MS - 1 });
  await board.die({ code: 'CAR505' });
  await board.die({ origin: 'events.viewing-activity' });
  await board.die({ origin: 'notifications.low.fcm' });
  await board.die({ form: 'json' });
  const rows: [Parameters<Board['ask']>[0], object][] = [
    [{}, { toSend: 2, ofOthers: 1, changed: 1 }],
    [{ from: AT_MS - 1 }, { toSend: 3, ofOthers: 1, changed: 1 }],
    [{ code: 'CAR505' }, { toSend: 1 }],
    [{ code: 'CAR501' }, {}],
    [{ origin: EVENTS }, { toSend: 1, changed: 1 }],
    [{ origin: 'events.viewing-activity', code: 'CAR508' }, { toSend: 1 }],
  ];
  for (const [asked, told] of rows) {
    assert.deepEqual(counts(await board.ask(asked)), { ...NONE, ...told }, JSON.stringify(asked));
  }
});

test('more than go at once go all', async () => {
  const board = new Board();
  for (let n = 0; n < 1_203; n++) await board.die();
  const { upTo } = await board.ask();
  assert.equal((await board.ask({ upTo })).sent, 1_203);
  const keys = (await board.back()).map(({ key }) => key);
  assert.equal(new Set(keys).size, 1_203);
  assert.equal(keys.length, 1_203);
});

test('what cannot be read whole is refused, and nothing is sent', async () => {
  const board = new Board();
  await board.die();
  const { upTo } = await board.ask();
  await assert.rejects(board.ask({ upTo }, AbortSignal.abort()), { code: 'CAR730' });
  assert.deepEqual(await board.back(), []);
});

test('what is written while others are sent is left for the next call', async () => {
  const board = new Board();
  for (let n = 0; n < 3; n++) await board.die();
  const dead = (await board.back(plan.deadLetters)).map(letterOf);
  let looks = 0;
  const sent: string[] = [];
  const sorted = await redriveLetters({
    events: new Set([EVENTS]),
    // At the second look there is one more in a partition, and one in a new one.
    async *letters() {
      yield* looks++ === 0 ? dead.slice(0, 1) : dead;
    },
    async *read() {},
    send: async (letters) => void sent.push(...letters.map(({ place }) => place)),
  });
  assert.deepEqual([sorted.toSend, sent], [1, [dead[0]!.place]]);
});
