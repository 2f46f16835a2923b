/**
 * What a device, its gateway or a sink says of a device: a record of `events.device-registration`,
 * keyed by device (schema DeviceRegistration, rule D4).
 */
import type { DeviceTransport } from './device.ts';

export interface Registration {
  readonly deviceId: string;
  readonly action: 'REGISTERED' | 'DELETED' | 'TOKEN_DIED';
  readonly memberId: string;
  readonly class: string;
  readonly platform: string;
  readonly app: string;
  readonly locale: string;
  readonly transports: readonly DeviceTransport[];
  readonly deadToken: string | null;
  readonly deadBefore: number | null;
  readonly occurredAt: number;
}

/** Everything that an action does not say. */
const UNSAID = {
  memberId: '',
  class: 'web',
  platform: '',
  app: '',
  locale: '',
  transports: [],
  deadToken: null,
  deadBefore: null,
};

export type Registered = Omit<Registration, 'deviceId' | 'action' | 'deadToken' | 'deadBefore'>;

export function registered(deviceId: string, said: Registered): Registration {
  return { ...UNSAID, deviceId, action: 'REGISTERED', ...said };
}

export function deleted(deviceId: string, occurredAt: number): Registration {
  return { ...UNSAID, deviceId, action: 'DELETED', occurredAt };
}

/**
 * Takes a push token off a device, if it is still that token, and was registered before
 * `deadBefore` (epoch ms; null: whenever).
 */
export function tokenDied(
  deviceId: string,
  deadToken: string,
  deadBefore: number | null,
  occurredAt: number,
): Registration {
  return { ...UNSAID, deviceId, action: 'TOKEN_DIED', deadToken, deadBefore, occurredAt };
}
