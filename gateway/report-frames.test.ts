/** Reports over the stream: as over HTTP, with an answer for each. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Bench, NOW } from '../test/kit/gateway-bench.ts';

let bench: Bench;
let device = '';
let number = 0;
before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});

const WHOLE = {
  eventId: 'r-1',
  kind: 'RECOVERY',
  notificationId: 'n-1',
  succeeded: false,
  details: { step: 'restart' },
};
const frame = (more: object = {}) => ({ type: 'report', ...WHOLE, ...more });
const reports = (of = bench) =>
  of.values('events.device-reports').filter(({ deviceId }) => deviceId === device);

test('the log has it before it is answered, with whose the device is', async () => {
  const client = await bench.connect(device);
  client.send(frame());
  assert.deepEqual(await client.next(), { type: 'reported', eventId: 'r-1' });
  const told = { deviceId: device, memberId: 'm-1', reportedAt: NOW };
  assert.deepEqual(reports(), [{ ...WHOLE, ...told }]);
});

const refused: readonly [string, object, string, string][] = [
  ['a kind that is none', { kind: 'GOSSIP' }, 'r-1', 'CAR710'],
  ['for another device', { deviceId: 'tv-x' }, 'r-1', 'CAR710'],
  ['without an id', { eventId: undefined }, '', 'CAR710'],
  ['with a number for an id', { eventId: 7 }, '', 'CAR710'],
];
for (const [what, more, eventId, code] of refused) {
  test(`${what}: not taken, and the stream goes on`, async () => {
    const client = await bench.connect(device);
    client.send(frame(more));
    const { what: why, ...answer } = (await client.next()) as { what?: string };
    assert.deepEqual(answer, { type: 'reported', eventId, code });
    assert.equal(typeof why, 'string');
    client.send(frame());
    assert.deepEqual(await client.next(), { type: 'reported', eventId: 'r-1' });
    assert.equal(reports().length, 1);
  });
}

test('over its budget it is told so; over 16 KiB the frame is none', async () => {
  const few = await Bench.open({ budgets: { reports: { burst: 1, perSecond: 0.5 } } });
  try {
    await few.own(device);
    const client = await few.connect(device);
    client.send(frame());
    client.send(frame({ eventId: 'r-2' }));
    const answers = (await client.take(2)) as { eventId: string; code?: string }[];
    const codes = answers.map(({ eventId, code }) => `${eventId} ${code}`).sort();
    assert.deepEqual(codes, ['r-1 undefined', 'r-2 CAR726']);
    const details = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [i, 'x'.repeat(1_000)]),
    );
    client.send(frame({ details }));
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, 3503);
    assert.equal(reports(few).length, 1);
  } finally {
    await few.close();
  }
});
