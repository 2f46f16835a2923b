/** What is named for a use: tables, lanes, transports, sinks, keys, steps. */
import { BASE, edited, type Row } from './base.ts';

const APNS = BASE.slice(BASE.indexOf('  apns:\n'), BASE.indexOf('  inbox:\n'));
const FCM = BASE.slice(BASE.indexOf('  fcm:\n'), BASE.indexOf('  apns:\n'));
const INBOX = BASE.slice(BASE.indexOf('  inbox:\n'));
const SINKS = BASE.slice(BASE.indexOf('sinks:\n'));
const KEPT = '  kept:\n    from: { lane: other, transport: all }\n    to: { type: inbox }\n';
/** With a second lane, of one transport. */
const TWO = (transport: string, second: string) =>
  BASE.replace(
    'streams:\n',
    `  other:
    topic: other.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    transports: [${transport}]
streams:
  plans:
    id: pl
    priority: { as: low }
    from: { topic: events.plan-change, schema: PlanChange }
    steps: [{ use: tell }]
    to: { lane: other }
`,
  ).replace(
    'sinks:\n',
    `sinks:\n${KEPT}  second:\n    from: { lane: other, transport: ${transport} }\n    ${second}\n`,
  );
const SOCKETS = TWO(
  'websocket',
  'steps: [{ gate_online: { table: presence } }]\n    to: { type: websocket }',
);
const KEEPING: readonly Row[] = [
  ...edited(
    [['a lane of sockets that nobody keeps', KEPT, '', 'CAR223   other:\n    topic']],
    SOCKETS,
  ),
  ...edited(
    [['a lane of fcm alone, which keeps it itself', KEPT, '']],
    TWO('fcm', 'to: { type: fcm, project: my-app }'),
  ),
  ...edited([['a second lane with its inbox', 'id: pl', 'id: p2']], SOCKETS),
];

const GIVEN =
  'eventId: value.eventId, profileId: value.profileId, titleId: value.titleId, occurredAt: value.occurredAt';
const map = (memberId: string) => `- map: { fields: { ${GIVEN}, memberId: ${memberId} } }`;

const FILTER = `filter: { where: 'value.kind != "STARTED"' }`;

