/** What the lane writer makes of records that have a device: ids, numbers, bytes, refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaneTarget, StreamPlan } from '../../compiler/plan.ts';
import type { Transport } from '../../core/device.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { partitionOfText } from '../../core/partition.ts';
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../../test/kit/drive.ts';
import { sliceOf } from '../../test/kit/slices.ts';
import { partsOf } from '../../test/kit/task-parts.ts';
import { LaneWriter } from './lane-writer.ts';
import { notificationId } from './notification-id.ts';

/** Sets slots of a record: what steps before the lane have done. */
const set = (slots: Partial<Record>) => (record: Record) => void Object.assign(record, slots);
const NORMAL = 2;
const NOTIFICATION = 'reno.notifications';

interface Told {
  readonly event?: string;
  readonly member?: string;
  readonly device?: string | null;
  readonly epoch?: number;
  readonly transports?: readonly Transport[];
  readonly timestamp?: number;
  readonly prepare?: (record: Record) => void;
}

interface Of {
  readonly lane?: string;
  readonly partitions?: number;
  readonly bytesMax?: number;
  readonly schemas?: NonNullable<Parameters<typeof Driven.open>[1]>['schemas'];
}

async function opened({ lane = '', partitions = 1, bytesMax, schemas }: Of = {}) {
  const stream = planChanges({ name: 'pc', priority: '{ as: normal }', lane });
  const driven = await Driven.open(lanesWith(stream), schemas === undefined ? {} : { schemas });
  const plan = driven.plan.subTopologies.flatMap(({ streams }) => streams)[0] as StreamPlan;
  const target = plan.to as LaneTarget;
  const to = bytesMax === undefined ? target : { ...target, lane: { ...target.lane, bytesMax } };
  to.collapse.forEach((field, column) => {
    field.column = column;
  });
  const { parts, told, written } = partsOf(driven, partitions);
  const writer = new LaneWriter(plan, to, parts);
  const encoder = driven.schemas.encoder('PlanChange');
  const slice = (of: readonly Told[]): Slice => {
    const made = sliceOf(
      of.map(({ event = 'e', member = 'm', timestamp = START_MS }) => ({
        key: member,
        timestamp,
        value: encoder.toBuffer(planChange(event, member)),
      })),
      { topic: 'events.plan-change', baseOffset: 50, fields: to.collapse.length },
    );
    made.priority = NORMAL;
    made.devices = new DeviceLines();
    of.forEach(({ device = 'd', epoch = 1, transports = ['inbox'], event, prepare }, i) => {
      const record = new Record(made, i);
      if (event !== undefined) record.eventId = event;
      if (device !== null) {
        const row = { deviceId: device, epoch, class: 'tv' as const, transports, updatedAt: 0 };
        record.setDevice(made.devices!, made.devices!.add(row));
      }
      prepare?.(record);
    });
    return made;
  };
  const write = (...of: readonly Told[]) => {
    writer.write(slice(of));
    return written() as (ReturnType<typeof written>[number] & { value: DeviceNotification })[];
  };
  const counts = () => {
    const { in: n, passed, out } = writer.node.counts;
    assert.equal(writer.node.gap(), 0);
    return [n, passed, out];
  };
  return { driven, write, told, counts, encoder, writer, slice, parts };
}

/** `sequence←previous` of each, in its lane. */
const chain = (of: readonly { readonly place: string; readonly value: DeviceNotification }[]) =>
  of.map(({ place, value: { deviceId, sequence, previous } }) => {
    const lane = place.slice('notifications.normal.'.length);
    return `${lane} ${deviceId} ${sequence}←${previous}`;
  });

