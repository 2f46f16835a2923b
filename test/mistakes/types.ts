/** Fields of other types than an expression or an option can use, and of several types at once. */
import { BASE, edited, type Row } from './base.ts';

const READINGS = `  readings:
    id: re
    priority: { as: normal }
    from: { topic: events.readings, schema: Reading, time: value.takenAt, id: value.eventId }
    steps:
      - filter: { where: 'value.level > 1' }
      - use: tell
    to: { lane: notifications, transports: [websocket, inbox] }
`;
const WITH = BASE.replace('sinks:\n', `${READINGS}sinks:\n`);
const filter = (what: string, where: string, ...told: readonly string[]) =>
  [what, "'value.level > 1'", `'${where}'`, ...told] as const;

const BRANCHES: readonly Row[] = edited(
  [
    filter('a text or a number above 3', 'value.amount > 3', 'CAR318'),
    filter('one that is added to', 'value.amount + 1 == 2', 'CAR318'),
    filter('one that is a function', 'value.amount.startsWith("a")', 'CAR318'),
    filter('one that is measured', 'size(value.amount) > 1', 'CAR318'),
    filter('null, a text or a number', 'value.limit > 2.5', 'CAR318'),
    filter('null excluded, and not the text', 'value.limit != null && value.limit > 2.5', 'CAR318'),
    filter('a branch that is not asked for', 'value.count["int"] > 3', 'CAR316'),
    filter(
      'not null, and of any branch',
      'value.count != null && value.count["int"] > 3',
      'CAR318',
    ),
    filter('an element that may be null', 'value.steps.exists(step, step > 3)', 'CAR316'),
    filter(
      'the check is for another type',
      'type(value.amount) == string && value.amount > 3',
      'CAR311',
    ),
    filter('never true or false', 'value.amount', 'CAR312'),
    filter('the type is asked for', 'type(value.amount) == int && value.amount > 3'),
    filter('the other type passes', 'type(value.amount) == string || value.amount > 3'),
    filter(
      'each type has its own',
      'type(value.amount) == int ? value.amount > 3 : value.amount.size() > 1',
    ),
    filter('equal to one of them', 'value.amount == 3 || value.amount == "3"'),
    filter('one of several', 'value.amount in [3, 4]'),
    filter('both are made text', 'string(value.amount) == "3"'),
    filter(
      'the branch is asked for',
      '"int" in value.count && value.count != null && value.count["int"] > 3',
    ),
    filter('the first of a list may be null', 'value.steps[0] > 3', 'CAR316'),
    filter('the first of a list, when it is there', 'value.steps[0] != null && value.steps[0] > 3'),
    filter('null is left out of a list', 'value.steps.exists(step, step != null && step > 3)'),
    filter('a key that may be missing', 'value.labels["shop"] == "a"', 'CAR319'),
    filter('a key with a dot', 'value.labels.shop == "a"', 'CAR319'),
    filter('a key that a field says', 'value.labels[value.eventId] == "a"', 'CAR319'),
    filter('two keys', 'value.labels["a"] == value.labels["b"]', 'CAR319', 'CAR319'),
    filter(
      'another key is asked for',
      '"shop" in value.labels && value.labels["till"] == "a"',
      'CAR319',
    ),
    filter('a key that is asked for', '"shop" in value.labels && value.labels["shop"] == "a"'),
    filter('a key that has() asks for', 'has(value.labels.shop) && value.labels.shop == "a"'),
    filter('the keys that are there', 'value.labels.exists(key, value.labels[key] == "a")'),
  ],
  WITH,
);

const STEP = "- filter: { where: 'value.level > 1' }";
const step = (what: string, written: string, ...told: readonly string[]) =>
  [what, STEP, `- ${written}`, ...told] as const;
const FROM = 'time: value.takenAt, id: value.eventId }';
const MEMBERS =
  '  members: { topic: tables.preferences, schema: MemberPreferences, key: memberId }\n';
const night = (zone: string) => `quiet_hours: { from: "22:00", to: "07:00", zone: ${zone} }`;

