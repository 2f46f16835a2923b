/** What expressions see of the event that a notification carries: in a sink's filter, in a rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driven, lanesWith, planChange, planChanges } from '../test/kit/drive.ts';

const EVENTS = 'events.plan-change';

const inboxOf = (where: string) => `sinks:
  inbox:
    from: { lane: notifications, transport: inbox }
    steps: [{ filter: { where: '${where}' } }]
    to: { type: inbox, ttl: 7d }
`;

const filters: readonly [where: string, told: readonly string[]][] = [
  ['value.payload.memberId == "m-2"', ['tv-2']],
  ['value.payload.memberId != "m-2"', ['tv-1']],
  ['value.payload.planTo == "basic" && value.deviceId == "tv-1"', ['tv-1']],
  ['value.payload.changedAt > 0', ['tv-1', 'tv-2']],
  ['value.payload.planFrom == null', ['tv-1', 'tv-2']],
  ['has(value.payload.memberId)', ['tv-1', 'tv-2']],
  ['value.useCase == "none"', []],
];
for (const [where, told] of filters) {
  test(`a sink's filter: ${where}`, async () => {
    const driven = await Driven.open(lanesWith(planChanges({}), inboxOf(where), ['inbox']));
    await driven.register('tv-1', 'm-1');
    await driven.register('tv-2', 'm-2');
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1', { planTo: 'basic' }));
    await driven.feed(EVENTS, 'm-2', planChange('e2', 'm-2', { planTo: 'basic' }));
    await driven.end();
    assert.deepEqual(
      driven.given.map(({ notification }) => notification.deviceId),
      told,
    );
    assert.deepEqual(driven.letters, []);
    const filtered = driven.drops.filter((drop) => drop === 'inbox/filter filtered');
    assert.equal(filtered.length, 2 - told.length, 'each is told or dropped with its reason');
  });
}

test('what the event does not have is a dead letter of that record, and no other', async () => {
  const text = lanesWith(planChanges({}), inboxOf('value.payload.nothing == 1'), ['inbox']);
  const driven = await Driven.open(text);
  await driven.register('tv-1', 'm-1');
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.end();
  assert.equal(driven.letters.length, 1);
  assert.match(driven.letters[0]!, /^CAR506 inbox\/filter /);
});

test('a stream that reads a lane decides its priority by the event inside', async () => {
  const again = `  again:
    id: again
    priority: { as: low, unless: [{ when: 'value.payload.planTo == "premium"', as: high }] }
    from: { topic: notifications.critical.inbox, schema: DeviceNotification, key: value.deviceId }
    steps: [{ filter: { where: 'value.payload.memberId == "m-1"' } }]
    to: { topic: seen, schema: DeviceNotification }
`;
  const driven = await Driven.open(lanesWith(planChanges({}) + again));
  await driven.register('tv-1', 'm-1');
  await driven.register('tv-2', 'm-2');
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1', { planTo: 'premium' }));
  await driven.feed(EVENTS, 'm-1', planChange('e2', 'm-1', { planTo: 'basic' }));
  await driven.feed(EVENTS, 'm-2', planChange('e3', 'm-2', { planTo: 'basic' }));
  await driven.end();
  assert.deepEqual(driven.letters, []);
  assert.equal(driven.of('seen').length, 2);
  assert.equal(driven.drops.filter((drop) => drop === 'again/filter filtered').length, 1);
});
