/** A table that steps look up in another topic than before: its rows are a loss, until told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { systemClock } from '../../core/clock.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { Driven, lanesWith, planChange, planChanges, planOf } from '../../test/kit/drive.ts';
import { startOfEdit } from '../../test/kit/start-of-edit.ts';
import { appliedOf } from './applied.ts';
import { compareFiles, compareWithStored } from './comparison.ts';
import type { Losing } from './judge.ts';

const ROW = 'schema: PlanChange, key: memberId';
const joins = (table = 'plans', rows = `${table}: { topic: tables.plan, ${ROW} }`) => `topology: t
tables:
  ${rows}
streams:
  plan-change:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange, start: earliest }
    steps:
      - join: { table: ${table}, as: plan }
      - map: { fields: { eventId: value.eventId, memberId: value.memberId, planFrom: value.planFrom, planTo: value.plan.planTo, streamsMax: value.streamsMax, changedAt: value.changedAt } }
    to: { topic: plan-steps, schema: PlanChange }
`;
const other = (text: string, topic: string) => text.replace(topic, `${topic}-2`);
const told = lanesWith(planChanges({}));
const renamed = told.replace(/devices( *:)/, 'devs$1').replace('table: devices', 'table: devs');
const gated = told.replace(
  'transport: all },',
  'transport: all }, steps: [{ gate_online: { table: presence } }],',
);

const FILES: readonly (readonly [what: string, was: string, is: string, ...lost: string[]])[] = [
  ['nothing', told, told],
  ['fan_out', told, other(told, 'tables.devices'), 'devices tables.devices'],
  ['back to the topic of the engine', other(told, 'tables.devices'), told],
  ['another name', told, renamed],
  ['another name and topic', told, other(renamed, 'tables.devices'), 'devs tables.devices'],
  ['owners, which are of the engine', told, other(told, 'tables.device-owners')],
  ['a step of a sink', gated, other(gated, 'tables.presence'), 'presence tables.presence'],
  ['a join', joins(), other(joins(), 'tables.plan'), 'plans tables.plan'],
  ['a join, whole', joins(), joins().replace('memberId }', 'memberId, whole: true }')],
  [
    'another table that was there',
    joins('plans', `plans: { topic: tables.plan, ${ROW} }\n  more: { topic: tables.more, ${ROW} }`),
    joins('more', `plans: { topic: tables.plan, ${ROW} }\n  more: { topic: tables.more, ${ROW} }`),
    'more tables.plan',
  ],
];
for (const [what, was, is, ...expected] of FILES) {
  test(`tables of another topic, of two files: ${what}`, () => {
    const found = compareFiles(appliedOf(planOf(was), was), appliedOf(planOf(is), is));
    const losing = found.lines.flatMap(({ of, name, how, what: words }) =>
      of === 'table' && how === 'loses' ? [`${name} ${/rows of (\S+) /.exec(words)![1]}`] : [],
    );
    assert.deepEqual(losing, expected);
    assert.deepEqual(
      found.stakes.losses.map(({ code }) => code),
      expected.map(() => 'CAR826'),
    );
    const orphaned = found.lines.filter(({ how }) => how === 'orphaned').map(({ name }) => name);
    for (const one of expected) assert.ok(orphaned.includes(one.split(' ')[1]!), orphaned.join());
  });
}

test('what an older version stored names no tables: nothing is said of them', () => {
  const { lookups: _, ...was } = appliedOf(planOf(joins()), joins());
  const is = other(joins(), 'tables.plan');
  assert.deepEqual(compareFiles(was, appliedOf(planOf(is), is)).stakes.losses, []);
});

class World {
  readonly log = new MemoryLog();
  readonly registry = new MemoryRegistry();

  async apply(text: string, losing: Losing): Promise<void> {
    await startOfEdit(this.log, planOf(text), text, losing);
  }

  async run(text: string, work: (driven: Driven) => Promise<void>, losing: Losing = 'refuse') {
    await this.apply(text, losing);
    const driven = await Driven.open(text, { log: this.log, registry: this.registry });
    await work(driven);
    await driven.end();
  }

  async lost(text: string): Promise<readonly string[]> {
    const plan = planOf(text);
    const is = appliedOf(plan, text);
    const { stakes } = await compareWithStored(this.log, plan, is, systemClock.now());
    return stakes.losses.map(({ code, what }) => `${code} ${what}`);
  }
}

const row = (driven: Driven, topic: string, member: string) =>
  driven.feed(topic, member, planChange('gold', member));

test('a join is refused while the new topic lacks rows of the former one', async () => {
  const world = new World();
  const is = other(joins(), 'tables.plan');
  await world.run(joins(), async (driven) => {
    for (const member of ['m-1', 'm-2']) await row(driven, 'tables.plan', member);
  });
  const lost = (rows: string) => [
    `CAR826 table "plans" is read from tables.plan-2 now: ${rows} of tables.plan would not be found.`,
  ];
  assert.deepEqual(await world.lost(is), lost('2 rows'));
  await assert.rejects(world.apply(is, 'refuse'), /CAR826|tables\.plan-2/);
  const copied = await Driven.open(is, { log: world.log, registry: world.registry });
  await row(copied, 'tables.plan-2', 'm-1');
  assert.deepEqual(await world.lost(is), lost('1 row'));
  await row(copied, 'tables.plan-2', 'm-2');
  await copied.end();
  assert.deepEqual(await world.lost(is), []);
  await world.apply(is, 'refuse');
});

test('the devices of members are refused, until they are told to be dropped', async () => {
  const world = new World();
  const is = other(told, 'tables.devices');
  await world.run(told, (driven) => driven.register('tv-1', 'm-1'));
  await assert.rejects(world.apply(is, 'refuse'), /tables\.devices-2/);
  await world.apply(is, 'drop');
  assert.deepEqual(await world.lost(is), []);
});

test('a former topic without rows is no loss', async () => {
  const world = new World();
  await world.run(joins(), async () => {});
  await world.apply(other(joins(), 'tables.plan'), 'refuse');
});
