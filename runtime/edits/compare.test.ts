/** What two versions of a stream mean for each other, without a log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppliedInstance, AppliedRule, AppliedStream } from './applied.ts';
import { compareTopologies } from './compare.ts';
import { compareLanes, lanePositions } from './lane-edits.ts';

const DEDUP = { step: 'dedup', holds: false, meaning: 'dedup by=["value.eventId"]' };
const WAIT = { step: 'wait', holds: true, meaning: 'coalesce by=["key"]' };

function stream(rule: AppliedRule | null, of: Partial<AppliedStream> = {}): AppliedStream {
  const names = rule === null ? [''] : [rule.as, ...rule.unless.map(({ as }) => as)];
  const instances = [...new Set(names)].map((priority): AppliedInstance => {
    const stores = [DEDUP, WAIT].map((store) => {
      return { ...store, changelog: `${priority}.x.${store.step}-changelog` };
    });
    return { priority, group: `streams.${priority}`, stores };
  });
  return { id: 'x', name: 'x', topic: 'in', key: 'value.memberId', rule, instances, ...of };
}

const applied = (...streams: AppliedStream[]) => {
  return { form: 1, topology: 't', hash: '', text: '', topics: [], lanes: [], streams } as const;
};
const rule = (as: string, ...unless: (readonly [string, string])[]): AppliedRule => {
  return { as, unless: unless.map(([when, to]) => ({ when, as: to })) };
};

/** Each instance with where it goes on, each store with what becomes of it. */
const EDITS: readonly (readonly [
  string,
  AppliedRule | null,
  AppliedRule | null,
  string,
  string,
])[] = [
  ['nothing', rule('low'), rule('low'), 'keeps low<low', 'keeps:2'],
  ['as', rule('low'), rule('high'), 'moves high<low', 'moves:2'],
  ['lanes put in', null, rule('high'), 'moves high<', 'moves:2'],
  ['lanes taken out', rule('high'), null, 'moves <high', 'moves:2'],
  [
    'as beside an exception',
    rule('low', ['p', 'critical']),
    rule('high', ['p', 'critical']),
    'moves high<low critical<critical',
    'moves:2 keeps:2',
  ],
  [
    'as of the exception',
    rule('low', ['p', 'critical']),
    rule('low', ['p', 'high']),
    'moves low<low high<critical',
    'keeps:2 moves:2',
  ],
  [
    'both become one: their events are shared out anew',
    rule('low', ['p', 'critical']),
    rule('low', ['p', 'low']),
    'moves low<low aligns critical',
    'keeps:2 ends:2 joins:1',
  ],
  [
    'they change places: each keeps, and learns',
    rule('low', ['p', 'high']),
    rule('high', ['p', 'low']),
    'moves high<high low<low aligns',
    'keeps:4 joins:2',
  ],
  [
    'another condition',
    rule('low', ['p', 'high']),
    rule('low', ['q', 'high']),
    'moves low<low high<high aligns',
    'keeps:4 joins:2',
  ],
  [
    'an exception put in, at a priority of its own',
    rule('low'),
    rule('low', ['p', 'high']),
    'moves low<low high<low aligns',
    'keeps:2 begins:2 joins:1',
  ],
];

for (const [what, before, after, told, stores] of EDITS) {
  test(`edit of a rule: ${what}`, () => {
    const [edit] = compareTopologies(applied(stream(before)), applied(stream(after)));
    const places = edit!.positions.map(({ to, from }) => `${to.priority}<${from?.priority}`);
    const rest = edit!.released.map(({ priority }) => priority);
    const aligns = edit!.aligns ? ['aligns'] : [];
    assert.equal([edit!.how, ...places, ...aligns, ...rest].join(' '), told);
    const counts = new Map<string, number>();
    for (const { how } of edit!.stores) counts.set(how, (counts.get(how) ?? 0) + 1);
    assert.equal([...counts].map(([how, n]) => `${how}:${n}`).join(' '), stores);
  });
}

test('another key: no row of before is read as one of now', () => {
  const [edit] = compareTopologies(
    applied(stream(rule('low'))),
    applied(stream(rule('high'), { key: 'value.deviceId' })),
  );
  assert.deepEqual(
    edit!.stores.map(({ how, why }) => `${how} ${why}`),
    ['resets key value.memberId → value.deviceId', 'resets key value.memberId → value.deviceId'],
  );
});

const lane = (sink: string, type: string, topics: readonly string[], keeps = false) => {
  return { sink, type, priority: 'low', keeps, group: `sink.${sink}.low`, topics };
};

const LANES: readonly (readonly [
  string,
  ReturnType<typeof lane>[],
  ReturnType<typeof lane>[],
  string[],
])[] = [
  ['as it was', [lane('a', 'fcm', ['f'])], [lane('a', 'fcm', ['f'])], []],
  ['renamed', [lane('a', 'fcm', ['f'])], [lane('b', 'fcm', ['f'])], ['b moves a:7']],
  [
    'of another service',
    [lane('a', 'fcm', ['f'])],
    [lane('b', 'apns', ['f'])],
    ['b starts end', 'a ends f'],
  ],
  ['new', [], [lane('a', 'fcm', ['f'])], ['a starts end']],
  ['a new inbox', [], [lane('a', 'inbox', ['f', 'g'], true)], ['a starts start']],
  ['gone', [lane('a', 'fcm', ['f'])], [], ['a ends f']],
  ['a transport less', [lane('a', 'inbox', ['f', 'g'])], [lane('a', 'inbox', ['g'])], ['a ends f']],
  ['a transport more', [lane('a', 'inbox', ['g'])], [lane('a', 'inbox', ['f', 'g'])], []],
  [
    'two of one kind, one renamed',
    [lane('a', 'fcm', ['f']), lane('b', 'fcm', ['f'])],
    [lane('a', 'fcm', ['f']), lane('c', 'fcm', ['f'])],
    ['c moves b:7'],
  ],
];

for (const [what, before, after, told] of LANES) {
  test(`a sink ${what}`, async () => {
    const edits = compareLanes({ ...applied(), lanes: before }, { ...applied(), lanes: after });
    const found: string[] = [];
    for (const edit of edits) {
      const [set] = await lanePositions(
        {
          committed: async () => [{ topic: 'f', partition: 0, offset: 7, metadata: '' }],
          bounds: async () => [{ start: 0, end: 9 }],
          offsetsAt: async () => [],
          topics: async () => [],
        },
        [edit],
      );
      const at = set?.set[0]?.offset;
      const place = {
        moves: `${edit.from?.sink}:${at}`,
        ends: edit.left.join(),
        starts: at === 9 ? 'end' : 'start',
      };
      found.push(`${edit.sink} ${edit.how} ${place[edit.how]}`);
    }
    assert.deepEqual(found, told);
  });
}

test('nothing is stored of what ran: no sink is touched', () => {
  assert.deepEqual(compareLanes(null, { ...applied(), lanes: [lane('a', 'fcm', ['f'])] }), []);
});
