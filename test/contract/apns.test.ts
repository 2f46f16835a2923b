import { generateKeyPairSync } from 'node:crypto';
import { apns } from '../../connectors/apns/apns.ts';
import { apnsActs, startApnsFake } from '../../connectors/apns/fake.ts';
import type { Act } from '../../connectors/stand-in.ts';
import { systemClock } from '../../core/clock.ts';
import { notification, pushDelivery, service } from './push-delivery.ts';
import { OVERLOADED_FOR_MS, type SinkUnderTest, type Situation, sinkContract } from './sink.ts';

const ACTS: Readonly<Record<Situation, Act>> = {
  accept: { act: 'accept' },
  slow: { act: 'slow', ms: 50 },
  dead: apnsActs.unregistered(1_767_225_600_000),
  overloaded: apnsActs.unavailable(OVERLOADED_FOR_MS / 1_000),
  silent: { act: 'silent' },
  cut: { act: 'cut' },
};

async function start(settings: Readonly<Record<string, unknown>>): Promise<SinkUnderTest> {
  const fake = await startApnsFake();
  const all = { ...fake.settings, ...settings };
  const sink = await apns.open(
    { bundle: fake.bundle, push_type: 'background' },
    { name: 'apns', clock: systemClock, service, settings: all },
  );
  let serial = 0;
  const token = (n: number) => `abcdef${String(n).padStart(58, '0')}`;
  return {
    sink,
    delivery: (n) =>
      pushDelivery(notification(++serial), {
        kind: 'apns',
        token: token(n),
        environment: 'production',
      }),
    arrange: (n, situation) => fake.script(token(n), ACTS[situation]),
    attempts: () => fake.attempts,
    away: () => fake.away(),
    back: () => fake.back(),
    openMost: () => fake.openMost,
    secrets: ['abcdef0', String(all.key).slice(40, 80), 'eyJ'],
    async close() {
      await sink.close();
      await fake.close();
    },
  };
}

sinkContract({
  name: 'apns',
  batchMax: apns.batchMax,
  capabilities: ['probe_refused', 'dead_token', 'overloaded', 'timeout', 'cut', 'away', 'bounded'],
  start: ({ concurrency }) => start({ request_timeout: '2s', streams_max: concurrency }),
  // Signed with a key that the team does not have.
  startRefused: () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return start({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });
  },
});
