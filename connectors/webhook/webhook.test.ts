/** Webhooks against an endpoint: batches, signatures, what is refused before anything is sent. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HandClock, systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import type { SinkContext } from '../../core/spec.ts';
import { notification, PAYLOAD, pushDelivery } from '../../test/contract/push-delivery.ts';
import { startWebhookFake, type WebhookFake } from './fake.ts';
import type { WebhookOptions } from './settings.ts';
import { keyOf, signatureOf } from './signature.ts';
import { webhook } from './webhook.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-webhook-'));
let fake: WebhookFake;
before(async () => {
  fake = await startWebhookFake();
});
after(async () => {
  await fake.close();
  rmSync(folder, { recursive: true });
});

const delivery = (n: number, more = {}): Delivery =>
  pushDelivery(notification(n, { deviceId: `d-${n}`, ...more }), { kind: 'inbox', token: null });
const deliveries = (...numbers: readonly number[]) => numbers.map((n) => delivery(n));

async function opened(options: Partial<WebhookOptions> = {}, context: Partial<SinkContext> = {}) {
  const none = { secret: null, secret_file: null, former_secret: null };
  const given = { ...none, url: fake.url, secret: fake.secret, ...options };
  const service = <T>() => (async () => PAYLOAD) as T;
  const { settings } = fake;
  return webhook.open(given, { name: 'hook', clock: systemClock, service, settings, ...context });
}

/** What came of a batch, and which requests were made for it: the ids of each. */
async function sent(
  batch: readonly Delivery[],
  options: Partial<WebhookOptions> = {},
  context: Partial<SinkContext> = {},
) {
  const from = fake.hooks.length;
  const sink = await opened(options, context);
  const outcomes = await sink.deliver(batch);
  await sink.close();
  return { outcomes, hooks: fake.hooks.slice(from) };
}

const kinds = (outcomes: readonly Outcome[]) =>
  outcomes.map((one) => (one.kind === 'rejected' ? one.reason : one.kind));
const numbersOf = (hooks: WebhookFake['hooks']) =>
  hooks.map((hook) => hook.deliveries.map(({ deviceId }) => Number(deviceId.slice(2))));

test('a batch is one request, with all that a receiver needs of each', async () => {
  const { outcomes, hooks } = await sent(deliveries(1, 2));
  assert.deepEqual(kinds(outcomes), ['delivered', 'delivered']);
  assert.equal(hooks.length, 1);
  assert.deepEqual(hooks[0]!.deliveries[0], {
    id: notification(1).id,
    deviceId: 'd-1',
    epoch: 1,
    sequence: 1,
    previous: 0,
    useCase: 'va',
    priority: 'normal',
    deadline: 0,
    count: 1,
    born: 0,
    payload: PAYLOAD,
  });
});

test('the same batch has the same id, another one another', async () => {
  const id = async (...numbers: readonly number[]) =>
    (await sent(deliveries(...numbers))).hooks[0]!.id;
  assert.equal(await id(1, 2), await id(1, 2));
  assert.notEqual(await id(1, 2), await id(1, 3));
  assert.equal(await id(3), notification(3).id);
});

test('of a batch that is refused each is sent alone, and only the bad ones are dead', async () => {
  fake.script('d-10', { act: 'answer', status: 422 });
  const { outcomes, hooks } = await sent(deliveries(10, 11, 12));
  assert.deepEqual(kinds(outcomes), ['http_422', 'delivered', 'delivered']);
  assert.deepEqual(numbersOf(hooks).sort(), [[10], [10, 11, 12], [11], [12]]);
});

test('an endpoint says for each what became of it', async () => {
  const body = JSON.stringify({ outcomes: ['delivered', { outcome: 'rejected', reason: 'gone' }] });
  fake.script('d-20', { act: 'body', body });
  assert.deepEqual(kinds((await sent(deliveries(20, 21))).outcomes), ['delivered', 'gone']);
});

test('what is late, too large or unreadable is not sent, and the others are', async () => {
  const clock = new HandClock(systemClock.now());
  const service = <T>() =>
    (async ({ deviceId }: { readonly deviceId: string }) => {
      if (deviceId === 'd-31') throw new Error('no Avro');
      if (deviceId === 'd-32') throw new CarillonError('CAR502', 'away.', { retryable: true });
      return deviceId === 'd-33' ? 'x'.repeat(1_000_000) : PAYLOAD;
    }) as T;
  const batch = [delivery(30, { deadline: clock.now() }), ...deliveries(31, 32, 33, 34)];
  const { outcomes, hooks } = await sent(batch, {}, { clock, service });
  const expected = ['expired', 'payload_unreadable', 'retry', 'payload_too_large', 'delivered'];
  assert.deepEqual(kinds(outcomes), expected);
  assert.deepEqual(numbersOf(hooks), [[34]]);
});

