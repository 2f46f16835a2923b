import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { HandClock, systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import { Priorities } from '../../core/priority.ts';
import type { Show } from '../../core/show.ts';
import type { Sink } from '../../core/spec.ts';
import { AccessTokens } from './credentials.ts';
import { type FcmFake, fcmActs, startFcmFake } from './fake.ts';
import { fcm } from './fcm.ts';
import { fcmBody } from './message.ts';
import { fcmSettings } from './settings.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const TOKEN = 'fcm-token-1';
const NOTE: DeviceNotification = {
  id: '00000000-0000-4000-8000-000000000001',
  deviceId: 'ph-1',
  epoch: 2,
  sequence: 7,
  previous: 5,
  useCase: 'va',
  priority: 'normal',
  deadline: 0,
  collapseKey: null,
  count: 3,
  born: 0,
  payloadSchemaId: 1,
  payload: Buffer.alloc(0),
};

let fake: FcmFake;
let sink: Sink;
before(async () => {
  fake = await startFcmFake();
  sink = await open(fake.settings);
});
after(async () => {
  await sink.close();
  await fake.close();
});

/** What a test opened, closed after it in any case: a failure must not keep the run open. */
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});
function kept<T extends { close(): Promise<void> }>(one: T): T {
  opened.push(one);
  return one;
}

function open(
  settings: Readonly<Record<string, unknown>>,
  payload: () => Promise<unknown> = async () => ({ eventId: 'e-1' }),
): Promise<Sink> {
  const service = <T>() => payload as T;
  const context = { name: 'fcm', clock: systemClock, settings, service };
  return fcm.open({ project: fake.project }, context);
}

function delivery(token: string | null, over: Partial<DeviceNotification> = {}): Delivery {
  const transports = [{ kind: 'fcm', token, environment: null, registeredAt: 0 }];
  return {
    notification: { ...NOTE, ...over },
    bytes: Buffer.alloc(0),
    device: { transports } as unknown as Delivery['device'],
    joined: undefined,
    attempt: 1,
  };
}

async function send(one: Delivery, to: Sink = sink): Promise<Outcome> {
  return (await to.deliver([one]))[0]!;
}

test('the message is data of strings, with the count, the numbers and the payload', async () => {
  await send(delivery(TOKEN, { priority: 'critical', collapseKey: 'p-1/t-9' }));
  assert.deepEqual(fake.received.at(-1), {
    token: TOKEN,
    data: {
      id: NOTE.id,
      useCase: 'va',
      priority: 'critical',
      sequence: '7',
      previous: '5',
      epoch: '2',
      count: '3',
      payload: '{"eventId":"e-1"}',
    },
    android: { priority: 'high', ttl: '2419200s', collapse_key: 'critical' },
  });
});

for (const [what, deadline, ttl] of [
  ['no deadline: four weeks', 0, '2419200s'],
  ['whole seconds, rounded down', NOW_MS + 90_900, '90s'],
  ['less than a second: now or never', NOW_MS + 400, '0s'],
  ['a deadline beyond four weeks: four weeks', NOW_MS + 9_999_999_999, '2419200s'],
] as const) {
  test(`ttl, ${what}`, () => {
    const body = fcmBody({ ...NOTE, deadline }, TOKEN, {}, NOW_MS);
    assert.equal(JSON.parse(String(body?.bytes)).message.android.ttl, ttl);
  });
}

test("how urgent a topology's own priorities are, its topology says", async () => {
  const priorities = new Priorities([
    { name: 'calm', weight: 9, urgent: false },
    { name: 'alarm', weight: 1, urgent: true },
  ]);
  const service = <T>() => (async () => ({})) as T;
  const { settings } = fake;
  const context = { name: 'fcm', clock: systemClock, priorities, settings, service };
  const own = kept(await fcm.open({ project: fake.project }, context));
  for (const [priority, asked] of [
    ['calm', 'normal'],
    ['alarm', 'high'],
    ['critical', 'normal'],
  ] as const) {
    await send(delivery(TOKEN, { priority }), own);
    assert.equal(fake.received.at(-1)?.android?.priority, asked);
  }
});

test('an app never has more than four collapse keys', () => {
  const keys = new Set<string>();
  for (const priority of ['critical', 'high', 'normal', 'low'] as const) {
    for (let i = 0; i < 10; i++) {
      const body = fcmBody({ ...NOTE, priority, collapseKey: `k-${i}` }, TOKEN, {}, NOW_MS);
      keys.add(JSON.parse(String(body?.bytes)).message.android.collapse_key);
    }
  }
  assert.deepEqual([...keys], ['critical', 'high', 'normal', 'low']);
});

