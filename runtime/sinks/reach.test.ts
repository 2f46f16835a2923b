import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device, Transport } from '../../core/device.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { nextTransport } from './reach.ts';

const ALL: readonly Transport[] = ['websocket', 'fcm', 'apns', 'inbox'];
const note = (epoch: number, useCase = 'va') => ({ useCase, epoch }) as DeviceNotification;
const device = (kinds: readonly Transport[], status = 'ACTIVE') =>
  ({ epoch: 1, status, transports: kinds.map((kind) => ({ kind })) }) as unknown as Device;
const reaches = (allowed: readonly Transport[] = ALL) => new Map([['va', allowed]]);

for (const [what, next, expected] of [
  [
    'the next of the list',
    nextTransport(reaches(), note(1), device(['websocket', 'fcm']), ['websocket']),
    'fcm',
  ],
  [
    'also one before it',
    nextTransport(reaches(), note(1), device(['fcm', 'websocket']), ['websocket']),
    'fcm',
  ],
  [
    'none that was tried',
    nextTransport(reaches(), note(1), device(['fcm', 'websocket']), ['websocket', 'fcm']),
    undefined,
  ],
  [
    'not the inbox',
    nextTransport(reaches(), note(1), device(['websocket', 'inbox']), ['websocket']),
    undefined,
  ],
  [
    'only what may be',
    nextTransport(reaches(['websocket', 'apns']), note(1), device(['websocket', 'fcm', 'apns']), [
      'websocket',
    ]),
    'apns',
  ],
  [
    'a use case that does not hand on',
    nextTransport(reaches(), note(1, 'rr'), device(['fcm']), []),
    undefined,
  ],
  ['a device that is not known', nextTransport(reaches(), note(1), undefined, []), undefined],
  ['a device that has moved', nextTransport(reaches(), note(0), device(['fcm']), []), undefined],
  [
    'a device that is not yet so far',
    nextTransport(reaches(), note(2), device(['fcm']), []),
    undefined,
  ],
  [
    'a deleted device',
    nextTransport(reaches(), note(1), device(['fcm'], 'DELETED'), []),
    undefined,
  ],
] as const) {
  test(`who has it next: ${what}`, () => assert.equal(next, expected));
}
