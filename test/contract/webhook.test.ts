import { startWebhookFake, type WebhookAct } from '../../connectors/webhook/fake.ts';
import { webhook } from '../../connectors/webhook/webhook.ts';
import { systemClock } from '../../core/clock.ts';
import { notification, pushDelivery, service } from './push-delivery.ts';
import { OVERLOADED_FOR_MS, type SinkUnderTest, type Situation, sinkContract } from './sink.ts';

const RETRY_AFTER = { 'retry-after': String(OVERLOADED_FOR_MS / 1_000) };
const ACTS: Readonly<Record<Situation, WebhookAct>> = {
  accept: { act: 'accept' },
  slow: { act: 'slow', ms: 50 },
  dead: { act: 'answer', status: 422 },
  overloaded: { act: 'answer', status: 429, headers: RETRY_AFTER },
  silent: { act: 'silent' },
  cut: { act: 'cut' },
};

async function start(
  settings: Readonly<Record<string, unknown>>,
  secret?: string,
): Promise<SinkUnderTest> {
  const fake = await startWebhookFake();
  const options = {
    url: fake.url,
    secret: secret ?? fake.secret,
    secret_file: null,
    former_secret: null,
  };
  const sink = await webhook.open(options, {
    name: 'webhook',
    clock: systemClock,
    service,
    settings: { ...fake.settings, ...settings },
  });
  let serial = 0;
  const device = (n: number) => `device-${n}`;
  return {
    sink,
    delivery: (n) =>
      pushDelivery(notification(++serial, { deviceId: device(n) }), { kind: 'inbox', token: null }),
    arrange: (n, situation) => fake.script(device(n), ACTS[situation]),
    attempts: () => fake.hooks.flatMap(({ deliveries }) => deliveries.map(({ id }) => id)),
    away: () => fake.away(),
    back: () => fake.back(),
    openMost: () => fake.openMost,
    secrets: [options.secret, Buffer.from(options.secret.slice(6), 'base64').toString()],
    async close() {
      await sink.close();
      await fake.close();
    },
  };
}

sinkContract({
  name: 'webhook',
  // Each in a request of its own, so that what becomes of one is seen.
  batchMax: 1,
  capabilities: ['probe_refused', 'overloaded', 'timeout', 'cut', 'away', 'bounded'],
  start: ({ concurrency }) => start({ request_timeout: '2s', connections: concurrency }),
  startRefused: () => start({}, 'another-secret-of-somebody-else'),
});
