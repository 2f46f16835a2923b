/** How an attempt to deliver ended. */
import type { Device } from './device.ts';
import type { DeviceNotification } from './notification.ts';

export interface DeadToken {
  readonly kind: 'fcm' | 'apns';
  readonly token: string;
  /** Only a registration older than this is dead (APNs 410 `timestamp`); undefined: any. */
  readonly beforeMs?: number;
}

export type Outcome =
  | {
      readonly kind: 'delivered';
      /** The provider's own id of the message, when it gives one. */
      readonly receipt?: string;
    }
  | {
      readonly kind: 'retry';
      /** Not before; undefined: the runner's own backoff with jitter. */
      readonly afterMs?: number;
      readonly why: string;
      /** True: the first try may have been delivered (time-out, cut stream): rule D7. */
      readonly ambiguous?: boolean;
      /** `device`: park this device alone; `lane`: the service itself is in trouble (breaker). */
      readonly scope: 'device' | 'lane';
      /**
       * `lane`: true when nobody gets through until `afterMs` is over (a setting that is wrong, a
       * project's quota), so that the breaker opens at once; else it judges by rate.
       */
      readonly opens?: boolean;
    }
  | {
      /** Final: it will not be delivered by this transport; the inbox still has it. */
      readonly kind: 'rejected';
      readonly reason: string;
      readonly deadToken?: DeadToken;
      /** True: the record itself is at fault and goes to the dead letters (CAR510). */
      readonly deadLetter?: boolean;
    };

export function delivered(receipt?: string): Outcome {
  return receipt === undefined ? { kind: 'delivered' } : { kind: 'delivered', receipt };
}

/** One notification, handed to a sink with its device's current registration. */
export interface Delivery {
  readonly notification: DeviceNotification;
  /** The lane record's value as it came (wire format), for sinks that pass it on as bytes. */
  readonly bytes: Buffer;
  /** From `tables.device-owners`; undefined when the sink does not need owners. */
  readonly device: Device | undefined;
  /** From the table that the sink's gate joined (presence), or undefined. */
  readonly joined: unknown;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** A record of the `outcomes` topic, schema `DeliveryOutcome`. */
export interface DeliveryOutcome {
  readonly notificationId: string;
  readonly deviceId: string;
  readonly useCase: string;
  readonly priority: string;
  readonly sink: string;
  readonly attempt: number;
  readonly outcome:
    | 'delivered'
    | 'acknowledged'
    | 'retried'
    | 'rejected'
    | 'expired'
    | 'moved'
    | 'offline'
    | 'abandoned'
    | 'postponed'
    | 'handed_on'
    | 'stored'
    | 'withdrawn';
  readonly reason: string;
  readonly ambiguous: boolean;
  readonly at: number;
  /** Milliseconds from the event's time to this outcome. */
  readonly ageMs: number;
}