test('FCM takes what is shown; its text counts, and is never cut for the payload', async () => {
  const show: Show = {
    fallback: 'en',
    title: new Map([['en', ['Plan']]]),
    body: new Map([['en', [['eventId']]]]),
    fcm: { as: 'alert', channel: 'account', sound: 'default', group: 'plans' },
    apns: { as: 'alert', sound: null, badge: null },
  };
  const context = { name: 'fcm', clock: systemClock, settings: fake.settings, show: () => show };
  for (const [eventId, hint] of [
    ['e-1', false],
    ['ü'.repeat(999), true],
  ] as const) {
    const service = <T>() => (async () => ({ eventId })) as T;
    const one = kept(await fcm.open({ project: fake.project }, { ...context, service }));
    assert.equal((await send(delivery(TOKEN), one)).kind, 'delivered');
    await one.close();
    const { notification, android, data } = fake.received.at(-1)! as unknown as {
      [name: string]: Record<string, unknown>;
    };
    assert.deepEqual(notification, { title: 'Plan', body: eventId });
    assert.deepEqual(android!.notification, { channel_id: 'account', sound: 'default' });
    assert.equal(android!.collapse_key, 'plans');
    assert.equal('pull' in data!, hint);
  }
});

test('4096 bytes of data go as they are, one more goes as a hint, and FCM takes both', async () => {
  const used = fcmBody(NOTE, TOKEN, '', NOW_MS)!;
  const { data } = JSON.parse(String(used.bytes)).message;
  const bytes = Object.entries<string>(data).flat().join('').length;
  for (const [over, hint] of [
    [0, false],
    [1, true],
  ] as const) {
    const payload = 'x'.repeat(4096 - bytes + over);
    assert.equal(fcmBody(NOTE, TOKEN, payload, NOW_MS)?.hint, hint);
    const large = kept(await open(fake.settings, async () => payload));
    assert.equal((await send(delivery(TOKEN), large)).kind, 'delivered');
    await large.close();
    assert.equal(fake.received.at(-1)?.data.pull, hint ? '1' : undefined);
    assert.equal('payload' in fake.received.at(-1)!.data, !hint);
  }
});

test('what cannot be sent at all ends without a request', async () => {
  const before = fake.attempts.length;
  assert.deepEqual(await send(delivery(null)), { kind: 'rejected', reason: 'no_token' });
  assert.deepEqual(await send({ ...delivery(TOKEN), device: undefined }), {
    kind: 'rejected',
    reason: 'no_token',
  });
  assert.deepEqual(await send(delivery(TOKEN, { deadline: 1 })), {
    kind: 'rejected',
    reason: 'expired',
  });
  assert.deepEqual(await send(delivery(TOKEN, { useCase: 'x'.repeat(5_000) })), {
    kind: 'rejected',
    reason: 'payload_too_large',
    deadLetter: true,
  });
  assert.equal(fake.attempts.length, before);
});

test('a payload that cannot be read: retried while the registry is away, else a dead letter', async () => {
  const away = new CarillonError('CAR661', 'away', { retryable: true });
  for (const [error, outcome] of [
    [away, { kind: 'retry', why: 'payload_unavailable: CAR661', scope: 'lane' }],
    [new Error('bad'), { kind: 'rejected', reason: 'payload_unreadable', deadLetter: true }],
  ] as const) {
    const broken = kept(await open(fake.settings, () => Promise.reject(error)));
    assert.deepEqual(await send(delivery(TOKEN), broken), outcome);
    await broken.close();
  }
});

test('thousands of sends and many sinks share one connection and one token each', async () => {
  const own = kept(await startFcmFake());
  const one = kept(await open(own.settings));
  await Promise.all(Array.from({ length: 500 }, () => send(delivery(TOKEN), one)));
  assert.equal(own.receivedCount, 500);
  assert.equal(own.connections, 1);
  assert.equal(own.tokensGiven, 1);
  // A token that Google no longer takes is replaced once, and the message sent again.
  own.revokeTokens();
  assert.equal((await send(delivery(TOKEN), one)).kind, 'delivered');
  assert.equal(own.tokensGiven, 2);
  own.revokeTokens();
  const outcome = await send(delivery(TOKEN), one);
  assert.ok(outcome.kind === 'retry' && outcome.why === 'unauthenticated');
  assert.equal(own.tokensGiven, 2);
  await one.close();
  await own.close();
});

