import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceNotification } from '../../core/notification.ts';
import { apnsMessage, collapseId } from './message.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const NOTE: DeviceNotification = {
  id: '00000000-0000-4000-8000-000000000001',
  deviceId: 'ip-1',
  epoch: 2,
  sequence: 7,
  previous: 5,
  useCase: 'va',
  priority: 'normal',
  deadline: 0,
  collapseKey: null,
  count: 3,
  born: 0,
  payloadSchemaId: 1,
  payload: Buffer.alloc(0),
};
const FORM = { bundle: 'com.example.carillon', pushType: 'background' } as const;

for (const [what, deadline, expiration] of [
  ['no deadline: as long as Apple stores', 0, String(NOW_MS / 1_000 + 30 * 86_400)],
  ['whole seconds, rounded down', NOW_MS + 90_900, String(NOW_MS / 1_000 + 90)],
  ['less than a second: try once', NOW_MS + 400, '0'],
  ['beyond 30 days: 30 days', NOW_MS + 9_999_999_999, String(NOW_MS / 1_000 + 30 * 86_400)],
] as const) {
  test(`expiration, ${what}`, () => {
    const message = apnsMessage({ ...NOTE, deadline }, {}, FORM, NOW_MS);
    assert.equal(message?.headers['apns-expiration'], expiration);
  });
}

test('a collapse id is at most 64 bytes of printable ASCII', () => {
  for (const [key, id] of [
    ['a'.repeat(64), 'a'.repeat(64)],
    ['a'.repeat(65), 'Y1NhxI9jQoTTFd9rkpWCcyqwMZY3iO9-bjsEn8BRkMA'],
    ['ü', undefined],
    ['a b', undefined],
    ['a\r\nb', undefined],
    ['', undefined],
  ] as const) {
    const made = collapseId(key);
    if (key.length === 64) assert.equal(made, id);
    else assert.match(made, /^[\w-]{43}$/);
  }
  assert.equal(apnsMessage(NOTE, {}, FORM, NOW_MS)?.headers['apns-collapse-id'], NOTE.id);
});
