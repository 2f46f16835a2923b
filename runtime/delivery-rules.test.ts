/** Rules D1, D3, D4 and D9 through the whole engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryOutcome } from '../core/outcome.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';

const EVENTS = 'events.plan-change';
const CRITICAL = 'notifications.critical';

type Told = Driven['notifications'][number];
const numbered = (of: Told) => `${of.deviceId} ${of.epoch}:${of.sequence}<${of.previous}`;
const short = (lane: string) => lane.replace('notifications.', '');

test('D1: an id is made of event, use case and device, and of nothing else', async () => {
  const both =
    planChanges({ name: 'first' }) + planChanges({ name: 'second', priority: '{ as: low }' });
  const idsOf = async (feed: (driven: Driven) => Promise<void>) => {
    const driven = await Driven.open(lanesWith(both));
    await driven.register('tv-1', 'm-1');
    await driven.register('tv-2', 'm-1');
    await feed(driven);
    await driven.end();
    return driven.notifications.map((of) => `${of.useCase} ${of.deviceId} ${of.id}`).sort();
  };
  const once = await idsOf((driven) => driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1')));
  assert.equal(once.length, 4);
  assert.equal(new Set(once.map((line) => line.split(' ')[2])).size, 4, 'use case and device');
  assert.ok(once.every((line) => /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(line)));
  const later = await idsOf(async (driven) => {
    await driven.driver.advance(5_000);
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1', { planTo: 'other' }));
  });
  assert.deepEqual(later, once, 'neither the time nor the contents are part of it');
  const other = await idsOf((driven) => driven.feed(EVENTS, 'm-1', planChange('e2', 'm-1')));
  assert.ok(
    other.every((line) => !once.includes(line)),
    'the event is',
  );
});

test('D1: without from.id the origin is the id, and stays it over a crash', async () => {
  const text = lanesWith(planChanges({ id: '' }));
  const idsOf = async (crash: boolean) => {
    const driven = await Driven.open(text, { commitEvery: 10 });
    await driven.register('tv-1', 'm-1');
    await driven.driver.commit();
    for (let n = 0; n < 2; n++) await driven.feed(EVENTS, 'm-1', planChange('same', 'm-1'));
    if (crash) await driven.driver.crash();
    await driven.end();
    return driven.notifications.map(({ id }) => id);
  };
  const ids = await idsOf(false);
  assert.equal(new Set(ids).size, 2, 'two records of one content are two events');
  assert.deepEqual(await idsOf(true), ids);
});

test('D3: numbers are dense per device, epoch and priority, over all use cases', async () => {
  const rule = '{ as: critical, unless: [{ when: value.streamsMax > 1, as: low }] }';
  const text = lanesWith(
    planChanges({ name: 'first', priority: rule }) +
      planChanges({ name: 'second', steps: '      - filter: { where: value.streamsMax < 3 }\n' }),
  );
  const driven = await Driven.open(text, { partitions: 3 });
  for (const [device, member] of [
    ['tv-1', 'm-1'],
    ['ph-1', 'm-1'],
    ['tv-2', 'm-2'],
  ] as const) {
    await driven.register(device, member);
  }
  for (const [i, streamsMax] of [1, 2, 1, 3, 1].entries()) {
    for (const member of ['m-1', 'm-2']) {
      await driven.feed(EVENTS, member, planChange(`e${i}`, member, { streamsMax }));
    }
  }
  await driven.end();
  const last = new Map<string, number>();
  for (const { deviceId, priority, sequence } of driven.notifications) {
    const key = `${deviceId} ${priority}`;
    assert.equal(sequence, (last.get(key) ?? 0) + 1, key);
    last.set(key, sequence);
  }
  // Critical: three of the first and four of the second use case; low: two of the first.
  const expected = ['tv-1', 'ph-1', 'tv-2'].flatMap((device) => [
    [`${device} critical`, 7],
    [`${device} low`, 2],
  ]);
  assert.deepEqual([...last].sort(), expected.sort());
});

test('D3: previous is the number before it in the same lane', async () => {
  const text = lanesWith(
    planChanges({ name: 'push' }) +
      planChanges({ name: 'quiet', lane: ', transports: [inbox]', time: '' }),
  );
  const driven = await Driven.open(text);
  await driven.register('tv-1', 'm-1', { transports: ['websocket', 'inbox'] });
  for (const id of ['e1', 'e2']) await driven.feed(EVENTS, 'm-1', planChange(id, 'm-1'));
  await driven.end();
  assert.deepEqual(
    driven.notifications
      .sort((a, b) => a.sequence - b.sequence)
      .map((of) => `${short(of.lane)} ${of.sequence}<${of.previous}`),
    [
      'critical.websocket 1<0',
      'critical.inbox 2<0',
      'critical.websocket 3<1',
      'critical.inbox 4<2',
    ],
  );
});

const LARGE = 'x'.repeat(4_000);

for (const [why, large, transports, ends] of [
  ['too large', LARGE, ['inbox'], 'CAR507 plan-change/lane events.plan-change/0@1'],
  ['no allowed transport', 'small', ['fcm'], 'plan-change/lane no_transport'],
] as const) {
  test(`D3: a refusal leaves no hole: ${why}`, async () => {
    const text = lanesWith(planChanges({ lane: ', transports: [inbox, websocket]' })).replace(
      'key: value.deviceId\n    transports',
      'key: value.deviceId\n    bytes_max: 2KiB\n    transports',
    );
    const driven = await Driven.open(text);
    await driven.register('tv-1', 'm-1');
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
    await driven.register('tv-1', 'm-1', { transports });
    await driven.feed(EVENTS, 'm-1', planChange('e2', 'm-1', { planTo: large }));
    await driven.register('tv-1', 'm-1');
    await driven.feed(EVENTS, 'm-1', planChange('e3', 'm-1'));
    await driven.end();
    assert.deepEqual(driven.notifications.map(numbered), ['tv-1 1:1<0', 'tv-1 1:2<1']);
    assert.deepEqual(
      [...driven.letters, ...driven.drops.filter((of) => !of.startsWith('dev'))],
      [ends],
    );
  });
}

test('D4: a moved or deleted device begins a new epoch, and numbers at 1', async () => {
  const driven = await Driven.open(lanesWith(planChanges({})), { partitions: 4 });
  let events = 0;
  const tell = async () => {
    for (const member of ['m-1', 'm-2']) {
      await driven.feed(EVENTS, member, planChange(`e${events++}`, member));
    }
    return driven.notifications.splice(0).map(numbered);
  };
  const steps: readonly (readonly [string, () => Promise<void>, readonly string[]])[] = [
    ['registered', () => driven.register('tv-1', 'm-1'), ['tv-1 1:1<0']],
    ['said again', () => driven.register('tv-1', 'm-1'), ['tv-1 1:2<1']],
    ['other class', () => driven.register('tv-1', 'm-1', { class: 'web' }), ['tv-1 1:3<2']],
    ['moved', () => driven.register('tv-1', 'm-2'), ['tv-1 2:1<0']],
    ['moved back', () => driven.register('tv-1', 'm-1'), ['tv-1 3:1<0']],
    ['deleted', () => driven.remove('tv-1'), []],
    ['deleted again', () => driven.remove('tv-1'), []],
    ['registered anew', () => driven.register('tv-1', 'm-1'), ['tv-1 4:1<0']],
  ];
  let seen = 0;
  for (const [what, step, expected] of steps) {
    await step();
    await tell();
    const now = driven.notifications;
    assert.deepEqual(now.slice(seen).map(numbered), expected, what);
    seen = now.length;
  }
  await driven.end();
  const reasons = driven.drops.filter((of) => of.startsWith('devices-'));
  assert.deepEqual(reasons, [
    'devices-register/register_device unchanged',
    'devices-register/register_device unknown_device',
  ]);
});

test('D4: what is under way when a device moves ends as moved, and is not delivered', async () => {
  const sinks = `sinks:
  fcm: { from: { lane: notifications, transport: fcm }, to: { type: fcm, project: p } }
`;
  let refuse = true;
  const driven = await Driven.open(lanesWith(planChanges({}), sinks, ['fcm']), {
    answer: ({ notification }) =>
      refuse && notification.epoch === 1
        ? { kind: 'retry', scope: 'device', why: 'busy', afterMs: 5_000 }
        : { kind: 'delivered' },
  });
  await driven.register('tv-1', 'm-1', { transports: ['fcm'] });
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.register('tv-1', 'm-2', { transports: ['fcm'] });
  refuse = false;
  await driven.feed(EVENTS, 'm-2', planChange('e2', 'm-2'));
  await driven.driver.advance(60_000);
  await driven.end();
  assert.deepEqual(
    driven.given.map((of) => `${of.notification.epoch}:${of.notification.sequence} ${of.outcome}`),
    ['1:1 retry', '2:1 delivered'],
  );
  assert.deepEqual(
    driven.of('outcomes').map(({ value }) => (value as { outcome: string }).outcome),
    ['retried', 'moved', 'delivered'],
  );
});

for (const [what, gate, event, atMs, deadline] of [
  ['max_age', '{ max_age: 2m }', 0, 30_000, 120_000],
  ['ttl', '{ max_age: 2m, ttl: 10m }', 0, 30_000, 600_000],
  ['no gate', '', 0, 30_000, -START_MS],
  ['exactly max_age old', '{ max_age: 30s }', 0, 30_000, 30_000],
  ['older by a millisecond', '{ max_age: 30s }', 0, 30_001, null],
] as const) {
  test(`D9: the deadline is stamped by the gate: ${what}`, async () => {
    const steps = gate === '' ? '' : `      - gate_staleness: ${gate}\n`;
    const driven = await Driven.open(lanesWith(planChanges({ steps })));
    await driven.register('tv-1', 'm-1');
    await driven.driver.advance(atMs);
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1', { changedAt: START_MS + event }));
    await driven.end();
    const expected = deadline === null ? [] : [START_MS + deadline];
    assert.deepEqual(
      driven.notifications.map((of) => of.deadline),
      expected,
    );
    assert.equal(driven.drops.length, deadline === null ? 1 : 0);
  });
}

test('D9: the last hop reads the deadline again; the inbox keeps what is over', async () => {
  const sinks = `sinks:
  fcm: { from: { lane: notifications, transport: fcm }, to: { type: fcm, project: p } }
  inbox: { from: { lane: notifications, transport: all }, to: { type: inbox, ttl: 7d } }
`;
  const steps = '      - gate_staleness: { max_age: 1s }\n';
  const driven = await Driven.open(lanesWith(planChanges({ steps }), sinks, ['fcm']), {
    answer: () => ({ kind: 'retry', scope: 'device', why: 'busy', afterMs: 2_000 }),
  });
  await driven.register('tv-1', 'm-1', { transports: ['fcm'] });
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.driver.advance(5_000);
  await driven.end();
  const tries = (sink: string) =>
    driven.given.filter((of) => of.sink === sink).map(({ atMs }) => atMs - START_MS);
  assert.deepEqual(tries('fcm'), [0], 'after two seconds it is too late');
  assert.deepEqual(tries('inbox'), [0, 2_000, 4_000]);
  const ends = driven.of('outcomes').map(({ value }) => value as DeliveryOutcome);
  assert.deepEqual(
    ends.filter(({ sink }) => sink === 'fcm').map(({ outcome }) => outcome),
    ['retried', 'expired'],
  );
  assert.equal(driven.of(`${CRITICAL}.fcm`).length, 1);
});

const FCM = `sinks:
  fcm: { from: { lane: notifications, transport: fcm }, to: { type: fcm, project: p } }
  inbox: { from: { lane: notifications, transport: inbox }, to: { type: inbox, ttl: 7d } }
`;

for (const [what, beforeMs, lanes] of [
  ['a token that is dead', undefined, ['fcm', 'inbox']],
  ['a token that died after it was registered', START_MS + 1, ['fcm', 'inbox']],
  ['a token that was registered again since', START_MS, ['fcm', 'fcm']],
] as const) {
  test(`${what}: the next notification goes to ${lanes[1]}, in the same epoch`, async () => {
    const dead = { kind: 'fcm', token: 'token-ph-1', ...(beforeMs ? { beforeMs } : {}) } as const;
    const driven = await Driven.open(lanesWith(planChanges({}), FCM, ['fcm', 'inbox']), {
      answer: () => ({ kind: 'rejected', reason: 'UNREGISTERED', deadToken: dead }),
    });
    await driven.register('ph-1', 'm-1', { transports: ['fcm'] });
    for (const id of ['e1', 'e2']) await driven.feed(EVENTS, 'm-1', planChange(id, 'm-1'));
    await driven.end();
    assert.deepEqual(
      driven.notifications.map((of) => `${short(of.lane)} ${numbered(of)}`),
      lanes.map((lane, i) => {
        const previous = lanes[0] === lanes[i] ? i : 0;
        return `critical.${lane} ph-1 1:${i + 1}<${previous}`;
      }),
    );
    assert.equal(driven.letters.length, 0);
  });
}

test('a record that a sink calls at fault is a dead letter (CAR510) and has its end', async () => {
  const driven = await Driven.open(lanesWith(planChanges({}), FCM, ['fcm', 'inbox']), {
    answer: () => ({ kind: 'rejected', reason: 'INVALID_ARGUMENT', deadLetter: true }),
  });
  await driven.register('ph-1', 'm-1', { transports: ['fcm'] });
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.driver.restart();
  await driven.end();
  assert.deepEqual(driven.letters, [`CAR510 fcm/deliver ${CRITICAL}.fcm/0@0`]);
  const ends = driven.of('outcomes').map(({ value }) => value as DeliveryOutcome);
  assert.deepEqual(
    ends.map(({ outcome, reason }) => [outcome, reason]),
    [['rejected', 'INVALID_ARGUMENT']],
  );
});
