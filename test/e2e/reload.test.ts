/**
 * SIGHUP to `carillon run` on one SQLite file: what is taken, what is not, and what health says.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { House, until } from './embedded-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-reloaded-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const SOCKETS = readFileSync(join(import.meta.dirname, 'topologies/sockets.yaml'), 'utf8');
const COALESCE =
  '      - coalesce: { by: [value.memberId, value.eventId], quiet: 1h, at_most: 2h }\n';
const FILTER = '      - filter: { where: \'value.planTo != "free"\' }\n';
const before = (step: string) => SOCKETS.replace('      - target:', `${step}      - target:`);

test('a step more is taken, a mistake and a loss are not, and nothing is told twice', async () => {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, SOCKETS);
  const house = new House({ topology: file });
  try {
    await house.start();
    await house.register('tv', 'm-1', 'inbox');
    const { url } = house;
    const post = async (eventId: string, planTo: string) => {
      const event = { eventId, memberId: 'm-1', planTo, changedAt: Date.now() };
      await (await house.client('producer')).postEvents('plan-change', [event]);
    };
    const told = async () =>
      (await house.inboxOf('tv')).map(({ value }) => (value as { eventId: string }).eventId);
    const health = async () => {
      const { parts } = (await (await fetch(`${house.internalUrl}/health/ready`)).json()) as {
        parts: { topology: string };
      };
      return parts.topology;
    };
    await post('e1', 'free');
    await until('the first is told', async () => (await told()).length === 1);

    writeFileSync(file, before(FILTER));
    await house.hangUp('The pipeline runs.', 2);
    assert.equal(house.url, url, 'devices find it where it was');
    await post('e2', 'free');
    await post('e3', 'basic');
    await until('the third is told', async () => (await told()).includes('e3'));
    assert.deepEqual([await told(), await health()], [['e1', 'e3'], 'ready']);

    writeFileSync(file, before('      - filtr: {}\n'));
    await house.hangUp('the edit is not taken', 1);
    assert.match(await health(), /^ready, an edit is not taken: CAR204: /);
    await post('e4', 'basic');
    await until('it runs on', async () => (await told()).includes('e4'));

    writeFileSync(file, before(COALESCE));
    await house.hangUp('The pipeline runs.', 3);
    assert.equal(await health(), 'ready');
    await post('e5', 'basic');
    await until('it is held', async () => (await house.metric('carillon_records_held')) === 1);
    writeFileSync(file, SOCKETS);
    await house.hangUp('the edit is not taken', 2);
    assert.match(await health(), /^ready, an edit is not taken: CAR810: /);
    assert.deepEqual(await told(), ['e1', 'e3', 'e4']);
  } finally {
    await house.close();
  }
});

const ACKED = SOCKETS.replace(
  '{ lane: notifications }\n\nsinks',
  '{ lane: notifications, guarantee: acked }\n\nsinks',
);

test('a use case that has to be acknowledged from now on, and one that has not any more', async () => {
  const file = join(folder, 'acked.yaml');
  writeFileSync(file, SOCKETS);
  const house = new House({ topology: file });
  const sockets: { stop(): void }[] = [];
  /** Before a reload: who stays comes back by itself, and of two connections the newer wins. */
  const away = () => {
    for (const socket of sockets.splice(0)) socket.stop();
  };
  /** A device that was connected before, and has not acknowledged: what it is told. */
  const back = async () => {
    const cursor = await house.cursorOf('tv');
    const socket = await house.listen('tv', cursor);
    sockets.push(socket);
    const { frames } = socket;
    return () => frames.map(({ sequence }) => sequence);
  };
  try {
    await house.start();
    await house.register('tv', 'm-1', 'websocket');
    const post = async (eventId: string) => {
      const event = { eventId, memberId: 'm-1', planTo: 'basic', changedAt: Date.now() };
      await (await house.client('producer')).postEvents('plan-change', [event]);
      await until(`${eventId} is in the inbox`, async () =>
        (await house.inboxOf('tv')).some(
          ({ value }) => (value as { eventId: string }).eventId === eventId,
        ),
      );
    };
    await post('e1');
    const before = await back();
    await post('e2');
    await until('what is new is told', () => before().length === 1);
    assert.deepEqual(before(), [2], 'what it has had is not told again');

    away();
    writeFileSync(file, ACKED);
    await house.hangUp('The pipeline runs.', 2);
    const asked = await back();
    await until('what is not acknowledged comes again', () => asked().length === 2);
    assert.deepEqual(asked(), [1, 2]);

    away();
    writeFileSync(file, SOCKETS);
    await house.hangUp('The pipeline runs.', 3);
    const after = await back();
    await post('e3');
    await until('what is new is told', () => after().includes(3));
    assert.deepEqual(after(), [3], 'nothing comes again');
  } finally {
    away();
    await house.close();
  }
});
