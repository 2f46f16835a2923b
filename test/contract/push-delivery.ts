/**
 * Deliveries for the contract tests of the push sinks: made by number, each with an id of its own.
 */
import type { DeviceTransport } from '../../core/device.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery } from '../../core/outcome.ts';

/** `serial` makes the id; everything else can be set over. */
export function notification(
  serial: number,
  over: Partial<DeviceNotification> = {},
): DeviceNotification {
  return {
    id: `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`,
    deviceId: 'device-1',
    epoch: 1,
    sequence: serial,
    previous: serial - 1,
    useCase: 'va',
    priority: 'normal',
    deadline: 0,
    collapseKey: null,
    count: 1,
    born: 0,
    payloadSchemaId: 1,
    payload: Buffer.alloc(0),
    ...over,
  };
}

export function pushDelivery(
  of: DeviceNotification,
  transport: Partial<DeviceTransport> & Pick<DeviceTransport, 'kind' | 'token'>,
): Delivery {
  return {
    notification: of,
    bytes: Buffer.alloc(0),
    device: {
      deviceId: of.deviceId,
      memberId: 'member-1',
      epoch: of.epoch,
      status: 'ACTIVE',
      class: 'mobile',
      platform: 'test',
      app: 'carillon',
      locale: 'en',
      transports: [{ environment: null, registeredAt: 0, ...transport }],
      updatedAt: 0,
    },
    joined: undefined,
    attempt: 1,
  };
}

/** The payload service of the tests: every event is this one. */
export const PAYLOAD = { eventId: 'e-1', titleId: 't-9' };

export function service<T>(name: string): T {
  if (name !== 'payload') throw new Error(`no service "${name}" in this test`);
  return (async () => PAYLOAD) as T;
}
