/** Records that come too late for their windows: dropped with their reason, and put aside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driven, planChange, START_MS } from '../test/kit/drive.ts';

const topology = (before = '') => `topology: t
streams:
  plans:
    id: p
    from: { topic: events.plan-change, schema: PlanChange, time: value.changedAt, id: value.eventId }
    steps:
${before}      - aggregate: { tumbling: { size: 10s }, grace: 5s, late_to: plans.late, fields: { n: count() } }
      - map: { fields: { eventId: key, memberId: key, planFrom: key, planTo: key, streamsMax: value.n, changedAt: value.window_start } }
    to: { topic: out, schema: PlanChange }
`;

const seconds = [1, 14, 9, 15, 9, 3, 16];

async function feedAll(driven: Driven, between: () => Promise<void> = async () => {}) {
  for (const [n, second] of seconds.entries()) {
    const changedAt = START_MS + second * 1000;
    const event = planChange(`e${n}`, 'm-1', { changedAt });
    await driven.feed('events.plan-change', 'm-1', event);
    await between();
  }
  await driven.end();
}

for (const way of ['plain', 'restart', 'crash'] as const) {
  test(`late records go aside as they came, with reason and lateness: ${way}`, async () => {
    const driven = await Driven.open(topology(), { commitEvery: way === 'crash' ? 3 : 1 });
    await feedAll(driven, async () => {
      if (way !== 'plain') await driven.driver[way]();
    });
    const late = driven.of('plans.late').map(({ key, value, timestamp, headers }) => {
      const { eventId } = value as { eventId: string };
      const { topic, partition, offset } = {
        topic: headers['carillon.topic'],
        partition: headers['carillon.partition'],
        offset: headers['carillon.offset'],
      };
      assert.equal(headers['carillon.reason'], 'late');
      assert.equal(`${headers['carillon.stream']}/${headers['carillon.step']}`, 'plans/aggregate');
      const behind = Number(headers['carillon.behind-ms']);
      return [key, eventId, behind, `${topic}/${partition}@${offset}`, timestamp];
    });
    assert.deepEqual(late, [
      ['m-1', 'e4', 6_000, 'events.plan-change/0@4', START_MS],
      ['m-1', 'e5', 12_000, 'events.plan-change/0@5', START_MS],
    ]);
    const { dropped, in: read, passed } = driven.driver.totals();
    assert.deepEqual([read, passed, dropped], [7, 5, { late: 2 }]);
  });
}

test('a value that an earlier step gave is kept readable', async () => {
  const map = '      - { name: short, map: { fields: { plan: value.planTo } } }\n';
  const driven = await Driven.open(topology(map));
  await feedAll(driven);
  const [first] = driven.of('plans.late');
  assert.deepEqual(JSON.parse(String(first!.value)), { plan: 'basic' });
  assert.equal(first!.headers['carillon.form'], 'json');
});

test('what no source takes is a dead letter, and moves no stream time', async () => {
  const driven = await Driven.open(topology());
  for (const changedAt of [START_MS + 1_000, -1, START_MS + 86_400_000, START_MS + 2_000]) {
    const event = planChange('e', 'm-1', { changedAt });
    await driven.feed('events.plan-change', 'm-1', event);
  }
  await driven.raw('events.plan-change', 'm-1', null);
  await driven.end();
  assert.deepEqual(
    driven.letters.map((letter) => letter.slice(0, 6)),
    ['CAR508', 'CAR508', 'CAR509'],
  );
  const counts = driven.of('out').map(({ value }) => (value as { streamsMax: number }).streamsMax);
  assert.deepEqual(counts, [1, 2]);
});
