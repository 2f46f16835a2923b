/** `carillon backup` of a pipeline under load, and `restore` of it elsewhere. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { carillon, House, until } from './embedded-run.ts';

const TOPOLOGY = join(import.meta.dirname, 'topologies/sockets.yaml');
const BATCH = 10;

/** Sends batches until it is stopped; tells how many events were acknowledged. */
function load(house: House) {
  let sent = 0;
  let stopped = false;
  const running = (async () => {
    const producer = await house.client('producer');
    while (!stopped) {
      const events = Array.from({ length: BATCH }, (_, n) => ({
        eventId: `e-${sent + n}`,
        memberId: 'm-1',
        planFrom: null,
        planTo: 'basic',
        streamsMax: 1,
        changedAt: Date.now(),
      }));
      await producer.postEvents('plan-change', events);
      sent += BATCH;
    }
  })();
  return {
    acknowledged: () => sent,
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}

const toldIn = async (house: House) =>
  (await house.inboxOf('tv')).map(({ sequence, value }) => {
    return `${sequence} ${(value as { eventId: string }).eventId}`;
  });

test('what was acknowledged before the backup is in it, once and in order, and it goes on', async () => {
  const house = new House({ topology: TOPOLOGY });
  const other = new House({ topology: TOPOLOGY });
  try {
    await house.start();
    await house.register('tv', 'm-1', 'inbox');
    const producing = load(house);
    await until('some are told', async () => producing.acknowledged() >= 4 * BATCH);
    const before = producing.acknowledged();
    const to = join(house.folder, 'backup');
    const made = await carillon(['backup', to, '--deployment', house.deployment]);
    assert.equal(made.code, 0, made.errors);
    assert.match(made.output, /read once\.\nThe secrets stand in the environment/);
    await until('it goes on meanwhile', async () => producing.acknowledged() > before);
    await producing.stop();
    await house.kill();
    mkdirSync(other.data, { recursive: true });
    const restored = await carillon(['restore', to, '--deployment', other.deployment]);
    assert.equal(restored.code, 0, restored.errors);
    assert.match(restored.output, /Give it the secrets that it had/);
    await other.start();
    const again = await carillon(['restore', to, '--deployment', other.deployment]);
    assert.match(again.errors, /CAR602/);
    await until('what was read is told', async () => (await toldIn(other)).length >= before);
    const producer = await other.client('producer');
    const last = { eventId: 'last', memberId: 'm-1', planTo: 'basic', changedAt: Date.now() };
    await producer.postEvents('plan-change', [last]);
    await until('a new one is told', async () => (await toldIn(other)).at(-1)!.endsWith(' last'));
    const told = await toldIn(other);
    const expected = told.slice(0, -1).map((_, n) => `${n + 1} e-${n}`);
    assert.deepEqual(told, [...expected, `${told.length} last`]);
  } finally {
    await house.close();
    await other.close();
  }
});
