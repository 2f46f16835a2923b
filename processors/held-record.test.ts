import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { Record } from '../core/record.ts';
import { type Fed, jsonDecoder, jsonRecord } from '../test/kit/steps.ts';
import { decodeHeld, encodeHeld, holdRecord, needsDecoder, schemaIdsOf } from './held-record.ts';

function facts(record: Record) {
  const { topic, partition, offset, timestamp, key, value, headers } = record;
  const { eventId, priority, deadlineMs, count, target, device, output } = record;
  const bytes =
    record.valueStart < 0
      ? null
      : record.valueBytes.toString('hex', record.valueStart, record.valueEnd);
  const sent = headers?.map((header) => [header.key, header.value.toString('hex')]) ?? null;
  const place = { topic, partition, offset, timestamp, key };
  return {
    ...place,
    value,
    bytes,
    sent,
    eventId,
    priority,
    deadlineMs,
    count,
    target,
    device,
    output,
  };
}

const rows: readonly [string, Fed][] = [
  ['plain', { key: 'm-1', value: { a: 1, b: 'ü' } }],
  ['no key', { value: { a: 1 } }],
  ['empty key', { key: '', value: { a: 1 } }],
  ['tombstone', { key: 'm-1', value: null }],
  [
    'headers',
    {
      key: 'k',
      value: 'x',
      headers: [
        { key: 'ключ', value: Buffer.from([0, 255]) },
        { key: '', value: Buffer.alloc(0) },
      ],
    },
  ],
  ['no headers, but a list', { key: 'k', value: 'x', headers: [] }],
  [
    'all slots',
    {
      key: 'm-1',
      value: { a: 1 },
      eventId: 'e-1',
      count: 7,
      prepare(record) {
        record.priority = 3;
        record.deadlineMs = 1_767_225_600_123;
        record.target = { classMask: 63, except: 'tv-1' };
        record.output = 1;
        record.device = {
          deviceId: 'tv-2',
          epoch: 2,
          class: 'tv',
          transports: ['websocket', 'inbox'],
          updatedAt: 5,
        };
      },
    },
  ],
  [
    'a target that spares none',
    {
      key: 'k',
      value: 1,
      prepare(record) {
        record.target = { classMask: 0, except: null };
      },
    },
  ],
];

for (const [name, fed] of rows) {
  test(`${name}: comes back from a row as it was`, () => {
    const record = jsonRecord(fed, 2 ** 40 + 1, 1_767_225_600_001);
    const to = new ByteWriter();
    encodeHeld(record, to);
    to.int(77);
    const from = new ByteReader(to.done());
    const back = decodeHeld(from);
    assert.equal(from.int(), 77, 'reads exactly its own bytes');
    assert.equal(needsDecoder(back), record.valueStart >= 0);
    back.decoder = jsonDecoder;
    assert.deepEqual(facts(back), facts(record));
  });

  test(`${name}: a held copy is the same, with bytes of its own`, () => {
    const record = jsonRecord(fed, 5, 1);
    assert.deepEqual(facts(holdRecord(record)), facts(record));
  });
}

test('a value that a step gave comes back too, bytes and big integers included', () => {
  const value = { n: 12n, bytes: Buffer.from([1, 2]), at: [1, null] };
  const record = jsonRecord({ key: 'k', value: {} }, 1, 1).withValue(value);
  const to = new ByteWriter();
  encodeHeld(holdRecord(record), to);
  const back = decodeHeld(new ByteReader(to.done()));
  const { bytes, ...rest } = back.value;
  assert.deepEqual(rest, { n: 12n, at: [1, null] });
  assert.equal(Buffer.from(bytes).toString('hex'), '0102');
});

test('a held copy does not keep the batch alive', () => {
  const record = jsonRecord({ key: 'm-1', value: { a: 1 } }, 1, 1);
  const held = holdRecord(record);
  assert.equal(held.valueBytes.buffer.byteLength, 3 + record.valueEnd - record.valueStart);
  record.valueBytes.fill(0);
  record.keyBytes.fill(0);
  assert.deepEqual([held.key, held.value], ['m-1', { a: 1 }]);
});

test('the schema that must be loaded first: that of the bytes, none without', () => {
  const record = jsonRecord({ key: 'k', value: { a: 1 } }, 1, 1);
  assert.deepEqual(schemaIdsOf(record), [7]);
  assert.deepEqual(schemaIdsOf(record.withValue({ a: 2 })), []);
  assert.deepEqual(schemaIdsOf(jsonRecord({ key: 'k', value: null }, 1, 1)), []);
});