test('a notification is all that its record is', async () => {
  const { write, encoder, counts } = await opened();
  const [one, ...more] = write({
    event: 'e-1',
    device: 'tv-é',
    epoch: 4,
    transports: ['fcm', 'inbox'],
    timestamp: START_MS + 7,
    prepare: set({ deadlineMs: START_MS + 99, count: 3 }),
  });
  assert.deepEqual(more, []);
  assert.deepEqual(one, {
    place: 'notifications.normal.fcm/0',
    key: 'tv-é',
    timestamp: START_MS + 7,
    headers: '',
    value: {
      id: notificationId('e-1', 'pc', 'tv-é'),
      deviceId: 'tv-é',
      epoch: 4,
      sequence: 1,
      previous: 0,
      useCase: 'pc',
      priority: 'normal',
      deadline: START_MS + 99,
      collapseKey: null,
      count: 3,
      born: START_MS + 7,
      payloadSchemaId: encoder.schemaId,
      payload: encoder.toBuffer(planChange('e-1', 'm')).subarray(5),
    },
  });
  assert.deepEqual(counts(), [1, 1, 1]);
});

test('the id is of the event’s own id, given or in its bytes, or of its origin', async () => {
  const { write } = await opened();
  const inBytes = (record: Record) => {
    const { slice, i } = record;
    slice.eventStart[i] = slice.valueStart[i]! + 6;
    slice.eventEnd[i] = slice.eventStart[i]! + 3;
  };
  const of = (event: string) => notificationId(event, 'pc', 'd');
  const ids = write(
    { event: 'given' },
    {},
    { prepare: set({ eventId: 'x'.repeat(300) }) },
    { member: 'm', prepare: inBytes },
  ).map(({ value }) => value.id);
  assert.deepEqual(ids.slice(0, 3), [
    of('given'),
    of('events.plan-change/0/51'),
    of('x'.repeat(300)),
  ]);
  assert.equal(new Set(ids).size, 4);
});

test('numbers are dense per device; `previous` is the one before in the lane', async () => {
  const { write } = await opened();
  const fcm: Told = { transports: ['fcm', 'inbox'] };
  const first = write({}, fcm, { device: 'e' }, {}, fcm, { member: 'n' });
  assert.deepEqual(chain(first), [
    'inbox/0 d 1←0',
    'inbox/0 e 1←0',
    'inbox/0 d 3←1',
    'inbox/0 d 1←0',
    'fcm/0 d 2←0',
    'fcm/0 d 4←2',
  ]);
  assert.deepEqual(chain(write(fcm, { epoch: 2 }, { epoch: 2 })), [
    'inbox/0 d 1←0',
    'inbox/0 d 2←1',
    'fcm/0 d 5←4',
  ]);
});

test('the first transport that the use case allows; without one the record is dropped', async () => {
  const { write, told, counts } = await opened({ lane: ', transports: [apns, fcm]' });
  const made = write(
    { transports: ['websocket', 'fcm', 'apns'] },
    { transports: ['websocket', 'inbox'] },
    { transports: ['apns', 'fcm'] },
  );
  assert.deepEqual(chain(made), ['fcm/0 d 1←0', 'apns/0 d 2←0']);
  assert.deepEqual(told, ['pc/lane no_transport @51 ×1']);
  assert.deepEqual(counts(), [3, 2, 2]);
});

test('what is refused or dropped takes no number', async () => {
  const { write, told, counts } = await opened({ bytesMax: 220 });
  const huge = 'p'.repeat(200);
  const made = write(
    {},
    { device: null },
    { prepare: set({ value: planChange('e', 'm', { planTo: huge }) }) },
    { prepare: set({ value: { eventId: 7 } }) },
    { epoch: 2 },
    { epoch: 1 },
    { epoch: 2 },
  );
  assert.deepEqual(chain(made), ['inbox/0 d 1←0', 'inbox/0 d 1←0', 'inbox/0 d 2←1']);
  assert.match(told[1]!, /^CAR507 pc\/lane @52 \d+ bytes, the lane allows 220$/);
  assert.match(told[2]!, /^CAR511 pc\/lane @53 /);
  assert.deepEqual(
    [told[0], told[3], told.length],
    [
      'CAR506 pc/lane @51 it has no device: fan_out must come before the lane',
      'pc/lane moved @55 ×1',
      4,
    ],
  );
  assert.deepEqual(counts(), [7, 3, 3]);
});

