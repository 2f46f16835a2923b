/** Keys that change, branches, and streams that read others: edits of a graph that is right. */
import { BASE, type Edit, edited, type Row } from './base.ts';

const STREAMS = `streams:
  views:
    id: vi
    priority: { as: normal }
    from: { topic: events.viewing-activity, schema: ViewingActivity, time: value.occurredAt, id: value.eventId }
    steps:
      - rekey: { by: value.profileId }
      - dedup: { by: [key, value.titleId], within: 10m }
    branch:
      - { when: 'value.kind == "STOPPED"', as: stopped }
      - { as: rest }
  plain:
    id: pn
    from: { streams: [views.rest] }
    steps:
      - filter: { where: value.positionSeconds > 60 }
  both:
    id: bo
    from: { streams: [views.stopped, plain] }
    steps:
      - { name: home, rekey: { by: value.memberId } }
      - target: { classes: [tv, mobile], except: value.deviceId }
      - use: tell
    to: { lane: notifications, collapse: [value.titleId] }
  kept:
    id: ke
    from: { streams: [views.stopped] }
    to: { topic: out.stopped, schema: ViewingActivity }
`;
const GRAPH = [
  BASE.slice(0, BASE.indexOf('streams:\n')),
  STREAMS,
  BASE.slice(BASE.indexOf('sinks:\n')),
].join('');
const BRANCHES = GRAPH.slice(GRAPH.indexOf('    branch:\n'), GRAPH.indexOf('  plain:\n'));
const GIVEN = '- map: { fields: { memberId: value.memberId, at: value.occurredAt } }';

const LEFT = 'join_streams: { with: views.rest, as: other, after: 1h, grace: 1m, type: left }';
const AGE = 'gate_staleness: { max_age: 60m }';
const EVENT = `map: { fields: { ${['eventId', 'memberId', 'profileId', 'titleId', 'occurredAt'].map((name) => `${name}: value.${name}`).join(', ')} } }`;

const rekeyOf = (of: string) => `rekey: ${of}`;

