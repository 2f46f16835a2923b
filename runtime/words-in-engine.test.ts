/** The words that hold up, split, narrow and gather, from a topology's text to its lanes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../compiler/compile.ts';
import { sinks } from '../connectors/index.ts';
import { steps } from '../processors/index.ts';
import { type AvroRecord, readSchemaFolder, schemaFolderOf } from '../schemas/folder.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';

const FLIGHT: AvroRecord = {
  type: 'record',
  name: 'Flight',
  fields: [
    { name: 'eventId', type: 'string' },
    { name: 'memberId', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    {
      name: 'passengers',
      type: [
        'null',
        {
          type: 'array',
          items: {
            type: 'record',
            name: 'Passenger',
            fields: [
              { name: 'name', type: 'string' },
              { name: 'row', type: 'int' },
            ],
          },
        },
      ],
      default: null,
    },
  ],
};
const SEAT: AvroRecord = {
  type: 'record',
  name: 'Seat',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'row', type: 'int' },
    { name: 'memberId', type: 'string' },
  ],
};
const DIGEST: AvroRecord = {
  type: 'record',
  name: 'Plans',
  fields: [
    { name: 'n', type: 'int' },
    { name: 'plans', type: { type: 'array', items: 'string' } },
  ],
};
const schemas = [FLIGHT, SEAT, DIGEST];
const shipped = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
const SHIPPED = shipped.names().map((name) => shipped.get(name)!);

const flights = (lines: string, to = '{ lane: notifications, schema: Seat }') => `  flights:
    id: fl
    priority: { as: normal }
    from: { topic: events.flight, schema: Flight, time: value.at, id: value.eventId }
    steps:
${lines
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
      - fan_out: { table: devices, by: key }
    to: ${to}
`;
const SPLIT = "- flat_map: { of: value.passengers, with: { memberId: 'value.memberId' } }";

const flight = (eventId: string, names: readonly string[] | null) => ({
  eventId,
  memberId: 'm-1',
  at: START_MS,
  tags: [],
  passengers: names?.map((name, row) => ({ name, row })) ?? null,
});

test('flat_map: a notification for each element and device, under ids of their own', async () => {
  const driven = await Driven.open(lanesWith(flights(SPLIT)), { schemas });
  await driven.register('tv-1', 'm-1');
  await driven.register('ph-1', 'm-1', { class: 'mobile' });
  await driven.feed('events.flight', 'm-1', flight('e-1', ['Ann', 'Bob']));
  await driven.driver.crash();
  await driven.feed('events.flight', 'm-1', flight('e-2', null));
  await driven.feed('events.flight', 'm-1', flight('e-1', ['Ann', 'Bob']));
  const told = driven.notifications;
  assert.deepEqual(
    told.map(({ deviceId, sequence }) => `${deviceId} ${sequence}`),
    ['tv-1 1', 'ph-1 1', 'tv-1 2', 'ph-1 2', 'tv-1 3', 'ph-1 3', 'tv-1 4', 'ph-1 4'],
  );
  const ids = told.map(({ id }) => id);
  assert.equal(new Set(ids).size, 4, 'two elements, two devices');
  assert.deepEqual(ids.slice(4), ids.slice(0, 4), 'the same at a repeat');
  assert.deepEqual(driven.drops, ['flights/flat_map no_elements']);
  await driven.end();
});

/** What follows a flat_map is checked against the element. */
for (const [what, lines, to, expected] of [
  ['a field of it', `${SPLIT}\n- filter: { where: value.row > 1 }`, undefined, []],
  ['a field that is added', `${SPLIT}\n- filter: { where: value.memberId != "" }`, undefined, []],
  [
    'a wrong field, three steps later',
    `${SPLIT}\n- peek: {}\n- target: { classes: [all] }\n- filter: { where: value.seat > 1 }`,
    undefined,
    ['CAR402'],
  ],
  [
    'a field of the event',
    `${SPLIT}\n- filter: { where: value.eventId != "" }`,
    undefined,
    ['CAR402'],
  ],
  ['a wrong type', `${SPLIT}\n- filter: { where: value.row == "x" }`, undefined, ['CAR311']],
  ['a path that is gone', `${SPLIT}\n- dedup: { by: [value.eventId, key] }`, undefined, ['CAR402']],
  ['no list', '- flat_map: { of: value.memberId }', undefined, ['CAR403']],
  ['no such list', '- flat_map: { of: value.passenger }', undefined, ['CAR402']],
  ['elements without fields', '- flat_map: { of: value.tags }', undefined, ['CAR403']],
  [
    'elements under a name',
    '- flat_map: { of: value.tags, as: name, with: { row: "1", memberId: value.memberId } }',
    undefined,
    [],
  ],
  ['a name that is none', '- flat_map: { of: value.tags, as: "a b" }', undefined, ['CAR108']],
  [
    'a name twice',
    '- flat_map: { of: value.tags, as: name, with: { name: key } }',
    undefined,
    ['CAR280'],
  ],
  ['a schema that does not fit', '- flat_map: { of: value.passengers }', undefined, ['CAR406']],
  ["the event's schema", SPLIT, '{ lane: notifications }', ['CAR406']],
  ['no such schema', SPLIT, '{ lane: notifications, schema: Seats }', ['CAR401']],
  ['a schema, and nothing is given', '- peek: {}', undefined, ['CAR406']],
  [
    'a digest of it',
    `${SPLIT}\n- digest: { by: [key], within: 1m }\n- map: { fields: { name: 'value.events[0].name', row: 'value.count', memberId: key } }`,
    undefined,
    [],
  ],
  [
    'a field that a digest has not',
    `- digest: { by: [key], within: 1m }\n- filter: { where: value.memberId != "" }`,
    undefined,
    // A digest is no seat either, which is what the lane's event would be.
    ['CAR402', 'CAR406'],
  ],
  [
    'a field that what was gathered has not',
    `- digest: { by: [key], within: 1m }\n- filter: { where: 'value.events[0].seat > 1' }`,
    undefined,
    ['CAR311', 'CAR406'],
  ],
] as const) {
  test(`check: ${what}: ${expected.join(' ') || 'nothing'}`, () => {
    const all = new Map(
      [...schemas, ...SHIPPED].map((record) => [record.name, { record, file: 'f' }]),
    );
    const { diagnostics } = compile(lanesWith(flights(lines, to)), {
      file: 't.yaml',
      catalog: { steps, sinks },
      schemas: schemaFolderOf(all),
      env: {},
    });
    const errors = diagnostics.filter(({ level }) => level === 'error');
    assert.deepEqual(
      errors.map(({ code }) => code),
      expected,
      errors.map(({ what: told }) => told).join('\n'),
    );
  });
}

