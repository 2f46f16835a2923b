/** What a device is, in RENO's words: the class decides what it is told, the transport how. */

/**
 * `inbox` is the transport of devices that only pull. SSE and long-poll are forms of `websocket`.
 */
export const TRANSPORTS = ['websocket', 'fcm', 'apns', 'inbox'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/**
 * One way to reach a device, as it registered it, best first. Tokens are secrets: never log them.
 */
export interface DeviceTransport {
  readonly kind: Transport;
  readonly token: string | null;
  /** APNs: `production` or `sandbox`; null where the provider knows no such thing. */
  readonly environment: string | null;
  readonly registeredAt: number;
}

/**
 * A row of `tables.device-owners`, keyed by device. A deleted device keeps its row, for its epoch.
 */
export interface Device {
  readonly deviceId: string;
  readonly memberId: string;
  /** Grows when the device gets a new member or is deleted; never otherwise (rule D4). */
  readonly epoch: number;
  readonly status: 'ACTIVE' | 'DELETED';
  /** One of the topology's (`core/device-classes.ts`). */
  readonly class: string;
  readonly platform: string;
  readonly app: string;
  readonly locale: string;
  readonly transports: readonly DeviceTransport[];
  readonly updatedAt: number;
}

/** What a stream needs of a device, in the member's row of `tables.devices`. No tokens. */
export interface MemberDevice {
  readonly deviceId: string;
  readonly epoch: number;
  /** One of the topology's (`core/device-classes.ts`). */
  readonly class: string;
  /** Best first; never empty: a device without a push transport has `inbox`. */
  readonly transports: readonly Transport[];
  readonly updatedAt: number;
}

/** A row of `tables.devices`, keyed by member. */
export interface MemberDevices {
  readonly memberId: string;
  readonly devices: readonly MemberDevice[];
}
