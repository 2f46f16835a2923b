/** From a notification to the body of `messages:send` (FCM HTTP v1). */
import type { TokenMessage } from 'firebase-admin/messaging';
import type { DeviceNotification } from '../../core/notification.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import { type Show, type ShownAs, type ShownText, shownText } from '../../core/show.ts';

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
  /** What FCM counts: keys and values of data and of what is shown. */
  readonly counted: number;
}

/** What Android shows; with `as: background` only the group counts. */
export interface FcmShown extends Partial<ShownText> {
  readonly as: ShownAs;
  readonly channel: string | null;
  readonly sound: string | null;
  readonly group: string | null;
}

/** The use case's `show`, for one device. */
export function fcmShown(show: Show | null, event: unknown, locale: string): FcmShown | null {
  return show === null ? null : { ...show.fcm, ...shownText(show, event, locale) };
}

function texts({ as, title, body }: FcmShown): Record<string, string> {
  if (as === 'background') return {};
  return { ...(title ? { title } : {}), ...(body ? { body } : {}) };
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
  shown: FcmShown | null = null,
  priorities: Priorities = RENO_PRIORITIES,
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
  const textBytes = dataBytes(shown === null ? {} : texts(shown));
  const hint = textBytes + dataBytes(data) > FCM_DATA_BYTES_MAX;
  if (hint) {
    data = { ...base, pull: '1' };
    if (textBytes + dataBytes(data) > FCM_DATA_BYTES_MAX) return undefined;
  }
  const group = shown?.group ?? null;
  const message: TokenMessage = {
    token,
    data,
    android: android(notification, { group, priorities, nowMs }),
  };
  const counted = textBytes + dataBytes(data);
  const body = JSON.stringify({ message: wire(message, shown) });
  return { bytes: Buffer.from(body, 'utf8'), hint, counted };
}

function dataBytes(data: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const key in data) bytes += Buffer.byteLength(key) + Buffer.byteLength(data[key]!);
  return bytes;
}

function android(
  notification: DeviceNotification,
  of: { readonly group: string | null; readonly priorities: Priorities; readonly nowMs: number },
) {
  const { group, priorities, nowMs } = of;
  const { deadline, collapseKey, priority } = notification;
  const ttl = deadline === 0 ? FCM_TTL_MAX_MS : Math.max(0, deadline - nowMs);
  return {
    priority: priorities.isUrgent(priority) ? ('high' as const) : ('normal' as const),
    ttl: Math.min(FCM_TTL_MAX_MS, ttl),
    // FCM stores four collapse keys per app and device, and beyond that keeps it undefined which.
    // So there is one key per priority: a newer notification replaces a waiting one of its own
    // priority only. The device sees the gap by `previous`, and takes the rest from its inbox (D6).
    // A group of the use case's own is one of the four (CAR673).
    ...(group !== null
      ? { collapseKey: group }
      : collapseKey === null
        ? {}
        : { collapseKey: priority }),
  };
}

/** firebase-admin's form to the wire's: snake case, and the ttl as whole seconds, rounded down. */
function wire({ token, data, android }: TokenMessage, shown: FcmShown | null): object {
  const plain = {
    priority: android?.priority,
    ttl: `${Math.floor((android?.ttl ?? 0) / 1_000)}s`,
    collapse_key: android?.collapseKey,
  };
  if (shown === null || shown.as === 'background') return { token, data, android: plain };
  const { channel, sound } = shown;
  const notification = {
    ...(channel === null ? {} : { channel_id: channel }),
    ...(sound === null ? {} : { sound }),
  };
  // Android shows it by itself, and hands the data over when it is touched.
  return { token, data, notification: texts(shown), android: { ...plain, notification } };
}

/** The same message, to be checked and not sent. */
export function validateOnly(bytes: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ validate_only: true, ...JSON.parse(String(bytes)) }), 'utf8');
}
