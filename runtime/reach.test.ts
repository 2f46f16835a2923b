/**
 * How a notification finds its device, through the whole engine: reach, tokens, what is put off.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../core/device.ts';
import type { DeliveryOutcome, Outcome } from '../core/outcome.ts';
import {
  Driven,
  lanesWith,
  planChange,
  planChanges,
  REGISTRATIONS,
  START_MS,
} from '../test/kit/drive.ts';

const EVENTS = 'events.plan-change';
const SINKS = `sinks:
  websocket:
    from: { lane: notifications, transport: websocket }
    steps: [{ gate_online: { table: presence } }]
    to: { type: websocket }
  fcm: { from: { lane: notifications, transport: fcm }, to: { type: fcm, project: p } }
  apns: { from: { lane: notifications, transport: apns }, to: { type: apns, bundle: b } }
  inbox: { from: { lane: notifications, transport: all }, to: { type: inbox, ttl: 7d } }
`;
const topology = (reach: string, more = '') =>
  lanesWith(
    planChanges({ lane: `${more}${reach === '' ? '' : `, reach: ${reach}`}` }),
    SINKS,
  ).replace(
    'lanes:',
    '  presence: { topic: tables.presence, schema: Presence, key: deviceId }\nlanes:',
  );
const rejected = (reason: string): Outcome => ({ kind: 'rejected', reason });
/** `sink sequence<previous outcome`. */
const told = (driven: Driven) =>
  driven.given.map(
    ({ sink, notification: { sequence, previous }, outcome }) =>
      `${sink} ${sequence}<${previous} ${outcome}`,
  );

const rows: readonly [string, string, readonly Transport[], boolean, readonly string[]][] = [
  ['offline', '', ['websocket', 'fcm'], false, ['inbox', 'fcm']],
  ['online', '', ['websocket', 'fcm'], true, ['websocket', 'inbox']],
  ['offline, the default said', 'first_reachable', ['websocket', 'fcm'], false, ['inbox', 'fcm']],
  ['offline, first', 'first', ['websocket', 'fcm'], false, ['inbox']],
  ['offline, all', 'all', ['websocket', 'fcm'], false, ['fcm', 'inbox']],
  ['online, all', 'all', ['websocket', 'fcm', 'inbox'], true, ['websocket', 'fcm', 'inbox']],
  ['the other way round', '', ['fcm', 'websocket'], false, ['fcm', 'inbox']],
  ['nothing else', '', ['websocket'], false, ['inbox']],
  ['the inbox is no step further', '', ['websocket', 'inbox'], false, ['inbox']],
  ['three', '', ['websocket', 'fcm', 'apns'], false, ['inbox', 'fcm']],
];
for (const [what, reach, transports, online, expected] of rows) {
  test(`reach: ${what}: ${expected.join(' and ')}`, async () => {
    const driven = await Driven.open(topology(reach));
    await driven.register('ph-1', 'm-1', { transports });
    if (online) {
      const at = { generation: 1, connectedAt: START_MS };
      const row = { deviceId: 'ph-1', gatewayId: 'g', connectionId: 'c', ...at };
      await driven.feed('tables.presence', 'ph-1', row);
    }
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
    await driven.end();
    const given = [...new Set(driven.given.map(({ sink }) => sink))].sort();
    assert.deepEqual(given, [...expected].sort());
    // One id, one number, whichever way it goes.
    assert.equal(new Set(driven.given.map(({ notification }) => notification.id)).size, 1);
    assert.ok(driven.given.every(({ notification }) => notification.sequence === 1));
    assert.deepEqual(driven.letters, []);
  });
}

test('reach: down the whole list, then the dead letters say so', async () => {
  const driven = await Driven.open(topology(''), {
    answer: (_, sink) =>
      sink === 'fcm'
        ? rejected('no_token')
        : sink === 'apns'
          ? { kind: 'retry', scope: 'device', why: 'busy', afterMs: 1_000 }
          : { kind: 'delivered' },
  });
  await driven.register('ph-1', 'm-1', { transports: ['websocket', 'fcm', 'apns'] });
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.driver.advance(60_000);
  await driven.end();
  const push = told(driven).filter((line) => !line.startsWith('inbox'));
  assert.deepEqual(push, ['fcm 1<0 rejected', ...Array(3).fill('apns 1<0 retry')]);
  const ends = driven.of('outcomes').map(({ value }) => value as DeliveryOutcome);
  assert.deepEqual(
    ends
      .filter(({ outcome }) => outcome !== 'retried')
      .map((of) => `${of.sink} ${of.outcome} ${of.reason}`),
    ['websocket handed_on fcm: offline', 'fcm handed_on apns: no_token', 'apns abandoned busy'],
  );
  assert.deepEqual(driven.letters, ['CAR668 apns/deliver notifications.critical.apns/0@0']);
  assert.equal(driven.given.filter(({ sink }) => sink === 'inbox').length, 1, 'kept once');
});

