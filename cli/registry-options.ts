/** From the deployment's words to what the registry's client takes. */
import { systemClock } from '../core/clock.ts';
import type { ConfluentRegistryOptions } from '../schemas/confluent-registry.ts';
import type { RegistrySettings } from './deployment-registry.ts';
import { trustIn } from './trust-file.ts';

/** As `kafkaOptionsOf`: CAR902, CAR735 for what `registry.ssl.ca` names. */
export function registryOptionsOf(
  { url, auth, ssl }: RegistrySettings,
  nowMs = systemClock.now(),
): ConfluentRegistryOptions {
  const trust = ssl?.ca === undefined ? {} : { ca: trustIn('registry.ssl.ca', ssl.ca, nowMs) };
  return {
    url,
    ...(auth === undefined ? {} : { auth }),
    ...(ssl === undefined ? {} : { ssl: { rejectUnauthorized: ssl.rejectUnauthorized, ...trust } }),
  };
}
