/** Frames as Avro: the client's own codec, the gateway's, and a library say the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import { decodeClientFrame, encodeServerFrame } from '../schemas/frame-codec.ts';
import { CLIENT_FRAME_SCHEMAS, SERVER_FRAME_SCHEMAS } from '../schemas/frame-schemas.ts';
import type { ServerFrame } from '../schemas/frames.ts';
import { readAvroFrame, type SentFrame, writeAvroFrame } from './avro-frames.ts';

type Fields = { readonly [field: string]: unknown };
const union = (schemas: object) =>
  avro.Type.forSchema(Object.values(schemas), { wrapUnions: true, omitRecordMethods: true });
const TOLD = union(SERVER_FRAME_SCHEMAS);
const SENT = union(CLIENT_FRAME_SCHEMAS);
const nameOf = (schemas: { readonly [type: string]: { readonly name: string } }, type: string) =>
  `carillon.frames.${schemas[type]!.name}`;

const plainOf = (of: unknown): Fields => JSON.parse(JSON.stringify(of));

const skipped = [{ priority: 'low', sequence: 2 ** 40, id: 'é', reason: 'expired' as const }];
const notification = {
  type: 'notification' as const,
  id: 'n-1',
  sequence: 1,
  previous: 0,
  priority: 'critical',
  useCase: 'pl',
  count: 3,
  born: 1_767_225_600_000,
  deadline: 2 ** 52,
  value: { eventId: 'e', title: '日本', list: [1, null, { deep: true }] },
  cursor: 'c.1',
};
const told: readonly ServerFrame[] = [
  { type: 'welcome', connectionId: 'c', deviceId: 'tv-1', epoch: 64, heartbeatMs: 1, cursor: 'c' },
  notification,
  { ...notification, count: 0, value: 'x'.repeat(70_000), skipped },
  { type: 'skipped', skipped: [...skipped, ...skipped], cursor: '' },
  { type: 'pong' },
  { type: 'going-away', afterMs: 300 },
  { type: 'unacknowledged', reason: 'unknown', ids: ['a', 'b'] },
  { type: 'unacknowledged', reason: 'other_epoch', asked: 'c' },
  { type: 'reported', eventId: 'r' },
  { type: 'reported', eventId: '', code: 'CAR710', what: 'no' },
];
for (const frame of told) {
  test(`told: ${JSON.stringify(frame).slice(0, 80)}`, () => {
    const bytes = encodeServerFrame(frame);
    assert.deepEqual(readAvroFrame(new Uint8Array(bytes).buffer), frame);
    const [[name, fields]] = Object.entries(plainOf(TOLD.fromBuffer(bytes))) as [[string, Fields]];
    assert.equal(name, nameOf(SERVER_FRAME_SCHEMAS, frame.type));
    const value = 'value' in frame ? { value: JSON.stringify(frame.value) } : {};
    for (const [field, of] of Object.entries({ ...frame, ...value })) {
      if (field === 'type' || field === 'skipped' || field === 'ids') continue;
      const plain = typeof of === 'string' && ['code', 'what', 'asked'].includes(field);
      assert.deepEqual(fields[field], plain ? { string: of } : of, field);
    }
  });
}

const sent: readonly SentFrame[] = [
  { type: 'authenticate', token: 'jwt' },
  { type: 'authenticate', token: 'ä'.repeat(100), after: 'c.1' },
  { type: 'ack', cursor: 'c.1' },
  { type: 'ack', ids: [] },
  { type: 'ack', ids: Array.from({ length: 70 }, (_, n) => `id-${n}`) },
  { type: 'ping' },
];
for (const frame of sent) {
  test(`sent: ${JSON.stringify(frame).slice(0, 80)}`, () => {
    const bytes = Buffer.from(writeAvroFrame(frame));
    assert.deepEqual(decodeClientFrame(bytes), frame);
    const [name] = Object.keys(SENT.fromBuffer(bytes) as Fields);
    assert.equal(name, nameOf(CLIENT_FRAME_SCHEMAS, frame.type));
  });
}

test('a report, which a library writes', () => {
  const report = { eventId: 'r', kind: 'DIAGNOSTIC', details: { ms: '12' } };
  const none = { notificationId: null, succeeded: null };
  const name = nameOf(CLIENT_FRAME_SCHEMAS, 'report');
  const bytes = SENT.toBuffer({
    [name]: { ...report, ...none, details: { map: report.details } },
  });
  assert.deepEqual(decodeClientFrame(bytes), { type: 'report', ...report });
});

test('a frame of a newer gateway is passed over; what is no frame is refused', () => {
  assert.equal(readAvroFrame(Uint8Array.of(2 * told.length).buffer), undefined);
  const whole = encodeServerFrame(notification);
  for (const size of [0, 1, 20, whole.length - 1]) {
    assert.throws(() => readAvroFrame(new Uint8Array(whole.subarray(0, size)).buffer));
  }
  for (const bytes of [[], [3], [8], [0, 2], [4, 0], [2, 2, 2, 0xff]]) {
    assert.throws(() => decodeClientFrame(Buffer.from(bytes)), bytes.join());
  }
});
