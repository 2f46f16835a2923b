/**
 * The members and devices of the sample world: the same for the same number of members, so that a
 * second start finds them registered. Every class and every transport is among the first four
 * members.
 */
import { createHash } from 'node:crypto';
import type { Transport } from '../../core/device.ts';
import { type DeviceClasses, RENO_CLASSES } from '../../core/device-classes.ts';
import { type IdentityFields, RENO_FIELDS } from '../../core/words.ts';

export interface SampleDevice {
  readonly deviceId: string;
  readonly memberId: string;
  readonly class: string;
  readonly platform: string;
  readonly transport: Transport;
  /** For the stand-ins: made of the device's id, worth nothing to a real provider. */
  readonly token: string | null;
}

/** FCM's stand-in says that this device's app was removed: its token is dead. */
export const DEAD_TOKEN = 'sample-fcm-token-removed-app';
const DEAD_TOKEN_MEMBER = 4;

export function memberIdOf(index: number): string {
  return `m-${index + 1}`;
}

export function profilesOf(memberId: string): readonly string[] {
  return [`${memberId}-adult`, `${memberId}-kids`];
}

/**
 * Every member has a television and a phone; tablets, sticks and browsers are here and there. Under
 * classes of a topology's own these are of one after the other.
 */
export function sampleDevices(
  members: number,
  classes: DeviceClasses = RENO_CLASSES,
): SampleDevice[] {
  const devices: SampleDevice[] = [];
  for (let i = 0; i < members; i++) {
    const memberId = memberIdOf(i);
    let added = 0;
    const add = (kind: string, reno: string, platform: string, transport: Transport) => {
      const { names } = classes;
      const isReno = classes === RENO_CLASSES;
      const of = isReno ? reno : names[(i + added) % names.length]!;
      const deviceId = isReno ? `${kind}-${i + 1}` : `${of}-${i + 1}-${++added}`;
      const token = tokenOf(deviceId, transport, i);
      devices.push({ deviceId, memberId, class: of, platform, transport, token });
    };
    add('tv', 'tv', 'tizen', 'websocket');
    if (i % 2 === 0) add('phone', 'mobile', 'android', 'fcm');
    else add('phone', 'mobile', 'ios', 'apns');
    if (i % 3 === 0) add('tablet', 'tablet', 'ipados', 'apns');
    if (i % 3 === 1) add('stick', 'stick', 'legacy', 'inbox');
    if (i % 4 === 2) add('web', 'web', 'browser', 'websocket');
    if (i % 4 === 3) add('set-top', 'set-top', 'legacy', 'inbox');
  }
  return devices;
}

function tokenOf(deviceId: string, transport: Transport, member: number): string | null {
  if (transport === 'fcm') {
    return member === DEAD_TOKEN_MEMBER ? DEAD_TOKEN : `sample-fcm-token-${deviceId}`;
  }
  // Apple's tokens are hexadecimal, 64 characters or more.
  if (transport === 'apns') return createHash('sha256').update(deviceId).digest('hex');
  return null;
}

/** The body of `PUT /v1/devices/<id>`. */
export function registrationOf(device: SampleDevice, fields: IdentityFields = RENO_FIELDS): object {
  const { memberId, class: deviceClass, platform, transport, token } = device;
  return {
    [fields.member]: memberId,
    class: deviceClass,
    platform,
    app: 'sample 1.0',
    locale: 'en-GB',
    transports: [token === null ? { kind: transport } : { kind: transport, token }],
  };
}
