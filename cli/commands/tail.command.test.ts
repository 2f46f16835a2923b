/** `carillon tail` on an embedded log: where it ends, and what `--where` sees. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { openSchemaIds } from '../../connectors/embedded/schema-ids.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { WIRE_HEADER_BYTES } from '../../core/schema.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { packageFolder } from '../version.ts';

const LANE = 'notifications.critical.inbox';
const EVENTS = 'events.plan-change';
const TOPOLOGY = join(packageFolder, 'test/e2e/topologies/sockets.yaml');
/** Far above what it takes; a command that hangs is ended by it. */
const HANGS_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'carillon-tail-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'carillon.yaml'), `topology: ${TOPOLOGY}\ndata_folder: data\n`);
writeFileSync(
  join(folder, 'proc.yaml'),
  `topology: ${TOPOLOGY}\ndata_folder: /proc/x\nhttp: { port: 0 }\n`,
);

function carillon(...words: string[]): { code: number | null; out: string; err: string } {
  const program = join(packageFolder, 'cli/carillon.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    timeout: HANGS_MS,
  });
  return { code: status, out: stdout, err: stderr };
}

/** Two notifications, of m-1 and m-4, and their events. */
before(async () => {
  const clock = new HandClock(1_000);
  const log = openEmbeddedLog({ dir: join(folder, 'data'), clock });
  const topics = [
    { topic: LANE, schema: 'DeviceNotification' },
    { topic: EVENTS, schema: 'PlanChange' },
  ];
  await log.applyTopics(
    topics.map(({ topic: name }) => ({ name, partitions: 1, cleanup: 'delete' })),
  );
  const schemas = new AvroSchemas(
    readSchemaFolder(join(packageFolder, 'schemas')),
    openSchemaIds(log),
    clock,
  );
  await schemas.open(topics);
  const event = schemas.encoder('PlanChange');
  const notification = schemas.encoder('DeviceNotification');
  const lane = new BatchBuilder(LANE, 0);
  const events = new BatchBuilder(EVENTS, 0);
  for (const memberId of ['m-1', 'm-4']) {
    const value = { eventId: `e-${memberId}`, memberId, planTo: 'basic', changedAt: 5 };
    const told = {
      ...{ id: `n-${memberId}`, deviceId: `tv-${memberId}`, epoch: 1, sequence: 1, previous: 0 },
      ...{ useCase: 'pl', priority: 'critical', deadline: 0, collapseKey: null, count: 1, born: 5 },
      payloadSchemaId: event.schemaId,
      payload: event.toBuffer(value).subarray(WIRE_HEADER_BYTES),
    };
    lane.append(5, told.deviceId, notification.toBuffer(told));
    events.append(5, memberId, event.toBuffer(value));
  }
  const producer = await log.producer();
  await producer.send([lane.finish(), events.finish()]);
  await producer.close();
  await log.close();
});

const rows: readonly [words: readonly string[], shown: readonly string[], says?: RegExp][] = [
  [[LANE], ['tv-m-1', 'tv-m-4']],
  [[LANE, '--where', 'value.payload.memberId == "m-4"'], ['tv-m-4']],
  [[LANE, '--where', 'value.payload.memberId != "m-4" && key == "tv-m-1"'], ['tv-m-1']],
  [[LANE, '--where', 'value.deviceId == "tv-m-4"'], ['tv-m-4']],
  [[LANE, '--where', 'value.payload.memberId == "m-9"'], [], /none of 2 records/],
  [[LANE, '--where', 'value.payload.nothing == 1'], [], /2 records have no such fields/],
  [[EVENTS, '--where', 'value.memberId == "m-4"'], ['m-4']],
  [[LANE, '--from', 'end'], [], /no records from end on/],
  [[EVENTS, '--from', 'end', '--where', 'value.memberId == "m-4"'], [], /no records from end on/],
  [[LANE, '--from', 'start', '--count', '1'], ['tv-m-1']],
];
for (const [words, shown, says] of rows) {
  test(`carillon tail ${words.join(' ')}`, () => {
    const { code, out, err } = carillon('tail', ...words, '--format', 'json');
    const lines = out.split('\n').filter((line) => line !== '');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).key),
      shown,
      err,
    );
    if (says !== undefined) assert.match(err, says);
    assert.equal(code, 0, 'it ends by itself');
  });
}

const wrong: readonly [where: string, code: string, says: RegExp][] = [
  ['value.payload.memberId = "m-4"', 'CAR310', /did you mean "=="/],
  ['value.payload.memberId == "m-4" and true', 'CAR310', /did you mean "&&"/],
  ['value.paylod.memberId == "m-4"', 'CAR402', /did you mean "payload"/],
  ['payload.memberId == "m-4"', 'CAR311', /did you mean "value.payload"/],
];
for (const [where, expected, says] of wrong) {
  test(`carillon tail --where '${where}' is refused as ${expected}`, () => {
    const { code, err } = carillon('tail', LANE, '--where', where);
    assert.match(err, new RegExp(`error ${expected} `));
    assert.match(err, says);
    assert.equal(err.match(/error CAR/g)?.length, 1);
    assert.equal(code, 1);
  });
}

for (const [words, expected] of [
  [['run', '--deployment', 'proc.yaml'], 'CAR601'],
  [['demo', '--deployment', 'proc.yaml', '--seconds', '1'], 'CAR601'],
  [['token', '--device', 'a', '--deployment', 'proc.yaml'], 'CAR601'],
  [['tail', LANE, '--deployment', 'proc.yaml'], 'CAR911'],
] as const) {
  const isLinux = existsSync('/proc/self');
  test(`a data folder that cannot be is told: ${words[0]}`, { skip: !isLinux }, () => {
    const { code, err } = carillon(...words);
    assert.match(err, new RegExp(`error ${expected} `));
    assert.match(err, /\/proc\/x/);
    assert.equal(code, 1);
  });
}
