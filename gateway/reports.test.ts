import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Bench, NOW } from '../test/kit/gateway-bench.ts';

let bench: Bench;
let device = '';
let token = '';
let number = 0;

before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  token = await bench.token(device);
  await bench.own(device);
});

const report = (body: unknown, bearer = token, of = bench) =>
  of.call('POST', `/v1/devices/${device}/reports`, { token: bearer, body });
const reports = (of = bench) =>
  of.values('events.device-reports').filter((one) => one.deviceId === device);

const WHOLE = {
  eventId: 'r-1',
  kind: 'DIAGNOSTIC',
  notificationId: 'n-1',
  succeeded: false,
  details: { logs: 'none', network: '12 ms' },
};

test('a report lands in the log, with whose the device is, keyed by member', async () => {
  const { status, body } = await report(WHOLE);
  assert.equal(status, 202);
  assert.equal(body.eventId, 'r-1');
  const told = { deviceId: device, memberId: 'm-1', reportedAt: NOW };
  assert.deepEqual(reports(), [{ ...WHOLE, ...told }]);
  assert.equal(bench.log.records('events.device-reports').at(-1)?.key, 'm-1');
  await report({ eventId: 'r-2', kind: 'ACKNOWLEDGEMENT' });
  const unsaid = { notificationId: null, succeeded: true, details: {} };
  const [, second] = reports();
  assert.deepEqual(second, { eventId: 'r-2', kind: 'ACKNOWLEDGEMENT', ...unsaid, ...told });
});

const wrong: readonly [string, unknown, readonly string[]][] = [
  ['nothing', {}, ['/eventId', '/kind']],
  ['no object', [], ['/', '/eventId', '/kind']],
  [
    'another device and member',
    { ...WHOLE, deviceId: 'tv-x', memberId: 'm-x' },
    ['/deviceId', '/memberId'],
  ],
  ['a kind that is none', { ...WHOLE, kind: 'GOSSIP' }, ['/kind']],
  ['an id that is long', { ...WHOLE, eventId: 'x'.repeat(129) }, ['/eventId']],
  ['what it answers is no text', { ...WHOLE, notificationId: 7 }, ['/notificationId']],
  ['success as a word', { ...WHOLE, succeeded: 'yes' }, ['/succeeded']],
  ['details as a list', { ...WHOLE, details: ['x'] }, ['/details']],
  ['a detail that is a number', { ...WHOLE, details: { ms: 12 } }, ['/details/ms']],
  ['a detail that is long', { ...WHOLE, details: { log: 'x'.repeat(1_025) } }, ['/details/log']],
  [
    'many details',
    { ...WHOLE, details: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`d${i}`, 'x'])) },
    ['/details'],
  ],
];
for (const [name, body, paths] of wrong) {
  test(`CAR710: ${name}`, async () => {
    const answer = await report(body);
    assert.deepEqual([answer.status, answer.body.code], [400, 'CAR710']);
    assert.deepEqual(
      answer.body.problems.map(({ path }: { path: string }) => path),
      paths,
    );
    assert.deepEqual(reports(), []);
  });
}

test('nobody reports for a device: another device, a backend, an admin', async () => {
  for (const bearer of [
    await bench.token('tv-x'),
    await bench.token('p', 'producer'),
    await bench.token('r', 'registrar'),
    await bench.token('root', 'admin'),
  ]) {
    const { status, body } = await report(WHOLE, bearer);
    assert.deepEqual([status, body.code], [403, 'CAR704']);
  }
  assert.deepEqual(reports(), []);
});

test('CAR713, CAR727: who is not registered, or was deleted, reports nothing', async () => {
  const stranger = await bench.token('nobody');
  const path = '/v1/devices/nobody/reports';
  const unknown = await bench.call('POST', path, { token: stranger, body: WHOLE });
  assert.equal(unknown.body.code, 'CAR713');
  await bench.own(device, 2, 'DELETED', { updatedAt: NOW + 1 });
  assert.equal((await report(WHOLE)).body.code, 'CAR713');
  await bench.own(device, 3, 'ACTIVE', { updatedAt: NOW + 2 });
  assert.equal((await report(WHOLE)).body.code, 'CAR727');
});

test('CAR726, CAR707: so many, and so large', async () => {
  const few = await Bench.open({ budgets: { reports: { burst: 2, perSecond: 0.5 } } });
  try {
    await few.own(device);
    assert.equal((await report({}, token, few)).status, 400, 'what is wrong costs nothing');
    for (const status of [202, 202, 429]) {
      const answer = await report(WHOLE, token, few);
      assert.equal(answer.status, status);
      if (status === 429) assert.equal(answer.headers.get('retry-after'), '2');
    }
    await few.own('other');
    const path = '/v1/devices/other/reports';
    const other = await few.call('POST', path, { token: await few.token('other'), body: WHOLE });
    assert.equal(other.status, 202, 'each device has its own budget');
  } finally {
    await few.close();
  }
  assert.equal((await report({ ...WHOLE, more: 'x'.repeat(17_000) })).status, 413);
});
