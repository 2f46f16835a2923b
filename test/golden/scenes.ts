/**
 * What is done with the pipelines of the bank and the game, and what their devices must be told:
 * the same in one process on one file, and on Kafka.
 */
import assert from 'node:assert/strict';
import { type House, until } from '../e2e/embedded-run.ts';

/** Resolves when what was written so far has come to everybody who joins it. */
export type Settle = () => Promise<void>;

export async function bankScene(house: House, settle: Settle = async () => {}): Promise<void> {
  await house.register('ph-1', 'c-1', 'inbox');

  const producer = await house.client('producer');
  const account = { accountId: 'a-1', customerId: 'c-1', iban: 'DE1' };
  await producer.postEvents('account', [account]);
  await producer.postEvents('card', [{ cardId: 'k-1', accountId: 'a-1', last4: '4711' }]);
  const joined = () => house.metric('carillon_step_records_out_total', 'tables/ca', 'join');
  await until('the card has its account', async () => (await joined()) === 1);
  await settle();

  const at = { cardId: 'k-1', merchant: 'shoes', authorisedAt: Date.now() };
  // More than a double holds.
  await producer.postEvents('authorisation', [{ authId: 'p-1', cents: 9007199254740993n, ...at }]);
  await until('both are told', async () => (await house.inboxOf('ph-1')).length === 2);
  const told = await house.inboxOf('ph-1');
  assert.deepEqual(
    told
      .map(({ useCase, priority, value }) => [useCase, priority, value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    [
      ['fr', 'alarm', { customerId: 'c-1', last4: '4711', times: 1, cents: '9007199254740993' }],
      [
        ...['pa', 'money'],
        {
          ...{ customerId: 'c-1', authId: 'p-1', last4: '4711', merchant: 'shoes' },
          cents: '9007199254740993',
        },
      ],
    ],
  );
}

export async function gameScene(house: House, settle: Settle = async () => {}): Promise<void> {
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
  await settle();

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
}
