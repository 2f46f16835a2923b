/** Semantics S29 to S31, by the second; times of records in seconds after the start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { START_MS, StepBench } from '../test/kit/steps.ts';
import { joinStreams } from './join-streams.ts';

type Type = 'inner' | 'left' | 'outer';
const OPTIONS = { with: {}, within: '10s', grace: '5s', as: 'b', own_as: 'a' };

/** `a@3` a record of the stream, `b@3/k2` one of the other topic with another key; `restart`. */
function feed(bench: StepBench, words: string): string[] {
  return words.split(/\s+/).flatMap((word) => {
    if (word === 'restart') {
      bench.restart();
      return [];
    }
    const [, name = '', time = '', key = 'k'] = /^(\w+)@([\d.]+)(?:\/(\w+))?$/.exec(word)!;
    const fed = { time: Number(time), key, value: { name }, eventId: `${name}@${time}` };
    return [name.startsWith('a') ? bench.feed(fed) : bench.feedOther(fed)];
  });
}

/** `a+b@20`, with - where one is missing. */
const pairs = (bench: StepBench) =>
  bench.takeOut().map((record: Record) => {
    const { a, b } = record.value;
    return `${a?.name ?? '-'}+${b?.name ?? '-'}@${(record.timestamp - START_MS) / 1_000}`;
  });

const rows: readonly [string, Type, string, string, string?, object?][] = [
  // what, type, what comes, what goes on, drops, options
  ['two of one key', 'inner', 'a@0 b@3', 'a+b@3'],
  ['the other first', 'inner', 'b@0 a@3', 'a+b@3'],
  ['at the same time', 'inner', 'a@3 b@3', 'a+b@3'],
  ['the time is the later one', 'inner', 'a@8 b@3', 'a+b@8'],
  ['of two keys', 'inner', 'a@0 b@3/x', ''],
  ['as far as the window reaches', 'inner', 'a@0 b@10', 'a+b@10'],
  ['a millisecond farther', 'inner', 'a@0 b@10.001', ''],
  ['as far back', 'inner', 'a@10 b@0', 'a+b@10'],
  ['a millisecond farther back', 'inner', 'a@10.001 b@0', ''],
  ['one to many', 'inner', 'a@0 b1@1 b2@2', 'a+b1@1 a+b2@2'],
  ['many to many', 'inner', 'a1@0 a2@1 b1@2 b2@3', 'a1+b1@2 a2+b1@2 a1+b2@3 a2+b2@3'],
  ['many to one, by their times', 'inner', 'a1@5 a2@1 b@3', 'a2+b@3 a1+b@5'],
  [
    'before and after',
    'inner',
    'a@10 b1@7 b2@6.999 b3@11 b4@11.001',
    'a+b1@10 a+b3@11',
    '',
    { within: null, before: '3s', after: '1s' },
  ],
  [
    'only before',
    'inner',
    'a@10 b1@7 b2@10 b3@10.001',
    'a+b1@10 a+b2@10',
    '',
    { within: null, before: '3s' },
  ],
  [
    'only after',
    'inner',
    'a@10 b1@9.999 b2@10 b3@13',
    'a+b2@10 a+b3@13',
    '',
    { within: null, after: '3s' },
  ],
  [
    'only after, the other first',
    'inner',
    'b@13 a@10',
    'a+b@13',
    '',
    { within: null, after: '3s' },
  ],
  ['a window of nothing', 'inner', 'a@1 b1@1 b2@1.001', 'a+b1@1', '', { within: '0s' }],
  // Unmatched ones go when the time is later than end and grace.
  ['left: alone, at its own time', 'left', 'a@0 b@15.001/x', 'a+-@0'],
  ['left: not a millisecond before', 'left', 'a@0 b@15/x', ''],
  ['left: any key moves the time on, of either side', 'left', 'a@0 a2@15.001/x', 'a+-@0'],
  ['left: what met one does not go alone', 'left', 'a@0 b@10 b2@40/x', 'a+b@10', ''],
  ['left: the other alone is dropped', 'left', 'b@0 a@20/x', '', 'no_match'],
  ['left: it meets in time, though late', 'left', 'a@0 b1@14/x b@9', 'a+b@9'],
  ['outer: either side', 'outer', 'a@0 b@1/x a2@40/y', 'a+-@0 -+b@1'],
  [
    'outer: by their ends, then as they came',
    'outer',
    'b@2/x a@1 b2@1/y c@60'.replace('c', 'a9'),
    'a+-@1 -+b2@1 -+b@2',
  ],
  ['inner: alone is dropped', 'inner', 'a@0 b@1/x a@40', '', 'no_match no_match'],
  ['before the record that closes it', 'left', 'a@0 a2@20 b@21', 'a+-@0 a2+b@21'],
  ['grace of nothing', 'left', 'a@0 b@10.001/x', 'a+-@0', '', { grace: '0s' }],
  [
    'ends by side: own after, other before',
    'outer',
    'a@10/x b@10/y a2@12/z a3@14/z',
    'a+-@10 -+b@10 a2+-@12',
    '',
    { within: null, before: '3s', after: '1s', grace: '0s' },
  ],
  [
    'own ends first where after is less',
    'outer',
    'a@10/x b@10/y a2@12/z',
    'a+-@10',
    '',
    { within: null, before: '3s', after: '1s', grace: '0s' },
  ],
  // Late ones.
  ['late, and nothing waits', 'left', 'a1@40 a2@24.999', '', 'late'],
  ['not late yet', 'left', 'a1@40 a2@25', ''],
  ['late of the other side', 'outer', 'a1@40 b@24.999', '', 'late'],
  [
    'late, and what it should have met is closed too',
    'inner',
    'b@13 a9@13.5/x a@10',
    '',
    'no_match late',
    { within: null, after: '3s', grace: '0s' },
  ],
  [
    'late, and one still waits',
    'outer',
    'b@20/k a9@22/x a@17',
    'a+b@20',
    '',
    { within: null, before: '3s', after: '4s', grace: '0s' },
  ],
  // What Kafka Streams 4.0 does otherwise (S31): closed is closed.
  ['what went alone meets nothing more', 'outer', 'b@20 a9@40/x a@29', '-+b@20'],
  ['what was closed meets nothing more', 'left', 'a@5 b9@60/x b@10', 'a+-@5', 'late'],
];

