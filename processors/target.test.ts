import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_CLASSES_MASK as ALL, DeviceClasses } from '../core/device-classes.ts';
import { StepBench } from '../test/kit/steps.ts';
import { target } from './target.ts';

const rows: readonly [object, unknown, number, string | null][] = [
  [{}, {}, ALL, null],
  [{ classes: ['all'] }, {}, ALL, null],
  [{ classes: ['mobile'] }, {}, 0b000001, null],
  [{ classes: ['web', 'tv'] }, {}, 0b100100, null],
  [{ classes: ['tv', 'all'] }, {}, ALL, null],
  [{ classes: ['tv'], except: 'value.deviceId' }, { deviceId: 'ph-1' }, 0b000100, 'ph-1'],
  [{ except: 'value.deviceId' }, { deviceId: null }, ALL, null],
  [{ except: 'value.deviceId' }, { deviceId: '' }, ALL, null],
  [{ except: 'value.deviceId' }, {}, ALL, null],
];

for (const [options, value, classMask, except] of rows) {
  test(`${JSON.stringify(options)} on ${JSON.stringify(value)}`, () => {
    const bench = new StepBench(target, { ...options });
    assert.equal(bench.feed({ value }), 'passed');
    const [record] = bench.takeOut();
    assert.deepEqual([record!.classMask, record!.except], [classMask, except]);
  });
}

test("classes of a topology's own are bits by their place; all is every bit", () => {
  const classes = new DeviceClasses(['phone', 'kiosk', 'gate-display']);
  const maskOf = (...names: string[]) => {
    const bench = new StepBench(target, { classes: names }, { classes });
    bench.feed({ value: {} });
    return bench.takeOut()[0]!.classMask;
  };
  assert.deepEqual(
    [maskOf('phone'), maskOf('gate-display', 'kiosk'), maskOf('all'), maskOf('kiosk', 'all')],
    [0b001, 0b110, ALL, ALL],
  );
  assert.throws(() => maskOf('tv'), /"tv" is none of phone, kiosk, gate-display/);
});
