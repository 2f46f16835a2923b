/**
 * The whole embedded pipeline as a process: an event over HTTP becomes a frame, an inbox row, and
 * messages at the providers' stand-ins; kill -9 loses nothing; a slow transport holds up no other.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ApnsFake, startApnsFake } from '../../connectors/apns/fake.ts';
import { type FcmFake, startFcmFake } from '../../connectors/fcm/fake.ts';
import { leasePorts } from '../kit/servers/ports.ts';
import { House, until } from './embedded-run.ts';

const SOCKETS = join(import.meta.dirname, 'topologies/sockets.yaml');
const APNS_TOKEN = 'a'.repeat(64);

/** Design, D1, computed apart: a UUID (version 8) of use case, device and event. */
function idOf(useCase: string, deviceId: string, eventId: string): string {
  const hash = createHash('sha256').update(`${useCase}\0${deviceId}\0${eventId}`).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash
    .toString('hex')
    .slice(0, 32)
    .replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const planChange = (eventId: string, memberId: string) => ({
  eventId,
  memberId,
  planTo: 'premium',
  changedAt: Date.now(),
});

let fcm: FcmFake;
let apns: ApnsFake;

before(async () => {
  [fcm, apns] = await Promise.all([
    startFcmFake({ project: 'carillon-demo' }),
    startApnsFake({ bundle: 'com.example.carillon' }),
  ]);
});
after(async () => {
  await Promise.all([fcm?.close(), apns?.close()]);
});

describe('the embedded pipeline', () => {
  let house: House;

  before(async () => {
    house = new House({ connectors: { fcm: fcm.settings, apns: apns.settings } });
    await house.start();
    await house.register('tv', 'm-1', 'websocket');
    await house.register('phone', 'm-1', 'fcm', 'token-phone');
    await house.register('tablet', 'm-1', 'apns', APNS_TOKEN);
    await house.register('stick', 'm-1', 'inbox');
  });
  after(async () => {
    await house?.close();
  });

  test('one event, every device told, under one id each', async (t) => {
    const socket = await house.listen('tv');
    t.after(() => socket.stop());
    const producer = await house.client('producer');
    await producer.postEvents('plan-change', [planChange('e-1', 'm-1')]);
    await until('all are told', () => {
      return socket.frames.length > 0 && fcm.receivedCount > 0 && apns.receivedCount > 0;
    });
    assert.ok((await house.metric('carillon_gateway_events_total', 'framesSent')) >= 2);
    const [frame] = socket.frames;
    assert.equal(frame!.id, idOf('pl', 'tv', 'e-1'));
    assert.equal(frame!.priority, 'critical');
    assert.equal(frame!.sequence, 1);
    assert.equal((frame!.value as { planTo: string }).planTo, 'premium');
    assert.deepEqual(fcm.attempts, [idOf('pl', 'phone', 'e-1')]);
    assert.deepEqual(apns.attempts, [idOf('pl', 'tablet', 'e-1')]);
    for (const device of ['tv', 'phone', 'tablet', 'stick']) {
      await until(device, async () => (await house.inboxOf(device)).length === 1);
      const [row] = await house.inboxOf(device);
      assert.equal(row!.id, idOf('pl', device, 'e-1'));
    }
  });

  test('a transport that hangs, and one that is away, hold up no other', async (t) => {
    const count = 40;
    fcm.script('token-phone', { act: 'silent' });
    await apns.away();
    const socket = await house.listen('tv');
    t.after(() => socket.stop());
    const producer = await house.client('producer');
    const sentAt = performance.now();
    const events = Array.from({ length: count }, (_, n) => planChange(`b-${n}`, 'm-1'));
    await producer.postEvents('plan-change', events);
    // One more: what the inbox had from before.
    await until('the socket is told', () => socket.frames.length > count);
    await until('the inbox has all', async () => (await house.inboxOf('stick')).length > count);
    // Their time-outs are 12 s and 5 s: the others must not have waited for a single one.
    assert.ok(performance.now() - sentAt < 4_000, 'the others were told at once');
    assert.equal(fcm.receivedCount, 1);
    assert.equal(apns.receivedCount, 1);
    const health = await fetch(`${house.url}/health/live`);
    assert.equal(health.status, 200);
    await apns.back();
    await until('Apple’s are told', () => apns.receivedCount === count + 1);
  });
});

test('kill -9 in the middle: what was acknowledged is told, each once', async (t) => {
  // Fixed, so that producer and device find it again.
  const [lease] = await leasePorts(1);
  const house = new House({
    port: lease!.port,
    connectors: { fcm: fcm.settings, apns: apns.settings },
  });
  try {
    await house.start();
    await house.register('tv', 'm-1', 'websocket');
    await house.register('stick', 'm-1', 'inbox');
    const socket = await house.listen('tv');
    t.after(() => socket.stop());
    const producer = await house.client('producer');
    const acknowledged: string[] = [];
    const wanted = Array.from({ length: 600 }, (_, n) => `k-${n}`);
    const queue = [...wanted];
    const send = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        // What was not acknowledged is sent again, as a producer does: it may have got through.
        await until(id, async () => {
          await producer.postEvents('plan-change', [planChange(id!, 'm-1')]);
          return true;
        });
        acknowledged.push(id);
      }
    };
    const sending = Promise.all(Array.from({ length: 8 }, send));
    for (const at of [100, 300]) {
      await until(`${at} are acknowledged`, () => acknowledged.length >= at);
      await house.kill();
      await house.start();
    }
    await sending;
    for (const device of ['tv', 'stick']) {
      await until(device, async () => (await house.inboxOf(device)).length >= wanted.length);
      const rows = await house.inboxOf(device);
      const ids = wanted.map((event) => idOf('pl', device, event));
      assert.deepEqual(rows.map(({ id }) => id).sort(), ids.sort(), device);
      const numbers = rows.map(({ sequence }) => sequence).sort((a, b) => a - b);
      assert.deepEqual(
        numbers,
        wanted.map((_, n) => n + 1),
      );
      if (device !== 'tv') continue;
      await until('all frames', () => new Set(socket.frames.map(({ id }) => id)).size === 600);
      // A number that was seen once was never given to anything else.
      const seen = new Map(rows.map(({ id, sequence }) => [sequence, id]));
      for (const { id, sequence } of socket.frames) assert.equal(seen.get(sequence), id);
    }
  } finally {
    await house.close();
    lease!.release();
  }
});

test('after kill -9 nobody waits for the lease of the gateway that is dead', async () => {
  const house = new House({ topology: SOCKETS });
  try {
    await house.start();
    await house.register('tv', 'm-1', 'websocket');
    const socket = await house.listen('tv');
    await until('the device is known to be online', async () => {
      return (await house.metric('carillon_records_total', 'devices-presence', 'source')) > 0;
    });
    // What was only counted may not be committed: a frame that came says that presence is.
    const before = await house.client('producer');
    await before.postEvents('plan-change', [planChange('l-0', 'm-1')]);
    await until('a frame', () => socket.frames.length > 0);
    await house.kill();
    socket.stop();
    await house.start();
    const startedAt = performance.now();
    const producer = await house.client('producer');
    await producer.postEvents('plan-change', [planChange('l-1', 'm-1')]);
    // The one before may go again (D7), and ends as offline too.
    await until('it ends as offline', async () => {
      return (await house.metric('carillon_deliveries_total', 'websocket', 'offline')) >= 1;
    });
    // The lease has 15 s.
    assert.ok(performance.now() - startedAt < 5_000);
  } finally {
    await house.close();
  }
});
