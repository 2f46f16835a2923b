/** A game's pipeline runs, matches over HTTP in, inboxes out; plans.test.ts runs its tests. */
import { join } from 'node:path';
import { test } from 'node:test';
import { House } from '../e2e/embedded-run.ts';
import { ROOT } from '../rings.ts';
import { gameScene } from './scenes.ts';

const FOLDER = join(ROOT, 'test/golden/game');

test('embedded: a long match tells the phone its result, and every device to take a break', async (t) => {
  const house = new House({
    topology: join(FOLDER, 'topology/game.yaml'),
    schemas: [join(FOLDER, 'schemas')],
  });
  t.after(() => house.close());
  await house.start();
  await gameScene(house);
});
