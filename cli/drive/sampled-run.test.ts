import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { lanesWith, planChanges, planOf } from '../../test/kit/drive.ts';
import { packageFolder } from '../version.ts';
import { runSamples } from './sampled-run.ts';

const folder = readSchemaFolder(join(packageFolder, 'schemas'));
const RENO = readFileSync(join(packageFolder, 'topology/reno.yaml'), 'utf8');
const options = { seed: 1, events: 300, members: 12 };

test('each event is accounted for, step by step, and the same seed gives the same', async () => {
  const run = await runSamples(planOf(RENO), folder, options);
  assert.deepEqual(run, await runSamples(planOf(RENO), folder, options));
  assert.equal(
    run.streams.reduce((sum, stream) => sum + stream.in, 0),
    300,
  );
  for (const { in: fed, steps } of run.streams) {
    let left = fed;
    for (const { passed, dropped } of steps) {
      left -= Object.values(dropped).reduce((sum, by) => sum + by, 0);
      assert.equal(passed, left);
    }
    assert.ok(left >= 0);
  }
  const reasons = run.streams.flatMap(({ steps }) =>
    steps.flatMap(({ dropped }) => Object.keys(dropped)),
  );
  for (const reason of ['duplicate', 'stale', 'superseded', 'no_devices', 'CAR508']) {
    assert.ok(reasons.includes(reason), reason);
  }
  assert.deepEqual(Object.keys(run.told).sort(), ['apns', 'fcm', 'inbox', 'websocket']);
});

const filtering = (where: string) =>
  planChanges({ steps: `      - filter: { where: '${where}' }\n` });
const rows: readonly [what: string, text: string, steps: readonly [string, boolean][]][] = [
  [
    'nothing passes',
    lanesWith(filtering('false')),
    [
      ['filter', false],
      ['fan_out', false],
    ],
  ],
  [
    'everything passes',
    lanesWith(filtering('true')),
    [
      ['filter', true],
      ['fan_out', true],
    ],
  ],
  [
    'a step that fails',
    lanesWith(filtering('value.streamsMax / (value.streamsMax - value.streamsMax) > 1')),
    [
      ['filter', false],
      ['fan_out', false],
    ],
  ],
];
for (const [what, text, expected] of rows) {
  test(`samples: ${what}`, async () => {
    const { streams } = await runSamples(planOf(text), folder, { ...options, events: 40 });
    const [, ...steps] = streams[0]!.steps;
    assert.deepEqual(
      steps.map(({ step, passed }) => [step, passed > 0]),
      expected,
    );
  });
}

test('a topic of another name than events.<type> has samples too', async () => {
  const text = lanesWith(planChanges({})).replaceAll('events.plan-change', 'changes');
  const { events, streams } = await runSamples(planOf(text), folder, { ...options, events: 40 });
  const [source] = streams[0]!.steps;
  assert.deepEqual([events, source!.step, source!.passed > 0], [40, 'source', true]);
});

test('a topology that reads only what gateways write has no samples', async () => {
  const text = `
topology: reports
streams:
  reports:
    id: reports
    from: { topic: events.device-reports, schema: DeviceReport, time: value.reportedAt, id: value.eventId }
    to: { topic: answers, schema: DeviceReport }
`;
  assert.equal((await runSamples(planOf(text), folder, options)).events, 0);
});