const PATHS: readonly Row[] = edited(
  [
    ...[
      ['a whole number', 'value.level'],
      ['a number', 'value.ratio'],
      ['a boolean', 'value.isLast'],
      ['an enum', 'value.kind'],
      ['bytes', 'value.bytes'],
      ['a list', 'value.tags'],
      ['a map', 'value.labels'],
      ['a record', 'value.place'],
      ['the time of the record', 'timestamp'],
      ['the value itself', 'value'],
      ['a number or a text', 'value.amount'],
      ['a branch that is named', 'value.count'],
    ].map(([what, path]) => step(`a zone that is ${what}`, night(path!), 'CAR403')),
    step('a zone', night('value.zone')),
    step('a zone in a record', night('value.place.zone')),
    step('a zone of nowhere', night('value.place.zon'), 'CAR402'),
    step('a zone that is written', night('Europe/Berlin'), 'CAR308'),
    step('a zone that is written in quotes', night(`"'Europe/Berlin'"`), 'CAR308'),
    step(
      'a zone of no place',
      'quiet_hours: { from: "22:00", to: "07:00", zone_default: Europe/Berln }',
      'CAR351',
    ),
    step(
      'a member that is a number',
      `${night('value.zone').slice(0, -2)}, by: value.level }`,
      'CAR403',
    ),
    step('except a number', 'target: { except: value.level }', 'CAR403'),
    step('except an enum', 'target: { except: value.kind }', 'CAR403'),
    step('except a number or a text', 'target: { except: value.amount }', 'CAR403'),
    step('except a text that may be null', 'target: { except: value.deviceId }'),
    ...[
      ['dedup', 'within: 1m'],
      ['throttle', 'max: 3, per: 1h'],
      ['coalesce', 'quiet: 2s, at_most: 10s'],
    ].flatMap(([type, more]) => [
      step(`${type} by a map`, `${type}: { by: [key, value.labels], ${more} }`, 'CAR403'),
      step(`${type} by the key and a number`, `${type}: { by: [key, value.level], ${more} }`),
      step(
        `${type} by all kinds`,
        `${type}: { by: [key, value.kind, value.isLast, value.amount, value.count], ${more} }`,
      ),
    ]),
    step('digest by a map', 'digest: { by: [value.labels], within: 1m }', 'CAR403'),
    step('dedup by a record with a map', 'dedup: { by: [key, value.site], within: 1m }', 'CAR403'),
    step('dedup by what lies beside it', 'dedup: { by: [key, value.site.name], within: 1m }'),
    step(
      'throttle by a list of them',
      'throttle: { by: [key, value.sites], max: 3, per: 1h }',
      'CAR403',
    ),
    step(
      'dedup by one that may be a map',
      'dedup: { by: [key, value.note], within: 1m }',
      'CAR403',
    ),
    step(
      'fan_out by a number',
      '{ name: again, fan_out: { table: devices, by: value.level } }',
      'CAR403',
    ),
    step('flat_map of a text', 'flat_map: { of: value.zone }', 'CAR403'),
    step(
      'flat_map under a name that is none',
      'flat_map: { of: value.tags, as: 3x }\n      - { name: again, filter: { where: value.tag == "a" } }',
      'CAR108',
    ),
    step('flat_map of a map', 'flat_map: { of: value.labels }', 'CAR403'),
    ['an id that is a number', FROM, 'time: value.takenAt, id: value.level }'],
    ['an id that is a record', FROM, 'time: value.takenAt, id: value.place }', 'CAR403'],
    ['an id that is a list', FROM, 'time: value.takenAt, id: value.tags }', 'CAR403'],
    ['an id that is true or false', FROM, 'time: value.takenAt, id: value.isLast }', 'CAR403'],
    ['an id that is a branch', FROM, 'time: value.takenAt, id: value.count }', 'CAR403'],
    ['an id that is a number or a text', FROM, 'time: value.takenAt, id: value.amount }'],
    ['a time that may be a text', FROM, 'time: value.amount, id: value.eventId }', 'CAR403'],
    ['a time that is a number', FROM, 'time: value.ratio, id: value.eventId }', 'CAR403'],
    [
      'a key that is a number or a text',
      FROM,
      'time: value.takenAt, id: value.eventId, key: value.amount }',
      'CAR403',
    ],
    ...[
      ['a record', 'value.place'],
      ['a list', 'value.tags'],
      ['a map', 'value.labels'],
      ['bytes', 'value.bytes'],
      ['a branch that is named', 'value.count'],
    ].map(
      ([what, path]) =>
        [
          `collapse by ${what}`,
          'transports: [websocket, inbox] }\nsinks',
          `transports: [websocket, inbox], collapse: [${path}] }\nsinks`,
          'CAR403',
        ] as const,
    ),
    [
      'collapse by texts and numbers',
      'transports: [websocket, inbox] }\nsinks',
      'transports: [websocket, inbox], collapse: [value.kind, value.level, value.amount] }\nsinks',
    ],
  ],
  WITH,
);
const WISHES: readonly Row[] = edited(
  [step('preferences by a number', 'preferences: { table: members, by: value.level }', 'CAR403')],
  WITH.replace('chains:\n', `${MEMBERS}chains:\n`),
);

export const TYPES: readonly Row[] = [...BRANCHES, ...PATHS, ...WISHES];