test('no request is larger than an endpoint takes', async () => {
  const service = <T>() => (async () => 'x'.repeat(400_000)) as T;
  const { outcomes, hooks } = await sent(deliveries(40, 41, 42), {}, { service });
  assert.deepEqual(kinds(outcomes), ['delivered', 'delivered', 'delivered']);
  assert.deepEqual(numbersOf(hooks).sort(), [[40, 41], [42]]);
});

test('signed as Standard Webhooks has it (its own example)', () => {
  const key = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const body = Buffer.from('{"test": 2432232314}');
  const signature = signatureOf('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, body, [key]);
  assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('a file holds the secret; with a former one both sides may have either', async () => {
  const secret_file = join(folder, 'secret');
  writeFileSync(secret_file, `${fake.secret}\n`);
  const isTaken = async (options: Partial<WebhookOptions>) =>
    kinds((await sent(deliveries(50), options)).outcomes)[0] === 'delivered';
  assert.ok(await isTaken({ secret: null, secret_file }));
  const other = 'another-secret-of-twenty-four-bytes';
  assert.ok(await isTaken({ secret: other, former_secret: fake.secret }));
  assert.equal(await isTaken({ secret: other }), false);
});

const settingsWith = (more: object) => ({ ...fake.settings, ...more });
const refused: readonly (readonly [
  it: string,
  code: string,
  what: RegExp,
  options: Partial<WebhookOptions>,
  settings?: () => SinkContext['settings'],
])[] = [
  ['no secret', 'CAR682', /secret or secret_file/, { secret: '' }],
  ['two secrets', 'CAR682', /one of both/, { secret_file: 'a' }],
  ['a short secret', 'CAR682', /fewer than 24 bytes/, { secret: 'short' }],
  ['no such file', 'CAR682', /cannot be read \(ENOENT\)/, { secret: null, secret_file: 'none' }],
  ['no address', 'CAR682', /not an address of the form/, { url: 'hooks.example.com' }],
  ['another protocol', 'CAR682', /not an address of the form/, { url: 'file:///etc/passwd' }],
  ['a password', 'CAR682', /name or a password/, { url: 'https://a:b@hooks.example.com/' }],
  ['no TLS', 'CAR682', /not https/, { url: 'http://hooks.example.com/' }],
  ['metadata', 'CAR681', /private address/, { url: 'https://169.254.169.254/latest' }],
  ['metadata, as a number', 'CAR681', /private/, { url: 'https://2852039166/' }],
  ['our own machine', 'CAR681', /private/, { url: 'https://[::1]/' }, () => ({})],
  ['a wrong range', 'CAR682', /"allow" is not a list/, {}, () => settingsWith({ allow: 'lan' })],
  ['no connections', 'CAR682', /"connections"/, {}, () => settingsWith({ connections: 0 })],
];
for (const [it, code, what, options, settings] of refused) {
  test(`${it}: ${code} when it opens, and no secret is told`, async () => {
    const context = settings === undefined ? {} : { settings: settings() };
    await assert.rejects(opened(options, context), (error: CarillonError) => {
      assert.equal(error.code, code);
      assert.match(error.message, what);
      assert.doesNotMatch(error.message, /whsec_|short/);
      return true;
    });
  });
}

test('a name that points to a private address: refused at every connection', async () => {
  const { ca } = fake.settings;
  const sink = await opened({}, { settings: { ca } });
  await assert.rejects(sink.probe(), { code: 'CAR681', retryable: false });
  const [outcome] = await sink.deliver(deliveries(60));
  assert.ok(outcome?.kind === 'retry');
  assert.match(outcome.why, /^CAR681/);
  assert.equal(numbersOf(fake.hooks).flat().includes(60), false);
  await sink.close();
});

test('a certificate that nobody vouches for is not taken', async () => {
  const { allow } = fake.settings;
  const sink = await opened({}, { settings: { allow } });
  await assert.rejects(sink.probe(), { code: 'CAR683', retryable: true });
  const [outcome] = await sink.deliver(deliveries(61));
  assert.ok(outcome?.kind === 'retry' && outcome.ambiguous === false);
  await sink.close();
});

test('a probe says who refuses, and who is in trouble', async () => {
  const sink = await opened({ url: fake.url, secret: 'wrong-secret-of-24-bytes-here' });
  await assert.rejects(sink.probe(), { code: 'CAR680', retryable: false });
  await sink.close();
});