test('a token that is taken back while many are under way: one fetch, and all get through', async () => {
  const own = kept(await startFcmFake());
  const one = kept(await open(own.settings));
  await send(delivery(TOKEN), one);
  own.revokeTokens();
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => send(delivery(TOKEN), one)));
  assert.deepEqual([...new Set(outcomes.map(({ kind }) => kind))], ['delivered']);
  assert.equal(own.tokensGiven, 2);
  await one.close();
  await own.close();
});

test('a refusal that comes late, for the token before, is worth another try', async () => {
  const own = kept(await startFcmFake());
  const tokens = new AccessTokens(fcmSettings(own.settings), new HandClock(NOW_MS));
  const token = await tokens.token();
  assert.equal(tokens.renew('the one before'), true);
  assert.equal(await tokens.token(), token);
  assert.equal(own.tokensGiven, 1, 'and no new one is fetched for it');
  await own.close();
});

test('dry_run: FCM checks every message, and sends none', async () => {
  const before = fake.receivedCount;
  const attempts = fake.attempts.length;
  const dry = kept(await open({ ...fake.settings, dry_run: true }));
  assert.equal((await send(delivery(TOKEN), dry)).kind, 'delivered');
  fake.script(TOKEN, [fcmActs.unregistered]);
  assert.equal((await send(delivery(TOKEN), dry)).kind, 'rejected');
  assert.equal(fake.attempts.length, attempts + 2);
  assert.equal(fake.receivedCount, before);
});

test('a token is kept while it lives', async () => {
  const clock = new HandClock(NOW_MS);
  const own = kept(await startFcmFake({ clock }));
  const service = <T>() => (async () => ({})) as T;
  const context = { name: 'fcm', clock, settings: own.settings, service };
  const one = kept(await fcm.open({ project: own.project }, context));
  await one.probe();
  clock.moveTo(NOW_MS + 54 * 60_000);
  await one.probe();
  assert.equal(own.tokensGiven, 1);
  await one.close();
  await own.close();
});

test('settings that are missing or wrong are told by name, and nothing of the key (CAR660)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-test-'));
  const file = join(folder, 'broken.json');
  writeFileSync(file, '{"private_key": "hidden-words');
  const inline = { project_id: 'p', client_email: 'a@b', private_key: 'hidden-words' };
  for (const [settings, at] of [
    [{}, 'connectors.fcm.credentials'],
    [{ credentials: join(folder, 'none.json') }, 'connectors.fcm.credentials'],
    [{ credentials: file }, 'connectors.fcm.credentials'],
    [{ credentials: inline, token_endpoint: 'https://x' }, 'connectors.fcm.credentials'],
    [{ credentials: inline, endpoint: 'http://x' }, 'connectors.fcm.endpoint'],
    [{ credentials: inline, request_timeout: '30' }, 'connectors.fcm.request_timeout'],
    [{ credentials: inline, streams_max: 0 }, 'connectors.fcm.streams_max'],
    [{ credentials: inline, dry_run: 'yes' }, 'connectors.fcm.dry_run'],
  ] as const) {
    await assert.rejects(open(settings), (error: CarillonError) => {
      assert.equal(error.code, 'CAR660');
      assert.equal(error.where.at, at);
      assert.ok(!String(error.stack).includes('hidden-words'));
      return true;
    });
  }
  const one = kept(await open({ credentials: inline }));
  await assert.rejects(one.probe(), (error: CarillonError) => {
    assert.equal(error.code, 'CAR660');
    assert.ok(!String(error.stack).includes('hidden-words'));
    return true;
  });
  await one.close();
  rmSync(folder, { recursive: true });
});

test('away is CAR661, another project is CAR662', async () => {
  const context = {
    name: 'fcm',
    clock: systemClock,
    settings: fake.settings,
    service: <T>() => undefined as T,
  };
  const stranger = kept(await fcm.open({ project: 'another' }, context));
  await assert.rejects(stranger.probe(), { code: 'CAR662', retryable: false });
  await stranger.close();
  const own = kept(await startFcmFake());
  const one = kept(await open(own.settings));
  await own.close();
  const settings = { ...fake.settings, endpoint: own.url, connect_timeout: '500ms' };
  const nobody = kept(await open(settings));
  await assert.rejects(nobody.probe(), { code: 'CAR661', retryable: true });
  await one.close();
  await nobody.close();
});
