/** APNs' rows; see test/kit/provider-rows.ts. */
import { after, before } from 'node:test';
import { apns } from '../../connectors/apns/apns.ts';
import { type ApnsFake, apnsActs, startApnsFake } from '../../connectors/apns/fake.ts';
import { apnsReply } from '../../connectors/apns/replies.ts';
import { APNS_RULES } from '../../connectors/apns/rules.ts';
import { HandClock, systemClock } from '../../core/clock.ts';
import type { Sink } from '../../core/spec.ts';
import { type ProviderRow, testProviderRows } from '../kit/provider-rows.ts';
import { notification, pushDelivery, service } from './push-delivery.ts';

const TOKEN = 'ab'.repeat(32);
const SINCE_MS = Date.UTC(2026, 0, 1);
const { reason } = apnsActs;
const MINUTE = 'lane opens';

const ROWS: readonly ProviderRow[] = [
  [
    '410 Unregistered',
    apnsActs.unregistered(SINCE_MS),
    `rejected unregistered token-dies before ${SINCE_MS}`,
  ],
  [
    '410 Unregistered without a time',
    reason(410, 'Unregistered'),
    'rejected unregistered token-dies',
  ],
  ['410 ExpiredToken', reason(410, 'ExpiredToken'), 'rejected expired_token token-dies'],
  ['410 of an unknown reason', reason(410, 'Whatever'), 'rejected whatever'],
  ['410 of a proxy', { act: 'answer', status: 410 }, 'rejected http_410'],
  ['400 BadDeviceToken', apnsActs.badDeviceToken, 'rejected bad_device_token token-dies'],
  [
    '400 BadDeviceToken with a time, which is not for it',
    { act: 'answer', status: 400, body: { reason: 'BadDeviceToken', timestamp: SINCE_MS } },
    'rejected bad_device_token token-dies',
  ],
  [
    '400 DeviceTokenNotForTopic',
    reason(400, 'DeviceTokenNotForTopic'),
    'rejected device_token_not_for_topic',
  ],
  ['400 BadTopic', reason(400, 'BadTopic'), `retry bad_topic ${MINUTE}`, [60]],
  ['400 MissingTopic', reason(400, 'MissingTopic'), `retry missing_topic ${MINUTE}`, [60]],
  ['400 TopicDisallowed', reason(400, 'TopicDisallowed'), `retry topic_disallowed ${MINUTE}`, [60]],
  ['400 IdleTimeout', reason(400, 'IdleTimeout'), 'retry idle_timeout lane', [1]],
  ['400 BadCollapseId', reason(400, 'BadCollapseId'), 'rejected bad_collapse_id dead-letter'],
  ['400 of an unknown reason', reason(400, 'NewReason'), 'rejected new_reason dead-letter'],
  ['400 without', { act: 'answer', status: 400 }, 'rejected http_400 dead-letter'],
  [
    '403 InvalidProviderToken',
    reason(403, 'InvalidProviderToken'),
    `retry invalid_provider_token ${MINUTE}`,
    [60],
  ],
  [
    '403 BadEnvironmentKeyInToken',
    reason(403, 'BadEnvironmentKeyInToken'),
    `retry bad_environment_key_in_token ${MINUTE}`,
    [60],
  ],
  [
    '403 UnrelatedKeyIdInToken',
    reason(403, 'UnrelatedKeyIdInToken'),
    `retry unrelated_key_id_in_token ${MINUTE}`,
    [60],
  ],
  ['404 BadPath', reason(404, 'BadPath'), `retry bad_path ${MINUTE}`, [60]],
  ['408', { act: 'answer', status: 408 }, 'retry http_408 lane ambiguous', [1]],
  ['413 PayloadTooLarge', reason(413, 'PayloadTooLarge'), 'rejected payload_too_large dead-letter'],
  ['429 TooManyRequests', apnsActs.tooManyRequests, 'retry too_many_requests device', [60]],
  [
    '429 TooManyProviderTokenUpdates',
    reason(429, 'TooManyProviderTokenUpdates'),
    `retry too_many_provider_token_updates ${MINUTE}`,
    [60],
  ],
  ['429 of an unknown reason', { act: 'answer', status: 429 }, 'retry http_429 device', [60]],
  ['499', { act: 'answer', status: 499 }, 'retry http_499 lane ambiguous', [1]],
  ['418', { act: 'answer', status: 418 }, 'rejected http_418 dead-letter'],
  ['500 InternalServerError', apnsActs.internal, 'retry internal_server_error lane ambiguous', [1]],
  ['502 of a proxy', { act: 'answer', status: 502 }, 'retry http_502 lane ambiguous', [1]],
  ['503 ServiceUnavailable', apnsActs.unavailable(), 'retry service_unavailable lane', [1]],
  ['503 with Retry-After', apnsActs.unavailable(42), 'retry service_unavailable lane', 42],
  ['503 with none', apnsActs.unavailable(0), 'retry service_unavailable lane', [1]],
  ['503 Shutdown', apnsActs.shutdown, 'retry shutdown lane', [1]],
  ['302 of a proxy', { act: 'answer', status: 302 }, 'retry http_302 lane ambiguous', [1]],
  ['a reset stream', { act: 'reset' }, 'retry cut: rst 2 lane ambiguous'],
];

const clock = new HandClock(systemClock.now());
let fake: ApnsFake;
let sink: Sink;
before(async () => {
  fake = await startApnsFake({ clock });
  const context = { name: 'apns', clock, settings: fake.settings, service };
  sink = await apns.open({ bundle: fake.bundle, push_type: 'background' }, context);
});
after(async () => {
  await sink.close();
  await fake.close();
});

const transport = { kind: 'apns', token: TOKEN, environment: 'production' } as const;
testProviderRows({
  rules: APNS_RULES,
  rows: ROWS,
  clock,
  transport,
  reply: apnsReply,
  sink: () => sink,
  script: (acts) => fake.script(TOKEN, acts),
  requests: () => fake.attempts.filter((id) => id === notification(1).id).length,
  delivery: (attempt) => ({ ...pushDelivery(notification(1), transport), attempt }),
});
