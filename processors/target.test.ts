import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_CLASSES } from '../core/device.ts';
import { StepBench } from '../test/kit/steps.ts';
import { target } from './target.ts';

const rows: readonly [object, unknown, number, string | null][] = [
  [{}, {}, 0b111111, null],
  [{ classes: ['all'] }, {}, 0b111111, null],
  [{ classes: ['mobile'] }, {}, 0b000001, null],
  [{ classes: ['web', 'tv'] }, {}, 0b100100, null],
  [{ classes: ['tv', 'all'] }, {}, 0b111111, null],
  [{ classes: ['tv'], except: 'value.deviceId' }, { deviceId: 'ph-1' }, 0b000100, 'ph-1'],
  [{ except: 'value.deviceId' }, { deviceId: null }, 0b111111, null],
  [{ except: 'value.deviceId' }, { deviceId: '' }, 0b111111, null],
  [{ except: 'value.deviceId' }, {}, 0b111111, null],
];

for (const [options, value, classMask, except] of rows) {
  test(`${JSON.stringify(options)} on ${JSON.stringify(value)}`, () => {
    const bench = new StepBench(target, { ...options });
    assert.equal(bench.feed({ value }), 'passed');
    const [record] = bench.takeOut();
    assert.deepEqual([record!.classMask, record!.except], [classMask, except]);
  });
}

test('every class of device can be named', () => {
  assert.deepEqual(Object.keys(target.config.classes.choices ?? {}), ['all', ...DEVICE_CLASSES]);
});
