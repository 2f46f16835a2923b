import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceClasses } from '../core/device-classes.ts';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { registerDevice } from './register-device.ts';

const REGISTERED = {
  deviceId: 'd-1',
  action: 'REGISTERED',
  memberId: 'm-1',
  class: 'mobile',
  platform: 'android',
  app: '9.1',
  locale: 'en',
  transports: [] as readonly object[],
  deadToken: null,
  deadBefore: null,
  occurredAt: 100,
};
const registered = (more: object = {}) => ({ ...REGISTERED, ...more });
const deleted = (at: number) => ({
  ...REGISTERED,
  action: 'DELETED',
  memberId: '',
  occurredAt: at,
});
const died = (deadToken: string, deadBefore: number | null, at = 500) => ({
  ...REGISTERED,
  action: 'TOKEN_DIED',
  memberId: '',
  deadToken,
  deadBefore,
  occurredAt: at,
});
const fcm = (token: string | null, registeredAt = 0) => ({
  kind: 'fcm',
  token,
  environment: null,
  registeredAt,
});
const socket = { kind: 'websocket', token: null, environment: null, registeredAt: 0 };

const isNoToken = ({ output }: Record) => output !== 2;

/** `owners d-1 m-1 e1 ACTIVE`, `m-1 PUT d-1 e1 fcm,inbox`. */
function brief(record: Record): string {
  const { value } = record;
  if (record.output === 0) {
    assert.equal(record.key, value.deviceId, 'the row is keyed by device');
    return `owners ${value.memberId} e${value.epoch} ${value.status}`;
  }
  assert.equal(record.output, 1);
  assert.equal(record.key, value.memberId, 'the change is keyed by member');
  const transports = value.transports.length > 0 ? ` ${value.transports.join()}` : '';
  return `${value.memberId} ${value.action} e${value.epoch}${transports}`;
}

type Row = readonly [object, string, ...string[]];

