/**
 * What decides is in the hash, and nothing else (design, D13): two versions that decide differently
 * never share a task, and a comment moves none.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, tell } from '../test/mistakes/base.ts';

function hashOf(text: string): string {
  const { plan, shown } = tell(text);
  assert.ok(plan !== undefined, shown);
  return plan.hash;
}

const changed = (from: string, to: string) => {
  assert.ok(BASE.includes(from), from);
  return BASE.replace(from, to);
};

const same: readonly [what: string, from: string, to: string][] = [
  ['a comment', '    steps:', '    # a comment\n    steps:'],
  [
    'another order of keys',
    '    id: va\n    doc: Continue Watching.\n',
    '    doc: Continue Watching.\n    id: va\n',
  ],
  ['another name of a stream', '  viewing:', '  watching:'],
  ['another doc', 'doc: Continue Watching.', 'doc: Go on.'],
  ['another doc of all', 'doc: One of everything.', 'doc: All.'],
  [
    'a default that is written out',
    'fan_out: { table: devices, by',
    'fan_out: { on_excess: drop_least_recent, table: devices, by',
  ],
  [
    'a chain that is written out',
    '- use: tell\n    to: { lane: notifications, coll',
    '- fan_out: { table: devices, by: value.memberId, devices_max: 64 }\n    to: { lane: notifications, coll',
  ],
  ['a number written otherwise', '1_000', '1000'],
  ['a time written otherwise', 'max_age: 2m', 'max_age: 120s'],
];
for (const [what, from, to] of same) {
  test(`the hash is the same with ${what}`, () => {
    assert.equal(hashOf(changed(from, to)), hashOf(BASE));
  });
}

const RULE = '[{ when: \'value.kind == "MATURITY_LEVEL_CHANGED"\', as: critical }]';
const RENAMED = '{ when: \'value.kind == "RENAMED"\', as: low }';
const one = RULE.slice(1, -1);

const other: readonly [what: string, from: string, to: string][] = [
  ['another name', 'topology: base', 'topology: other'],
  ['other attempts', 'attempts: 3', 'attempts: 4'],
  ['another topic of dead letters', 'topic: dead-letters', 'topic: letters'],
  ['another name of a table', 'owners:   {', 'possessors: {'],
  ['another topic of a lane', 'topic: notifications.{priority}', 'topic: told.{priority}'],
  ['fewer priorities of a lane', '[critical, high, normal, low]', '[critical, high, normal]'],
  ['another order of transports', '[websocket, fcm, apns, inbox]', '[fcm, websocket, apns, inbox]'],
  ['other bytes_max', 'bytes_max: 64KiB', 'bytes_max: 32KiB'],
  ['another id', 'id: va', 'id: vb'],
  ['another priority', 'as: normal', 'as: low'],
  ['another rule', 'as: high', 'as: normal'],
  ['another exception', 'MATURITY_LEVEL_CHANGED', 'RENAMED'],
  ['another priority of an exception', 'as: critical }]', 'as: low }]'],
  ['one exception more', RULE, `[${one}, ${RENAMED}]`],
  ['no exception', `\n      unless: ${RULE}`, ''],
  ['another topic', 'topic: events.viewing-activity', 'topic: events.viewing'],
  ['another topic of a table', 'topic: tables.devices,', 'topic: tables.device,'],
  ['another time', ', time: value.occurredAt', ''],
  [
    'no id',
    'schema: ProfileChange, time: value.changedAt, id: value.eventId',
    'schema: ProfileChange, time: value.changedAt',
  ],
  [
    'a key',
    'schema: ProfileChange, time: value.changedAt, id: value.eventId',
    'schema: ProfileChange, time: value.changedAt, id: value.eventId, max_future: 1m',
  ],
  ['another option', '1_000', '1_001'],
  ['another duration', 'max_age: 2m', 'max_age: 3m'],
  ['another expression', 'value.kind != "STARTED"', 'value.kind != "STOPPED"'],
  ['other paths', 'by: [value.profileId, value.titleId]', 'by: [value.titleId, value.profileId]'],
  ['another choice', '[tv, mobile]', '[tv]'],
  ['another path', ', except: value.deviceId', ''],
  ['another name of a step', '- dedup:', '- name: once\n        dedup:'],
  [
    'another order of steps',
    '      - filter: { where: \'value.kind != "STARTED"\' }\n      - sample: { keep: 99, of: 100 }\n',
    '      - sample: { keep: 99, of: 100 }\n      - filter: { where: \'value.kind != "STARTED"\' }\n',
  ],
  ['one step more', '- sample:', '- peek: {}\n      - sample:'],
  ['one step less', '      - sample: { keep: 99, of: 100 }\n', ''],
  ['another collapse key', 'collapse: [value.titleId]', 'collapse: [value.profileId]'],
  ['no collapse key', ', collapse: [value.titleId]', ''],
  [
    'other transports of a stream',
    'transports: [websocket, inbox]',
    'transports: [inbox, websocket]',
  ],
  ['another option of a sink', 'ttl: 7d', 'ttl: 8d'],
  ['another type of push', 'push_type: alert', 'push_type: background'],
  ['another budget', 'in_flight_max: 512', 'in_flight_max: 256'],
  ['another time-out', 'timeout: 2s', 'timeout: 3s'],
  ['another transport of a sink', 'transport: all', 'transport: inbox'],
  ['a step of a sink', '    to: { type: fcm', '    steps: [{ peek: {} }]\n    to: { type: fcm'],
  ['another name of a sink', '  inbox:\n', '  kept:\n'],
];
for (const [what, from, to] of other) {
  test(`the hash is another with ${what}`, () => {
    const hash = hashOf(changed(from, to));
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.notEqual(hash, hashOf(BASE));
  });
}

test('no two of these have one hash', () => {
  const hashes = other.map(([, from, to]) => hashOf(changed(from, to)));
  assert.equal(new Set(hashes).size, hashes.length);
});

/** Of the stream `viewing` and its source: what is read of an event, and no more. */
const fieldsOf = (text: string, useCase = 'va') => {
  const { plan, shown } = tell(text);
  assert.ok(plan !== undefined, shown);
  const streams = plan.subTopologies.flatMap((sub) => sub.streams);
  return streams.find((stream) => stream.useCase === useCase)!.source.projection.fields;
};

