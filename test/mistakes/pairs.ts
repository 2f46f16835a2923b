/**
 * Two mistakes in one file, the second of which does not follow from the first: both are told.
 * And one mistake from which others would seem to follow: it is told alone.
 */
import { BASE, edited, type Row } from './base.ts';

/** Two edits, with what is told of each where it stands. */
type Pair = readonly [what: string, first: Replaced, second: Replaced];
type Replaced = readonly [from: string, to: string, ...told: readonly string[]];

const lineOf = (text: string, place: string) => {
  const at = text.indexOf(place);
  if (at < 0) throw new Error(`there is no ${place}`);
  return text.slice(0, at).split('\n').length;
};

function paired(pairs: readonly Pair[]): Row[] {
  return pairs.map(([what, first, second]) => {
    const text = [first, second].reduce((before, [from, to]) => {
      if (!before.includes(from)) throw new Error(`${what}: the base has no ${from}`);
      return before.replace(from, () => to);
    }, BASE);
    const told = [first, second].flatMap(([, to, ...codes]) =>
      codes.map((one) => {
        const [code, ...place] = one.split(' ');
        return { line: lineOf(text, place.length === 0 ? to : place.join(' ')), code };
      }),
    );
    told.sort((a, b) => a.line - b.line);
    return { what, text, env: {}, told: told.map(({ line, code }) => `${line} ${code}`) };
  });
}

const GATE = '- gate_staleness: { max_age: 2m }';
const DEDUP = 'dedup: { by: [value.eventId], within: 10m, keys_max: 1_000 }';
const WHERE = 'value.kind != "STARTED"';
const SAMPLE = 'sample: { keep: 99, of: 100 }';
const COALESCE = 'coalesce: { by: [value.profileId, value.titleId], quiet: 2s, at_most: 10s }';
const TARGET = 'target: { classes: [tv, mobile], except: value.deviceId }';
const USE = '- use: tell\n    to: { lane: notifications, coll';
const TO = 'to: { lane: notifications, collapse: [value.titleId] }';
const PRIORITIES = 'priorities: [critical, high, normal, low]';
const UNLESS = `unless: [{ when: 'value.kind == "MATURITY_LEVEL_CHANGED"', as: critical }]`;

const FIELD: Replaced = [WHERE, 'value.sort != "STARTED"', 'CAR402'];
const EXCEPT: Replaced = [TARGET, TARGET.replace('deviceId', 'device'), 'CAR402'];
const BURST: Replaced = [COALESCE, COALESCE.replace('profileId', 'profile'), 'CAR402'];
const COLLAPSE: Replaced = [TO, TO.replace('titleId', 'title'), 'CAR402'];
const LIMIT: Replaced = [DEDUP, DEDUP.replace('10m', 'ten'), 'CAR304'];
const MISSPELT: Replaced = [DEDUP, DEDUP.replace('dedup', 'dedupe'), 'CAR204'];
const STRANGE: Replaced = [SAMPLE, 'frobnicate: { at: 3 }', 'CAR204'];
const SYNTAX: Replaced = [WHERE, 'value.kind ~ "STARTED"', 'CAR310'];
const NO_NORMAL: Replaced = [
  PRIORITIES,
  'priorities: [critical, high, low]',
  'CAR210 lane: notification',
];
const NO_CRITICAL: Replaced = [
  PRIORITIES,
  'priorities: [high, normal, low]',
  'CAR210 to: { lane: notifications, transports',
];
const NO_APNS: Replaced = [
  '  apns:\n    from: { lane: notifications, transport: apns }\n    to: { type: apns, bundle: com.example.app, push_type: alert }\n',
  '',
  'CAR217 notifications:',
];
const BY_DEVICE: Replaced = [
  'by: value.memberId, devices_max',
  'by: value.deviceId, devices_max',
  'CAR220 fan_out:',
];

const ALL =
  'eventId: value.eventId, profileId: value.profileId, titleId: value.titleId, occurredAt: value.occurredAt, kind: value.kind, deviceId: value.deviceId, positionSeconds: value.positionSeconds';

