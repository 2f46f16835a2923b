/** Priorities of a topology's own, from its text to what a device is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driven, lanesWith, planChange, planChanges } from '../test/kit/drive.ts';

const OWN = 'priorities:\n  flash: { weight: 9 }\n  soon:\n  later:\n';

const own = (text: string) => text.replace('lanes:\n', `${OWN}lanes:\n`);

test('each priority has its lanes, numbers and counts; what bypasses is named by them', async () => {
  const steps = '      - throttle: { by: [key], max: 1, per: 1h, bypass: [flash] }\n';
  const rule = `{ as: later, unless: [{ when: 'value.planTo == "gold"', as: flash }] }`;
  const driven = await Driven.open(own(lanesWith(planChanges({ steps, priority: rule }))));
  await driven.register('tv-1', 'm-1');
  for (const [n, planTo] of ['basic', 'gold', 'gold', 'basic'].entries()) {
    await driven.feed('events.plan-change', 'm-1', planChange(`e-${n}`, 'm-1', { planTo }));
    await driven.driver.restart();
  }
  assert.deepEqual(
    driven.notifications.map(({ lane, priority, sequence }) => [lane, priority, sequence]),
    [
      ['notifications.later.inbox', 'later', 1],
      ['notifications.flash.inbox', 'flash', 1],
      ['notifications.flash.inbox', 'flash', 2],
    ],
  );
  assert.deepEqual(
    driven.given.filter(({ sink }) => sink === 'inbox').map(({ priority }) => priority),
    ['later', 'flash', 'flash'],
  );
  await driven.end();
});

test('one priority alone', async () => {
  const text = lanesWith(planChanges({ steps: '', priority: '{ as: all9 }' }));
  const driven = await Driven.open(text.replace('lanes:\n', 'priorities: { all9: }\nlanes:\n'));
  await driven.register('tv-1', 'm-1');
  await driven.feed('events.plan-change', 'm-1', planChange('e-1', 'm-1'));
  assert.deepEqual(
    driven.notifications.map(({ lane, priority }) => [lane, priority]),
    [['notifications.all9.inbox', 'all9']],
  );
  await driven.end();
});
