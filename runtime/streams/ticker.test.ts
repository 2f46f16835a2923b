/** Ticks of a clock through restarts, crashes and downtimes: each planned time once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { HandClock } from '../../core/clock.ts';
import type { CommitUnit, TaskPort, UnitPort } from '../../core/log.ts';
import { Driven, lanesWith, START_MS } from '../../test/kit/drive.ts';
import { Unit } from '../unit.ts';
import { StreamsTask } from './streams-task.ts';
import { notePosition, readPosition } from './ticker.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Ticks as they come into a topic, and whoever has a device, each day. */
const ticking = (missed: string, cron = '0 8 * * *') => `topology: t
streams:
  morning:
    id: mo
    from: { clock: { cron: "${cron}", zone: UTC, missed: ${missed} } }
    to: { topic: mornings, schema: ClockTick }
`;

const MEMBERS = `  morning:
    id: mo
    priority: { as: low }
    from: { clock: { cron: "0 8 * * *" } }
    steps:
      - each_row: { table: devices, as: member }
      - map: { fields: { id: value.id, plannedAt: value.plannedAt, local: value.local, zone: value.zone, partition: value.partition } }
      - fan_out: { table: devices, by: key }
    to: { lane: notifications, schema: ClockTick }
`;

interface Tick {
  readonly id: string;
  readonly plannedAt: number;
  readonly local: string;
  readonly partition: number;
}

/** `day hour`, in the order in which they came. */
const plannedOf = (driven: Driven, topic = 'mornings') =>
  driven.of(topic).map(({ value }) => (value as Tick).local.slice(8).replace('T', ' '));

const missedOf = (driven: Driven) => driven.drops.filter((one) => one === 'morning/clock missed');

/** Stopped, and opened again so long after it on the same log: a downtime. */
async function after(driven: Driven, text: string, ms: number): Promise<Driven> {
  await driven.driver.close();
  await driven.log.forget();
  const again = await Driven.open(text, {
    log: driven.log,
    startMs: driven.driver.clock.now() + ms,
  });
  return again;
}

test('a tick comes at its time, in each partition, with what a step may read', async () => {
  const driven = await Driven.open(ticking('latest'), { partitions: 3 });
  await driven.driver.advance(8 * HOUR - 1);
  assert.deepEqual(driven.of('mornings'), []);
  await driven.driver.advance(1);
  const ticks = driven.of('mornings');
  assert.deepEqual(ticks.map(({ partition }) => partition).sort(), [0, 1, 2]);
  const { value } = ticks.find(({ partition }) => partition === 0)!;
  assert.deepEqual(
    { ...(value as Tick) },
    {
      id: 'mo@2026-01-01T08:00:00.000Z/0',
      plannedAt: START_MS + 8 * HOUR,
      local: '2026-01-01T08:00',
      zone: 'UTC',
      partition: 0,
    },
  );
  await driven.end();
});

test('the clock of a wall: what the zone has is told as it is read there', async () => {
  const text = ticking('latest').replace('zone: UTC', 'zone: Asia/Kolkata');
  const driven = await Driven.open(text);
  await driven.driver.advance(26.5 * HOUR);
  assert.deepEqual(plannedOf(driven), ['01 08:00', '02 08:00']);
  assert.equal((driven.of('mornings')[0]!.value as Tick).plannedAt, START_MS + 2.5 * HOUR);
  await driven.end();
});

for (const [missed, downHours, told, lost] of [
  ['latest', 3 * 24, ['01 08:00', '04 08:00'], 2],
  ['all', 3 * 24, ['01 08:00', '02 08:00', '03 08:00', '04 08:00'], 0],
  ['none', 3 * 24, ['01 08:00'], 3],
  ['latest', 12, ['01 08:00'], 0],
  ['all', 12, ['01 08:00'], 0],
  ['none', 12, ['01 08:00'], 0],
] as const) {
  test(`missed: ${missed}, away for ${downHours} hours`, async () => {
    const first = await Driven.open(ticking(missed));
    await first.driver.advance(9 * HOUR);
    const again = await after(first, ticking(missed), downHours * HOUR);
    assert.deepEqual([...plannedOf(first), ...plannedOf(again)], told);
    assert.equal(missedOf(again).length, lost);
    // And goes on with what comes next.
    await again.driver.advance(24 * HOUR);
    assert.equal(plannedOf(again).at(-1)?.slice(2), ' 08:00');
    await again.end();
  });
}

