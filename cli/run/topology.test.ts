import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { packageFolder } from '../version.ts';
import { eventTypesOf } from './topology.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-types-'));
after(() => rmSync(folder, { recursive: true }));

async function typesOf(topologyText: string): Promise<string[]> {
  const file = join(folder, 'reno.yaml');
  writeFileSync(file, topologyText);
  const deployment = readDeployment({ file: undefined, folder, env: {} });
  const topology = await loadTopology({ ...deployment, topology: file }, { folder, env: {} });
  return [...eventTypesOf(topology).keys()].sort();
}

const RENO = readFileSync(join(packageFolder, 'topology/reno.yaml'), 'utf8');
const SIX = [
  'diagnostic-signal',
  'my-list-update',
  'plan-change',
  'profile-change',
  'recommendation-refresh',
  'viewing-activity',
];

test('producers may send what the streams read', async () => {
  assert.deepEqual(await typesOf(RENO), SIX);
});

test('a topic of another name is its own type, but for what the topology itself writes', async () => {
  const stream = (id: string, from: string, to: string) =>
    `  ${id}: { id: ${id}, from: { topic: ${from}, schema: PlanChange }, to: { topic: ${to}, schema: PlanChange } }\n`;
  const rows: readonly [string, string[]][] = [
    [stream('a', 'plans', 'out'), ['plans']],
    [stream('a', 'acme.plans', 'out') + stream('b', 'events.plans', 'o2'), ['acme.plans', 'plans']],
    [stream('a', 'plans', 'half') + stream('b', 'half', 'out'), ['plans']],
    [stream('a', 'plans', 'out') + stream('b', 'events.plans', 'out'), ['plans']],
  ];
  for (const [streams, types] of rows) {
    assert.deepEqual(await typesOf(`topology: reno\nstreams:\n${streams}`), types, streams);
  }
});

test('the engine’s own topics are no event types, also when a stream reads them', async () => {
  const spying = (topic: string, schema: string) => `
  spy-${schema.toLowerCase()}:
    id: spy-${schema.toLowerCase()}
    priority: { as: low }
    from: { topic: ${topic}, schema: ${schema}, time: value.occurredAt }
    steps:
      - filter: { where: 'value.deviceId == "x"' }
    to: { topic: events.spied-${schema.toLowerCase()}, schema: ${schema} }
`;
  const more = [
    spying('events.device-registration', 'DeviceRegistration'),
    spying('events.connections', 'Connection'),
  ];
  const text = RENO.replace(/^streams:\n/m, `streams:\n${more.join('')}`);
  assert.deepEqual(await typesOf(text), SIX);
});