test('reach all: previous is that of each lane, the number is one', async () => {
  const driven = await Driven.open(topology('all'));
  await driven.register('ph-1', 'm-1', { transports: ['fcm'] });
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.register('ph-1', 'm-1', { transports: ['fcm', 'apns'] });
  for (const id of ['e2', 'e3']) await driven.feed(EVENTS, 'm-1', planChange(id, 'm-1'));
  await driven.end();
  assert.deepEqual(
    driven.notifications.map(
      ({ lane, sequence, previous }) => `${lane.split('.')[2]} ${sequence}<${previous}`,
    ),
    ['fcm 1<0', 'fcm 2<1', 'apns 2<0', 'fcm 3<2', 'apns 3<2'],
  );
});

test('a use case that does not allow a transport is not handed on to it', async () => {
  const driven = await Driven.open(topology('', ', transports: [websocket, apns]'));
  await driven.register('ph-1', 'm-1', { transports: ['websocket', 'fcm'] });
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.end();
  assert.deepEqual(told(driven), ['inbox 1<0 delivered']);
});

const registration = (deviceId: string, memberId: string, token: string | null, kind = 'fcm') => ({
  deviceId,
  action: 'REGISTERED',
  memberId,
  class: 'mobile',
  platform: '',
  app: '',
  locale: '',
  transports: token === null ? [] : [{ kind, token, environment: null, registeredAt: 0 }],
  deadToken: null,
  deadBefore: null,
});

const owners: readonly [
  string,
  readonly (readonly [string, string, string | null, string?])[],
  readonly string[],
][] = [
  ['one device', [['a', 'm-1', 't']], ['m-1 a fcm']],
  [
    'a phone that was handed on',
    [
      ['a', 'm-1', 't'],
      ['b', 'm-2', 't'],
    ],
    ['m-1 a inbox', 'm-2 b fcm'],
  ],
  [
    'an app that was installed again',
    [
      ['a', 'm-1', 't'],
      ['b', 'm-1', 't'],
    ],
    ['m-1 a inbox', 'm-1 b fcm'],
  ],
  [
    'there and back',
    [
      ['a', 'm-1', 't'],
      ['b', 'm-2', 't'],
      ['a', 'm-1', 't'],
    ],
    ['m-1 a fcm', 'm-2 b inbox'],
  ],
  [
    'three in a row',
    [
      ['a', 'm-1', 't'],
      ['b', 'm-2', 't'],
      ['c', 'm-3', 't'],
    ],
    ['m-1 a inbox', 'm-2 b inbox', 'm-3 c fcm'],
  ],
  [
    'another token is another phone',
    [
      ['a', 'm-1', 't'],
      ['b', 'm-2', 'u'],
    ],
    ['m-1 a fcm', 'm-2 b fcm'],
  ],
  [
    'a text that is a token of both providers is two',
    [
      ['a', 'm-1', 't'],
      ['b', 'm-2', 't', 'apns'],
    ],
    ['m-1 a fcm', 'm-2 b apns'],
  ],
  [
    'what was given up may be taken, and is not lost to a late word',
    [
      ['a', 'm-1', 't'],
      ['a', 'm-1', 'u'],
      ['b', 'm-2', 't'],
    ],
    ['m-1 a fcm', 'm-2 b fcm'],
  ],
  [
    'the same device for another member keeps it',
    [
      ['a', 'm-1', 't'],
      ['a', 'm-2', 't'],
    ],
    ['m-2 a fcm'],
  ],
];
for (const [what, steps, expected] of owners) {
  for (const partitions of [1, 4]) {
    test(`whose a push token is, ${partitions} partitions: ${what}`, async () => {
      const driven = await Driven.open(topology('first'), { partitions });
      for (const [deviceId, memberId, token, kind] of steps) {
        await driven.driver.advance(10);
        const occurredAt = driven.driver.clock.now();
        const said = { ...registration(deviceId, memberId, token, kind), occurredAt };
        await driven.feed(REGISTRATIONS, deviceId, said);
      }
      for (const member of ['m-1', 'm-2', 'm-3']) {
        await driven.feed(EVENTS, member, planChange('e', member));
      }
      await driven.end();
      const lanes = driven.notifications.map(({ lane, deviceId, payload }) => {
        const member = /m-\d/.exec(payload.toString('latin1'))![0];
        return `${member} ${deviceId} ${lane.split('.')[2]}`;
      });
      assert.deepEqual(lanes.sort(), [...expected]);
    });
  }
}

test('a device that was told too much is told later, through the retry topic', async () => {
  let quota = true;
  const driven = await Driven.open(topology(''), {
    answer: (_, sink) =>
      sink === 'fcm' && quota
        ? { kind: 'retry', scope: 'device', why: 'device_quota', afterMs: 60_000 }
        : { kind: 'delivered' },
  });
  await driven.register('ph-1', 'm-1', { transports: ['fcm'] });
  for (let n = 0; n < 10; n++) await driven.feed(EVENTS, 'm-1', planChange(`e${n}`, 'm-1'));
  const requests = () => driven.given.filter(({ sink }) => sink === 'fcm').length;
  assert.equal(requests(), 1);
  quota = false;
  await driven.driver.advance(59_999);
  assert.equal(requests(), 1);
  await driven.driver.advance(1);
  await driven.end();
  const fcm = driven.given.filter(({ sink }) => sink === 'fcm').slice(1);
  assert.deepEqual(
    fcm.map(({ notification }) => notification.sequence),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.ok(fcm.every(({ outcome }) => outcome === 'delivered'));
  assert.ok(driven.of('fcm-retry.critical').length >= 1);
});
