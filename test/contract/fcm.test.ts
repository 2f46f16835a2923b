import { readFileSync } from 'node:fs';
import { fcmActs, startFcmFake } from '../../connectors/fcm/fake.ts';
import { fcm } from '../../connectors/fcm/fcm.ts';
import type { Act } from '../../connectors/stand-in.ts';
import { systemClock } from '../../core/clock.ts';
import { notification, pushDelivery, service } from './push-delivery.ts';
import { OVERLOADED_FOR_MS, type SinkUnderTest, type Situation, sinkContract } from './sink.ts';

const ACTS: Readonly<Record<Situation, Act>> = {
  accept: { act: 'accept' },
  slow: { act: 'slow', ms: 50 },
  dead: fcmActs.unregistered,
  overloaded: fcmActs.unavailable(OVERLOADED_FOR_MS / 1_000),
  silent: { act: 'silent' },
  cut: { act: 'cut' },
};

async function start(
  settings: Readonly<Record<string, unknown>>,
  more: { stranger?: boolean } = {},
): Promise<SinkUnderTest> {
  const fake = await startFcmFake();
  // A stranger is signed with the key of another account, which the token server does not know.
  const other = more.stranger ? await startFcmFake() : undefined;
  const own = { ...fake.settings, ...settings };
  const credentials = other === undefined ? {} : { credentials: other.settings.credentials };
  const keyFile = String((other ?? fake).settings.credentials);
  const key: string = JSON.parse(readFileSync(keyFile, 'utf8')).private_key;
  const sink = await fcm.open(
    { project: fake.project },
    { name: 'fcm', clock: systemClock, service, settings: { ...own, ...credentials } },
  );
  let serial = 0;
  const token = (n: number) => `fcm-token-of-device-${n}`;
  return {
    sink,
    delivery: (n) => pushDelivery(notification(++serial), { kind: 'fcm', token: token(n) }),
    arrange: (n, situation) => fake.script(token(n), ACTS[situation]),
    attempts: () => fake.attempts,
    away: () => fake.away(),
    back: () => fake.back(),
    openMost: () => fake.openMost,
    secrets: ['fcm-token-of-device', 'ya29.', key.slice(100, 140)],
    async close() {
      await sink.close();
      await fake.close();
      await other?.close();
    },
  };
}

sinkContract({
  name: 'fcm',
  batchMax: fcm.batchMax,
  capabilities: ['probe_refused', 'dead_token', 'overloaded', 'timeout', 'cut', 'away', 'bounded'],
  start: ({ concurrency }) => start({ request_timeout: '2s', streams_max: concurrency }),
  startRefused: () => start({}, { stranger: true }),
});
