/** What two versions of a stream mean for each other, without a log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lanesWith, planOf } from '../../test/kit/drive.ts';
import { streamText } from '../../test/kit/edited-pipeline.ts';
import {
  type Applied,
  type AppliedInstance,
  type AppliedRule,
  type AppliedStream,
  appliedOf,
} from './applied.ts';
import { compareTopologies } from './compare.ts';
import { compareFiles } from './comparison.ts';
import { compareLanes, lanePositions } from './lane-edits.ts';
import { sentenceOf } from './words.ts';

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

const told = (before: string, after: string) => {
  const [was, is] = [before, after].map((text) => appliedOf(planOf(text), text)) as [
    Applied,
    Applied,
  ];
  const { lines, stakes } = compareFiles(was, is);
  return {
    codes: stakes.losses.map(({ code }) => code),
    lines: lines.map(({ name, how, what }) => `${name} ${how} ${what}`),
  };
};
const texts = (...steps: string[]) => lanesWith(streamText({ id: 'x', steps }));
const dedup = (within: string) => `dedup: { by: [value.eventId], within: ${within} }`;
const WAIT_STEP = 'coalesce: { by: [value.memberId], quiet: 10m, at_most: 1h }';
const KEEPS = 'inbox: { from: { lane: notifications, transport: all }';
const WAYS = 'transports: [websocket, fcm, apns, inbox]';
const only = (text: string, ...ways: string[]) =>
  text.replace(
    'to: { lane: notifications }',
    `to: { lane: notifications, transports: [${ways.join(', ')}] }`,
  );

test('a dedup that goes, or forgets sooner, says that repeats may pass', () => {
  const gone = told(texts(dedup('1h')), texts()).lines;
  assert.ok(
    gone.includes(
      'x/dedup ends its state goes (t.normal.x.dedup-changelog): what it has seen is forgotten, and repeats of it may pass',
    ),
    gone.join('\n'),
  );
  const shorter = told(texts(dedup('1h')), texts(dedup('10m'))).lines;
  assert.ok(
    shorter.includes(
      'x/dedup changed it keeps its state; within 1h → 10m: it forgets sooner, and repeats that are further apart may pass',
    ),
    shorter.join('\n'),
  );
  const longer = told(texts(dedup('1h')), texts(dedup('2h'))).lines;
  assert.ok(
    longer.includes('x/dedup changed it keeps its state; within 1h → 2h'),
    longer.join('\n'),
  );
  assert.ok(
    told(texts(dedup('1h')), texts(dedup('60m'))).lines.includes('x/dedup keeps its state'),
  );
  const moved = told(
    texts(dedup('1h')),
    texts(dedup('2h')).replace('as: normal', 'as: high'),
  ).lines;
  assert.ok(
    moved.includes(
      'x/dedup moves its state goes along to t.high.x.dedup-changelog; within 1h → 2h',
    ),
    moved.join('\n'),
  );
});

test('a step that runs at several priorities is told of at each', () => {
  const rule = (to: string) =>
    texts(dedup('1h')).replace(
      'as: normal',
      `as: normal, unless: [{ when: 'value.streamsMax > 3', as: ${to} }]`,
    );
  const text = rule('critical');
  const now = appliedOf(planOf(text), text);
  const said = (found: ReturnType<typeof compareFiles>) =>
    found.lines
      .filter((line) => line.of === 'step')
      .map(({ name, priority, how }) => `${name} ${priority} ${how}`);
  assert.deepEqual(said(compareFiles(now, now)), [
    'x/dedup critical keeps',
    'x/dedup normal keeps',
  ]);
  const text2 = rule('high');
  const moved = compareFiles(now, appliedOf(planOf(text2), text2));
  assert.deepEqual(said(moved), ['x/dedup high moves', 'x/dedup normal keeps']);
  const last = moved.lines.find(({ priority }) => priority === 'high')!;
  assert.match(sentenceOf(last), /^step "x\/dedup" of priority high moves: /);
});

test('another id under one name: each loss is told once', () => {
  const { codes, lines } = told(
    texts(dedup('1h'), WAIT_STEP),
    lanesWith(streamText({ id: 'y', name: 'x', steps: [dedup('1h'), WAIT_STEP] })),
  );
  assert.deepEqual(codes, ['CAR811', 'CAR811']);
  const losing = lines.filter((line) => line.includes(' loses '));
  assert.deepEqual(losing, [
    'x/coalesce loses CAR811 what it holds.',
    'x/source loses CAR811 what it has not read of events.plan-change.',
  ]);
});

const CUTS: readonly (readonly [what: string, was: string, is: string, ...told: string[]])[] = [
  ['nothing', texts(), texts()],
  ['a way less', texts(), only(texts(), 'websocket', 'apns', 'inbox'), 'x loses fcm'],
  ['two ways less', texts(), only(texts(), 'inbox', 'apns'), 'x loses websocket, fcm'],
  ['a way more', only(texts(), 'inbox'), texts()],
  ['another order', only(texts(), 'fcm', 'inbox'), only(texts(), 'inbox', 'fcm')],
  [
    'a transport out of the lane',
    texts(),
    texts()
      .replace(WAYS, 'transports: [websocket, fcm, inbox]')
      .replace(/^ {2}apns:[^\n]*\n/m, ''),
    'x loses apns',
  ],
  [
    'an inbox for its own transport',
    texts(),
    texts().replace(KEEPS, 'inbox: { from: { lane: notifications, transport: inbox }'),
    'inbox loses websocket, fcm, apns',
  ],
  ['an inbox renamed', texts(), texts().replace(KEEPS, KEEPS.replace('inbox', 'kept'))],
];
for (const [what, before, after, ...expected] of CUTS) {
  test(`devices are cut off: ${what}`, () => {
    const { codes, lines } = told(before, after);
    const losing = lines.flatMap((line) => {
      const match =
        /^(\w+)(?:\/to)? loses CAR818 .*?(?:goes by|it goes by) ([\w, ]+?) (?:no more|is kept)/.exec(
          line,
        );
      return match === null ? [] : [`${match[1]} loses ${match[2]}`];
    });
    assert.deepEqual(losing, expected);
    assert.deepEqual(
      codes,
      expected.map(() => 'CAR818'),
    );
  });
}

test('what an older version stored names no ways: nothing is said of them', () => {
  const text = texts();
  const now = appliedOf(planOf(text), text);
  const was = {
    ...now,
    streams: now.streams.map(({ transports: _, ...of }) => of),
    lanes: now.lanes.map(({ transports: _, lane: __, ...of }) => of),
  };
  assert.deepEqual(compareFiles(was, now).stakes.losses, []);
});