const NAMED: readonly Row[] = edited([
  ['fan_out of owners', 'fan_out: { table: devices', 'fan_out: { table: owners', 'CAR240'],
  ['fan_out of presence', 'fan_out: { table: devices', 'fan_out: { table: presence', 'CAR240'],
  [
    'fan_out of a table that is not there',
    'fan_out: { table: devices',
    'fan_out: { table: device',
    'CAR201',
  ],
  ['a join of devices', FILTER, 'join: { table: devices, as: row }', 'CAR261'],
  [
    'a join of rows by device',
    FILTER,
    'join: { table: owners, as: row }',
    'CAR220',
    'CAR406 lane: notifications, coll',
  ],
  [
    'a join of nothing',
    FILTER,
    'join: { table: devicez, as: row }',
    'CAR201',
    'CAR406 lane: notifications, coll',
  ],
  ['a join without a name', FILTER, 'join: { table: owners }', 'CAR302'],
  [
    'a join by an object',
    FILTER,
    'join: { table: owners, by: { key: value.memberId }, as: row }',
    'CAR303',
    'CAR406 lane: notifications, coll',
  ],
  [
    'a join of that kind',
    FILTER,
    'join: { table: owners, type: full, as: row }',
    'CAR306',
    'CAR406 lane: notifications, coll',
  ],
  ['a join under a field', FILTER, 'join: { table: owners, as: kind }', 'CAR220', 'CAR280'],
  [
    'gate_online of devices',
    'gate_online: { table: presence',
    'gate_online: { table: devices',
    'CAR240',
  ],
  [
    'gate_online of owners',
    'gate_online: { table: presence',
    'gate_online: { table: owners',
    'CAR240',
  ],
  [
    'devices by device',
    'schema: MemberDevices, key: memberId',
    'schema: MemberDevices, key: devices',
    'CAR241',
  ],
  ['owners by member', 'schema: Device, key: deviceId', 'schema: Device, key: memberId', 'CAR241'],
  [
    'presence by gateway',
    'schema: Presence, key: deviceId',
    'schema: Presence, key: gatewayId',
    'CAR241',
  ],
  [
    'a key that is not there',
    'schema: Presence, key: deviceId',
    'schema: Presence, key: id',
    'CAR402',
  ],
  [
    'a table of another schema',
    'topic: tables.devices, schema: MemberDevices',
    'topic: tables.devices, schema: Device',
    'CAR215',
  ],
  [
    'a secret of a webhook in the file',
    'type: fcm, project: my-app }',
    'type: webhook, url: "https://hooks.example.com/", secret: abc }',
    'CAR309',
  ],
  ['a table of a topic of nobody', 'topic: tables.devices,', 'topic: tables.device,', 'CAR249'],
  ['presence of a topic of nobody', 'topic: tables.presence,', 'topic: presence,', 'CAR249'],
  ['a lane of devices', 'schema: DeviceNotification', 'schema: Device', 'CAR242'],
  ['a lane of members', 'schema: DeviceNotification', 'schema: MemberDevices', 'CAR242'],
  ['a lane of events', 'schema: DeviceNotification', 'schema: ViewingActivity', 'CAR242'],
  [
    'a lane of a schema that is not there',
    'schema: DeviceNotification',
    'schema: Notification',
    'CAR401',
  ],
  ['a lane by use case', 'key: value.deviceId', 'key: value.useCase', 'CAR241'],
  ['a lane by a field that is not there', 'key: value.deviceId', 'key: value.memberId', 'CAR402'],
  ['a lane without a priority', 'notifications.{priority}.', 'notifications.', 'CAR213'],
  [
    'a lane with a transport twice',
    '[websocket, fcm, apns, inbox]',
    '[websocket, fcm, fcm, apns, inbox]',
    'CAR314',
  ],
  ['no sink for apns', APNS, '', 'CAR217 notifications:'],
  ['no sink for fcm', FCM, '', 'CAR217 notifications:'],
  ['no inbox', INBOX, '', 'CAR217 notifications:'],
  ['no sinks', SINKS, '', 'CAR217 notifications:'],
  ['an inbox for fcm alone', 'transport: all', 'transport: fcm', 'CAR217 notifications:'],
  [
    'an inbox for its own transport',
    'transport: all',
    'transport: inbox',
    'CAR223   inbox:\n    from',
  ],
  [
    'an inbox for its own, and one for fcm',
    '  inbox:\n    from: { lane: notifications, transport: all }',
    '  kept:\n    from: { lane: notifications, transport: fcm }\n    to: { type: inbox }\n  inbox:\n    from: { lane: notifications, transport: inbox }',
    'CAR223   kept:\n    from',
  ],
  ['fcm of apns', 'transport: fcm }', 'transport: apns }', 'CAR243'],
  ['apns of fcm', 'transport: apns }', 'transport: fcm }', 'CAR243'],
  ['fcm of all', 'transport: fcm }', 'transport: all }', 'CAR243'],
  ['apns of the inbox', 'transport: apns }', 'transport: inbox }', 'CAR243'],
  ['sockets of fcm', 'transport: websocket }', 'transport: fcm }', 'CAR243'],
  ['a transport that is none', 'transport: fcm }', 'transport: gcm }', 'CAR109'],
  [
    'a transport that the lane has not',
    '[websocket, fcm, apns, inbox]',
    '[websocket, fcm, inbox]',
    'CAR211 transport: apns }',
  ],
  [
    'sockets without presence',
    '    steps: [{ gate_online: { table: presence } }]\n',
    '',
    'CAR250 websocket:\n    from',
  ],
  [
    'sockets with another step',
    '[{ gate_online: { table: presence } }]',
    '[{ peek: {} }]',
    'CAR250 websocket:\n    from',
  ],
  ['two sinks of fcm', '  inbox:\n', `${FCM.replace('fcm:', 'again:')}  inbox:\n`, 'CAR244'],
  [
    'two sinks of sockets',
    '  fcm:\n',
    `  again:\n    from: { lane: notifications, transport: websocket }\n    steps: [{ gate_online: { table: presence } }]\n    to: { type: websocket }\n  fcm:\n`,
    'CAR244',
  ],
  [
    'gate_online before fcm',
    '    to: { type: fcm',
    '    steps: [{ gate_online: { table: presence } }]\n    to: { type: fcm',
    'CAR247',
  ],
  [
    'gate_online before the inbox',
    '    to: { type: inbox',
    '    steps: [{ gate_online: { table: presence } }]\n    to: { type: inbox',
    'CAR247',
  ],
  [
    'gate_online in a stream',
    '- use: tell\n    to: { lane: notifications, coll',
    '- gate_online: { table: presence }\n      - use: tell\n    to: { lane: notifications, coll',
    'CAR220',
  ],
  [
    'fan_out in a sink',
    '[{ gate_online: { table: presence } }]',
    '[{ gate_online: { table: presence } }, { fan_out: { table: devices } }]',
    'CAR219',
  ],
  [
    'dedup in a sink',
    '    to: { type: fcm',
    '    steps: [{ dedup: { by: [value.id] } }]\n    to: { type: fcm',
    'CAR219',
  ],
  [
    'two fan_outs',
    '- use: tell\n    to: { lane: notifications, coll',
    '- use: tell\n      - { name: again, fan_out: { table: devices } }\n    to: { lane: notifications, coll',
    'CAR244',
  ],
  [
    'no fan_out',
    '      - use: tell\n    to: { lane: notifications, coll',
    '    to: { lane: notifications, coll',
    'CAR212 to: { lane',
  ],
  [
    'by another field',
    'by: value.memberId, devices_max',
    'by: value.profileId, devices_max',
    'CAR220',
  ],
  [
    'the key is another',
    'id: value.eventId }\n    steps:\n      - gate_staleness: { max_age: 2m',
    'id: value.eventId, key: value.profileId }\n    steps:\n      - gate_staleness: { max_age: 2m',
    'CAR220 - fan_out',
  ],
  [
    'another member by map',
    '- target: { classes: [tv, mobile], except: value.deviceId }',
    map('value.profileId'),
    'CAR245 - fan_out',
  ],
  [
    'a constant member by map',
    '- target: { classes: [tv, mobile], except: value.deviceId }',
    map('\'"m-1"\''),
    'CAR245 - fan_out',
  ],
  [
    'a made-up member by map',
    '- target: { classes: [tv, mobile], except: value.deviceId }',
    map('\'value.memberId + "x"\''),
    'CAR245 - fan_out',
  ],
  [
    'a chosen member by map',
    '- target: { classes: [tv, mobile], except: value.deviceId }',
    map('\'value.kind == "STOPPED" ? value.memberId : value.profileId\''),
    'CAR245 - fan_out',
  ],
  ['a step of the engine', '- sample: { keep: 99, of: 100 }', '- fold_devices: {}', 'CAR248'],
  ['registration by hand', '- sample: { keep: 99, of: 100 }', '- register_device: {}', 'CAR248'],
  ['presence by hand', '- sample: { keep: 99, of: 100 }', '- fold_presence: {}', 'CAR248'],
  [
    'a lane that no stream writes',
    'streams:\n',
    '  other:\n    topic: other.{priority}.{transport}\n    schema: DeviceNotification\n    key: value.deviceId\n    transports: [inbox]\nstreams:\n',
    'CAR246',
    'CAR217',
  ],
  ['a chain that is used nowhere', 'chains:\n', 'chains:\n  other:\n    - peek: {}\n', 'CAR218'],
  [
    'a priority that the lane has not',
    '[critical, high, normal, low]',
    '[critical, high, low]',
    'CAR210 to: { lane: notifications, coll',
  ],
  [
    'a lane that is not there',
    'to: { lane: notifications, coll',
    'to: { lane: notification, coll',
    'CAR202',
  ],
  ['a topic that the engine writes', 'topic: dead-letters', 'topic: outcomes', 'CAR215'],
  ['one id for two streams', 'id: pf', 'id: va', 'CAR208'],
  ['a sink that is none', 'type: apns', 'type: apn', 'CAR205'],
  ['a step that is none', '- sample:', '- sampel:', 'CAR204'],
  ['an option that is none', 'keep: 99', 'kept: 99', 'CAR301'],
  ['an id of the wrong kind', 'id: value.eventId', 'id: value.kind.x', 'CAR404'],
  ['a time of the wrong kind', 'time: value.occurredAt', 'time: value.titleId', 'CAR403'],
  [
    'a member that may be null',
    'id: value.eventId }',
    'id: value.eventId, key: value.deviceId }',
    'CAR403',
  ],
]);

