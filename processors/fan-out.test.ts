import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberDevice } from '../core/device.ts';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { fanOut } from './fan-out.ts';

const device = (deviceId: string, of: MemberDevice['class'], updatedAt: number): MemberDevice => ({
  deviceId,
  epoch: 1,
  class: of,
  transports: ['inbox'],
  updatedAt,
});

const tables = {
  devices: {
    'm-1': {
      memberId: 'm-1',
      devices: [device('tv-1', 'tv', 30), device('ph-1', 'mobile', 10), device('tv-2', 'tv', 20)],
    },
    'm-none': { memberId: 'm-none', devices: [] },
  },
};

const TV = 1 << 2;
const ALL = 0b111111;

interface Target {
  readonly classMask: number;
  readonly except: string | null;
}

type Row = readonly [string, object, string | null, Target | null, string, readonly string[]];

/** As `target` leaves it. */
function setTarget(record: Record, target: Target | null): void {
  if (target === null) return;
  record.setTarget(target.classMask, null);
  if (target.except !== null) record.setExcept(target.except);
}

const rows: readonly Row[] = [
  ['all without a target', {}, 'm-1', null, 'passed', ['tv-1', 'ph-1', 'tv-2']],
  ['one class', {}, 'm-1', { classMask: TV, except: null }, 'passed', ['tv-1', 'tv-2']],
  ['one spared', {}, 'm-1', { classMask: ALL, except: 'tv-1' }, 'passed', ['ph-1', 'tv-2']],
  ['no member', {}, null, null, 'dropped no_member', []],
  ['no row', {}, 'm-9', null, 'dropped no_devices', []],
  ['an empty row', {}, 'm-none', null, 'dropped no_devices', []],
  ['none of the class', {}, 'm-1', { classMask: 2, except: null }, 'dropped no_target', []],
  ['only the one spared', {}, 'm-1', { classMask: 1, except: 'ph-1' }, 'dropped no_target', []],
  ['too many: most recent', { devices_max: 2 }, 'm-1', null, 'passed', ['tv-1', 'tv-2']],
  ['too many: just one', { devices_max: 1 }, 'm-1', null, 'passed', ['tv-1']],
  [
    'the target is taken before the limit',
    { devices_max: 1 },
    'm-1',
    { classMask: 1, except: null },
    'passed',
    ['ph-1'],
  ],
  [
    'just as many as may be',
    { devices_max: 3, on_excess: 'dead_letter' },
    'm-1',
    null,
    'passed',
    ['tv-1', 'ph-1', 'tv-2'],
  ],
  [
    'too many: dead letter',
    { devices_max: 2, on_excess: 'dead_letter' },
    'm-1',
    null,
    'dead-lettered CAR521',
    [],
  ],
];

for (const [name, options, memberId, target, verdict, out] of rows) {
  test(`${name}: ${verdict}`, () => {
    const bench = new StepBench(fanOut, { table: 'devices', ...options }, { tables });
    const told = bench.feed({
      key: memberId,
      value: { memberId },
      prepare: (record) => setTarget(record, target),
    });
    assert.equal(told, verdict);
    assert.deepEqual(
      bench.takeOut().map((record) => record.device?.deviceId),
      out,
    );
    assert.equal(bench.counts.out, out.length);
  });
}

test('what is left out is counted', () => {
  const bench = new StepBench(fanOut, { table: 'devices', devices_max: 1 }, { tables });
  bench.feed({ value: { memberId: 'm-1' } });
  assert.equal(bench.counted('over_limit'), 2);
});

test('the copies share the event: bytes, slots, origin', () => {
  const bench = new StepBench(fanOut, { table: 'devices' }, { tables });
  bench.feed({
    key: 'm-1',
    value: { memberId: 'm-1' },
    eventId: 'e-1',
    count: 4,
    prepare(record) {
      record.deadlineMs = 9;
    },
  });
  const out = bench.takeOut();
  assert.deepEqual(
    out.map((r) => [r.key, r.eventId, r.count, r.deadlineMs, r.offset]),
    Array(3).fill(['m-1', 'e-1', 4, 9, 0]),
  );
});

test('a class that nobody knows is told only without a target', () => {
  const odd = { ...device('f-1', 'tv', 1), class: 'fridge' as MemberDevice['class'] };
  const bench = new StepBench(
    fanOut,
    { table: 'devices' },
    { tables: { devices: { 'm-1': { memberId: 'm-1', devices: [odd] } } } },
  );
  assert.equal(bench.feed({ value: { memberId: 'm-1' } }), 'passed');
  const prepare = (record: Record) => setTarget(record, { classMask: ALL, except: null });
  assert.equal(bench.feed({ value: { memberId: 'm-1' }, prepare }), 'dropped no_target');
});