/** Beside a step that is broken, or that there is not. */
const STEPS: readonly Pair[] = [
  ['a misspelt step, and a field behind it', MISSPELT, FIELD],
  [
    'a misspelt step, and its own field',
    FIELD,
    [DEDUP, 'dedupe: { by: [value.event, key], within: 10m }', 'CAR204', 'CAR402'],
  ],
  [
    'a misspelt fan_out, and a table of its own',
    ['fan_out: { table: devices', 'fanout: { table: owners', 'CAR204', 'CAR240'],
    COLLAPSE,
  ],
  ['a step like no other, and a field behind it', STRANGE, EXCEPT],
  ['a step without options, and a field behind it', [SAMPLE, 'frobnicate: {}', 'CAR204'], BURST],
  ['a step like no other, and a collapse by nothing', STRANGE, COLLAPSE],
  [
    'a step of the engine, and a field behind it',
    [SAMPLE, 'register_device: {}', 'CAR248'],
    EXCEPT,
  ],
  [
    'two steps in one, and a field behind them',
    [SAMPLE, `${SAMPLE}\n        dedupe: {}`, 'CAR103 dedupe:'],
    BURST,
  ],
  [
    'a chain that is misspelt, and a mistake in it',
    [USE, USE.replace('tell', 'tel'), 'CAR203 use: tel'],
    ['devices_max: 64', 'devices_max: 0', 'CAR305'],
  ],
  ['a condition that cannot be read, and a field behind it', SYNTAX, BURST],
  [
    'a condition that cannot be read, and no fan_out',
    SYNTAX,
    [
      '- use: tell\n    to: { lane: notifications, coll',
      '- peek: {}\n    to: { lane: notifications, coll',
      'CAR212 to: { lane: notifications, coll',
    ],
  ],
  [
    'a condition that cannot be read, and an unsafe dedup',
    SYNTAX,
    [DEDUP, 'dedup: { by: [value.titleId], within: 10m }', 'CAR315'],
  ],
  ['a limit that is none, and a field behind it', LIMIT, FIELD],
  ['a limit that is none, and a look-up by another key', LIMIT, BY_DEVICE],
  [
    'a limit that is none, and a target twice',
    LIMIT,
    [
      TARGET,
      `${TARGET}\n      - { name: again, target: { classes: [tv] } }`,
      'CAR246 target: { classes: [tv, mobile]',
    ],
  ],
  [
    'a limit that is none, and a filter that holds for all',
    LIMIT,
    [WHERE, 'true', "CAR246 where: 'true'"],
  ],
  [
    'a map with a field that is not there, and one that it does not give',
    [
      GATE,
      `${GATE}\n      - map: { fields: { eventId: value.event, memberId: value.memberId, kind: value.kind, titleId: value.titleId, deviceId: value.deviceId } }`,
      'CAR402 - map:',
      'CAR406 to: { lane: notifications, coll',
    ],
    [COALESCE, 'coalesce: { by: [value.profileId], quiet: 2s, at_most: 10s }', 'CAR402'],
  ],
];

/** Beside a lane, table, rule or sink that is broken. */
const USES: readonly Pair[] = [
  [
    'a source under another key, and a field',
    ['from: { topic: events.viewing-activity', 'form: { topic: events.viewing-activity', 'CAR104'],
    FIELD,
  ],
  ['streams under another key, and a field', ['streams:\n', 'steams:\n', 'CAR104'], FIELD],
  [
    'a table by nothing, and of the wrong rows',
    ['schema: Presence, key: deviceId', 'schema: Presence, key: device', 'CAR402'],
    ['table: devices,', 'table: presence,', 'CAR240'],
  ],
  [
    'a lane that is misspelt, and has not the priority',
    [TO, TO.replace('notifications', 'notification'), 'CAR202'],
    NO_NORMAL,
  ],
  [
    'a lane that is misspelt, and a wrong reach',
    ['transports: [websocket, inbox] }\nsinks', 'reach: far }\nsinks', 'CAR109'],
    [TO, TO.replace('notifications', 'notification'), 'CAR202'],
  ],
  [
    'a lane with a wrong size, and a priority that it has not',
    ['bytes_max: 64KiB', 'bytes_max: 64', 'CAR307'],
    NO_NORMAL,
  ],
  [
    'a lane by nothing, and a transport without a sink',
    ['key: value.deviceId\n    priorities', 'key: value.device\n    priorities', 'CAR402'],
    NO_APNS,
  ],
  [
    'a rule that cannot be read, and a priority that the lane has not',
    [UNLESS, 'unless: [{ when: value.kind, as: critical }]', 'CAR312'],
    NO_CRITICAL,
  ],
  [
    'a rule without its default, and a priority that the lane has not',
    ['as: high\n', 'is: high\n', 'CAR104'],
    NO_CRITICAL,
  ],
  [
    'a table without a topic, and of the wrong rows',
    ['devices:  { topic: tables.devices, schema', 'devices:  { schema', 'CAR105'],
    ['table: devices', 'table: owners', 'CAR240'],
  ],
  [
    'a source without a topic, and a field',
    ['topic: events.viewing-activity, schema', 'schema', 'CAR105 from: { schema'],
    FIELD,
  ],
  [
    'a time that is a text, and a look-up by another key',
    ['time: value.occurredAt', 'time: value.titleId', 'CAR403'],
    BY_DEVICE,
  ],
  [
    'a sink with a wrong limit, and a transport without one',
    ['ttl: 7d', 'ttl: long', 'CAR304'],
    NO_APNS,
  ],
  [
    'a sink of the wrong transport, and with a wrong limit',
    ['type: fcm, project: my-app', 'type: fcm, project: my-app, timeout: 5', 'CAR304'],
    [
      '    from: { lane: notifications, transport: fcm }',
      '    from: { lane: notifications, transport: apns }',
      'CAR243 from: { lane: notifications, transport: apns }',
    ],
  ],
  [
    'a sink with a wrong limit, and without what it needs',
    ['timeout: 2s', 'timeout: 2', 'CAR304'],
    ['    steps: [{ gate_online: { table: presence } }]\n', '', 'CAR250 websocket:\n    from'],
  ],
];