const READ = ['deviceId', 'eventId', 'kind', 'memberId', 'occurredAt', 'profileId', 'titleId'];
const projected: readonly [what: string, from: string, to: string, fields: readonly string[]][] = [
  ['what all of it reads', '    id: va', '    id: va', READ],
  [
    'what only the collapse key reads',
    'by: [value.profileId, value.titleId]',
    'by: [value.profileId]',
    READ,
  ],
  [
    'a collapse key of another field',
    'collapse: [value.titleId]',
    'collapse: [value.positionSeconds]',
    [...READ.slice(0, 5), 'positionSeconds', ...READ.slice(5)],
  ],
  [
    'without the filter',
    '      - filter: { where: \'value.kind != "STARTED"\' }\n',
    '',
    READ.filter((field) => field !== 'kind'),
  ],
  [
    'without the time',
    ', time: value.occurredAt',
    '',
    READ.filter((field) => field !== 'occurredAt'),
  ],
  [
    'without the spared device',
    ', except: value.deviceId',
    '',
    READ.filter((field) => field !== 'deviceId'),
  ],
  [
    'what an exception reads',
    'as: normal }',
    "as: normal, unless: [{ when: 'value.positionSeconds > 3', as: low }] }",
    [...READ.slice(0, 5), 'positionSeconds', ...READ.slice(5)],
  ],
  [
    'what is made anew is not read again',
    '- target: { classes: [tv, mobile], except: value.deviceId }',
    "- map: { fields: { eventId: value.eventId, memberId: value.memberId, profileId: value.profileId, titleId: value.titleId, occurredAt: value.occurredAt, positionSeconds: '3' } }",
    READ.filter((field) => field !== 'deviceId'),
  ],
];
for (const [what, from, to, fields] of projected) {
  test(`a source decodes what its stream reads: ${what}`, () => {
    assert.deepEqual(fieldsOf(changed(from, to)), fields);
  });
}

test('the value as a whole is all of its fields', () => {
  const text = changed('\'value.kind != "STARTED"\'', "'dyn(value) != null'");
  assert.equal(fieldsOf(text), undefined);
});
