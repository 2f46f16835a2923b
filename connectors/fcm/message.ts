/** From a notification to the body of `messages:send` (FCM HTTP v1). */
import type { TokenMessage } from 'firebase-admin/messaging';
import type { DeviceNotification } from '../../core/notification.ts';

/**
 * FCM's limit for a message to one device, in bytes of the keys and values of `data`
 * (firebase.google.com/docs/cloud-messaging/concept-options, payload).
 */
export const FCM_DATA_BYTES_MAX = 4096;
/** Four weeks, FCM's longest and default time to live. */
export const FCM_TTL_MAX_MS = 2_419_200_000;

export interface FcmBody {
  readonly bytes: Buffer;
  /** True: the payload did not fit, and the device is told to pull its inbox. */
  readonly hint: boolean;
}

/**
 * `payload`: the event in JSON form. `nowMs`: for the time to live, which ends with the deadline
 * (D9). Undefined when not even the hint fits, which only absurdly long names can do.
 */
export function fcmBody(
  notification: DeviceNotification,
  token: string,
  payload: unknown,
  nowMs: number,
): FcmBody | undefined {
  const base = {
    id: notification.id,
    useCase: notification.useCase,
    priority: notification.priority,
    sequence: String(notification.sequence),
    previous: String(notification.previous),
    epoch: String(notification.epoch),
    count: String(notification.count),
  };
  let data: Record<string, string> = { ...base, payload: JSON.stringify(payload) };
  const hint = dataBytes(data) > FCM_DATA_BYTES_MAX;
  if (hint) {
    data = { ...base, pull: '1' };
    if (dataBytes(data) > FCM_DATA_BYTES_MAX) return undefined;
  }
  const message: TokenMessage = { token, data, android: android(notification, nowMs) };
  return { bytes: Buffer.from(JSON.stringify({ message: wire(message) }), 'utf8'), hint };
}

function dataBytes(data: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const key in data) bytes += Buffer.byteLength(key) + Buffer.byteLength(data[key]!);
  return bytes;
}

function android(notification: DeviceNotification, nowMs: number) {
  const { deadline, collapseKey, priority } = notification;
  const ttl = deadline === 0 ? FCM_TTL_MAX_MS : Math.max(0, deadline - nowMs);
  const urgent = priority === 'critical' || priority === 'high';
  return {
    priority: urgent ? ('high' as const) : ('normal' as const),
    ttl: Math.min(FCM_TTL_MAX_MS, ttl),
    // FCM stores four collapse keys per app and device, and beyond that keeps it undefined which.
    // So there is one key per priority: a newer notification replaces a waiting one of its own
    // priority only. The device sees the gap by `previous`, and takes the rest from its inbox (D6).
    ...(collapseKey === null ? {} : { collapseKey: priority }),
  };
}

/** firebase-admin's form to the wire's: snake case, and the ttl as whole seconds, rounded down. */
function wire(message: TokenMessage): unknown {
  const { token, data, android } = message;
  return {
    token,
    data,
    android: {
      priority: android?.priority,
      ttl: `${Math.floor((android?.ttl ?? 0) / 1_000)}s`,
      collapse_key: android?.collapseKey,
    },
  };
}
