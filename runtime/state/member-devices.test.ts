import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type MemberDevice, TRANSPORTS } from '../../core/device.ts';
import { RENO_CLASSES } from '../../core/device-classes.ts';
import { tableSchemas, tableSlice } from '../../test/kit/table-records.ts';
import { MemberDevicesTable } from './member-devices.ts';

const device: fc.Arbitrary<MemberDevice> = fc.record(
  {
    deviceId: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('tv-1', 'ph-1')),
    epoch: fc.nat(9),
    class: fc.constantFrom(...RENO_CLASSES.names),
    transports: fc.uniqueArray(fc.constantFrom(...TRANSPORTS), { minLength: 1 }),
    updatedAt: fc.nat(),
  },
  { noNullPrototype: true },
);
const row = fc.tuple(
  fc.constantFrom('', 'm-1', 'm-2', 'm-3', 'ключ'),
  fc.oneof(
    { weight: 4, arbitrary: fc.array(device, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
);

function found(table: MemberDevicesTable, member: string): MemberDevice[] | null {
  const bytes = Buffer.from(`--${member}--`, 'utf8');
  if (!table.find(bytes, 2, bytes.length - 2)) return null;
  const { first, end, lines } = table;
  return Array.from({ length: end - first }, (_, n) => lines.device(first + n));
}

const none = () => assert.fail('nothing is poisoned');

test("a member's devices are those of its last row", () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), fc.nat(39), (rows, cut) => {
      const table = new MemberDevicesTable('devices', tableSchemas(), none, RENO_CLASSES);
      const model = new Map<string, MemberDevice[]>();
      const parts = [rows.slice(0, cut), rows.slice(cut)].filter((part) => part.length > 0);
      for (const part of parts) {
        const values = part.map(([key, devices]) => {
          if (devices === null) model.delete(key);
          else model.set(key, devices);
          return [key, devices && { memberId: key, devices }] as const;
        });
        assert.equal(table.apply(tableSlice(values), 0), part.length);
        assert.equal(table.size, model.size);
        for (const member of ['', 'm-1', 'm-2', 'm-3', 'ключ', 'nobody']) {
          const devices = model.get(member);
          assert.deepEqual(found(table, member), devices?.length ? devices : null);
          const whole = devices && { memberId: member, devices };
          assert.deepEqual(table.get(member), whole);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('dead lines do not pile up, and those that live keep what they say', () => {
  const table = new MemberDevicesTable('devices', tableSchemas(), none, RENO_CLASSES);
  const { lines } = table;
  const devicesOf = (member: number, round: number): MemberDevice[] =>
    [0, 1, 2].map((n) => ({
      deviceId: `device-${member}-${n}`,
      epoch: round,
      class: 'tv',
      transports: ['fcm', 'inbox'],
      updatedAt: n,
    }));
  const members = 500;
  for (let round = 0; round < 20; round++) {
    const rows = Array.from({ length: members }, (_, member) => {
      const isGone = round === 19 && member % 2 === 0;
      return [`m-${member}`, isGone ? null : { devices: devicesOf(member, round) }] as const;
    });
    table.apply(tableSlice(rows), 0);
    assert.ok(lines.size <= 3 * members * 2 + 1024, `${lines.size} lines`);
  }
  assert.equal(table.lines, lines, 'who keeps the lines keeps the right ones');
  assert.equal(table.size, members / 2);
  assert.deepEqual(found(table, 'm-7'), devicesOf(7, 19));
  assert.equal(found(table, 'm-8'), null);
});