test('a notification of exactly as many bytes as the lane allows is written', async () => {
  const { write, told } = await opened({ bytesMax: 1_000 });
  const with_ = (n: number): Told => ({
    prepare: set({ value: planChange('e', 'm', { planTo: 'p'.repeat(n) }) }),
  });
  const size = (n: number) => {
    const made = write(with_(n));
    return made.length;
  };
  let most = 0;
  while (size(most + 1) === 1) most++;
  assert.equal(told.length, 1);
  assert.match(told[0]!, /1001 bytes, the lane allows 1000/);
  assert.ok(most > 700);
});

test('without devices at all every record is refused', async () => {
  const { writer, slice, told } = await opened();
  const made = slice([{ device: null }, { device: null }]);
  made.devices = null;
  writer.write(made);
  assert.equal(told.length, 2);
  writer.write(slice([]));
  assert.deepEqual([writer.node.counts.in, told.length], [2, 2]);
});

test('a slice is used again: keys are those that are there now', async () => {
  const { writer, slice, parts } = await opened();
  const made = slice([{ member: 'a' }, { member: 'b' }]);
  writer.write(made);
  made.bytes.write('a', made.keyStart[1]!);
  made.selection[0] = 1;
  made.selected = 1;
  writer.write(made);
  const rows = [...parts.numbers!.rows()].map(([member, row]) => {
    const [{ last }] = [...(row as Map<string, { last: number }>).values()] as [{ last: number }];
    return `${member} ${last}`;
  });
  assert.deepEqual(rows, ['a 2', 'b 1']);
});

test('a lane needs numbers', async () => {
  const { driven, parts } = await opened();
  const plan = driven.plan.subTopologies.flatMap(({ streams }) => streams)[0]!;
  const none = { ...parts, numbers: null };
  assert.throws(() => new LaneWriter(plan, plan.to as LaneTarget, none), /a lane needs numbers/);
});

test('a device’s records are on the partition of its id', async () => {
  const { write } = await opened({ partitions: 5 });
  const devices = Array.from({ length: 40 }, (_, n) => `device-${n}`);
  const made = write(
    ...devices.map((device, n) => ({
      device,
      transports: [n % 2 === 0 ? 'fcm' : 'inbox'] as const,
    })),
  );
  assert.equal(made.length, devices.length);
  for (const { place, key } of made) {
    const lane = devices.indexOf(key!) % 2 === 0 ? 'fcm' : 'inbox';
    assert.equal(place, `notifications.normal.${lane}/${partitionOfText(key!, 5)}`);
  }
});

test('the member that a step gave decides whose numbers they are', async () => {
  const { write } = await opened();
  const as = (member: string): Told => ({ prepare: set({ key: member }) });
  assert.deepEqual(chain(write({}, as('n'), as('m'), as('n'))), [
    'inbox/0 d 1←0',
    'inbox/0 d 1←0',
    'inbox/0 d 2←1',
    'inbox/0 d 2←1',
  ]);
});

test('a value that a step gave is encoded by the stream’s schema', async () => {
  const { write, encoder } = await opened();
  const given = planChange('other', 'm', { planTo: 'gold' });
  const [one] = write({ prepare: set({ value: given }) });
  assert.deepEqual(one!.value.payload, encoder.toBuffer(given).subarray(5));
  assert.equal(one!.value.payloadSchemaId, encoder.schemaId);
});

test('a slice of many records: each its own id, in its own place', async () => {
  const { write } = await opened();
  write({}, {});
  const all = Array.from({ length: 700 }, (_, n) => ({
    event: `event-${'x'.repeat(n % 130)}-${n}`,
    device: `d-${n % 7}`,
    ...(n % 50 === 3 ? { device: null } : {}),
  }));
  const few = all.slice(4, 44);
  const first = write(...few);
  assert.deepEqual(
    first.map(({ value }) => value.id),
    few.map(({ event, device }) => notificationId(event, 'pc', device!)),
  );
  const made = write(...all);
  const told = all.filter(({ device }) => device !== null);
  assert.deepEqual(
    made.map(({ value }) => value.id),
    told.map(({ event, device }) => notificationId(event, 'pc', device!)),
  );
});