const EDGES: readonly Row[] = edited(
  [
    ['nothing', 'doc: One of everything.', 'doc: A graph.'],
    ['a key of a whole number', 'by: value.profileId', 'by: value.positionSeconds'],
    ['a key of an enum', 'by: value.profileId', 'by: value.kind'],
    ['a key of two', 'by: value.profileId', "by: value.profileId + ':' + value.titleId"],
    ['a key that is not there', 'by: value.profileId', 'by: value.profile', 'CAR402'],
    [
      'a key of a number with a fraction',
      'by: value.profileId',
      'by: double(value.positionSeconds) / 60.0',
      'CAR230',
    ],
    ['a key of true or false', 'by: value.profileId', 'by: value.profileId == ""', 'CAR230'],
    ['no key', rekeyOf('{ by: value.profileId }'), rekeyOf('{}'), 'CAR302'],
    ['another word', 'by: value.profileId', 'key: value.profileId', 'CAR301'],
    [
      'a schema of what came',
      'by: value.profileId',
      'by: value.profileId, schema: ViewingActivity',
    ],
    [
      'another schema of what came',
      'by: value.profileId',
      'by: value.profileId, schema: PlanChange',
      'CAR406',
    ],
    [
      'a schema that is not there',
      'by: value.profileId',
      'by: value.profileId, schema: Views',
      'CAR401',
    ],
    [
      'a given value without a schema',
      '- rekey: { by: value.profileId }',
      `${GIVEN}\n      - rekey: { by: value.memberId }`,
      'CAR231 - rekey: { by: value.memberId }\n      - dedup',
    ],
    [
      'a given value that does not fit its schema',
      '- rekey: { by: value.profileId }',
      `${GIVEN}\n      - rekey: { by: value.memberId, schema: PlanChange }`,
      'CAR406 - rekey: { by: value.memberId, schema',
    ],
    [
      'devices by the former key',
      '- { name: home, rekey: { by: value.memberId } }',
      '- { name: home, rekey: { by: value.deviceId } }',
      'CAR220 - fan_out',
    ],
    [
      'two of one name',
      '- { name: home, rekey',
      '- rekey: { by: value.titleId }\n      - { name: rekey, rekey',
      'CAR207 - { name: rekey, rekey',
    ],
    [
      'behind fan_out',
      '- use: tell\n    to: { lane: notifications, coll',
      '- use: tell\n      - rekey: { by: key }\n    to: { lane: notifications, coll',
      'CAR232 - rekey: { by: key }',
    ],
    [
      'in a sink',
      '[{ gate_online: { table: presence } }]',
      '[{ gate_online: { table: presence } }, { rekey: { by: key } }]',
      'CAR219',
    ],
    [
      'a wrong field, two streams later',
      'value.positionSeconds > 60',
      'value.position > 60',
      'CAR402',
    ],
    [
      'a wrong type, behind a hop',
      'value.positionSeconds > 60',
      'value.positionSeconds > "60"',
      'CAR311',
    ],
    ['a stream that is not there', '[views.rest]', '[view.rest]', 'CAR233'],
    ['a branch that is not there', '[views.rest]', '[views.others]', 'CAR233'],
    ['a stream with branches, whole', '[views.rest]', '[views]', 'CAR233'],
    [
      'a branch of a stream without',
      '[views.stopped, plain]',
      '[views.stopped, plain.rest]',
      'CAR233',
    ],
    [
      'streams by one name too few',
      'from: { streams: [views.rest] }',
      'from: { stream: views.rest }',
      'CAR104',
    ],
    ['a stream that is a text', 'from: { streams: [views.rest] }', 'from: views.rest', 'CAR103'],
    ['itself', '[views.rest]', '[plain]', 'CAR236 - { as: rest }', 'CAR234'],
    [
      'a circle',
      '[views.rest]',
      '[views.rest, both]',
      'CAR234 [views.stopped, plain]',
      'CAR237 to: { lane',
    ],
    [
      'twice',
      '[views.stopped, plain]',
      '[views.stopped, views.stopped]',
      'CAR105 plain:',
      'CAR314',
    ],
    ['no streams', '[views.stopped, plain]', '[]', 'CAR103'],
    ['streams that are no list', '[views.rest]', 'views.rest', 'CAR103'],
    [
      'a topic beside streams',
      '{ streams: [views.rest] }',
      '{ streams: [views.rest], topic: t }',
      'CAR104',
    ],
    [
      'a time beside streams',
      '{ streams: [views.rest] }',
      '{ streams: [views.rest], time: value.occurredAt }',
      'CAR104',
    ],
    [
      'a priority that comes along',
      '    id: pn\n',
      '    id: pn\n    priority: { as: low }\n',
      'CAR239 priority: { as: low }',
    ],
    ...(
      [
        [
          'a join with a stream that is not there',
          'with: view, within: 1m, as: other',
          'CAR233 view,',
        ],
        ['with a branch that is not there', 'with: views.last, within: 1m, as: other', 'CAR233'],
        ['with a stream that has branches', 'with: views, within: 1m, as: other', 'CAR233'],
        ['with itself', 'with: kept, within: 1m, as: other', 'CAR234'],
        ['with a topic', 'with: { topic: t }, within: 1m, as: other', 'CAR303'],
        ['with nothing', 'within: 1m, as: other', 'CAR302'],
        ['with no name', 'with: views.rest, within: 1m', 'CAR302'],
        ['under a field that is there', 'with: views.rest, within: 1m, as: kind', 'CAR280'],
        [
          'without a window',
          'with: views.rest, as: other',
          'CAR264',
          'CAR406 to: { topic: out.stopped',
        ],
        ['without own_as', 'with: views.rest, type: outer, within: 1m, as: other', 'CAR263'],
      ] as const
    ).map(
      ([what, options, ...codes]): Edit => [
        what,
        '    to: { topic: out.stopped,',
        `    steps: [{ join_streams: { ${options} } }]\n    to: { topic: out.stopped,`,
        ...codes,
      ],
    ),
    [
      'what nobody knows, beside another stream',
      '    to: { topic: out.stopped, schema: ViewingActivity }',
      `    steps:
      - frobnicate: { fields: { a: key } }
      - join_streams: { with: views.rest, type: left, within: 1m, as: other, own_as: own }
      - ${EVENT.replaceAll('value.', 'value.own.')}
      - use: tell
    to: { lane: notifications }`,
      'CAR204 - frobnicate',
    ],
    ['a branch that nobody reads', 'as: rest }', 'as: rest2 }', 'CAR233 [views.rest]'],
    [
      'one more that nobody reads',
      '- { as: rest }',
      '- { when: value.titleId == "", as: none }\n      - { as: rest }',
      'CAR236 - { when: value.titleId',
    ],
    [
      'a branch behind the default',
      '- { when: \'value.kind == "STOPPED"\', as: stopped }\n      - { as: rest }',
      '- { as: rest }\n      - { when: \'value.kind == "STOPPED"\', as: stopped }',
      'CAR238 as: stopped',
    ],
    ['a branch that takes all', '\'value.kind == "STOPPED"\'', "'true'", 'CAR246 - { as: rest }'],
    ['a branch that takes none', '\'value.kind == "STOPPED"\'', "'1 > 2'", 'CAR246'],
    [
      'a branch that asks what one above it does',
      '- { as: rest }',
      '- { when: \'value.kind == "STOPPED"\', as: rest }',
      'CAR246',
    ],
    [
      'a branch that asks less than one above it took',
      '- { as: rest }',
      "- { when: 'value.positionSeconds > 5', as: long }\n      - { when: 'value.positionSeconds > 60', as: rest }",
      'CAR236 as: long',
      'CAR246 as: rest }',
    ],
    [
      'a branch of which one above it takes a part',
      '- { as: rest }',
      "- { when: 'value.positionSeconds > 60', as: long }\n      - { when: 'value.positionSeconds > 5', as: rest }",
      'CAR236 as: long',
    ],
    [
      'branches that take all together',
      '- { as: rest }',
      '- { when: \'value.kind != "STOPPED"\', as: long }\n      - { as: rest }',
      'CAR236 as: long',
      'CAR246 as: rest }',
    ],
    ['a branch without a name', '- { as: rest }', '- { when: value.titleId == "" }', 'CAR105'],
    [
      'two branches of one name',
      '- { as: rest }',
      '- { when: value.titleId == "", as: rest }\n      - { as: rest }',
      'CAR314 - { as: rest }',
    ],
    ['a condition that is none', '\'value.kind == "STOPPED"\'', 'value.kind', 'CAR312'],
    ['a condition of another field', '\'value.kind == "STOPPED"\'', 'value.sort == ""', 'CAR402'],
    [
      'both ends',
      BRANCHES,
      `${BRANCHES}    to: { topic: out.views, schema: ViewingActivity }\n`,
      'CAR237 to: { topic: out.views',
    ],
    [
      'an end, and readers',
      '      - filter: {',
      '      - peek: {}\n    to: { topic: out.plain, schema: ViewingActivity }\n    x: {',
      'CAR237 to: { topic: out.plain',
      'CAR104 x: {',
    ],
    [
      'no end, and no readers',
      '    to: { topic: out.stopped, schema: ViewingActivity }\n',
      '',
      'CAR105 kept:',
    ],
    [
      'devices before a branch',
      '      - filter: {',
      '      - fan_out: { table: devices, by: key }\n      - filter: {',
      'CAR232 - fan_out: { table: devices, by: key }',
    ],
    [
      'of two forms',
      'steps:\n      - filter: { where: value.positionSeconds > 60 }',
      `steps:\n      ${GIVEN}`,
      'CAR235 [views.stopped, plain]',
    ],
    ['what is read of one, and by it', '[views.stopped, plain]', '[views.rest, plain]', 'CAR275'],
    [
      'what is read of one, and by one that reads it',
      '  both:\n    id: bo\n    from: { streams: [views.stopped, plain] }',
      '  more:\n    id: mo\n    from: { streams: [plain] }\n  both:\n    id: bo\n    from: { streams: [views.rest, more] }',
      'CAR275 [views.rest, more]',
    ],
    ...(
      [
        ['a gate behind a join', LEFT, AGE, 'CAR247 - gate_staleness'],
        ['a gate behind a join that is as long', LEFT, AGE.replace('60m', '61m')],
        ['a gate behind a join that holds none', LEFT.replace('left', 'inner'), AGE],
        ['a join behind a gate', AGE, LEFT, 'CAR247 - join_streams'],
        [
          'a join within a time behind a gate',
          AGE,
          LEFT.replace('after', 'within'),
          'CAR247 - join_streams',
        ],
      ] as const
    ).map(
      ([what, one, other, ...told]): Edit => [
        what,
        '    to: { topic: out.stopped,',
        `    steps:\n      - ${one}\n      - ${other}\n      - ${EVENT}\n    to: { topic: out.stopped,`,
        ...told,
      ],
    ),
    [
      'of two schemas, for a topic',
      'topic: out.stopped, schema: ViewingActivity',
      'topic: out.stopped, schema: PlanChange',
      'CAR406',
    ],
  ],
  GRAPH,
);

const GATE = '- gate_staleness: { max_age: 1h }';
const REKEY = '- rekey: { by: value.profileId }';
const FILTER = '- filter: { where: value.positionSeconds > 60 }';
const TARGET = '- target: { classes: [tv, mobile], except: value.deviceId }';
/** A deadline must come on each of the ways that lead to what is to be acknowledged. */
const DEADLINES: readonly Row[] = edited(
  [
    ['no deadline on any way', '', '', 'CAR771 guarantee'],
    ['before the ways part', REKEY, `${GATE}\n      ${REKEY}`],
    ['on one way of two', FILTER, `${GATE}\n      ${FILTER}`, 'CAR771 guarantee'],
    ['where the ways meet', TARGET, `${GATE}\n      ${TARGET}`],
  ],
  GRAPH.replace('{ lane: notifications, ', '{ lane: notifications, guarantee: acked, '),
);

export const GRAPHS: readonly Row[] = [...EDGES, ...DEADLINES];