const TO = 'to: { lane: notifications, transports: [websocket, inbox] }';
const acked = (more = '') => TO.replace(' }', `, guarantee: acked${more} }`);
const ACKED: readonly Row[] = [
  ...edited([
    ['to be acknowledged', TO, acked()],
    ['told again', TO, acked(', again_after: 5m')],
    ['as told as others are', TO, TO.replace(' }', ', guarantee: told }')],
    ['a guarantee that is none', TO, TO.replace(' }', ', guarantee: sure }'), 'CAR109'],
    ['again, and nothing has to be', TO, TO.replace(' }', ', again_after: 5m }'), 'CAR772'],
    ['again without a unit', TO, acked(', again_after: 5'), 'CAR304'],
    ['again at once', TO, acked(', again_after: 1ms'), 'CAR305'],
    ['again, just in time', TO, acked(', again_after: 119m')],
    ['again as the deadline comes', TO, acked(', again_after: 2h'), 'CAR772'],
    [
      'acknowledged, without a deadline',
      `- gate_staleness: { max_age: 1h, ttl: 2h }\n      - use: tell\n    ${TO}`,
      `- use: tell\n    ${acked(', again_after: 5m')}`,
      'CAR771 guarantee',
    ],
  ]),
  ...edited(
    [
      [
        'acknowledged, with half an inbox',
        'transport: all',
        'transport: inbox',
        'CAR770 guarantee',
        'CAR223 inbox:',
      ],
    ],
    BASE.replace(TO, acked()),
  ),
];

const KIDS = FCM.replace('  fcm:', '  kids:')
  .replace('transport: fcm', 'transport: fcm, app: kids')
  .replace('my-app', 'my-kids');
const APPS: readonly Row[] = edited([
  ['a sink for an app beside that for the others', FCM, FCM + KIDS],
  [
    'two sinks for one app',
    FCM,
    `${FCM}${KIDS}${KIDS.replace('kids:', 'children:')}`,
    'CAR244 children:',
  ],
  ['a sink for an app alone', FCM, KIDS, 'CAR684 kids:'],
  [
    'two sinks for an app each',
    FCM,
    KIDS + KIDS.replace('kids:', 'teens:').replace('app: kids', 'app: teens'),
    'CAR684 kids:',
  ],
  [
    'a socket for an app',
    'transport: websocket }\n    steps',
    'transport: websocket, app: kids }\n    steps',
    'CAR685 transport: websocket, app',
  ],
]);

export const USES: readonly Row[] = [...NAMED, ...KEEPING, ...ACKED, ...APPS];
