import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../compiler/plan.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { chooseRoles, splitRoles } from './roles.ts';

const sink = (name: string, type: string) => ({
  name,
  spec: { type },
  lane: { priorities: [0, 1], order: RENO_PRIORITIES },
});
const plan = {
  priorities: RENO_PRIORITIES,
  subTopologies: [
    { role: 'streams/critical' },
    { role: 'streams/high' },
    { role: 'devices/register' },
    { role: 'devices/fold' },
  ],
  sinks: [sink('push', 'fcm'), sink('box', 'inbox')],
} as unknown as Plan;

const ALL = [
  'gateway',
  'ingest',
  'console',
  'streams/critical',
  'streams/high',
  'devices/register',
  'devices/fold',
  'sink/push/critical',
  'sink/push/high',
  'sink/box/critical',
  'sink/box/high',
];

const chosen: readonly [readonly string[], readonly string[]][] = [
  [['all'], ALL],
  [['streams'], ['streams/critical', 'streams/high']],
  [['streams/high'], ['streams/high']],
  [['console'], ['console']],
  [['devices'], ['devices/register', 'devices/fold']],
  [['sink/push'], ['sink/push/critical', 'sink/push/high']],
  [
    ['gateway', 'sink/box/high'],
    ['gateway', 'sink/box/high'],
  ],
  [
    ['streams', 'streams/high'],
    ['streams/critical', 'streams/high'],
  ],
];
for (const [wanted, roles] of chosen) {
  test(`roles: ${wanted.join(' ')}`, () => {
    assert.deepEqual(chooseRoles(plan, wanted).all, roles);
  });
}

const refused: readonly [string, RegExp][] = [
  ['strems', /did you mean "streams"/],
  ['stream/high', /did you mean "streams\/high"/],
  ['sink/pushes/high', /did you mean "sink\/push\/high"/],
  ['everything-else', /roles: all, gateway/],
];
for (const [wanted, mend] of refused) {
  test(`roles: ${wanted} is CAR942`, () => {
    assert.throws(
      () => chooseRoles(plan, [wanted]),
      (error: { code: string; mend: string }) => error.code === 'CAR942' && mend.test(error.mend),
    );
  });
}

test('an embedded process keeps what writes the file beside the file', () => {
  assert.deepEqual(splitRoles(plan), {
    main: ['gateway', 'ingest', 'console', 'sink/push/critical', 'sink/push/high'],
    worker: [
      'streams/critical',
      'streams/high',
      'devices/register',
      'devices/fold',
      'sink/box/critical',
      'sink/box/high',
    ],
  });
});
