/**
 * From a notification to the JSON form that devices get: the event decoded by its writer's schema.
 */
import type { Clock } from '../core/clock.ts';
import { jsonForm } from '../core/json-form.ts';
import type { DeviceNotification } from '../core/notification.ts';
import { type Schemas, withWireHeader } from '../core/schema.ts';
import type { NotificationForm, Skipped } from '../schemas/frames.ts';

/** A schema id that the registry does not have is asked for again after this. */
const UNKNOWN_FOR_MS = 60_000;

export class PayloadReader {
  readonly #schemas: Schemas;
  readonly #clock: Clock;
  readonly #loaded = new Set<number>();
  readonly #unknownUntil = new Map<number, number>();

  constructor(schemas: Schemas, clock: Clock) {
    this.#schemas = schemas;
    this.#clock = clock;
  }

  /** True: `form` can read payloads of this schema, or knows that it cannot. */
  ready(schemaId: number): boolean {
    return (
      this.#loaded.has(schemaId) || (this.#unknownUntil.get(schemaId) ?? 0) > this.#clock.now()
    );
  }

  /** Throws a retryable CarillonError when the registry is away. */
  async load(schemaId: number): Promise<void> {
    await this.#schemas.load(schemaId);
    this.#loaded.add(schemaId);
  }

  /** Undefined: the payload does not decode. `ready` must hold. */
  form(notification: DeviceNotification): NotificationForm | undefined {
    let value: unknown;
    try {
      value = jsonForm(this.#decode(notification));
    } catch {
      this.#loaded.delete(notification.payloadSchemaId);
      this.#unknownUntil.set(notification.payloadSchemaId, this.#clock.now() + UNKNOWN_FOR_MS);
      return undefined;
    }
    return {
      id: notification.id,
      sequence: notification.sequence,
      previous: notification.previous,
      priority: notification.priority,
      useCase: notification.useCase,
      count: notification.count,
      born: notification.born,
      deadline: notification.deadline,
      value,
    };
  }

  #decode({ payload, payloadSchemaId }: DeviceNotification): unknown {
    const bytes = withWireHeader(payloadSchemaId, payload);
    return this.#schemas.decodeByWriter(bytes, 0, bytes.length);
  }
}

/** Why a device does not get this any more, or undefined. */
export function whySkipped(
  notification: DeviceNotification,
  nowMs: number,
): Skipped['reason'] | undefined {
  if (notification.payload.length === 0 && notification.payloadSchemaId <= 0) return 'withdrawn';
  return notification.deadline !== 0 && notification.deadline <= nowMs ? 'expired' : undefined;
}

export function skippedForm(notification: DeviceNotification, reason: Skipped['reason']): Skipped {
  const { priority, sequence, id } = notification;
  return { priority, sequence, id, reason };
}
