/**
 * Writes what became of deliveries: the `outcomes` topic, and tokens that a provider called dead.
 */
import type { DeadToken, DeliveryOutcome } from '../../core/outcome.ts';
import { tokenDied } from '../../core/registration.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Collector } from '../collector.ts';

export const OUTCOMES_TOPIC = 'outcomes';
export const REGISTRATION_TOPIC = 'events.device-registration';

export class OutcomeWriter {
  readonly #collector: Collector;
  readonly #schemas: Schemas;

  constructor(collector: Collector, schemas: Schemas) {
    this.#collector = collector;
    this.#schemas = schemas;
  }

  outcome(outcome: DeliveryOutcome): void {
    this.#collector
      .forKey(OUTCOMES_TOPIC, outcome.deviceId)
      .appendEncoded(
        outcome.at,
        outcome.deviceId,
        this.#schemas.encoder('DeliveryOutcome'),
        outcome,
      );
  }

  /** The registration task takes the token off the device, if it is still that token. */
  deadToken(deviceId: string, dead: DeadToken, nowMs: number): void {
    const { token, beforeMs = null } = dead;
    const registration = tokenDied(deviceId, token, beforeMs, nowMs);
    this.#collector
      .forKey(REGISTRATION_TOPIC, deviceId)
      .appendEncoded(nowMs, deviceId, this.#schemas.encoder('DeviceRegistration'), registration);
  }
}
