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

test('numbers since the backup are given again: a device that is registered anew misses nothing', async () => {
  const house = new House({ topology: TOPOLOGY });
  const other = new House({ topology: TOPOLOGY });
  const post = async (to: House, ...ids: string[]) => {
    const producer = await to.client('producer');
    const event = { memberId: 'm-1', planTo: 'basic', changedAt: Date.now() };
    for (const eventId of ids) await producer.postEvents('plan-change', [{ ...event, eventId }]);
    await until(`${ids} are told`, async () =>
      (await toldIn(to)).some((told) => told.endsWith(` ${ids.at(-1)}`)),
    );
  };
  const pull = async (from: House, after: string | undefined) => {
    const { epoch, notifications, cursor } = await (await from.client('device', 'tv')).pull(
      'tv',
      after,
      100,
    );
    const told = notifications.map(
      ({ sequence, value }) => `${sequence} ${(value as { eventId: string }).eventId}`,
    );
    return { epoch, told, cursor };
  };
  try {
    await house.start();
    await house.register('tv', 'm-1', 'inbox');
    await post(house, 'e1', 'e2');
    const to = join(house.folder, 'backup');
    await carillon(['backup', to, '--deployment', house.deployment]);
    await post(house, 'e3', 'e4');
    const had = await pull(house, undefined);
    assert.deepEqual(had.told, ['1 e1', '2 e2', '3 e3', '4 e4']);
    await house.kill();
    mkdirSync(other.data, { recursive: true });
    const { output } = await carillon(['restore', to, '--deployment', other.deployment]);
    assert.match(output, /are given again, to other events: delete a\ndevice .* register it again/);
    await other.start();
    await post(other, 'n3');
    // The cursor is ahead of all there is: it is not believed, and nothing is missed.
    assert.deepEqual((await pull(other, had.cursor)).told, ['1 e1', '2 e2', '3 n3']);
    await post(other, 'n4');
    // Now it is not: these two numbers were had, as e3 and e4.
    assert.deepEqual((await pull(other, had.cursor)).told, []);
    const folded = (count: number) =>
      until(`${count} changes of the member’s devices`, async () => {
        const name = 'carillon_step_records_out_total';
        return (await other.metric(name, 'devices-fold', 'to')) === count;
      });
    const authorization = `Bearer ${await other.token('registrar', 'registrar')}`;
    await fetch(`${other.url}/v1/devices/tv`, { method: 'DELETE', headers: { authorization } });
    await folded(1);
    await other.register('tv', 'm-1', 'inbox');
    await folded(2);
    await post(other, 'n5');
    const anew = await pull(other, had.cursor);
    assert.deepEqual([anew.epoch, anew.told], [2, ['1 n5']]);
  } finally {
    await house.close();
    await other.close();
  }
});