for (const restarts of [false, true]) {
  for (const [what, type, words, told, drops = '', more = {}] of rows) {
    test(`${what}${restarts ? ', with restarts' : ''}`, () => {
      const bench = new StepBench(joinStreams, { ...OPTIONS, ...more, type });
      feed(bench, restarts ? words.replaceAll(' ', ' restart ') : words);
      assert.equal(pairs(bench).join(' '), told);
      if (restarts) return;
      const reasons = [...bench.counts.dropped].flatMap(([reason, n]) => Array(n).fill(reason));
      assert.equal(reasons.join(' '), drops);
    });
  }
}

test('a pair has an id of its own, and what its own record was given', () => {
  const prepare = (record: Record) => {
    record.deadlineMs = START_MS + 60_000;
  };
  const of = (side: 'feed' | 'feedOther', first: boolean) => {
    const bench = new StepBench(joinStreams, { ...OPTIONS, type: 'inner' });
    const own = { key: 'k', value: { name: 'a' }, eventId: 'e-a', time: 1, prepare };
    const other = { key: 'k', value: { name: 'b' }, eventId: 'e-b', time: 2, topic: 'others' };
    assert.equal(side, first ? 'feed' : 'feedOther');
    if (first) bench.feed(own);
    bench.feedOther(other);
    if (!first) bench.feed(own);
    return bench.takeOut().map(({ eventId, deadlineMs, topic, key, offset }) => {
      return [eventId, deadlineMs - START_MS, topic, key, offset];
    });
  };
  const expected = (offset: number) => [['e-a+e-b', 60_000, 'events.test', 'k', offset]];
  assert.deepEqual(of('feed', true), expected(0));
  assert.deepEqual(of('feedOther', false), expected(1));
});

test('without own_as the own fields stand beside the other', () => {
  const bench = new StepBench(joinStreams, { ...OPTIONS, own_as: null, type: 'left' });
  feed(bench, 'a@0 b@1 a2@2/x a3@99');
  const values = bench.takeOut().map(({ value }) => value);
  assert.deepEqual(values, [
    { name: 'a', b: { name: 'b' } },
    { name: 'a2', b: null },
  ]);
});

for (const [policy, told, drops] of [
  ['close_oldest', 'a1+-@1 a2+b@3', { no_match: 1 }],
  ['drop', 'a1+b@3 a2+b@3', { full: 2 }],
] as const) {
  test(`records_max: ${policy}`, () => {
    const options = { ...OPTIONS, type: 'left', records_max: 2, on_full: policy };
    const bench = new StepBench(joinStreams, options);
    feed(bench, 'a1@1 a2@2 b9@2/x b@3 a3@4/y');
    assert.equal(bench.counts.held, 2);
    const out = pairs(bench);
    if (policy === 'drop') assert.deepEqual(out, told.split(' '));
    else assert.equal(out[0], 'a1+-@1');
    assert.deepEqual(Object.fromEntries(bench.counts.dropped), drops);
  });
}

/** What the rules say, in a loop over lists. */
function expectedOf(type: Type, words: readonly string[]): string[] {
  const told: string[] = [];
  let kept: { own: boolean; name: string; at: number; key: string; matched: boolean }[] = [];
  let now = Number.NEGATIVE_INFINITY;
  for (const word of words) {
    const [, name = '', time = '', key = ''] = /^(\w+)@(\d+)\/(\w+)$/.exec(word)!;
    const [at, own] = [Number(time), name.startsWith('a')];
    now = Math.max(now, at);
    const closed = kept.filter((one) => one.at + 15 < now);
    kept = kept.filter((one) => one.at + 15 >= now);
    for (const one of closed) {
      if (one.matched || type === 'inner' || (type === 'left' && !one.own)) continue;
      told.push(one.own ? `${one.name}+-@${one.at}` : `-+${one.name}@${one.at}`);
    }
    const met = kept.filter(
      (one) => one.own !== own && one.key === key && Math.abs(one.at - at) <= 10,
    );
    for (const one of met) {
      one.matched = true;
      const [a, b] = own ? [name, one.name] : [one.name, name];
      told.push(`${a}+${b}@${Math.max(one.at, at)}`);
    }
    if (at + 15 >= now) kept.push({ own, name, at, key, matched: met.length > 0 });
  }
  return told.sort();
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('any order of records, with restarts: as a loop over lists says', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed);
    const type = (['inner', 'left', 'outer'] as const)[seed % 3]!;
    const words = Array.from({ length: 60 }, (_, n) => {
      const side = random() < 0.5 ? 'a' : 'b';
      const at = Math.max(0, Math.floor(n + random() * 40 - 20));
      return `${side}${n}@${at}/k${Math.floor(random() * 3)}`;
    });
    const bench = new StepBench(joinStreams, { ...OPTIONS, type });
    const told: string[] = [];
    for (const word of words) {
      feed(bench, random() < 0.2 ? `restart ${word}` : word);
      told.push(...pairs(bench));
    }
    assert.deepEqual(told.sort(), expectedOf(type, words), `seed ${seed}, ${type}`);
  }
});
