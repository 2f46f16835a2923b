/** The form writes its own bytes where the schema is the project's, and the encoder's elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaneTarget } from '../../compiler/plan.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import type { ValueEncoder } from '../../core/schema.ts';
import { FIELD_NUMBER } from '../../core/slice.ts';
import { Driven, lanesWith, planChanges, START_MS } from '../../test/kit/drive.ts';
import { sliceOf } from '../../test/kit/slices.ts';
import { Chance } from '../../test/sim/chance.ts';
import { NotificationForm } from './notification-form.ts';

const ID = '0f1e2d3c-4b5a-8978-9687-a5b4c3d2e1f0';

async function opened(collapse = '') {
  const driven = await Driven.open(lanesWith(planChanges({ name: 'pc', lane: collapse })));
  const plan = driven.plan.subTopologies.flatMap(({ streams }) => streams)[0]!;
  const to = plan.to as LaneTarget;
  to.collapse.forEach((field, column) => {
    field.column = column;
  });
  const encoder = driven.schemas.encoder('DeviceNotification');
  const calls = { n: 0 };
  const counted: ValueEncoder = {
    schemaId: encoder.schemaId,
    encode(value, bytes, at) {
      calls.n++;
      return encoder.encode(value, bytes, at);
    },
    toBuffer: (value) => encoder.toBuffer(value),
  };
  return {
    form: new NotificationForm('pc', to, counted),
    encoder,
    calls,
    fields: to.collapse.length,
  };
}

for (const seed of [1, 2, 3]) {
  test(`its bytes are the encoder’s, without a call of it (seed ${seed})`, async () => {
    const { form, encoder, calls } = await opened();
    const before = calls.n;
    assert.ok(before > 0, 'it was asked when the form was made');
    const chance = new Chance(seed);
    const number = () => Math.floor(chance.next() * 2 ** chance.below(31));
    const builder = new BatchBuilder('lane', 0);
    const expected: Buffer[] = [];
    for (let n = 0; n < 200; n++) {
      const slice = sliceOf([{ key: 'm' }]);
      const devices = new DeviceLines();
      const deviceId = `${'é'.repeat(chance.below(90))}d`;
      const payload = Buffer.alloc(chance.is(0.1) ? 9_000 : chance.below(200), n);
      const value: DeviceNotification = {
        id: ID,
        deviceId,
        epoch: number(),
        sequence: number(),
        previous: number(),
        useCase: 'pc',
        priority: chance.pick(RENO_PRIORITIES.names),
        deadline: chance.is(0.5) ? 0 : START_MS + number(),
        collapseKey: null,
        count: 1 + number(),
        born: chance.is(0.9) ? START_MS + number() : 0,
        payloadSchemaId: number(),
        payload,
      };
      slice.priority = RENO_PRIORITIES.names.indexOf(value.priority);
      const record = new Record(slice, 0);
      record.timestamp = value.born;
      record.deadlineMs = value.deadline;
      record.count = value.count;
      const { epoch, sequence, previous, payloadSchemaId } = value;
      const line = devices.add({ deviceId, epoch, class: 'tv', transports: [], updatedAt: 0 });
      const padded = Buffer.concat([Buffer.from('...'), payload, Buffer.from('...')]);
      const size = form.write(builder, {
        record,
        devices,
        line,
        ids: Buffer.from(`....${ID}`),
        idAt: 4,
        payload: padded,
        payloadStart: 3,
        payloadEnd: 3 + payload.length,
        payloadSchemaId,
        sequence,
        previous,
      });
      expected.push(encoder.toBuffer(value));
      assert.equal(size, expected.at(-1)!.length);
    }
    assert.equal(calls.n, before);
    const records = readBatch(wholeBatch('lane', 0, builder.finish().bytes, 0));
    for (const [n, { valueBytes }] of records.entries()) {
      assert.ok(valueBytes!.equals(expected[n]!), `${n}`);
    }
    assert.equal(records.length, 200);
  });
}

test('a collapse key of a number that was located', async () => {
  const { form, calls, encoder, fields } = await opened(
    ', collapse: [value.streamsMax, value.planTo]',
  );
  const slice = sliceOf([{ key: 'member' }], { fields });
  slice.priority = 1;
  slice.fieldStart[0]![0] = FIELD_NUMBER;
  slice.fieldNumber[0]![0] = -7;
  slice.fieldStart[1]![0] = slice.keyStart[0]!;
  slice.fieldEnd[1]![0] = slice.keyEnd[0]!;
  const devices = new DeviceLines();
  const line = devices.add({ deviceId: 'd', epoch: 1, class: 'tv', transports: [], updatedAt: 0 });
  const builder = new BatchBuilder('lane', 0);
  const before = calls.n;
  const none = Buffer.alloc(0);
  const of = { payload: none, payloadStart: 0, payloadEnd: 0, payloadSchemaId: 1 };
  const ids = Buffer.from(ID);
  const record = new Record(slice, 0);
  form.write(builder, { record, devices, line, ids, idAt: 0, sequence: 1, previous: 0, ...of });
  assert.equal(calls.n, before);
  const [{ valueBytes }] = readBatch(wholeBatch('lane', 0, builder.finish().bytes, 0)) as [Record];
  const value = {
    id: ID,
    deviceId: 'd',
    epoch: 1,
    sequence: 1,
    previous: 0,
    useCase: 'pc',
    priority: 'high',
    deadline: 0,
    collapseKey: 'pc:-7:member',
    count: 1,
    born: START_MS,
    payloadSchemaId: 1,
    payload: none,
  };
  assert.ok(valueBytes!.equals(encoder.toBuffer(value)));
});
