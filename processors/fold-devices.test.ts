import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberDevice } from '../core/device.ts';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { foldDevices } from './fold-devices.ts';

const change = (deviceId: string, action: string, epoch: number, more: object = {}) => ({
  memberId: 'm-1',
  deviceId,
  action,
  epoch,
  class: 'tv',
  transports: action === 'PUT' ? ['websocket'] : [],
  updatedAt: 10,
  ...more,
});
const put = (deviceId: string, epoch: number, more: object = {}) =>
  change(deviceId, 'PUT', epoch, more);
const removed = (deviceId: string, epoch: number) => change(deviceId, 'REMOVED', epoch);

function brief(record: Record): string {
  assert.equal(record.key, 'm-1');
  assert.equal(record.output, 0);
  if (record.value === null) return 'tombstone';
  return record.value.devices
    .map((device: MemberDevice) => `${device.deviceId}:${device.epoch}`)
    .join(' ');
}

/** What is said, its verdict, and the row after it (undefined: no row was sent). */
type Row = readonly [object, string, string?];

const tables: readonly [string, readonly Row[]][] = [
  [
    'devices come and go',
    [
      [put('a', 1), 'passed', 'a:1'],
      [put('b', 1), 'passed', 'a:1 b:1'],
      [put('a', 1, { class: 'web' }), 'passed', 'a:1 b:1'],
      [removed('a', 1), 'passed', 'b:1'],
      [removed('b', 1), 'passed', 'tombstone'],
      [put('b', 2), 'passed', 'b:2'],
    ],
  ],
  [
    'a device that came back in a later epoch stays when its old removal arrives',
    [
      [put('a', 1), 'passed', 'a:1'],
      [put('a', 3), 'passed', 'a:3'],
      [removed('a', 1), 'dropped superseded'],
      [removed('a', 3), 'passed', 'tombstone'],
    ],
  ],
  [
    'a removal of a later epoch than the one known counts',
    [
      [put('a', 1), 'passed', 'a:1'],
      [removed('a', 2), 'passed', 'tombstone'],
    ],
  ],
  [
    'an older registration changes nothing',
    [
      [put('a', 2), 'passed', 'a:2'],
      [put('a', 1), 'dropped superseded'],
    ],
  ],
  [
    'a removal of nobody',
    [
      [removed('a', 1), 'dropped not_present'],
      [put('b', 1), 'passed', 'b:1'],
      [removed('a', 1), 'dropped not_present'],
    ],
  ],
];

for (const restarts of [false, true]) {
  for (const [name, rows] of tables) {
    test(`${name}${restarts ? '; the same with restarts' : ''}`, () => {
      const bench = new StepBench(foldDevices);
      for (const [value, verdict, row] of rows) {
        assert.equal(bench.feed({ key: 'm-1', value }), verdict);
        assert.deepEqual(bench.takeOut().map(brief), row === undefined ? [] : [row]);
        if (restarts) bench.restart();
      }
    });
  }
}

test('the row says what streams need of a device', () => {
  const bench = new StepBench(foldDevices);
  bench.feed({ key: 'm-1', value: put('a', 1, { transports: ['fcm', 'inbox'], updatedAt: 77 }) });
  bench.restart();
  bench.takeOut();
  bench.feed({ key: 'm-1', value: put('b', 4, { class: 'set-top' }) });
  assert.deepEqual(bench.takeOut()[0]!.value, {
    memberId: 'm-1',
    devices: [
      { deviceId: 'a', epoch: 1, class: 'tv', transports: ['fcm', 'inbox'], updatedAt: 77 },
      { deviceId: 'b', epoch: 4, class: 'set-top', transports: ['websocket'], updatedAt: 10 },
    ],
  });
});

test('members do not meet', () => {
  const bench = new StepBench(foldDevices);
  bench.feed({ key: 'm-1', value: put('a', 1) });
  bench.feed({ key: 'm-2', value: put('a', 2, { memberId: 'm-2' }) });
  bench.takeOut();
  assert.equal(bench.feed({ key: 'm-1', value: removed('a', 1) }), 'passed');
  assert.equal(bench.store.size, 1);
});

test('over devices_max the one that changed longest ago is forgotten, and counted', () => {
  const bench = new StepBench(foldDevices, { devices_max: 2 });
  bench.feed({ value: put('a', 1, { updatedAt: 30 }) });
  bench.feed({ value: put('b', 1, { updatedAt: 20 }) });
  bench.takeOut();
  // The newcomer stays, even if its own time is the oldest.
  bench.feed({ value: put('c', 1, { updatedAt: 10 }) });
  assert.deepEqual(bench.takeOut().map(brief), ['a:1 c:1']);
  assert.equal(bench.counted('forgotten'), 1);
});