for (const [lateMs, told] of [
  [0, 1],
  [MINUTE, 1],
  [MINUTE + 1, 0],
] as const) {
  test(`missed: none, ${lateMs} ms late`, async () => {
    const first = await Driven.open(ticking('none'));
    await first.driver.advance(7 * HOUR);
    const again = await after(first, ticking('none'), HOUR + lateMs);
    assert.equal(plannedOf(again).length, told);
    assert.equal(missedOf(again).length, 1 - told);
    await again.end();
  });
}

test('what was planned before the clock began is nobody’s', async () => {
  for (const missed of ['latest', 'all', 'none']) {
    const driven = await Driven.open(ticking(missed), { startMs: START_MS + 10 * 24 * HOUR + 1 });
    assert.deepEqual(plannedOf(driven), []);
    assert.deepEqual(missedOf(driven), []);
    await driven.driver.advance(8 * HOUR);
    assert.deepEqual(plannedOf(driven), ['11 08:00']);
    await driven.end();
  }
});

test('a crash before the commit: the same tick, once', async () => {
  const driven = await Driven.open(ticking('latest'), { commitEvery: 1_000, partitions: 2 });
  await driven.driver.advance(8 * HOUR);
  await driven.driver.crash();
  await driven.driver.advance(MINUTE);
  await driven.driver.commit();
  const ids = driven.of('t.mo.ticks').map(({ value }) => (value as Tick).id);
  const id = 'mo@2026-01-01T08:00:00.000Z';
  assert.deepEqual(ids.sort(), [`${id}/0`, `${id}/1`]);
  assert.equal(driven.of('mornings').length, 2);
  await driven.end();
});

test('a crash behind its topic, and restarts at the very time: once', async () => {
  const driven = await Driven.open(ticking('all', '*/30 * * * *'));
  driven.driver.crashBehind('t.mo.ticks');
  await driven.driver.advance(30 * MINUTE);
  for (let n = 0; n < 3; n++) {
    await driven.driver.restart();
    await driven.driver.crash();
    await driven.driver.advance(30 * MINUTE);
  }
  const planned = ['01 00:30', '01 01:00', '01 01:30', '01 02:00'];
  assert.deepEqual(plannedOf(driven), planned);
  assert.deepEqual(plannedOf(driven, 't.mo.ticks'), planned);
  await driven.end();
});

test('a position that is lost is found in the ticks themselves', async () => {
  const first = await Driven.open(ticking('all'));
  await first.driver.advance(33 * HOUR);
  await first.driver.close();
  await first.log.positions.set('t.clock.mo', [
    { topic: 't.mo.ticks', partition: 0, offset: -1, metadata: '' },
  ]);
  await first.log.forget();
  const again = await Driven.open(ticking('all'), {
    log: first.log,
    startMs: START_MS + 57 * HOUR,
  });
  assert.deepEqual(
    [...plannedOf(first), ...plannedOf(again)],
    ['01 08:00', '02 08:00', '03 08:00'],
  );
  await again.end();
});

test('a tick that somebody else has written is told, and moves no clock', async () => {
  const driven = await Driven.open(ticking('all'));
  await driven.driver.advance(HOUR);
  const at = START_MS + 5 * 24 * HOUR;
  const byHand = {
    id: 'by-hand',
    plannedAt: at,
    local: '2026-01-06T00:00',
    zone: 'UTC',
    partition: 0,
  };
  await driven.feed('t.mo.ticks', '0', byHand);
  await driven.driver.advance(7 * HOUR);
  assert.deepEqual(plannedOf(driven), ['06 00:00', '01 08:00']);
  await driven.end();
});

test('many missed times are settled a piece at a time, in their order', async () => {
  const first = await Driven.open(ticking('all', '* * * * *'));
  await first.driver.advance(MINUTE);
  const again = await after(first, ticking('all', '* * * * *'), 200 * MINUTE);
  const planned = again.of('mornings').map(({ value }) => (value as Tick).plannedAt);
  assert.deepEqual(
    planned,
    Array.from({ length: 200 }, (_, n) => START_MS + (n + 2) * MINUTE),
  );
  await again.end();
});

test('members are reached: one record for each row, in the partition that has it', async () => {
  const driven = await Driven.open(lanesWith(MEMBERS), { partitions: 4 });
  const members = Array.from({ length: 20 }, (_, n) => `m-${n}`);
  for (const member of members) await driven.register(`tv-${member}`, member);
  await driven.driver.advance(32 * HOUR);
  const told = driven.notifications;
  assert.equal(told.length, 40);
  assert.equal(new Set(told.map(({ id }) => id)).size, 40);
  assert.deepEqual(
    told.map(({ deviceId }) => deviceId).sort(),
    [...members, ...members].map((m) => `tv-${m}`).sort(),
  );
  await driven.end();
});

