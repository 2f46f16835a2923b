/**
 * `carillon run` and `plan` after an edit of the topology file, as a process on one SQLite file.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openEmbeddedReader } from '../../connectors/embedded/reader.ts';
import { carillon, House, until } from './embedded-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-edited-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const SOCKETS = readFileSync(join(import.meta.dirname, 'topologies/sockets.yaml'), 'utf8');
const FIRST = SOCKETS.replace('priorities: [critical]', 'priorities: [critical, high]');
const COALESCE =
  '      - coalesce: { by: [value.memberId, value.eventId], quiet: 1h, at_most: 2h }\n';
const HOLDING = FIRST.replace('      - target:', `${COALESCE}      - target:`);
const HELD = 'carillon_records_held';

/** A stream on a topic and with a schema that were not there. */
const OTHER = `
  profile-change:
    id: pc
    priority: { as: high }
    from: { topic: events.profile-change, schema: ProfileChange, time: value.changedAt, id: value.eventId }
    steps:
      - dedup: { by: [value.eventId], within: 24h, keys_max: 1_000 }
      - fan_out: { table: devices, by: value.memberId, devices_max: 64 }
    to: { lane: notifications }
`;

/** Topics, and how many schemas the registry has. */
async function storedIn(house: House) {
  const reader = openEmbeddedReader(house.data)!;
  try {
    let schemas = 0;
    while ((await reader.schema(schemas + 1)) !== null) schemas++;
    return { topics: reader.topics().map(({ name }) => name), schemas };
  } finally {
    await reader.close();
  }
}

const event = (eventId: string) => {
  const plan = { planFrom: null, planTo: 'basic', streamsMax: 1 };
  return { eventId, memberId: 'm-1', ...plan, changedAt: Date.now() };
};

async function houseWith(name: string, text: string): Promise<{ house: House; file: string }> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  const house = new House({ topology: file });
  await house.start();
  await house.register('tv', 'm-1', 'inbox');
  return { house, file };
}

async function post(house: House, ...ids: string[]): Promise<void> {
  const producer = await house.client('producer');
  await producer.postEvents('plan-change', ids.map(event));
}

const told = async (house: House) =>
  (await house.inboxOf('tv')).map(({ priority, value }) => {
    return `${priority} ${(value as { eventId: string }).eventId}`;
  });

describe('a topology is edited', { concurrency: 2 }, () => {
  test('another priority: nothing is told again, and what came meanwhile is told', async () => {
    const { house, file } = await houseWith('priority', FIRST);
    try {
      await post(house, 'e1', 'e2');
      await until('both are told', async () => (await told(house)).length === 2);
      await house.kill();
      writeFileSync(file, FIRST.replace('as: critical', 'as: high'));
      await house.start();
      await post(house, 'e3', 'e1');
      await until('the third is told', async () => (await told(house)).length === 3);
      await until('the repeat is dropped', async () => {
        return (await house.metric('carillon_records_total', 'dropped', 'duplicate')) === 1;
      });
      assert.deepEqual(await told(house), ['critical e1', 'critical e2', 'high e3']);
    } finally {
      await house.close();
    }
  });

  test('a step that holds events is taken out: refused, planned, drained', async () => {
    const { house, file } = await houseWith('drained', HOLDING);
    try {
      await post(house, 'e1', 'e2');
      await until('both are held', async () => (await house.metric(HELD, 'coalesce')) === 2);
      const place = ['--deployment', house.deployment];
      writeFileSync(file, FIRST.replace('\nsinks:', `${OTHER}\nsinks:`));
      const made = await storedIn(house);
      const beside = await carillon(['plan', ...place]);
      assert.match(beside.output, /step +plan-change\/coalesce +loses +CAR810 .* holds 2 events/);
      assert.equal(beside.code, 2);
      await house.kill();
      const refused = await carillon(['run', ...place]);
      assert.match(refused.errors, /error CAR810 .*\n.*"coalesce" is no more, and holds 2 events/);
      assert.match(refused.errors, /Mend: .*--drain.*--drop/);
      assert.equal(refused.code, 1);
      assert.deepEqual(
        await storedIn(house),
        made,
        'an edit that is refused leaves nothing behind',
      );
      await house.start('--drain');
      const more = await storedIn(house);
      assert.ok(more.topics.includes('events.profile-change'));
      assert.ok(more.schemas > made.schemas);
      await until('both are told', async () => (await told(house)).length === 2);
      assert.equal(await house.metric(HELD, 'coalesce'), 0);
      await house.kill();
      const renamed = join(folder, 'renamed.yaml');
      writeFileSync(renamed, HOLDING.replace(/^topology: .*$/m, 'topology: other'));
      const other = await carillon(['plan', renamed, ...place]);
      assert.match(other.errors, /error CAR817/);
      const same = await carillon(['plan', ...place, '--format', 'json']);
      assert.equal((JSON.parse(same.output) as { loses: boolean }).loses, false);
      assert.equal(same.code, 0);
    } finally {
      await house.close();
    }
  });

  test('a step that holds events is taken out: dropped, and counted', async () => {
    const { house, file } = await houseWith('dropped', HOLDING);
    try {
      await post(house, 'e1', 'e2', 'e3');
      await until('all are held', async () => (await house.metric(HELD, 'coalesce')) === 3);
      await house.kill();
      writeFileSync(file, FIRST);
      await house.start('--drop');
      const counted = await house.metric('carillon_records_total', 'coalesce', 'step_removed');
      assert.equal(counted, 3);
      assert.deepEqual(await told(house), []);
    } finally {
      await house.close();
    }
  });

  test('--drain and --drop exclude each other', async () => {
    const { house } = await houseWith('both', FIRST);
    try {
      const ended = await carillon(['run', '--deployment', house.deployment, '--drain', '--drop']);
      assert.match(ended.errors, /error CAR900/);
      assert.equal(ended.code, 2);
    } finally {
      await house.close();
    }
  });
});

describe('plan without a log', () => {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  test('two files: what may be lost is said, though nothing can be counted', async () => {
    const { code, output } = await carillon([
      'plan',
      file('o.yaml', HOLDING),
      file('n.yaml', FIRST),
    ]);
    assert.match(output, /plan-change\/coalesce +loses +CAR810/);
    assert.match(output, /plan-change\/dedup, critical +keeps/);
    assert.match(output, /coalesce-changelog +orphaned/);
    assert.equal(code, 2);
  });

  test('two files of other names are no edit, as carillon run has it', async () => {
    const renamed = HOLDING.replace(/^topology: .*$/m, 'topology: other');
    const { code, errors } = await carillon([
      'plan',
      file('o.yaml', HOLDING),
      file('r.yaml', renamed),
    ]);
    assert.match(errors, /error CAR817/);
    assert.equal(code, 1);
  });

  test('nothing was ever run: everything starts', async () => {
    const data = join(folder, 'nothing');
    const deployment = file('nothing.yaml', JSON.stringify({ data_folder: data }));
    const { code, output } = await carillon([
      'plan',
      file('n.yaml', FIRST),
      '--deployment',
      deployment,
    ]);
    assert.match(output, /stream +plan-change +starts/);
    assert.match(output, /Nothing is lost\./);
    assert.equal(code, 0);
  });

  test('three files are too many', async () => {
    const { code, errors } = await carillon(['plan', 'a', 'b', 'c']);
    assert.match(errors, /error CAR900/);
    assert.equal(code, 2);
  });
});