const collapses: readonly [what: string, more: object | null, key: string][] = [
  ['in the bytes', null, 'pc:basic:e'],
  ['given by a step', { planTo: 'é€' }, 'pc:é€:e'],
  ['long', { planTo: 'p'.repeat(9_000) }, `pc:${'p'.repeat(9_000)}:e`],
];
for (const [what, more, key] of collapses) {
  test(`the collapse key is made of fields: ${what}`, async () => {
    const paths = ['value.planTo', 'value.eventId'];
    const { write, driven, encoder } = await opened({ lane: `, collapse: [${paths}]` });
    const { schemaId } = encoder;
    const locator = driven.schemas.locator(schemaId, { schema: 'PlanChange' }, paths)!;
    const [one, two] = write(
      { prepare: (record) => void locator.locate(record.slice, record.i) },
      { prepare: more === null ? set({}) : set({ value: planChange('e', 'm', more as never) }) },
    );
    assert.equal(one!.value.collapseKey, 'pc:basic:e');
    if (more !== null) assert.equal(two!.value.collapseKey, key);
  });
}

test('what is no text in a collapse key is written as one', async () => {
  const paths = ['planFrom', 'streamsMax', 'eventId'].map((name) => `value.${name}`);
  const { write } = await opened({ lane: `, collapse: [${paths}]` });
  const value = planChange('é', 'm', { planFrom: null, streamsMax: -7 });
  const located = (record: Record) => {
    const { slice, i } = record;
    record.value = value;
    slice.fieldStart[2]![i] = slice.keyStart[i]!;
    slice.fieldEnd[2]![i] = slice.keyEnd[i]!;
  };
  const keys = write({ prepare: set({ value }) }, { prepare: located });
  assert.deepEqual(
    keys.map(({ value: { collapseKey } }) => collapseKey),
    ['pc:null:-7:é', 'pc:null:-7:m'],
  );
});

/** The project's own schema, with a field more. */
async function otherSchema(field: object) {
  const own = readSchemaFolder('schemas').get('DeviceNotification')!;
  const record = { ...own, namespace: NOTIFICATION };
  return [{ ...record, fields: [...own.fields, field] }] as never as NonNullable<Of['schemas']>;
}

test('a folder whose schema has a field more gets it, with all others the same', async () => {
  const schemas = await otherSchema({ name: 'shade', type: 'string', default: 'grey' });
  const events: readonly Told[] = [
    { event: 'a', device: 'd-é', transports: ['fcm'], epoch: 3 },
    { event: 'b', device: 'd-é', transports: ['fcm'], epoch: 3 },
    { event: 'c', device: 'x', prepare: set({ count: 9 }) },
  ];
  const own = (await opened({ lane: ', collapse: [value.eventId]' })).write;
  const other = (await opened({ lane: ', collapse: [value.eventId]', schemas })).write;
  const prepared = (of: readonly Told[]) =>
    of.map((told) => ({
      ...told,
      prepare(record: Record) {
        record.value = planChange(told.event!, 'm');
        record.deadlineMs = START_MS + 5;
        told.prepare?.(record);
      },
    }));
  const expected = own(...prepared(events)).map((one) => ({
    ...one,
    value: { ...one.value, shade: 'grey', payloadSchemaId: 0 },
  }));
  const made = other(...prepared(events)).map((one) => ({
    ...one,
    value: { ...one.value, payloadSchemaId: 0 },
  }));
  assert.deepEqual(made, expected);
});

test('a folder whose schema wants what nobody has refuses each record, and numbers none', async () => {
  const schemas = await otherSchema({ name: 'shade', type: 'string' });
  const { write, told, parts } = await opened({ schemas });
  assert.deepEqual(write({}, { device: 'e' }), []);
  assert.deepEqual(
    told.map((line) => line.slice(0, 18)),
    ['CAR511 pc/lane @50', 'CAR511 pc/lane @51'],
  );
  assert.equal(parts.numbers!.size, 0);
});