test('a large table is walked in pieces: a crash in the middle goes on, no row is told twice', async () => {
  const driven = await Driven.open(lanesWith(MEMBERS), { partitions: 2 });
  const members = Array.from({ length: 1_500 }, (_, n) => `m-${n}`);
  for (const member of members) await driven.register(`tv-${member}`, member);
  await driven.driver.advanceTo(START_MS + 8 * HOUR);
  const steps = [driven.notifications.length];
  for (let n = 0; n < 6; n++) {
    if (n === 1) await driven.driver.crash();
    if (n === 2) await driven.driver.restart();
    await driven.driver.advance(1);
    steps.push(driven.notifications.length);
  }
  // Two partitions, 256 rows each.
  assert.deepEqual(steps.slice(0, 2), [512, 1_024]);
  assert.equal(steps.at(-1), 1_500);
  const told = driven.notifications.map(({ deviceId }) => deviceId);
  assert.equal(new Set(told).size, 1_500);
  await driven.end();
});

test('a walk goes on elsewhere, over rows that have come and gone', async () => {
  const driven = await Driven.open(lanesWith(MEMBERS), { partitions: 1 });
  const members = Array.from({ length: 600 }, (_, n) => `m-${n}`);
  for (const member of members) await driven.register(`tv-${member}`, member);
  await driven.driver.advanceTo(START_MS + 8 * HOUR);
  const before = new Set(driven.notifications.map(({ deviceId }) => deviceId));
  assert.equal(before.size, 256);
  const gone = members.find((member) => !before.has(`tv-${member}`))!;
  await driven.raw('tables.devices', gone, null);
  await driven.driver.restart();
  await driven.driver.advance(5);
  const told = driven.notifications.map(({ deviceId }) => deviceId);
  assert.equal(new Set(told).size, 599);
  assert.equal(told.length, 599);
  assert.ok(!told.includes(`tv-${gone}`));
  await driven.end();
});

test('a position is noted in the metadata, and another form is none', () => {
  const position = { toldToMs: 1_767_225_600_000, offset: 17 };
  assert.equal(notePosition(position), 'clock:1767225600000@17');
  assert.deepEqual(readPosition(notePosition(position)), position);
  for (const other of ['', 'at:va=3', 'clock:', 'clock:1', 'clock:x@1', 'clock:1@']) {
    assert.equal(readPosition(other), undefined, other);
  }
});

test('a log that forgets nothing: two versions of one log see each tick once', async () => {
  const log = new MemoryLog();
  const first = await Driven.open(ticking('all'), { log });
  await first.driver.advance(8 * HOUR);
  const again = await after(first, ticking('all'), 0);
  assert.deepEqual(plannedOf(again), []);
  await again.end();
});

test('no tick before all that was told is read, and its offset goes along with it', async () => {
  const driven = await Driven.open(ticking('latest'));
  const sub = driven.plan.subTopologies.find(({ clock }) => clock !== undefined)!;
  const clock = new HandClock(START_MS + 9 * HOUR);
  const commits: CommitUnit[] = [];
  const unitPort: UnitPort = { commit: (unit) => void commits.push(unit) };
  let isAtEnd = false;
  const port: TaskPort = {
    partition: 0,
    unit: unitPort,
    committedMetadata: () => notePosition({ toldToMs: START_MS, offset: 17 }),
    take: () => undefined,
    isAtEnd: () => isAtEnd,
    fail: (error) => assert.fail(error),
  };
  const unit = new Unit(unitPort, { minMs: 0, maxMs: 0, recordsMax: 1 }, clock, () => {});
  const { schemas } = driven;
  const task = new StreamsTask(driven.plan, sub, port, unit, {
    ...{ clock, schemas, partitions: 1, wake: () => {} },
  });
  unit.add(task);
  task.ready();
  // What lies in the log may be this very tick, of a task that has died.
  assert.equal(task.runSlice(), false);
  assert.equal(task.nextDueMs(), Number.POSITIVE_INFINITY);
  assert.equal(task.idle, false);
  isAtEnd = true;
  assert.equal(task.nextDueMs(), START_MS + 8 * HOUR);
  assert.equal(task.runSlice(), true);
  await unit.commit();
  const [part] = commits[0]!.parts;
  const told = notePosition({ toldToMs: START_MS + 8 * HOUR, offset: 17 });
  assert.deepEqual(part!.offsets, [{ topic: 't.mo.ticks', offset: 17, metadata: told }]);
  assert.deepEqual(
    part!.batches.map(({ topic, count }) => `${topic} ${count}`),
    ['t.mo.ticks 1'],
  );
  await driven.end();
});
