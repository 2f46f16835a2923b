/** A table that is joined, over edits of the topology: it begins anew where it was not joined. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { Driven, planChange, planOf } from '../../test/kit/drive.ts';
import { startOfEdit } from '../../test/kit/start-of-edit.ts';
import { countRows, readRows } from './state-rows.ts';

const TABLE = 'tables.plan';
const CHANGELOG = 't.streams.table--tables.plan-changelog';

const topology = (steps: string, id = 'pl') => `topology: t
tables:
  plans: { topic: tables.plan, schema: PlanChange, key: memberId }
streams:
  plan-change:
    id: ${id}
    from: { topic: events.plan-change, schema: PlanChange, start: earliest }
    steps:
${steps}      - map:
          fields:
            eventId: value.eventId
            memberId: value.memberId
            planFrom: ${steps === '' ? 'value.planFrom' : 'value.plan.planTo'}
            planTo: value.planTo
            streamsMax: value.streamsMax
            changedAt: value.changedAt
    to: { topic: plan-steps, schema: PlanChange }
`;
const PLAIN = topology('');
const JOINED = topology('      - join: { table: plans, as: plan }\n');
const LEFT = topology('      - join: { table: plans, type: left, as: plan }\n');

class World {
  readonly log = new MemoryLog();
  readonly registry = new MemoryRegistry();

  /** As a start does it, before a group is joined. */
  async apply(text: string): Promise<void> {
    await startOfEdit(this.log, planOf(text), text);
  }

  async run(text: string, work: (driven: Driven) => Promise<void>): Promise<string[]> {
    await this.apply(text);
    const driven = await Driven.open(text, { log: this.log, registry: this.registry });
    await work(driven);
    await driven.end();
    return driven.of('plan-steps').map(({ value }) => {
      const { eventId, planFrom } = value as { eventId: string; planFrom: string | null };
      return `${eventId} ${planFrom}`;
    });
  }

  async position(): Promise<number> {
    const [at] = await this.log.positions.committed('t.streams', [TABLE]);
    return at?.offset ?? -1;
  }

  async rows(): Promise<number> {
    return countRows(await readRows(this.log, CHANGELOG));
  }
}

const event = (driven: Driven, id: string) =>
  driven.feed('events.plan-change', 'm-1', planChange(id, 'm-1'));
const row = (driven: Driven, member: string, planTo: string) =>
  driven.feed(TABLE, member, planChange(planTo, member, { planTo }));

test('a table that is joined by an edit has all of its rows, and the stream goes on', async () => {
  const world = new World();
  assert.deepEqual(await world.run(PLAIN, (driven) => event(driven, 'e1')), ['e1 null']);
  const joined = await world.run(JOINED, async (driven) => {
    await row(driven, 'm-1', 'gold');
    await event(driven, 'e2');
  });
  assert.deepEqual(joined, ['e2 gold']);
  assert.deepEqual([await world.position(), await world.rows()], [1, 1]);
});

test('an edit that is not of the table keeps rows and position', async () => {
  const world = new World();
  await world.run(JOINED, (driven) => row(driven, 'm-1', 'gold'));
  await world.apply(LEFT);
  assert.deepEqual([await world.position(), await world.rows()], [1, 1]);
  assert.deepEqual(await world.run(LEFT, (driven) => event(driven, 'e1')), ['e1 gold']);
});

test('a table that was out of use begins anew, with rows and position', async () => {
  const world = new World();
  await world.run(JOINED, async (driven) => {
    await row(driven, 'm-1', 'gold');
    await row(driven, 'm-2', 'silver');
  });
  await world.apply(PLAIN);
  assert.deepEqual([await world.position(), await world.rows()], [2, 2], 'nobody looks at them');
  await world.apply(JOINED);
  assert.deepEqual([await world.position(), await world.rows()], [0, 0]);
  assert.deepEqual(await world.run(JOINED, (driven) => event(driven, 'e1')), ['e1 gold']);
  assert.deepEqual([await world.position(), await world.rows()], [2, 2]);
});
