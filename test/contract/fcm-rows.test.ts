/** FCM's rows; see test/kit/provider-rows.ts. */
import { after, before } from 'node:test';
import { type FcmFake, fcmActs, startFcmFake } from '../../connectors/fcm/fake.ts';
import { fcm } from '../../connectors/fcm/fcm.ts';
import { fcmReply } from '../../connectors/fcm/replies.ts';
import { FCM_RULES } from '../../connectors/fcm/rules.ts';
import { HandClock, systemClock } from '../../core/clock.ts';
import type { Sink } from '../../core/spec.ts';
import { type ProviderRow, testProviderRows } from '../kit/provider-rows.ts';
import { notification, pushDelivery, service } from './push-delivery.ts';

const TOKEN = 'fcm-token-1';
const { error, badField } = fcmActs;
const retryAfter = (value: string) => ({
  ...error(503, 'UNAVAILABLE', '', 'UNAVAILABLE'),
  headers: { 'retry-after': value },
});

const ROWS: readonly ProviderRow[] = [
  ['404 UNREGISTERED', fcmActs.unregistered, 'rejected unregistered token-dies'],
  ['410 UNREGISTERED', error(410, '', '', 'UNREGISTERED'), 'rejected unregistered token-dies'],
  ['400 UNREGISTERED', error(400, '', '', 'UNREGISTERED'), 'rejected unregistered token-dies'],
  ['404 of something else', error(404, 'NOT_FOUND', '', ''), 'retry not_found lane opens', [60]],
  ['404 of a proxy', { act: 'answer', status: 404 }, 'retry not_found lane opens', [60]],
  ['400 of the token', fcmActs.invalidToken, 'rejected invalid_token token-dies'],
  ['400 of the token, short', badField('token'), 'rejected invalid_token token-dies'],
  ['400 of the fid', badField('message.fid'), 'rejected invalid_token token-dies'],
  ['400, FcmError only', fcmActs.invalidArgument, 'rejected invalid_argument dead-letter'],
  ['400 of a field', badField('message.data[x]'), 'rejected invalid_argument dead-letter'],
  [
    '400 of token and field',
    badField('message.token', 'message.android'),
    'rejected invalid_argument dead-letter',
  ],
  ['400 of no field', badField(''), 'rejected invalid_argument dead-letter'],
  [
    '400 of a like name',
    badField('message.android.token_x'),
    'rejected invalid_argument dead-letter',
  ],
  [
    '400 without details',
    error(400, 'INVALID_ARGUMENT', '', ''),
    'rejected bad_request dead-letter',
  ],
  ['400 of an unknown code', error(400, '', '', 'NEW_REASON'), 'rejected bad_request dead-letter'],
  ['403 SENDER_ID_MISMATCH', fcmActs.senderIdMismatch, 'rejected sender_id_mismatch'],
  [
    '403 of the project',
    error(403, 'PERMISSION_DENIED', '', ''),
    'retry permission_denied lane opens',
    [60],
  ],
  [
    '401 THIRD_PARTY_AUTH_ERROR',
    fcmActs.thirdPartyAuth,
    'retry third_party_auth_error lane opens',
    [60],
  ],
  ['429 of the device', fcmActs.quota('device'), 'retry device_quota device', [60]],
  [
    '429 of the device, with Retry-After',
    fcmActs.quota('device', 90),
    'retry device_quota device',
    90,
  ],
  ['429 of the project', fcmActs.quota('project'), 'retry quota_exceeded lane opens', [60]],
  [
    '429 of the project, with Retry-After',
    fcmActs.quota('project', 9),
    'retry quota_exceeded lane opens',
    9,
  ],
  ['429 of a proxy', { act: 'answer', status: 429 }, 'retry quota_exceeded lane opens', [60]],
  ['408', { act: 'answer', status: 408 }, 'retry request_timeout lane ambiguous', [10]],
  ['409 ABORTED', error(409, 'ABORTED', '', ''), 'retry aborted lane', [10]],
  ['421', { act: 'answer', status: 421 }, 'retry misdirected lane', [10]],
  ['425', { act: 'answer', status: 425 }, 'retry too_early lane', [10]],
  ['499 CANCELLED', error(499, 'CANCELLED', '', ''), 'retry cancelled lane ambiguous', [10]],
  ['500 INTERNAL', fcmActs.internal, 'retry internal lane ambiguous', [10]],
  ['502 of a proxy', { act: 'answer', status: 502 }, 'retry internal lane ambiguous', [10]],
  ['503', fcmActs.unavailable(), 'retry unavailable lane', [10]],
  ['503 with Retry-After', fcmActs.unavailable(42), 'retry unavailable lane', 42],
  ['503 with a short one', fcmActs.unavailable(2), 'retry unavailable lane', 2],
  ['503 with none', fcmActs.unavailable(0), 'retry unavailable lane', [10]],
  ['503 with an odd one', retryAfter('10s'), 'retry unavailable lane', [10]],
  [
    '503 with one in the past',
    retryAfter('Wed, 01 Jan 2020 00:00:00 GMT'),
    'retry unavailable lane',
    [10],
  ],
  ['504', error(504, 'DEADLINE_EXCEEDED', '', ''), 'retry deadline_exceeded lane ambiguous', [10]],
  ['413 of a proxy', { act: 'answer', status: 413 }, 'rejected refused dead-letter'],
  ['302 of a proxy', { act: 'answer', status: 302 }, 'retry not_understood lane ambiguous', [10]],
  ['a reset stream', { act: 'reset' }, 'retry cut: rst 2 lane ambiguous'],
];

const clock = new HandClock(systemClock.now());
let fake: FcmFake;
let sink: Sink;
before(async () => {
  fake = await startFcmFake({ clock });
  const context = { name: 'fcm', clock, settings: fake.settings, service };
  sink = await fcm.open({ project: fake.project }, context);
});
after(async () => {
  await sink.close();
  await fake.close();
});

const transport = { kind: 'fcm', token: TOKEN } as const;
testProviderRows({
  rules: FCM_RULES,
  rows: ROWS,
  elsewhere: ['unauthenticated'],
  clock,
  transport,
  reply: fcmReply,
  sink: () => sink,
  script: (acts) => fake.script(TOKEN, acts),
  requests: () => fake.attempts.filter((id) => id === notification(1).id).length,
  delivery: (attempt) => ({ ...pushDelivery(notification(1), transport), attempt }),
});
