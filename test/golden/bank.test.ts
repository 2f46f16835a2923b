/**
 * A bank's cards in words of their own (plans.test.ts runs their tests) run in one process: an
 * account, a card and a payment over HTTP become an alarm in the customer's inbox.
 */
import { join } from 'node:path';
import { test } from 'node:test';
import { House } from '../e2e/embedded-run.ts';
import { ROOT } from '../rings.ts';
import { bankScene } from './scenes.ts';

const BANK = join(ROOT, 'test/golden/bank');

test('embedded: a payment of an issued card is told, and as an alarm', async (t) => {
  const house = new House({
    topology: join(BANK, 'topology/bank.yaml'),
    schemas: [join(BANK, 'schemas')],
    words: { member: 'customerId', class: 'phone' },
  });
  t.after(() => house.close());
  await house.start();
  await bankScene(house);
});
