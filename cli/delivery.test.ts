import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopicPlan } from '../compiler/plan.ts';
import { CarillonError } from '../core/error.ts';
import { delivered } from '../core/outcome.ts';
import { SinkWorld } from '../test/kit/sink-world.ts';
import { milestones, nothingOf } from './commands/delivery.ts';
import { inOrder } from './ledger.ts';

const TOPICS = [
  ['lane.0.websocket', 'lane'],
  ['lane.0.fcm', 'lane'],
  ['retry.0', 'retry'],
  ['outcomes', 'outcomes'],
  ['dead-letters', 'dead-letters'],
  ['events.device-registration', 'events'],
  ['never.made', 'lane'],
].map(([name, use]) => ({ name, use, cleanup: 'delete' }) as TopicPlan);

/** `what by` of each milestone, in order. */
async function told(
  w: SinkWorld,
  isAsked: (one: { notificationId: string; deviceId: string }) => boolean,
  key?: string,
) {
  const reader = {
    read: w.log.read.bind(w.log),
    partitionsOf: async (topic: string) => (topic === 'never.made' ? undefined : 1),
    schema: (id: number) => w.registry.fetch(id),
  };
  const plan = { topics: TOPICS, subTopologies: [] };
  const found = await milestones(reader, plan, { since: 'start', isAsked, key });
  return inOrder(found).map(({ deviceId, what, by }) => `${deviceId} ${what} ${by}`);
}

async function world(): Promise<SinkWorld> {
  const w = await SinkWorld.open({ retries: true, reach: 'first_reachable' });
  await w.own('a', 1, 'ACTIVE', [{ kind: 'websocket' }, { kind: 'fcm' }]);
  await w.own('b', 1);
  w.answer = ({ notification: { deviceId }, attempt }) => {
    if (deviceId === 'a') return { kind: 'rejected', reason: 'offline' };
    return attempt === 1
      ? { kind: 'retry', scope: 'device', why: 'busy', afterMs: 60_000 }
      : delivered();
  };
  await w.send({ deviceId: 'a', id: 'n-a' }, { deviceId: 'b', id: 'n-b' });
  await w.settle();
  for (let i = 0; i < 3; i++) await w.settle(30_000);
  return w;
}

test('one notification: each milestone, from lane to end, through what was put off', async () => {
  const w = await world();
  assert.deepEqual(await told(w, (one) => one.notificationId === 'n-b'), [
    'b born lane.0.websocket',
    'b put off retry.0',
    'b retried fake',
    'b postponed fake',
    'b delivered fake',
  ]);
});

test('one device: all that it was to be told, and nothing of others', async () => {
  const w = await world();
  assert.deepEqual(await told(w, (one) => one.deviceId === 'a', 'a'), [
    'a born lane.0.websocket',
    'a in the next lane lane.0.fcm',
    'a handed on fake',
  ]);
});

test('nothing in the log is an error that says so (CAR669)', async () => {
  const w = await world();
  assert.deepEqual(await told(w, (one) => one.notificationId === 'none'), []);
  const error = nothingOf('notification "none"', '1h');
  assert.ok(error instanceof CarillonError && error.code === 'CAR669');
  assert.match(error.what, /none/);
});