const TABLE = `  members:  { topic: tables.members, schema: MemberPreferences, key: memberId }
`;
const withMembers = (text: string) => text.replace('lanes:\n', `${TABLE}lanes:\n`);
const wish = (memberId: string, useCase: string, transports: readonly string[]) => ({
  memberId,
  timeZone: 'Asia/Tokyo',
  useCases: [{ useCase, transports }],
});
const HOUR_MS = 3_600_000;

test('preferences: the lane that is left, through a hold and a restart', async () => {
  const lines = `      - preferences: { table: members }
      - coalesce: { by: [key], quiet: 1s, at_most: 5s }
`;
  const first = ', reach: first';
  const text = withMembers(lanesWith(planChanges({ steps: lines, lane: first })));
  const driven = await Driven.open(text);
  await driven.register('ph-1', 'm-1', { transports: ['fcm', 'websocket'] });
  await driven.register('ph-2', 'm-2', { transports: ['fcm'] });
  await driven.register('ph-3', 'm-3', { transports: ['fcm'] });
  await driven.register('ph-4', 'm-4', { transports: ['fcm', 'websocket'] });
  await driven.feed('tables.members', 'm-1', wish('m-1', 'plan-change', ['websocket', 'apns']));
  await driven.feed('tables.members', 'm-2', wish('m-2', '*', ['apns', 'inbox']));
  await driven.feed('tables.members', 'm-3', wish('m-3', '*', ['apns']));
  await driven.feed('tables.members', 'm-5', wish('m-5', 'plan-change', []));
  for (const member of ['m-1', 'm-2', 'm-3', 'm-4', 'm-5']) {
    await driven.feed('events.plan-change', member, planChange(`e-${member}`, member));
  }
  await driven.driver.restart();
  await driven.driver.advanceTo(START_MS + 1_000);
  assert.deepEqual(
    driven.notifications.map(({ lane, deviceId }) => `${deviceId} ${lane}`),
    [
      'ph-1 notifications.critical.websocket',
      'ph-2 notifications.critical.inbox',
      'ph-4 notifications.critical.fcm',
    ],
  );
  assert.deepEqual(driven.drops, [
    'plan-change/preferences unwanted',
    'plan-change/lane no_transport',
    'websocket/gate_online offline',
  ]);
  await driven.end();
});