const tables: readonly [string, readonly Row[]][] = [
  [
    'a first registration is epoch 1',
    [[registered(), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox']],
  ],
  [
    'a change of anything but the member keeps the epoch (D4)',
    [
      [registered(), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
      [registered({ locale: 'de' }), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
      [
        registered({ locale: 'de', transports: [socket, fcm('t')] }),
        'passed',
        'owners m-1 e1 ACTIVE',
        'm-1 PUT e1 websocket,fcm',
      ],
      [registered({ class: 'tv' }), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
    ],
  ],
  [
    'a new member starts a new epoch, and the old one is told that its own is over',
    [
      [registered(), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
      [
        registered({ memberId: 'm-2' }),
        'passed',
        'owners m-2 e2 ACTIVE',
        'm-1 REMOVED e1',
        'm-2 PUT e2 inbox',
      ],
      [registered(), 'passed', 'owners m-1 e3 ACTIVE', 'm-2 REMOVED e2', 'm-1 PUT e3 inbox'],
    ],
  ],
  [
    'a deletion starts a new epoch; who comes back goes on in it',
    [
      [registered(), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
      [deleted(200), 'passed', 'owners m-1 e2 DELETED', 'm-1 REMOVED e1'],
      [deleted(201), 'dropped unknown_device'],
      [registered(), 'passed', 'owners m-1 e2 ACTIVE', 'm-1 PUT e2 inbox'],
    ],
  ],
  [
    'a deleted device that comes to another member: nobody is told of a removal twice',
    [
      [registered(), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
      [deleted(200), 'passed', 'owners m-1 e2 DELETED', 'm-1 REMOVED e1'],
      [registered({ memberId: 'm-2' }), 'passed', 'owners m-2 e3 ACTIVE', 'm-2 PUT e3 inbox'],
    ],
  ],
  [
    'what is known already is dropped, whenever it is said',
    [
      [registered({ transports: [fcm('t')] }), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 fcm'],
      [registered({ transports: [fcm('t')], occurredAt: 900 }), 'dropped unchanged'],
    ],
  ],
  ['a deletion of nobody', [[deleted(1), 'dropped unknown_device']]],
  [
    'a dead token is taken off, and the inbox is left',
    [
      [registered({ transports: [fcm('t')] }), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 fcm'],
      [died('t', null), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
      [died('t', null), 'dropped token_unknown'],
    ],
  ],
  [
    'or the other transports',
    [
      [
        registered({ transports: [fcm('t'), socket] }),
        'passed',
        'owners m-1 e1 ACTIVE',
        'm-1 PUT e1 fcm,websocket',
      ],
      [died('t', null), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 websocket'],
    ],
  ],
  [
    'a token that was registered at or after the report lives (APNs 410)',
    [
      [registered({ transports: [fcm('t')] }), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 fcm'],
      [died('t', 99), 'dropped token_unknown'],
      [died('t', 100), 'dropped token_unknown'],
      [died('other', null), 'dropped token_unknown'],
      [died('t', 101), 'passed', 'owners m-1 e1 ACTIVE', 'm-1 PUT e1 inbox'],
    ],
  ],
  [
    'a later registration of the same token counts, if the device says so',
    [
      [
        registered({ transports: [fcm('t', 50)] }),
        'passed',
        'owners m-1 e1 ACTIVE',
        'm-1 PUT e1 fcm',
      ],
      [
        registered({ transports: [fcm('t', 300)] }),
        'passed',
        'owners m-1 e1 ACTIVE',
        'm-1 PUT e1 fcm',
      ],
      [died('t', 200), 'dropped token_unknown'],
    ],
  ],
  ['a dead token of nobody', [[died('t', null), 'dropped token_unknown']]],
  ['no member', [[registered({ memberId: '' }), 'dead-lettered CAR520']]],
  ['a class that nobody knows', [[registered({ class: 'fridge' }), 'dead-lettered CAR520']]],
  [
    'a push transport without its token',
    [
      [registered({ transports: [fcm(null)] }), 'dead-lettered CAR520'],
      [registered({ transports: [fcm('')] }), 'dead-lettered CAR520'],
    ],
  ],
];

for (const restarts of [false, true]) {
  for (const [name, rows] of tables) {
    test(`${name}${restarts ? '; the same with restarts' : ''}`, () => {
      const bench = new StepBench(registerDevice);
      for (const [value, verdict, ...out] of rows) {
        assert.equal(bench.feed({ key: 'd-1', value }), verdict);
        assert.deepEqual(bench.takeOut().filter(isNoToken).map(brief), out);
        if (restarts) bench.restart();
      }
    });
  }
}

test('the key must be the device', () => {
  const bench = new StepBench(registerDevice);
  assert.deepEqual(
    bench.feedAll([
      { key: 'd-2', value: registered() },
      { key: null, value: registered() },
      { key: '', value: registered({ deviceId: '' }) },
    ]),
    Array(3).fill('dead-lettered CAR520'),
  );
});

test('the row: doubles gone, times of unchanged tokens kept, the rest as it was said', () => {
  const bench = new StepBench(registerDevice);
  bench.feed({ key: 'd-1', value: registered({ transports: [fcm('t'), socket, fcm('t')] }) });
  bench.takeOut();
  bench.restart();
  const transports = [fcm('new'), fcm('t'), socket];
  bench.feed({ key: 'd-1', value: registered({ transports, occurredAt: 400 }) });
  assert.deepEqual(bench.takeOut()[0]!.value, {
    deviceId: 'd-1',
    memberId: 'm-1',
    epoch: 1,
    status: 'ACTIVE',
    class: 'mobile',
    platform: 'android',
    app: '9.1',
    locale: 'en',
    transports: [fcm('new', 400), fcm('t', 100), { ...socket, registeredAt: 100 }],
    updatedAt: 400,
  });
});

test('a deleted device keeps its row, without tokens', () => {
  const bench = new StepBench(registerDevice);
  bench.feed({ key: 'd-1', value: registered({ transports: [fcm('t')] }) });
  bench.takeOut();
  bench.feed({ key: 'd-1', value: deleted(200) });
  const row = bench.takeOut()[0]!.value;
  assert.deepEqual([row.status, row.transports, row.updatedAt], ['DELETED', [], 200]);
});

test('a new member does not inherit the times of tokens', () => {
  const bench = new StepBench(registerDevice);
  bench.feed({ key: 'd-1', value: registered({ transports: [fcm('t')] }) });
  bench.takeOut();
  const value = registered({ memberId: 'm-2', transports: [fcm('t')], occurredAt: 700 });
  bench.feed({ key: 'd-1', value });
  assert.equal(bench.takeOut()[0]!.value.transports[0].registeredAt, 700);
});

/** `TAKEN fcm-t at 100`; the hash is the same for one kind and token, and another for any other. */
function tokensOf(bench: StepBench): string[] {
  return bench
    .takeOut()
    .filter((record) => !isNoToken(record))
    .map(({ key, value }) => {
      assert.equal(key, value.tokenHash);
      assert.match(value.tokenHash, /^[0-9a-f]{64}$/);
      assert.equal(value.deviceId, 'd-1');
      return `${value.action} ${value.token} at ${value.registeredAt}`;
    });
}

test('tokens that come and go with a row are told to the hop that knows whose they are', () => {
  const bench = new StepBench(registerDevice);
  const rows: readonly [object, ...string[]][] = [
    [registered({ transports: [fcm('t'), socket] }), 'TAKEN t at 100'],
    [registered({ transports: [socket, fcm('t')], locale: 'de' })],
    [
      registered({ transports: [fcm('u')], occurredAt: 200 }),
      'GIVEN_UP t at 100',
      'TAKEN u at 200',
    ],
    [registered({ transports: [fcm('u')], memberId: 'm-2', occurredAt: 300 })],
    [died('u', null), 'GIVEN_UP u at 300'],
    [registered({ transports: [fcm('u')], memberId: 'm-2', occurredAt: 600 }), 'TAKEN u at 600'],
    [deleted(700), 'GIVEN_UP u at 600'],
  ];
  for (const [value, ...expected] of rows) {
    bench.feed({ key: 'd-1', value });
    assert.deepEqual(tokensOf(bench), expected);
    bench.restart();
  }
});

test("a class that is none of the topology's is a dead letter", () => {
  const classes = new DeviceClasses(['phone', 'kiosk']);
  const feed = (of: string) =>
    new StepBench(registerDevice, {}, { classes }).feed({
      key: 'd-1',
      value: registered({ class: of }),
    });
  assert.deepEqual(['kiosk', 'tv', 'all', ''].map(feed), [
    'passed',
    'dead-lettered CAR520',
    'dead-lettered CAR520',
    'dead-lettered CAR520',
  ]);
});
