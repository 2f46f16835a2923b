import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import type { CarillonError } from '../../core/error.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import { Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import type { Sink } from '../../core/spec.ts';
import type { TextWords } from '../../core/words.ts';
import { apns } from './apns.ts';
import { type ApnsFake, apnsActs, startApnsFake } from './fake.ts';
import { apnsMessage, type PushType } from './message.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const TOKEN = 'ab'.repeat(32);
const NOTE: DeviceNotification = {
  id: '00000000-0000-4000-8000-000000000001',
  deviceId: 'ip-1',
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
const FORM = { bundle: 'com.example.carillon', pushType: 'background' } as const;

const clock = new HandClock(NOW_MS);
let fake: ApnsFake;
let sink: Sink;
before(async () => {
  fake = await startApnsFake({ clock });
  sink = await open(fake);
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

interface Opening {
  readonly at?: HandClock;
  readonly bundle?: string;
  readonly pushType?: PushType;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly payload?: unknown;
  readonly priorities?: Priorities;
}

function open(to: ApnsFake, opening: Opening = {}): Promise<Sink> {
  const { at = clock, bundle = to.bundle, pushType = 'background', payload = {} } = opening;
  const service = <T>() => (async () => payload) as T;
  const settings = { ...to.settings, ...opening.settings };
  const { priorities = RENO_PRIORITIES } = opening;
  const context = { name: 'apns', clock: at, priorities, settings, service };
  return apns.open({ bundle, push_type: pushType }, context);
}

function delivery(
  token: string | null,
  over: Partial<DeviceNotification> = {},
  environment: string | null = 'production',
): Delivery {
  const transports = [{ kind: 'apns', token, environment, registeredAt: 0 }];
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

test("how urgent a topology's own priorities are, its topology says", async () => {
  const priorities = new Priorities([
    { name: 'calm', weight: 9, urgent: false },
    { name: 'alarm', weight: 1, urgent: true },
  ]);
  const own = kept(await open(fake, { pushType: 'alert', priorities }));
  for (const [priority, asked] of [
    ['calm', '5'],
    ['alarm', '10'],
  ] as const) {
    await send(delivery(TOKEN, { priority }), own);
    assert.equal(fake.received.at(-1)?.headers['apns-priority'], asked);
  }
  await own.close();
});

test('a background push carries the numbers and the payload', async () => {
  const one = kept(await open(fake, { payload: { eventId: 'e-1' } }));
  const outcome = await send(
    delivery(TOKEN, { collapseKey: 'p-1/t-9', priority: 'critical' }),
    one,
  );
  await one.close();
  assert.deepEqual(outcome, { kind: 'delivered', receipt: NOTE.id });
  assert.deepEqual(fake.received.at(-1), {
    token: TOKEN,
    environment: 'production',
    headers: {
      'apns-id': NOTE.id,
      'apns-topic': 'com.example.carillon',
      'apns-push-type': 'background',
      'apns-priority': '5',
      'apns-expiration': String(NOW_MS / 1_000 + 30 * 86_400),
      'apns-collapse-id': 'p-1/t-9',
    },
    body: {
      aps: { 'content-available': 1 },
      carillon: {
        id: NOTE.id,
        useCase: 'va',
        priority: 'critical',
        sequence: 7,
        previous: 5,
        epoch: 2,
        count: 3,
        payload: { eventId: 'e-1' },
      },
    },
  });
});

test("the key of the app's own text is the topology's", () => {
  const form = { bundle: 'com.example.app', pushType: 'alert' } as const;
  const keyOf = (...texts: TextWords[]) => {
    const message = apnsMessage(NOTE, {}, form, 0, null, undefined, ...texts);
    return JSON.parse(String(message!.body)).aps.alert['loc-key'];
  };
  assert.deepEqual(
    [keyOf(), keyOf({ fallback: 'de', key: 'bank.{use_case}.push' })],
    ['carillon.va', 'bank.va.push'],
  );
});

test('an alert shows the text of the use case; critical and high go at once', async () => {
  const one = kept(await open(fake, { pushType: 'alert' }));
  for (const [priority, header] of [
    ['critical', '10'],
    ['high', '10'],
    ['normal', '5'],
    ['low', '5'],
  ] as const) {
    assert.equal((await send(delivery(TOKEN, { priority }), one)).kind, 'delivered');
    const { headers, body } = fake.received.at(-1)!;
    assert.equal(headers['apns-priority'], header);
    assert.deepEqual(body.aps, { alert: { 'loc-key': 'carillon.va' }, 'mutable-content': 1 });
  }
  await one.close();
});

test('4096 bytes go as they are, one more goes as a hint, and APNs takes both', async () => {
  const used = apnsMessage(NOTE, '', FORM, NOW_MS)!.body.length;
  for (const [over, hint] of [
    [0, false],
    [1, true],
  ] as const) {
    const one = kept(await open(fake, { payload: 'x'.repeat(4096 - used + over) }));
    assert.equal((await send(delivery(TOKEN), one)).kind, 'delivered');
    await one.close();
    assert.equal(fake.received.at(-1)?.body.carillon.pull, hint ? true : undefined);
    assert.equal('payload' in fake.received.at(-1)!.body.carillon, !hint);
  }
});

test('what cannot be sent at all ends without a request', async () => {
  const before = fake.attempts.length;
  for (const [one, outcome] of [
    [delivery(null), { kind: 'rejected', reason: 'no_token' }],
    [
      { ...delivery(TOKEN), device: undefined },
      { kind: 'rejected', reason: 'no_token' },
    ],
    [delivery(TOKEN, { deadline: NOW_MS }), { kind: 'rejected', reason: 'expired' }],
    [
      delivery(TOKEN, { useCase: 'x'.repeat(5_000) }),
      { kind: 'rejected', reason: 'payload_too_large', deadLetter: true },
    ],
  ] as const) {
    assert.deepEqual(await send(one), outcome);
  }
  assert.equal(fake.attempts.length, before);
});

test('a device of unknown environment is looked for in both; a known one in its own', async () => {
  const moved = 'cd'.repeat(32);
  fake.place(moved, 'sandbox');
  const outcome = await send(delivery(moved, {}, null));
  assert.equal(outcome.kind, 'delivered');
  // The sandbox answers with an id of its own, which the outcome keeps.
  assert.notEqual(outcome.kind === 'delivered' && outcome.receipt, NOTE.id);
  assert.equal(fake.received.at(-1)?.environment, 'sandbox');
  assert.equal((await send(delivery(moved, {}, 'sandbox'))).kind, 'delivered');
  const wrong = await send(delivery(moved, {}, 'production'));
  assert.ok(wrong.kind === 'rejected' && wrong.deadToken?.token === moved);
  const nowhere = 'not-hexadecimal';
  const none = await send(delivery(nowhere, {}, null));
  assert.ok(none.kind === 'rejected' && none.deadToken?.token === nowhere);
});

test('one provider token for all sinks of a team, minted once, and again after 40 minutes', async () => {
  const at = new HandClock(NOW_MS);
  const own = kept(await startApnsFake({ clock: at }));
  const sinks = await Promise.all([1, 2, 3].map(async () => kept(await open(own, { at }))));
  const all = () => Promise.all(sinks.map((one) => send(delivery(TOKEN), one)));
  for (const [minutes, tokens] of [
    [0, 1],
    [20, 1],
    [39, 1],
    [40, 2],
    [79, 2],
    [80, 3],
  ] as const) {
    at.moveTo(NOW_MS + minutes * 60_000);
    for (const outcome of await all()) assert.equal(outcome.kind, 'delivered');
    assert.equal(own.providerTokens, tokens, `at ${minutes} min`);
  }
  assert.equal(own.connections, 3);
  for (const one of sinks) await one.close();
  await own.close();
});

test('403 ExpiredProviderToken: one new token, one more try; none for a token that is young', async () => {
  const at = new HandClock(NOW_MS);
  const own = kept(await startApnsFake({ clock: at }));
  const one = kept(await open(own, { at }));
  const expired = apnsActs.reason(403, 'ExpiredProviderToken');
  await send(delivery(TOKEN), one);
  own.script(TOKEN, [expired]);
  const young = await send(delivery(TOKEN), one);
  assert.ok(young.kind === 'retry' && young.why === 'expired_provider_token');
  assert.equal(own.providerTokens, 1);
  at.moveTo(NOW_MS + 25 * 60_000);
  // Ten at once, each told that the token has expired: still one new token.
  own.script(
    TOKEN,
    Array.from({ length: 10 }, () => expired),
  );
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => send(delivery(TOKEN), one)));
  assert.ok(outcomes.every((outcome) => outcome.kind === 'delivered'));
  assert.equal(own.providerTokens, 2);
  // Twice in a row is not the token's fault.
  at.moveTo(NOW_MS + 50 * 60_000);
  own.script(TOKEN, [expired, expired]);
  assert.equal((await send(delivery(TOKEN), one)).kind, 'retry');
  await one.close();
  await own.close();
});

test('429 TooManyProviderTokenUpdates: the older token, on a new connection', async () => {
  const at = new HandClock(NOW_MS);
  const own = kept(await startApnsFake({ clock: at }));
  const one = kept(await open(own, { at }));
  await send(delivery(TOKEN), one);
  at.moveTo(NOW_MS + 41 * 60_000);
  own.script(TOKEN, [apnsActs.reason(429, 'TooManyProviderTokenUpdates')]);
  const refused = await send(delivery(TOKEN), one);
  assert.ok(refused.kind === 'retry' && refused.scope === 'lane');
  assert.equal(own.providerTokens, 2);
  assert.equal((await send(delivery(TOKEN), one)).kind, 'delivered');
  assert.equal(own.connections, 2);
  await one.close();
  await own.close();
});

test('503 Shutdown: the next push goes over another connection', async () => {
  const own = kept(await startApnsFake({ clock }));
  const one = kept(await open(own));
  own.script(TOKEN, [apnsActs.shutdown]);
  assert.equal((await send(delivery(TOKEN), one)).kind, 'retry');
  assert.equal((await send(delivery(TOKEN), one)).kind, 'delivered');
  assert.equal(own.connections, 2);
  await one.close();
  await own.close();
});

test('settings that are missing or wrong are told by name, and nothing of the key (CAR665)', async () => {
  const key = '-----BEGIN PRIVATE KEY-----\nhidden-words\n-----END PRIVATE KEY-----\n';
  for (const [settings, at] of [
    [{ key: undefined }, 'connectors.apns.key'],
    [{ key: 'no-such-file.p8' }, 'connectors.apns.key'],
    [{ key: '-----BEGIN CERTIFICATE-----' }, 'connectors.apns.key'],
    [{ team: undefined }, 'connectors.apns.team'],
    [{ key_id: 7 }, 'connectors.apns.key_id'],
    [{ production_endpoint: 'localhost:1' }, 'connectors.apns.production_endpoint'],
  ] as const) {
    await assert.rejects(open(fake, { settings }), (error: CarillonError) => {
      assert.equal(error.code, 'CAR665');
      assert.equal(error.where.at, at);
      return true;
    });
  }
  const one = kept(await open(fake, { settings: { key } }));
  await assert.rejects(one.probe(), (error: CarillonError) => {
    assert.equal(error.code, 'CAR665');
    assert.ok(!String(error.stack).includes('hidden-words'));
    return true;
  });
  const outcome = await send(delivery(TOKEN), one);
  assert.ok(outcome.kind === 'retry' && outcome.scope === 'lane');
  await one.close();
});

test('away is CAR666, another bundle is CAR667', async () => {
  const stranger = kept(await open(fake, { bundle: 'com.example.other' }));
  await assert.rejects(stranger.probe(), { code: 'CAR667', retryable: false });
  await stranger.close();
  const own = kept(await startApnsFake({ clock }));
  await own.close();
  const nobody = kept(await open(own));
  await assert.rejects(nobody.probe(), { code: 'CAR666', retryable: true });
  await nobody.close();
});
