/** A step that changes the key, from a topology's text over its repartition topic to the lanes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AvroRecord } from '../schemas/folder.ts';
import { Driven, lanesWith, START_MS } from '../test/kit/drive.ts';

const PASSENGER: AvroRecord = {
  type: 'record',
  name: 'Passenger',
  fields: [
    { name: 'memberId', type: ['null', 'string'], default: null },
    { name: 'seat', type: 'string' },
  ],
};
const FLIGHT: AvroRecord = {
  type: 'record',
  name: 'Flight',
  fields: [
    { name: 'eventId', type: 'string' },
    { name: 'flightId', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'isUrgent', type: 'boolean', default: false },
    { name: 'passengers', type: { type: 'array', items: PASSENGER } },
  ],
};
const BOARDING: AvroRecord = {
  type: 'record',
  name: 'Boarding',
  fields: [
    { name: 'memberId', type: ['null', 'string'], default: null },
    { name: 'seat', type: 'string' },
    { name: 'flightId', type: 'string' },
  ],
};
const schemas = [FLIGHT, BOARDING];

const TOPIC = 'events.flight';
const HOP = 't.fl.rekey-repartition';

const SPLIT = "- flat_map: { of: value.passengers, with: { flightId: 'value.flightId' } }";
const REKEY = '- rekey: { by: value.memberId, schema: Boarding }';

interface Text {
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly priority?: string;
  readonly id?: string;
}

/** One flight event; each passenger's devices told. */
const flights = ({ before = [], after = [], priority = '{ as: normal }', id = '' }: Text = {}) => {
  const steps = [...before, SPLIT, REKEY, ...after, '- fan_out: { table: devices, by: key }'];
  return lanesWith(`  flights:
    id: fl
    priority: ${priority}
    from: { topic: ${TOPIC}, schema: Flight, time: value.at, key: value.flightId${id} }
    steps:
${steps.map((step) => `      ${step}\n`).join('')}    to: { lane: notifications }
`);
};

const flight = (eventId: string, members: readonly (string | null)[], more: object = {}) => ({
  eventId,
  flightId: 'LH-1',
  at: START_MS,
  isUrgent: false,
  passengers: members.map((memberId, seat) => ({ memberId, seat: `${seat}A` })),
  ...more,
});

const MEMBERS = ['m-1', 'm-2', 'm-3', 'm-4', 'm-5', 'm-6'];

async function withDevices(text: string, of: { partitions?: number; commitEvery?: number }) {
  const driven = await Driven.open(text, { schemas, ...of });
  for (const member of MEMBERS) {
    await driven.register(`tv-${member}`, member);
    await driven.register(`ph-${member}`, member, { class: 'mobile' });
  }
  return driven;
}

/** `device number`, of all lanes, sorted. */
const toldOf = (driven: Driven) =>
  driven.notifications.map(({ deviceId, sequence }) => `${deviceId} ${sequence}`).sort();

const BOTH = (n: number) => MEMBERS.flatMap((m) => [`ph-${m} ${n}`, `tv-${m} ${n}`]);

for (const partitions of [1, 3]) {
  for (const commitEvery of [1, 1_000]) {
    const of = `${partitions} partition(s), a commit every ${commitEvery}`;
    test(`flight, passengers, devices: each told once, over kills between the hops; ${of}`, async () => {
      const driven = await withDevices(flights(), { partitions, commitEvery });
      await driven.driver.commit();
      driven.driver.crashBehind(HOP);
      await driven.feed(TOPIC, 'LH-1', flight('e-1', MEMBERS));
      await driven.driver.crash();
      await driven.driver.commit();
      driven.driver.crashBehind(HOP);
      await driven.feed(TOPIC, 'LH-1', flight('e-2', MEMBERS));
      await driven.driver.restart();
      assert.deepEqual(toldOf(driven), [...BOTH(1), ...BOTH(2)].sort());
      assert.equal(new Set(driven.notifications.map(({ id }) => id)).size, 2 * BOTH(1).length);
      const hops = driven.of(HOP);
      assert.deepEqual(hops.map(({ key }) => key).sort(), [...MEMBERS, ...MEMBERS].sort());
      assert.equal(new Set(hops.map(({ partition }) => partition)).size, partitions);
      await driven.end();
    });
  }
}

