/** From a notification to a request of APNs: headers and body. */
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http2';
import type { DeviceNotification } from '../../core/notification.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import { type Show, type ShownText, shownText } from '../../core/show.ts';
import { RENO_TEXTS, type TextWords, textKeyOf } from '../../core/words.ts';

/** Apple's limit for a body; VoIP has another. */
export const APNS_BODY_BYTES_MAX = 4096;
/** How long Apple stores a notification at most. */
const STORED_MS_MAX = 30 * 86_400_000;
const COLLAPSE_ID_BYTES_MAX = 64;

export type PushType = 'background' | 'alert';

export interface ApnsMessage {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /** True: the payload did not fit, and the device is told to pull its inbox. */
  readonly hint: boolean;
}

export interface ApnsForm {
  readonly bundle: string;
  readonly pushType: PushType;
}

/** What Apple's devices show. */
export interface ApnsShown extends Partial<ShownText> {
  readonly as: PushType;
  readonly sound: string | null;
  readonly badge: number | null;
}

/** The use case's `show`, for one device. */
export function apnsShown(show: Show | null, event: unknown, locale: string): ApnsShown | null {
  return show === null ? null : { ...show.apns, ...shownText(show, event, locale) };
}

/** Undefined when not even the hint fits, which only absurdly long names can do. */
export function apnsMessage(
  notification: DeviceNotification,
  payload: unknown,
  written: ApnsForm,
  nowMs: number,
  shownAs: ApnsShown | null = null,
  priorities: Priorities = RENO_PRIORITIES,
  texts: TextWords = RENO_TEXTS,
): ApnsMessage | undefined {
  const form = shownAs === null ? written : { ...written, pushType: shownAs.as };
  const base = {
    id: notification.id,
    useCase: notification.useCase,
    priority: notification.priority,
    sequence: notification.sequence,
    previous: notification.previous,
    epoch: notification.epoch,
    count: notification.count,
  };
  const shown = aps(notification, form.pushType, shownAs, texts);
  let body = bytes({ aps: shown, carillon: { ...base, payload } });
  const hint = body.length > APNS_BODY_BYTES_MAX;
  if (hint) {
    body = bytes({ aps: shown, carillon: { ...base, pull: true } });
    if (body.length > APNS_BODY_BYTES_MAX) return undefined;
  }
  return { headers: headers(notification, form, nowMs, priorities), body, hint };
}

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/**
 * A background push wakes the app and shows nothing. An alert shows the text that the app has for
 * the use case, by the topology's `texts: { key }` (`carillon.<use case>` in its
 * Localizable.strings), as a notification carries no text.
 */
function aps(
  notification: DeviceNotification,
  pushType: PushType,
  shown: ApnsShown | null,
  texts: TextWords,
): unknown {
  if (pushType === 'background') return { 'content-available': 1 };
  if (shown !== null) {
    const { title, body, sound, badge } = shown;
    return {
      alert: { ...(title ? { title } : {}), ...(body ? { body } : {}) },
      ...(sound === null ? {} : { sound }),
      ...(badge === null ? {} : { badge }),
      'mutable-content': 1,
    };
  }
  return { alert: { 'loc-key': textKeyOf(texts, notification.useCase) }, 'mutable-content': 1 };
}

function headers(
  notification: DeviceNotification,
  { bundle, pushType }: ApnsForm,
  nowMs: number,
  priorities: Priorities,
): OutgoingHttpHeaders {
  const { priority, id, collapseKey } = notification;
  const urgent = priorities.isUrgent(priority);
  return {
    'apns-id': id,
    'apns-topic': bundle,
    'apns-push-type': pushType,
    // 10 is forbidden for background pushes.
    'apns-priority': pushType === 'alert' && urgent ? '10' : '5',
    'apns-expiration': expiration(notification.deadline, nowMs),
    // With its id a repeat still replaces the first one (D7).
    'apns-collapse-id': collapseId(collapseKey ?? id),
  };
}

/** Epoch seconds, rounded down; `0` (try once) when less than a second is left. */
function expiration(deadlineMs: number, nowMs: number): string {
  const latest = nowMs + STORED_MS_MAX;
  const atS = Math.floor((deadlineMs === 0 ? latest : Math.min(deadlineMs, latest)) / 1_000);
  return atS * 1_000 <= nowMs ? '0' : String(atS);
}

/** At most 64 bytes of printable ASCII, as a header has to be; anything else is hashed. */
export function collapseId(key: string): string {
  if (key.length <= COLLAPSE_ID_BYTES_MAX && /^[!-~]+$/.test(key)) return key;
  return createHash('sha256').update(key).digest('base64url');
}
