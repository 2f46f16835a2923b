import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberDevice } from './device.ts';
import { DeviceClasses, RENO_CLASSES } from './device-classes.ts';
import { DeviceLines } from './device-lines.ts';

const device = (of: string): MemberDevice => ({
  deviceId: `d-${of}`,
  epoch: 1,
  class: of,
  transports: ['inbox'],
  updatedAt: 0,
});

test('a class is the bit of its place; one of another set is told by no mask, and keeps its name', () => {
  const lines = new DeviceLines(new DeviceClasses(['phone', 'kiosk']));
  const added = ['kiosk', 'tv', 'phone', 'tv', ''].map((of) => lines.add(device(of)));
  assert.deepEqual(
    added.map((line) => [lines.classBit(line), lines.device(line).class]),
    [
      [0b10, 'kiosk'],
      [0, 'tv'],
      [0b01, 'phone'],
      [0, 'tv'],
      [0, ''],
    ],
  );
});

test('names of other classes are kept up to a bound', () => {
  const lines = new DeviceLines(RENO_CLASSES);
  for (let n = 0; n < 300; n++) lines.add(device(`x${n}`));
  assert.deepEqual(
    [0, 255, 256, 299].map((line) => [lines.device(line).class, lines.classBit(line)]),
    [
      ['x0', 0],
      ['x255', 0],
      ['', 0],
      ['', 0],
    ],
  );
});

test('lines without classes copy devices as they are', () => {
  const lines = new DeviceLines();
  assert.deepEqual(lines.device(lines.add(device('tv'))), device('tv'));
});