test('what was known of a record goes along, and a second event is not the first', async () => {
  const driven = await withDevices(
    flights({
      before: ['- gate_staleness: { max_age: 10m }'],
      after: ['- target: { classes: [tv] }'],
      id: ', id: value.eventId',
    }),
    {},
  );
  await driven.driver.advance(1_000);
  await driven.feed(TOPIC, 'LH-1', flight('e-1', ['m-1']), { at: 500 });
  const [hop] = driven.of(HOP);
  assert.deepEqual(JSON.parse(hop!.headers['carillon.hop']!), {
    id: 'e-1#0',
    at: START_MS,
    priority: 2,
    deadline: START_MS + 600_000,
  });
  assert.deepEqual([hop!.key, hop!.timestamp], ['m-1', START_MS + 1_000]);
  assert.deepEqual(
    { ...(hop!.value as object) },
    { memberId: 'm-1', seat: '0A', flightId: 'LH-1' },
  );
  // Of the elements of one event each is another one, and the same at a repeat.
  await driven.feed(TOPIC, 'LH-1', flight('e-1', ['m-1', 'm-1']), { at: 500 });
  const ids = driven.notifications.map(({ id }) => id);
  assert.deepEqual(
    ids.map((id) => ids.indexOf(id)),
    [0, 0, 2],
  );
  const [told] = driven.notifications;
  assert.deepEqual([told!.deviceId, told!.deadline], ['tv-m-1', START_MS + 600_000]);
  await driven.end();
});

test('a null key is dropped, and counted', async () => {
  const driven = await withDevices(flights(), {});
  await driven.feed(TOPIC, 'LH-1', flight('e-1', ['m-1', null, 'm-2']));
  assert.deepEqual(driven.drops, ['flights/rekey null_key']);
  assert.deepEqual(toldOf(driven), ['ph-m-1 1', 'ph-m-2 1', 'tv-m-1 1', 'tv-m-2 1']);
  await driven.end();
});

test('each priority goes on with its own records', async () => {
  const priority = '{ as: low, unless: [{ when: value.isUrgent, as: critical }] }';
  const driven = await withDevices(flights({ priority }), { partitions: 2 });
  await driven.feed(TOPIC, 'LH-1', flight('e-1', ['m-1']));
  await driven.feed(TOPIC, 'LH-1', flight('e-2', ['m-1'], { isUrgent: true }));
  assert.deepEqual(
    driven.notifications.map(({ deviceId, lane }) => `${deviceId} ${lane}`),
    [
      'tv-m-1 notifications.low.inbox',
      'ph-m-1 notifications.low.inbox',
      'tv-m-1 notifications.critical.inbox',
      'ph-m-1 notifications.critical.inbox',
    ],
  );
  await driven.end();
});

test('what is no record of the hop is a dead letter', async () => {
  const driven = await withDevices(flights(), {});
  const value = driven.schemas.encoder('Boarding').toBuffer({ seat: '1A', flightId: 'x' });
  await driven.raw(HOP, 'm-1', value);
  await driven.raw(HOP, null, value);
  await driven.raw(HOP, 'm-1', Buffer.from('not avro'));
  assert.deepEqual(driven.letters, [
    `CAR512 flights/rekey:source ${HOP}/0@0`,
    `CAR505 flights/rekey:source ${HOP}/0@1`,
    `CAR501 flights/rekey:source ${HOP}/0@2`,
  ]);
  await driven.end();
});

test('steps behind it have state of the new key, and event time', async () => {
  const after = ['- dedup: { by: [key], within: 1h }'];
  const driven = await withDevices(flights({ after }), { partitions: 3 });
  const two = ['m-1', 'm-2', 'm-1'];
  await driven.feed(TOPIC, 'LH-1', flight('e-1', two));
  await driven.feed(TOPIC, 'LH-2', flight('e-2', two, { flightId: 'LH-2' }));
  assert.deepEqual(driven.drops, Array(4).fill('flights/dedup duplicate'));
  assert.deepEqual(toldOf(driven), ['ph-m-1 1', 'ph-m-2 1', 'tv-m-1 1', 'tv-m-2 1']);
  await driven.end();
});

test('two hops, then a topic: the last key alone says the partition', async () => {
  const text = `topology: t
streams:
  flights:
    id: fl
    from: { topic: ${TOPIC}, schema: Flight, key: value.flightId }
    steps:
      - rekey: { by: value.eventId }
      - { name: by-flight, rekey: { by: value.flightId + '-x' } }
      - dedup: { by: [key], within: 1h }
      - { name: back, rekey: { by: value.eventId } }
    to: { topic: flights.out, schema: Flight }
`;
  const driven = await Driven.open(text, { schemas, partitions: 4 });
  assert.deepEqual(
    driven.plan.topics.filter(({ use }) => use === 'repartition').map(({ name }) => name),
    ['t.fl.rekey-repartition', 't.fl.by-flight-repartition'],
    'none behind the last step',
  );
  await driven.feed(TOPIC, 'LH-1', flight('e-1', ['m-1']), { at: 5 });
  await driven.feed(TOPIC, 'LH-1', flight('e-2', ['m-1']));
  assert.deepEqual(driven.drops, ['flights/dedup duplicate']);
  assert.deepEqual(
    driven.of('flights.out').map(({ key, timestamp, headers }) => ({ key, timestamp, headers })),
    [{ key: 'e-1', timestamp: START_MS + 5, headers: {} }],
  );
  assert.equal(
    driven.of('t.fl.rekey-repartition')[0]!.timestamp,
    START_MS,
    'the clock, not the event',
  );
  assert.deepEqual(driven.driver.totals().in, 6, 'of the topic, and of two repartition topics');
  await driven.end();
});
