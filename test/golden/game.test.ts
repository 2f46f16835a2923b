/** A game's pipeline runs, matches over HTTP in, inboxes out; plans.test.ts runs its tests. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { House, until } from '../e2e/embedded-run.ts';
import { ROOT } from '../rings.ts';

const FOLDER = join(ROOT, 'test/golden/game');

test('embedded: a long match tells the phone its result, and every device to take a break', async (t) => {
  const house = new House({
    topology: join(FOLDER, 'topology/game.yaml'),
    schemas: [join(FOLDER, 'schemas')],
  });
  t.after(() => house.close());
  await house.start();
  const registrar = await house.client('registrar');
  for (const [device, of] of [
    ['phone-1', 'phone'],
    ['console-1', 'console'],
  ] as const) {
    const transports = [{ kind: 'inbox' }];
    await registrar.register(device, { playerId: 'p-1', class: of, transports });
  }
  const folded = () => house.metric('carillon_step_records_out_total', 'devices-fold', 'to');
  await until('the player has both devices', async () => (await folded()) >= 2);

  const producer = await house.client('producer');
  const results = [
    { playerId: 'p-1', points: 30 },
    { playerId: null, points: 5 },
  ];
  const endedAt = Date.now();
  const match = { eventId: 'e-1', matchId: 'm-1', minutes: 125, results, endedAt };
  // Again: what is told once is told once.
  await producer.postEvents('match', [match, match]);
  const gift = {
    eventId: 'g-1',
    playerId: 'p-1',
    from: 'Bob',
    kind: 'FRIEND_REQUEST',
    at: endedAt,
  };
  await producer.postEvents('gift', [gift]);

  const told = async (device: string) =>
    Object.fromEntries((await house.inboxOf(device)).map((row) => [row.useCase, row.value]));
  const pause = { playerId: 'p-1', since: endedAt, minutes: 125 };
  const friend = { playerId: 'p-1', n: 1, from: ['Bob'] };
  await until('both inboxes', async () => {
    return (
      (await house.inboxOf('phone-1')).length >= 3 && (await house.inboxOf('console-1')).length >= 2
    );
  });
  assert.deepEqual(await told('phone-1'), {
    re: { playerId: 'p-1', matchId: 'm-1', points: 30, clan: '-' },
    br: pause,
    gi: friend,
  });
  assert.deepEqual(await told('console-1'), { br: pause, gi: friend });
  assert.equal((await house.inboxOf('phone-1')).length, 3);
});
