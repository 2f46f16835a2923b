/** Crash and restart: rules S50, S51, S56, held records, tables before events, exactly once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';

const EVENTS = 'events.plan-change';
const DEDUP = '      - dedup: { by: [value.eventId], within: 10m }\n';
const COALESCE =
  '      - coalesce: { by: [value.memberId], quiet: 2s, at_most: 5s, keys_max: 10, on_full: drop }\n';

type Way = 'none' | 'crash' | 'restart';
const WAYS: readonly Way[] = ['none', 'crash', 'restart'];

async function away(driven: Driven, way: Way): Promise<void> {
  if (way === 'crash') await driven.driver.crash();
  if (way === 'restart') await driven.driver.restart();
}

const idsOf = (driven: Driven) =>
  driven.notifications.map(({ sequence, id }) => `${sequence} ${id}`);

for (const commitEvery of [1, 3, 100]) {
  for (const way of WAYS) {
    test(`S50, S51: dedup with a commit every ${commitEvery}, ${way}: each id once`, async () => {
      const driven = await Driven.open(lanesWith(planChanges({ steps: DEDUP })), { commitEvery });
      await driven.register('tv-1', 'm-1');
      await driven.driver.commit();
      const plain = await Driven.open(lanesWith(planChanges({ steps: DEDUP })));
      await plain.register('tv-1', 'm-1');
      for (const id of ['e1', 'e1', 'e2', 'e3', 'e2', 'e4', 'e1']) {
        await plain.feed(EVENTS, 'm-1', planChange(id, 'm-1'));
        await driven.feed(EVENTS, 'm-1', planChange(id, 'm-1'));
        await away(driven, way);
      }
      await driven.end();
      await plain.end();
      assert.equal(plain.notifications.length, 4);
      assert.deepEqual(idsOf(driven), idsOf(plain), 'as if nothing had happened');
      const { dropped, in: read } = driven.driver.totals();
      assert.deepEqual([dropped, read], [{ duplicate: 3 }, 7 + 2]);
    });
  }
}

test('S56: the first record after a restart sees what it would have seen without', async () => {
  const driven = await Driven.open(lanesWith(planChanges({ steps: DEDUP })));
  await driven.register('tv-1', 'm-1');
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.driver.advance(599_999);
  await driven.driver.restart();
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1', { changedAt: START_MS + 599_999 }));
  assert.equal(driven.notifications.length, 1);
  await driven.driver.crash();
  await driven.driver.advance(2);
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1', { changedAt: START_MS + 600_001 }));
  await driven.end();
  assert.equal(driven.notifications.length, 2, 'the anchor is the first, seen ten minutes ago');
});

for (const way of WAYS) {
  for (const commitEvery of [1, 2]) {
    test(`coalesce, ${way}, commit every ${commitEvery}: held rows keep their time and count`, async () => {
      const steps = `      - gate_staleness: { max_age: 1h }\n${COALESCE}`;
      const driven = await Driven.open(lanesWith(planChanges({ steps })), { commitEvery });
      await driven.register('tv-1', 'm-1');
      await driven.driver.commit();
      for (const [i, atMs] of [0, 1_000].entries()) {
        await driven.driver.advanceTo(START_MS + atMs);
        await driven.feed(
          EVENTS,
          'm-1',
          planChange(`e${i}`, 'm-1', { changedAt: START_MS + atMs }),
        );
      }
      assert.equal(driven.driver.totals().held, 1);
      await away(driven, way);
      assert.equal(driven.driver.totals().held, 1);
      await driven.driver.advanceTo(START_MS + 2_999);
      assert.equal(driven.notifications.length, 0);
      await driven.driver.advanceTo(START_MS + 3_000);
      await driven.end();
      const [told] = driven.notifications;
      assert.equal(driven.notifications.length, 1);
      assert.deepEqual(
        [told!.count, told!.born - START_MS, told!.deadline - START_MS, told!.sequence],
        [2, 1_000, 3_601_000, 1],
      );
      assert.equal(driven.of('notifications.critical.inbox')[0]!.atMs, START_MS + 3_000);
      assert.deepEqual(driven.driver.totals().dropped, { superseded: 1 });
    });
  }
}

test('what came due while nobody ran goes out at once, and only once', async () => {
  const driven = await Driven.open(lanesWith(planChanges({ steps: COALESCE })), { commitEvery: 9 });
  await driven.register('tv-1', 'm-1');
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.driver.commit();
  await driven.feed('events.device-registration', 'x', {
    ...{ deviceId: 'x', action: 'DELETED', memberId: '', class: 'tv', platform: '', app: '' },
    ...{ locale: '', transports: [], deadToken: null, deadBefore: null, occurredAt: START_MS },
  });
  // It fires, but the commit of one record in nine is not due: the crash takes it back.
  await driven.driver.advance(10_000);
  assert.equal(driven.notifications.length, 0);
  await driven.driver.crash();
  await driven.end();
  assert.deepEqual(
    driven.notifications.map(({ sequence, count }) => [sequence, count]),
    [[1, 1]],
  );
});

test('tables are read to their end before the first event', async () => {
  const driven = await Driven.open(lanesWith(planChanges({})), { commitEvery: 100 });
  await driven.register('tv-1', 'm-1');
  await driven.driver.commit();
  await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
  await driven.driver.crash();
  await driven.end();
  assert.equal(driven.notifications.length, 1);
  assert.deepEqual(driven.driver.totals().dropped, {});
});

for (const partitions of [1, 3]) {
  for (const commitEvery of [1, 2, 5, 1_000]) {
    test(`exactly once: a commit every ${commitEvery}, ${partitions} partition(s), crashes`, async () => {
      const driven = await Driven.open(lanesWith(planChanges({ steps: DEDUP })), {
        commitEvery,
        partitions,
      });
      for (const n of [1, 2, 3, 4]) await driven.register(`tv-${n}`, `m-${n}`);
      await driven.driver.commit();
      let crashes = 0;
      for (let i = 0; i < 40; i++) {
        const member = `m-${1 + (i % 4)}`;
        await driven.feed(EVENTS, member, planChange(`e${i}`, member));
        if (i % 7 === 3) {
          crashes++;
          await driven.driver.crash();
        }
        if (i % 13 === 5) await driven.driver.restart();
      }
      await driven.end();
      assert.ok(crashes > 3);
      const numbers = new Map<string, number[]>();
      for (const { deviceId, sequence } of driven.notifications) {
        numbers.set(deviceId, [...(numbers.get(deviceId) ?? []), sequence]);
      }
      const dense = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
      assert.deepEqual([...numbers.values()], [dense, dense, dense, dense]);
      const ids = new Set(driven.notifications.map(({ id }) => id));
      assert.equal(ids.size, 40, 'offsets, rows and outputs are one transaction');
      const stored = driven.driver.rows('critical/numbers').map(([, row]) => {
        return [...(row as Map<string, { last: number }>).values()].map(({ last }) => last);
      });
      assert.deepEqual(stored, [[10], [10], [10], [10]]);
      assert.equal(driven.driver.totals().in, 40 + 2 * 4);
    });
  }
}

test('more than a queue holds is read again after a crash, once', async () => {
  const EVENTS_FED = 5_000;
  const driven = await Driven.open(lanesWith(planChanges({ steps: DEDUP })), {
    commitEvery: 1_000_000,
  });
  await driven.register('tv-1', 'm-1');
  await driven.driver.commit();
  for (let i = 0; i < EVENTS_FED; i++) await driven.feed(EVENTS, 'm-1', planChange(`e${i}`, 'm-1'));
  await driven.driver.crash();
  await driven.end();
  assert.equal(driven.notifications.length, EVENTS_FED);
  assert.equal(new Set(driven.notifications.map(({ id }) => id)).size, EVENTS_FED);
  assert.deepEqual(driven.notifications.at(-1)!.sequence, EVENTS_FED);
  const kept = driven.given.filter(({ sink }) => sink === 'inbox');
  assert.equal(new Set(kept.map(({ notification }) => notification.id)).size, EVENTS_FED);
});

test('the sums go on behind a step that gives one for one, and end behind one that does not', async () => {
  const fields = ['eventId', 'memberId', 'planFrom', 'planTo', 'streamsMax', 'changedAt'];
  const map = `      - map: { fields: { ${fields.map((name) => `${name}: value.${name}`).join(', ')} } }\n`;
  const filter = `      - filter: { where: "value.planTo != 'none'" }\n`;
  const driven = await Driven.open(lanesWith(planChanges({ steps: map + filter })));
  await driven.register('tv-1', 'm-1');
  const before = driven.driver.totals();
  await driven.feed(EVENTS, 'm-1', planChange('e-1', 'm-1', { planTo: 'none' }));
  await driven.feed(EVENTS, 'm-1', planChange('e-2', 'm-1'));
  await driven.feed(EVENTS, 'm-2', planChange('e-3', 'm-2'));
  const { in: read, passed, dropped } = driven.driver.totals();
  assert.deepEqual(
    [read - before.in, passed - before.passed, dropped],
    [3, 1, { filtered: 1, no_devices: 1 }],
  );
});
