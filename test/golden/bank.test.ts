/**
 * A bank's cards in words of their own (plans.test.ts runs their tests) run in one process: an
 * account, a card and a payment over HTTP become an alarm in the customer's inbox.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { House, until } from '../e2e/embedded-run.ts';
import { ROOT } from '../rings.ts';

const BANK = join(ROOT, 'test/golden/bank');

test('embedded: a payment of an issued card is told, and as an alarm', async (t) => {
  const house = new House({
    topology: join(BANK, 'topology/bank.yaml'),
    schemas: [join(BANK, 'schemas')],
    words: { member: 'customerId', class: 'phone' },
  });
  t.after(() => house.close());
  await house.start();
  await house.register('ph-1', 'c-1', 'inbox');

  const producer = await house.client('producer');
  const account = { accountId: 'a-1', customerId: 'c-1', iban: 'DE1' };
  await producer.postEvents('account', [account]);
  await producer.postEvents('card', [{ cardId: 'k-1', accountId: 'a-1', last4: '4711' }]);
  const joined = () => house.metric('carillon_step_records_out_total', 'tables/ca', 'join');
  await until('the card has its account', async () => (await joined()) === 1);

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
});