/** A mistake in a chain that nobody uses. */
const UNUSED: readonly Row[] = edited([
  [
    'a chain that is used nowhere, and is wrong',
    '  tell:\n',
    '  told:\n    - dedup: { by: [key], within: 1 }\n  tell:\n',
    'CAR218',
    'CAR304 - dedup: { by: [key]',
  ],
]);

/** What only seems to be wrong beside a mistake. */
const ALONE: readonly Row[] = edited([
  ['what stands under keys that are misspelt', 'tables:\n', 'tabels:\n', 'CAR104'],
  ['lanes under another key', 'lanes:\n', 'lane:\n', 'CAR104'],
  ['chains under another key', 'chains:\n', 'chain:\n', 'CAR104'],
  ['sinks under another key', 'sinks:\n', 'sink:\n', 'CAR104'],
  ['sinks that are nothing', 'sinks:\n', 'sinks:\nothers:\n', 'CAR103 sinks:', 'CAR104 others:'],
  [
    'steps that are a text',
    '- use: tell\n    to: { lane: notifications, transports',
    '- use: tell\n    steps: all\n    to: { lane: notifications, transports',
    'CAR102 steps: all',
  ],
  [
    'a list of steps that is none',
    '    steps:\n      - gate_staleness: { max_age: 1h, ttl: 2h }\n      - use: tell\n',
    '    steps: { use: tell }\n',
    'CAR103',
  ],
  [
    'what a step like a map may give',
    SAMPLE,
    'transform: { fields: { a: value.kind } }\n      - { name: after, filter: { where: value.a == "b" } }',
    'CAR204',
  ],
  [
    'what a chain that is not there may give',
    SAMPLE,
    `use: enriched\n      - { name: after, filter: { where: 'value.a == "b"' } }`,
    'CAR203',
  ],
  [
    'what a broken map may give',
    SAMPLE,
    `map: { felds: { a: value.kind } }\n      - { name: after, filter: { where: 'value.a == "b"' } }`,
    'CAR301',
  ],
  [
    'a field that a broken expression gives',
    SAMPLE,
    `map: { fields: { ${ALL}, memberId: value.member } }`,
    'CAR402',
  ],
  [
    'devices that a broken step may give',
    'fan_out: { table: devices,',
    'fan_out: { tables: devices,',
    'CAR301',
  ],
  [
    'devices that a step that is none may give',
    '- fan_out: { table: devices, by: value.memberId, devices_max: 64 }',
    '- tell_all: {}',
    'CAR204',
  ],
  ['a mark for a fan_out that is broken', 'devices_max: 64', 'devices_max: many', 'CAR303'],
  [
    'a limit that lets live for longer',
    'gate_staleness: { max_age: 2m }',
    'gate_staleness: { max_age: 2s, ttl: long }',
    'CAR304',
  ],
  [
    'a key that is not there',
    'schema: ViewingActivity, time',
    'schema: ViewingActivity, key: value.member, time',
    'CAR402',
  ],
  [
    'a schema that is not there',
    'schema: ViewingActivity, time',
    'schema: Viewings, time',
    'CAR401',
  ],
  [
    'a gate of sockets that is broken',
    'gate_online: { table: presence }',
    'gate_online: { tables: presence }',
    'CAR301',
  ],
  [
    'a sink that may read the lane',
    'from: { lane: notifications, transport: fcm }',
    'from: { lane: notifications, transport: fmc }',
    'CAR109',
  ],
  [
    'a sink of no type, which may read the lane',
    'type: fcm, project: my-app',
    'type: fmc, project: my-app',
    'CAR205',
  ],
  [
    'a filter that may choose',
    'transport: fcm }\n',
    'transport: fcm }\n    steps: [{ filter: { were: true } }]\n',
    'CAR301',
  ],
]);

export const PAIRS: readonly Row[] = [...paired([...STEPS, ...USES]), ...UNUSED, ...ALONE];
