/** Values that may be null, and where they go. */
import { type Edit, edited, type Row } from './base.ts';
import { JOINS } from './keys.ts';

const REST = 'memberId: value.memberId, streamsMax: value.streamsMax, changedAt: value.changedAt';
const MAP = `map: { fields: { eventId: value.eventId, planTo: value.planTo, ${REST} } }`;
const OUT = 'to: { topic: out.plans, schema: PlanChange }';

const PLANS = `topology: plans
streams:
  plans:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange }
    steps:
      - ${MAP}
    ${OUT}
`;
const given = (planTo: string) => MAP.replace('planTo: value.planTo', `planTo: '${planTo}'`);
const FILTER = "filter: { where: 'value.planFrom != null' }";
const FROM = given('value.planFrom');

/** `steps` in the place of the map, and what is told of the schema of the topic. */
const steps = (what: string, list: readonly string[], ...told: string[]): Edit => [
  what,
  `      - ${MAP}\n    ${OUT}`,
  `      - ${list.join('\n      - ')}\n    ${OUT}`,
  ...told.map((code) => (code.includes(' ') ? code : `${code} ${OUT}`)),
];

/** The same of streams that go on with one another. */
const streams = (what: string, rest: string, ...told: string[]): Edit => [
  what,
  `    steps:\n      - ${MAP}\n    ${OUT}`,
  rest.replace('OUT', OUT),
  ...told.map((code) => (code.includes(' ') ? code : `${code} ${OUT}`)),
];

const HERE: readonly Row[] = edited(
  [
    ['a text that is one', 'id: pl', 'id: pa'],
    steps('null, perhaps', [FROM], 'CAR326'),
    steps('null is left out before', [FILTER, FROM]),
    steps('null is let through before', [FILTER.replace('!=', '=='), FROM], 'CAR326'),
    steps(
      'a filter that is broken may leave it out before',
      [FILTER.replace('planFrom', 'memberId'), FROM],
      'CAR311 - filter',
    ),
    steps('null is chosen another for', [given('value.planFrom != null ? value.planFrom : "-"')]),
    steps('null is chosen another for, turned', [
      given('value.planFrom == null ? "-" : value.planFrom'),
    ]),
    steps('null is chosen for', [given('value.planFrom == null ? value.planFrom : "-"')], 'CAR326'),
    steps(
      'null is chosen where it is not',
      [given('value.streamsMax > 1 ? value.planFrom : "-"')],
      'CAR326',
    ),
    steps('an operator fails on null first', [given('value.planFrom + "x"')], 'CAR316 - map'),
    steps('null is left out behind', [FROM, "filter: { where: 'value.planTo != null' }"]),
    steps('null is chosen, then given on', [
      `{ name: one, ${given('value.planFrom != null ? value.planFrom : "-"')} }`,
      MAP,
    ]),
    steps('null is given on', [`{ name: one, ${FROM} }`, MAP], 'CAR326'),
    steps('null is left out, then given on', [FILTER, `{ name: one, ${FROM} }`, MAP]),
    steps(
      'the last of what may be null',
      [
        'aggregate: { tumbling: { size: 1m }, fields: { planTo: last(value.planFrom), eventId: last(value.eventId), streamsMax: max(value.streamsMax), changedAt: max(value.changedAt) } }',
        MAP.replace('memberId: value.memberId', 'memberId: key'),
      ],
      'CAR326',
    ),
  ],
  PLANS,
);

const BRANCHES = `    branch:
      - { when: 'value.planFrom != null', as: changed }
      - { as: fresh }
  other:
    id: ot
    from: { streams: [plans.fresh] }
    to: { topic: out.fresh, schema: PlanChange }
  more:
    id: mo
    from: { streams: [plans.changed] }
    steps:
      - ${FROM}
    OUT`;

const BEYOND: readonly Row[] = edited(
  [
    streams('a branch knows', BRANCHES),
    streams(
      'what a branch leaves is known',
      BRANCHES.replace('!= null', '== null')
        .replace('as: changed', 'as: x')
        .replace('as: fresh', 'as: changed')
        .replace('as: x', 'as: fresh'),
    ),
    streams('the other branch knows', BRANCHES.replace('!= null', '== null'), 'CAR326'),
    streams(
      'the stream before knows',
      `    steps: [${FILTER.replace('filter: {', '{ filter: {')} }]\n  more:\n    id: mo\n    from: { streams: [plans] }\n    steps:\n      - ${FROM}\n    OUT`,
    ),
    streams(
      'one of two streams before knows',
      `    steps: [{ ${FILTER} }]\n  others:\n    id: ot\n    from: { topic: events.others, schema: PlanChange }\n  more:\n    id: mo\n    from: { streams: [plans, others] }\n    steps:\n      - ${FROM}\n    OUT`,
      'CAR326',
    ),
    streams(
      'both streams before know',
      `    steps: [{ ${FILTER} }]\n  others:\n    id: ot\n    from: { topic: events.others, schema: PlanChange }\n    steps: [{ ${FILTER} }]\n  more:\n    id: mo\n    from: { streams: [plans, others] }\n    steps:\n      - ${FROM}\n    OUT`,
    ),
    streams(
      'known behind a hop',
      `    steps:\n      - ${FILTER}\n      - rekey: { by: value.eventId }\n      - ${FROM}\n    OUT`,
    ),
    streams(
      'a hop leaves out what its key is not',
      `    steps:\n      - rekey: { by: value.planFrom }\n      - ${FROM}\n    OUT`,
    ),
    streams(
      'a hop by another field knows nothing of null',
      `    steps:\n      - rekey: { by: value.eventId }\n      - ${FROM}\n    OUT`,
      'CAR326',
    ),
    streams(
      'a hop by what is put together knows nothing of it',
      `    steps:\n      - rekey: { by: '[value.planFrom].size() > 0 ? value.planTo : value.planFrom' }\n      - ${FROM}\n    OUT`,
      'CAR326',
    ),
    streams(
      'null goes over a hop',
      `    steps:\n      - ${FROM}\n      - rekey: { by: value.eventId, schema: PlanChange }\n      - sample: { keep: 1, of: 2 }\n    OUT`,
      'CAR326 - rekey',
    ),
  ],
  PLANS,
);

/** Of a table that is held whole, by a field that may be null. */
const WHOLE = JOINS.replace('key: profileId }', 'key: profileId, whole: true }').replace(
  'join: { table: profiles, as: of }\n      - map: { fields: { eventId: value.eventId',
  'join: { table: profiles, by: value.deviceId, as: of }\n      - map: { fields: { eventId: value.deviceId',
);
const WHOLES: readonly Row[] = edited(
  [
    ['an inner join leaves out what names no row', 'id: vi', 'id: vj'],
    [
      'a left join does not',
      'by: value.deviceId,',
      'by: value.deviceId, type: left,',
      'CAR326 to: { topic: out.views',
    ],
    [
      'an inner join by another field knows nothing of it',
      'by: value.deviceId,',
      'by: value.memberId,',
      'CAR326 to: { topic: out.views',
    ],
  ],
  WHOLE,
);

const TABLES: readonly Row[] = edited(
  [
    [
      'a row that may be missing',
      'join: { table: profiles, as: of }\n      - map: { fields: {',
      'join: { table: profiles, as: of, type: left }\n      - map: { fields: { deviceId: \'value.of == null ? value.deviceId : "-"\',',
    ],
  ],
  JOINS,
);

export const NULLS: readonly Row[] = [...HERE, ...BEYOND, ...TABLES, ...WHOLES];
