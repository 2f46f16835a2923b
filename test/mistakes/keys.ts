/** What is brought together by key, and what both sides mean by it. */
import { type Edit, edited, type Row } from './base.ts';

const FIELDS = ['eventId', 'memberId', 'profileId', 'titleId', 'occurredAt'];
const VIEW = `map: { fields: { ${FIELDS.map((name) => `${name}: value.${name}`).join(', ')} } }`;

/** A table by profile, one by member, and a second stream, joined by the profile. */
export const JOINS = `topology: joins
tables:
  profiles: { topic: tables.profile, schema: ProfileWithPlan, key: profileId }
  changes:  { topic: tables.change, schema: ProfileChange, key: profileId }
  plans:    { topic: tables.plan, schema: PlanChange, key: memberId }
  planned:
    id: pl
    from: { table: changes, join: plans, by: memberId, type: left, as: plan }
    topic: tables.planned
    schema: PlannedProfile
    key: profileId
streams:
  views:
    id: vi
    from: { topic: events.viewing-activity, schema: ViewingActivity, key: value.profileId }
    steps:
      - join: { table: profiles, as: of }
      - ${VIEW}
    to: { topic: out.views, schema: ViewingActivity }
  renamed:
    id: re
    from: { topic: events.profile-change, schema: ProfileChange, key: value.profileId }
  seen:
    id: se
    from: { topic: events.viewing-activity, schema: ViewingActivity, key: value.profileId }
    steps:
      - join_streams: { with: renamed, within: 1m, as: change }
      - ${VIEW}
    to: { topic: out.seen, schema: ViewingActivity }
`;

const JOIN = 'join: { table: profiles, as: of }';
const VIEWS = 'key: value.profileId }\n    steps:\n      - join:';
const VIEWED = JOINS.slice(
  JOINS.indexOf('    from: { topic: events.v'),
  JOINS.indexOf('  renamed'),
);
const RENAMED = 'schema: ProfileChange, key: value.profileId }\n  seen:';
const SEEN = 'key: value.profileId }\n    steps:\n      - join_streams';
const PAIR = '- join_streams: { with: renamed, within: 1m, as: change }';
const DERIVED = 'join: plans, by: memberId,';

const ROWS: readonly Edit[] = [
  ['by the same field', 'id: vi', 'id: vw'],
  // With a row.
  [
    'by the member, with rows by profile',
    VIEWS,
    VIEWS.replace('profile', 'member'),
    'CAR325 table: profiles,',
  ],
  [
    'it is said that it is meant',
    `${VIEWS} { table: profiles,`,
    `${VIEWS.replace('profile', 'member')} { table: profiles, by: key,`,
  ],
  [
    'by the member, as it is when nothing is said',
    VIEWS,
    VIEWS.replace('key: value.profileId', 'start: latest'),
    'CAR325 table: profiles,',
  ],
  [
    'by what a hop gave it',
    `- ${JOIN}`,
    `- rekey: { by: value.titleId }\n      - ${JOIN}`,
    'CAR325 table: profiles,',
  ],
  ['by what a hop gave it back', `- ${JOIN}`, `- rekey: { by: value.profileId }\n      - ${JOIN}`],
  [
    'by what a hop put together',
    `- ${JOIN}`,
    `- rekey: { by: value.titleId + value.profileId }\n      - ${JOIN}`,
  ],
  [
    'the field is the key, given anew',
    `key: value.profileId }\n    steps:\n      - ${JOIN}`,
    `key: value.memberId }\n    steps:\n      - { name: anew, map: { fields: { profileId: key, memberId: key, eventId: value.eventId, titleId: value.titleId, occurredAt: value.occurredAt } } }\n      - ${JOIN}`,
  ],
  [
    'a table by something else that both have',
    'schema: ProfileWithPlan, key: profileId }',
    'schema: ProfileWithPlan, key: owner }',
    'CAR402',
  ],
  [
    'the key of a row is that of the record',
    'join: { table: profiles, as: of }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.profileId',
    'join: { table: profiles, as: of }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.of.profileId',
  ],
  [
    'the key of a row that may be missing',
    'join: { table: profiles, as: of }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.profileId',
    "join: { table: profiles, type: left, as: of }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: 'value.of == null ? key : value.of.profileId'",
    'CAR245 - map',
  ],
  [
    'the key of the other record of a pair',
    'as: change }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.profileId',
    'as: change }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.change.profileId',
  ],
  [
    'a field of the other record that is not its key',
    'as: change }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.profileId',
    'as: change }\n      - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.change.memberId',
    'CAR245 - map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.change',
  ],
  [
    'a table by a field that may be null',
    'schema: ProfileWithPlan, key: profileId }',
    'schema: ViewingActivity, key: deviceId }',
    'CAR328',
    'CAR325 table: profiles,',
  ],
  [
    'rows that have the key of the stream beside theirs',
    VIEWED,
    `    from: { topic: events.plan-change, schema: PlanChange }
    steps: [{ join: { table: changes, as: of } }, { name: more, join: { table: profiles, as: at } }]
    to: { topic: out.views, schema: PlanChange }
`,
    'CAR325 table: changes, as',
    'CAR406 schema: PlanChange }\n  renamed',
  ],
  // Two streams.
  [
    'the other by the member',
    RENAMED,
    RENAMED.replace('value.profileId', 'value.memberId'),
    'CAR325 with: renamed',
  ],
  ['the own by the member', SEEN, SEEN.replace('profile', 'member'), 'CAR325 with: renamed'],
  [
    'the own by a title, which the other has not',
    SEEN,
    SEEN.replace('profile', 'title'),
    'CAR325 with: renamed',
  ],
  [
    'both by the member, by a hop',
    PAIR,
    `- rekey: { by: value.memberId }\n      ${PAIR}`,
    'CAR325 with: renamed',
  ],
  [
    'both sides under one name',
    'within: 1m, as: change }',
    'within: 1m, own_as: change, as: change }',
    'CAR280 change, as: change',
  ],
  ['with itself, not with the one that is left', 'with: renamed', 'with: seen', 'CAR234'],
  [
    'two roles of one schema',
    'topic: events.profile-change, schema: ProfileChange, key: value.profileId }\n  seen',
    'topic: events.seen-too, schema: ViewingActivity, key: value.memberId }\n  seen',
  ],
  // Two tables.
  ['by one key, which differs', DERIVED, 'join: plans,', 'CAR325 join: plans,'],
  [
    'by one key, the other way round',
    `table: changes, ${DERIVED} type: left,`,
    'table: plans, join: changes, own_as: profile,',
    'CAR325 join: changes,',
    'CAR406 schema: PlannedProfile',
  ],
];

export const KEYS: readonly Row[] = edited(ROWS, JOINS);
