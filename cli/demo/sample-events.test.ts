import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { type FieldProblem, jsonEventReader } from '../../schemas/json-events.ts';
import { packageFolder } from '../version.ts';
import { sampleDevices } from './sample-devices.ts';
import { SAMPLE_SCHEMAS, SAMPLE_TYPES, SampleEvents, type SampleType } from './sample-events.ts';

const NOW = Date.UTC(2026, 0, 1);
const some = (count: number, options: { seed?: number; mistakes?: boolean } = {}) => {
  const { seed = 1, mistakes = false } = options;
  const events = new SampleEvents({ seed, run: 'r', members: 12, mistakes });
  return Array.from({ length: count }, (_, i) => events.next(NOW + i));
};

test('the same seed gives the same events, another gives others', () => {
  assert.deepEqual(some(500, { mistakes: true }), some(500, { mistakes: true }));
  assert.notDeepEqual(some(20), some(20, { seed: 2 }));
});

test('all six types come, each as its schema has it, keyed by member', () => {
  const folder = readSchemaFolder(join(packageFolder, 'schemas'));
  const seen = new Set<string>();
  for (const { type, key, value } of some(2_000, { mistakes: true })) {
    seen.add(type);
    const problems: FieldProblem[] = [];
    jsonEventReader(folder.get(SAMPLE_SCHEMAS[type as SampleType])).read(value, '', problems);
    assert.deepEqual(problems, []);
    assert.equal(key, value.memberId);
  }
  assert.deepEqual([...seen].sort(), [...SAMPLE_TYPES].sort());
});

test('without mistakes every id is new and every time is now', () => {
  const events = some(1_000);
  assert.equal(new Set(events.map(({ value }) => value.eventId)).size, events.length);
  for (const { value } of events) {
    const at = value.occurredAt ?? value.computedAt ?? value.changedAt ?? value.issuedAt;
    assert.ok(Number(at) >= NOW && Number(at) < NOW + 1_000);
  }
});

test('only the types that are asked for', () => {
  const options = { seed: 1, run: 'r', members: 3, mistakes: false };
  const events = new SampleEvents({ ...options, types: ['plan-change'] });
  for (let i = 0; i < 50; i++) assert.equal(events.next(NOW).type, 'plan-change');
});

test('every transport is among the devices of four members, and ids are unique', () => {
  const devices = sampleDevices(4);
  assert.deepEqual([...new Set(devices.map(({ transport }) => transport))].sort(), [
    'apns',
    'fcm',
    'inbox',
    'websocket',
  ]);
  assert.equal(new Set(devices.map(({ deviceId }) => deviceId)).size, devices.length);
  for (const { transport, token } of devices) {
    assert.equal(token !== null, transport === 'fcm' || transport === 'apns');
    if (transport === 'apns') assert.match(token!, /^[0-9a-f]{64}$/);
  }
});
