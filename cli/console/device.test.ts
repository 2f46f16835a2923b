/**
 * Where a device is, what waits for it and what became of it, from a log and an inbox in memory.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import type { InboxRow } from '../../core/inbox.ts';
import { AT_MS, Fed, LOADED } from '../../test/kit/fed-reader.ts';
import { FakeInbox } from '../../test/kit/gateway-fakes.ts';
import { aboutDevice } from './device.ts';

const LANE = 'notifications.critical.websocket';
const TOKEN = 'a-secret-of-a-provider';

const owner = (deviceId: string, more: object = {}) => ({
  deviceId,
  memberId: 'm-1',
  epoch: 2,
  status: 'ACTIVE',
  class: 'tv',
  platform: 'tizen',
  app: '',
  locale: 'en',
  transports: [{ kind: 'fcm', token: TOKEN, environment: null, registeredAt: AT_MS }],
  updatedAt: AT_MS,
  ...more,
});

async function notification(fed: Fed, deviceId: string, sequence: number) {
  const encoder = fed.schemas.encoder('PlanChange');
  const event = { eventId: `e-${sequence}`, memberId: 'm-1', planTo: 'top', changedAt: AT_MS };
  const wire = encoder.toBuffer(event);
  return {
    id: `n-${deviceId}-${sequence}`,
    deviceId,
    memberId: 'm-1',
    epoch: 2,
    sequence,
    previous: sequence - 1,
    priority: 'critical' as const,
    useCase: 'pl',
    transport: 'websocket' as const,
    count: 1,
    born: AT_MS + sequence,
    deadline: 0,
    collapseKey: '',
    payload: wire.subarray(5),
    payloadSchemaId: wire.readUInt32BE(1),
  };
}

async function world() {
  const fed = new Fed();
  const inbox = new FakeInbox();
  await fed.write('tables.device-owners', 'tv-1', owner('tv-1', { class: 'former' }));
  await fed.write('tables.device-owners', 'tv-1', owner('tv-1'));
  await fed.write('tables.device-owners', 'tv-2', owner('tv-2'));
  const presence = { deviceId: 'tv-1', gatewayId: 'g-1', connectionId: 'c', generation: 1 };
  await fed.write('tables.presence', 'tv-1', { ...presence, connectedAt: AT_MS });
  await fed.write('tables.presence', 'tv-2', { ...presence, deviceId: 'tv-2', connectedAt: AT_MS });
  await fed.writeRaw('tables.presence', 'tv-2', null);
  const devices = ['tv-1', 'tv-2'].map((deviceId) => ({
    deviceId,
    epoch: 2,
    class: 'tv',
    transports: ['inbox'],
    updatedAt: AT_MS,
  }));
  await fed.write('tables.devices', 'm-1', { memberId: 'm-1', devices });
  const rows: InboxRow[] = [];
  for (const sequence of [1, 2]) {
    const one = await notification(fed, 'tv-1', sequence);
    await fed.write(LANE, 'tv-1', one);
    rows.push({ notification: one as never, expiresAt: AT_MS });
  }
  await fed.write(LANE, 'tv-2', await notification(fed, 'tv-2', 1));
  await inbox.write(rows);
  return { fed, inbox };
}

async function look(id: string, signal = new AbortController().signal) {
  const { fed, inbox } = await world();
  const parts = { reader: await fed.open(), plan: LOADED.plan, inbox, schemas: fed.schemas };
  return await aboutDevice({ ...parts, clock: systemClock }, { id, sinceMs: AT_MS, signal });
}

test('a device: its last row, without its tokens; where it is; its inbox; its history', async () => {
  const found = await look('tv-1');
  assert.equal(found.device?.class, 'tv');
  assert.doesNotMatch(JSON.stringify(found), new RegExp(TOKEN));
  assert.deepEqual(found.presence, { gatewayId: 'g-1', connectedAt: AT_MS });
  assert.equal(found.inbox?.more, false);
  assert.deepEqual(
    found.inbox?.rows.map(({ id, sequence, useCase, event }) => [
      id,
      sequence,
      useCase,
      (event as { eventId: string }).eventId,
    ]),
    [
      ['n-tv-1-1', 1, 'plan-change', 'e-1'],
      ['n-tv-1-2', 2, 'plan-change', 'e-2'],
    ],
  );
  assert.deepEqual(
    found.history.map(({ notificationId, what, more }) => [notificationId, what, more]),
    [
      ['n-tv-1-1', 'born', 'use case plan-change, number 1 of epoch 2'],
      ['n-tv-1-2', 'born', 'use case plan-change, number 2 of epoch 2'],
    ],
  );
  assert.deepEqual(found.unread, []);
});

test('a device that was online is offline when its row was deleted', async () => {
  assert.equal((await look('tv-2')).presence, null);
});

test('a member: the devices', async () => {
  const { device, memberDevices, inbox } = await look('m-1');
  assert.deepEqual([device, inbox], [null, null]);
  assert.deepEqual(memberDevices, [
    { deviceId: 'tv-1', class: 'tv' },
    { deviceId: 'tv-2', class: 'tv' },
  ]);
});

test('nobody', async () => {
  const { device, memberDevices, history } = await look('none');
  assert.deepEqual([device, memberDevices, history], [null, [], []]);
});

test('what there was no time for is said', async () => {
  const { unread } = await look('tv-1', AbortSignal.abort());
  assert.deepEqual(unread, ['tables.device-owners', 'tables.presence', 'tables.devices']);
});
