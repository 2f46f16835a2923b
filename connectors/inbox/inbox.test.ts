import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import { type Delivery, delivered, type Outcome } from '../../core/outcome.ts';
import { inbox } from './inbox.ts';

const NOW = 1_767_225_600_000;
const TTL_MS = 60_000;

const opened = async (store: Partial<InboxStore>) =>
  await inbox.open(
    { ttl: TTL_MS },
    {
      name: 'inbox',
      clock: new HandClock(NOW),
      settings: {},
      service: <T>(name: string) => {
        assert.equal(name, 'inbox');
        return store as T;
      },
    },
  );

const delivery = (id: string, born: number) =>
  ({ notification: { id, born, deadline: 1 } }) as unknown as Delivery;

test('rows are kept for the ttl, from now or from an event time that is later', async () => {
  const written: InboxRow[] = [];
  const sink = await opened({
    async write(rows) {
      written.push(...rows);
      return rows.map(() => delivered());
    },
  });
  const outcomes = await sink.deliver([
    delivery('a', NOW - 90_000),
    delivery('b', NOW),
    delivery('c', NOW + 5_000),
  ]);
  assert.deepEqual(outcomes, [delivered(), delivered(), delivered()]);
  assert.deepEqual(
    written.map(({ notification, expiresAt }) => [notification.id, expiresAt - NOW]),
    [
      ['a', TTL_MS],
      ['b', TTL_MS],
      ['c', TTL_MS + 5_000],
    ],
  );
});

test('the outcomes and the probe are the store’s', async () => {
  const outcome: Outcome = { kind: 'retry', why: 'away', scope: 'lane' };
  const sink = await opened({
    write: async () => [outcome],
    probe: async () => {
      throw new Error('away');
    },
  });
  assert.deepEqual(await sink.deliver([delivery('a', NOW)]), [outcome]);
  await assert.rejects(sink.probe(), /away/);
  await sink.close();
});