test('quiet_hours: by the zone of the member, after a crash too', async () => {
  const lines = `      - quiet_hours: { from: "22:00", to: "10:00", table: members, bypass: [high] }
`;
  const priority = `{ as: normal, unless: [{ when: 'value.planTo == "urgent"', as: high }] }`;
  const text = withMembers(lanesWith(planChanges({ steps: lines, priority })));
  const driven = await Driven.open(text);
  await driven.register('tv-1', 'm-1');
  await driven.feed('tables.members', 'm-1', wish('m-1', 'other', []));
  // 09:00 in Tokyo.
  await driven.feed('events.plan-change', 'm-1', planChange('e-1', 'm-1'));
  await driven.feed('events.plan-change', 'm-1', planChange('e-2', 'm-1', { planTo: 'urgent' }));
  assert.deepEqual(
    driven.notifications.map(({ lane }) => lane),
    ['notifications.high.inbox'],
  );
  await driven.driver.crash();
  assert.equal(driven.driver.totals().held, 1);
  await driven.driver.advanceTo(START_MS + HOUR_MS - 1);
  assert.equal(driven.notifications.length, 1);
  await driven.driver.advanceTo(START_MS + HOUR_MS);
  assert.equal(driven.notifications[1]?.lane, 'notifications.normal.inbox');
  await driven.end();
});

test('throttle behind fan_out: so many of a member, the others later', async () => {
  const stream = planChanges({ steps: '' }).replace(
    '      - fan_out: { table: devices }\n',
    `      - fan_out: { table: devices }
      - throttle: { by: [key], max: 2, per: 10s, on_excess: delay }
`,
  );
  const driven = await Driven.open(lanesWith(stream));
  await driven.register('tv-1', 'm-1');
  for (const n of [1, 2, 3, 4, 5]) {
    await driven.feed('events.plan-change', 'm-1', planChange(`e-${n}`, 'm-1'));
    await driven.driver.restart();
  }
  const seen: [number, number][] = [];
  for (const second of [0, 9, 10, 19, 20]) {
    await driven.driver.advanceTo(START_MS + second * 1000);
    await driven.driver.restart();
    seen.push([second, driven.notifications.length]);
  }
  assert.deepEqual(seen, [
    [0, 2],
    [9, 2],
    [10, 4],
    [19, 4],
    [20, 5],
  ]);
  assert.deepEqual(
    driven.notifications.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5],
  );
  await driven.end();
});

for (const way of ['restart', 'crash'] as const) {
  test(`digest, map and a lane's own schema, with a ${way} between all`, async () => {
    const lines = `      - digest: { by: [key], within: 10s, events_max: 3 }
      - map: { fields: { n: value.count, plans: 'value.events.map(e, e.planTo)' } }
`;
    const stream = planChanges({ steps: lines, lane: ', schema: Plans' });
    const text = lanesWith(stream.replace('{ table: devices }', '{ table: devices, by: key }'));
    const driven = await Driven.open(text, { schemas });
    await driven.register('tv-1', 'm-1');
    for (const [n, plan] of ['basic', 'family', 'basic', 'student'].entries()) {
      const event = planChange(`e-${n}`, 'm-1', { planTo: plan, changedAt: START_MS - n });
      await driven.feed('events.plan-change', 'm-1', event);
      await driven.driver[way]();
    }
    await driven.driver.advanceTo(START_MS + 10_000);
    const told = driven.notifications.map(({ payload, payloadSchemaId, count }) => {
      const header = Buffer.alloc(5);
      header.writeUInt32BE(payloadSchemaId, 1);
      const bytes = Buffer.concat([header, payload]);
      return [count, { ...(driven.schemas.decodeByWriter(bytes, 0, bytes.length) as object) }];
    });
    assert.deepEqual(told, [
      [3, { n: 3, plans: ['basic', 'family', 'basic'] }],
      [1, { n: 1, plans: ['student'] }],
    ]);
    assert.equal(new Set(driven.notifications.map(({ id }) => id)).size, 2);
    await driven.end();
  });
}
