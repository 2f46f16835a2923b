/** Right ones: nothing is told, strictly. */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: topology texts have variables.
import { BASE, edited, type Row, whole } from './base.ts';

const TARGET = '- target: { classes: [tv, mobile], except: value.deviceId }';
const GIVEN =
  'eventId: value.eventId, profileId: value.profileId, titleId: value.titleId, occurredAt: value.occurredAt';
const UNLESS = '[{ when: \'value.kind == "MATURITY_LEVEL_CHANGED"\', as: critical }]';
const FCM = BASE.slice(BASE.indexOf('  fcm:\n'), BASE.indexOf('  apns:\n'));
const half = (of: string, keep: string) =>
  of.replace(
    '    to:',
    `    steps: [{ filter: { where: 'value.useCase ${keep} "va"' } }]\n    to:`,
  );

/** More than may be nested, and not nested. */
const MANY = Array.from(
  { length: 150 },
  (_, i) => `  t-${i}:
    id: t-${i}
    priority: { as: low }
    from: { topic: events.plan-change, schema: PlanChange }
    to: { topic: t-${i}, schema: PlanChange }
`,
);

export const RIGHT: readonly Row[] = [
  ...edited([
    [
      'a no-break space in a doc',
      'doc: Continue Watching.',
      'doc: Continue\u00a0Watching at 20\u00a0h.',
    ],
    [
      'a webhook, of any transport',
      'type: fcm, project: my-app }',
      'type: webhook, url: "https://hooks.example.com/told", secret_file: /run/secrets/hook }',
    ],
    ['one in a comment', 'id: va\n', 'id: va # its\u00a0id\n'],
    ['one in quotes', 'doc: Continue Watching.', 'doc: "\u00a0Continue\u00a0"'],
    ['a picture in a doc', 'doc: Continue Watching.', 'doc: Continue 👨‍👩‍👧 Watching.'],
    ['curly quotes in a doc', 'doc: Continue Watching.', 'doc: “Continue” – “Watching”'],
    [
      'dashes and markers in a block',
      'doc: Continue Watching.',
      'doc: |\n      =======\n      – Continue\n      “Watching”',
    ],
    [
      'a document that ends',
      '    to: { type: inbox, ttl: 7d }\n',
      '    to: { type: inbox, ttl: 7d }\n...\n',
    ],
    ['a variable in a block', 'doc: Continue Watching.', 'doc: ${D:-Continue Watching.}'],
    ['a document that begins', 'topology: base', '---\ntopology: base'],
    ['a byte order mark at the start', 'topology: base', '\ufefftopology: base'],
    ['tabs behind a colon', 'id: va', 'id:\tva'],
    [
      'a map that keeps the member',
      TARGET,
      `- map: { fields: { ${GIVEN}, memberId: value.memberId } }`,
    ],
    ['a map that gives the key', TARGET, `- map: { fields: { ${GIVEN}, memberId: key } }`],
    [
      'two maps that keep the member',
      TARGET,
      `- map: { fields: { ${GIVEN}, memberId: value.memberId } }\n      - { name: again, map: { fields: { ${GIVEN}, memberId: value.memberId } } }`,
    ],
    ['by the key itself', 'by: value.memberId, devices_max', 'by: key, devices_max'],
    ['fan_out by default', 'table: devices, by: value.memberId, devices_max: 64', 'table: devices'],
    ['target of all', '[tv, mobile]', '[all]'],
    ['target of nothing said', 'classes: [tv, mobile], except: value.deviceId', ''],
    [
      'a filter between target and fan_out',
      '- use: tell\n    to: { lane: notifications, coll',
      '- peek: {}\n      - use: tell\n    to: { lane: notifications, coll',
    ],
    [
      'a filter behind fan_out',
      '- use: tell\n    to: { lane: notifications, coll',
      "- use: tell\n      - { name: again, filter: { where: 'value.positionSeconds > 3' } }\n    to: { lane: notifications, coll",
    ],
    ['quiet as long as at_most', 'quiet: 2s, at_most: 10s', 'quiet: 10s, at_most: 10s'],
    ['max_age just above quiet', 'max_age: 2m', 'max_age: 2001ms'],
    ['ttl as long as max_age', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 1h'],
    ['within of a millisecond', 'within: 10m', 'within: 1ms'],
    [
      'two exceptions',
      UNLESS,
      '[{ when: \'value.kind == "RENAMED"\', as: low }, { when: \'value.kind == "ADDED"\', as: critical }]',
    ],
    [
      'an exception from an exception',
      UNLESS,
      '[{ when: \'value.kind == "RENAMED" && value.memberId == "m"\', as: high }, { when: \'value.kind == "RENAMED"\', as: low }]',
    ],
    [
      'two sinks of fcm that share',
      FCM,
      half(FCM, '==') + half(FCM, '!=').replace('fcm:', 'others:'),
    ],
    [
      'a filter on the event of a notification',
      '    to: { type: fcm',
      '    steps: [{ filter: { where: \'value.payload.memberId != "m-1"\' } }]\n    to: { type: fcm',
    ],
    [
      'two inboxes',
      '  inbox:\n',
      '  second:\n    from: { lane: notifications, transport: inbox }\n    to: { type: inbox }\n  inbox:\n',
    ],
    ['a lane by the key itself', 'key: value.deviceId', 'key: key'],
    [
      'a lane of two transports',
      '[websocket, fcm, apns, inbox]',
      '[websocket, fcm, apns, inbox] # all',
    ],
    ['dedup by key and title', 'by: [value.eventId], within', 'by: [key, value.titleId], within'],
    ['dedup by default', '{ by: [value.eventId], within: 10m, keys_max: 1_000 }', '{}'],
    ['no steps but fan_out', '      - gate_staleness: { max_age: 1h, ttl: 2h }\n', ''],
    [
      'a stream to a topic',
      'sinks:\n',
      '  out:\n    id: out\n    priority: { as: low }\n    from: { topic: events.plan-change, schema: PlanChange }\n    to: { topic: plans, schema: PlanChange }\nsinks:\n',
    ],
    [
      'a stream that reads outcomes',
      'sinks:\n',
      '  out:\n    id: out\n    priority: { as: low }\n    from: { topic: outcomes, schema: DeliveryOutcome }\n    steps: [{ filter: { where: \'value.outcome == "rejected"\' } }]\n    to: { topic: rejected, schema: DeliveryOutcome }\nsinks:\n',
    ],
  ]),
  ...whole([
    ['very many of one depth', BASE.replace('streams:\n', `streams:\n${MANY.join('')}`)],
    [
      'without lanes',
      `topology: copy
streams:
  viewing:
    id: va
    from: { topic: events.viewing-activity, schema: ViewingActivity }
    steps: [{ filter: { where: 'value.kind == "STOPPED"' } }]
    to: { topic: stopped, schema: ViewingActivity }
`,
    ],
    [
      'elements of a list that have maps in them',
      `topology: sites
streams:
  readings:
    id: re
    from: { topic: events.reading, schema: Reading, time: value.takenAt, id: value.eventId }
    steps:
      - flat_map: { of: value.sites, with: { at: timestamp } }
      - map: { fields: { eventId: value.name, memberId: key, planTo: value.name, changedAt: value.at } }
    to: { topic: sites, schema: PlanChange }
`,
    ],
    [
      'presence for a stream that is keyed by device',
      `topology: online
tables:
  presence: { topic: tables.presence, schema: Presence, key: deviceId }
streams:
  connections:
    id: co
    from: { topic: events.connections, schema: Connection, key: value.deviceId }
    steps: [{ gate_online: { table: presence } }]
    to: { topic: online, schema: Connection }
`,
    ],
  ]),
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
