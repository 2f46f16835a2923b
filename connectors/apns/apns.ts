/** The sink for Apple devices: one notification, one request to APNs (HTTP/2, token-based). */
import { CarillonError } from '../../core/error.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import { defineSink, oneOf, type Sink, type SinkContext, text } from '../../core/spec.ts';
import { Http2Session } from '../http2-session.ts';
import { payloadOrOutcome } from '../payload-outcome.ts';
import type { WireAnswer } from '../wire-answer.ts';
import {
  APNS_BODY_BYTES_MAX,
  type ApnsForm,
  type ApnsMessage,
  apnsMessage,
  apnsShown,
} from './message.ts';
import { type ProviderToken, sharedProviderToken } from './provider-token.ts';
import { apnsOutcome, apnsReply } from './replies.ts';
import { type ApnsSettings, apnsSettings } from './settings.ts';

/** Requests that wait for a stream; the runner's in_flight_max is far below. */
const WAITING_MAX = 10_000;
/** No device has it: what APNs says of it tells whether it accepts us. */
const NOBODY = '0'.repeat(64);
const TOPIC_REASONS = new Set(['BadTopic', 'MissingTopic', 'TopicDisallowed']);

export const apns = defineSink({
  type: 'apns',
  summary: 'Push to Apple devices through APNs (HTTP/2, provider token).',
  description:
    'The body is `aps` and `carillon` (id, useCase, priority, sequence, previous, epoch, count, ' +
    'payload). What is over 4096 bytes goes as a hint (`pull` in place of payload): the app then ' +
    'pulls its inbox. A notification carries no text, so it is a background push by default, which ' +
    'the system throttles to a few an hour: a wake hint, while the inbox carries the data. ' +
    'apns-id is the notification id; apns-collapse-id its collapse key, hashed over 64 bytes, or ' +
    'the id; apns-expiration ends with the deadline. Apple stores one notification per app.',
  config: {
    bundle: text('The bundle id of the app, such as `com.example.app`; sent as apns-topic.'),
    push_type: oneOf(
      'How the device takes a notification.',
      {
        background: 'The app wakes and nothing is shown; apns-priority 5.',
        alert:
          "The app's own text is shown, by the key `carillon.<use case>` or the topology's (`texts: { key }`); apns-priority 10 for urgent priorities.",
      },
      'background',
    ),
  },
  promises: [
    'At least once; a repeat carries the same apns-id and apns-collapse-id.',
    'No order: APNs keeps none.',
    'A time-out or a cut stream is told as ambiguous; a stream that was not processed is sent again.',
  ],
  batchMax: 1,
  needsOwner: true,
  retries: true,
  transport: 'apns',
  byApp: true,
  example: 'to: { type: apns, bundle: com.example.app, in_flight_max: 256, timeout: 12s }',
  preview(
    { bundle, push_type: pushType },
    { notification, event, show, priorities, texts, locale, nowMs },
  ) {
    const shown = apnsShown(show, event, locale);
    const message = apnsMessage(
      notification,
      event,
      { bundle, pushType },
      nowMs,
      shown,
      priorities,
      texts,
    );
    if (message === undefined) return undefined;
    const { headers, body, hint } = message;
    return {
      headers: headers as Readonly<Record<string, string>>,
      body: String(body),
      bytes: body.length,
      bytesMax: APNS_BODY_BYTES_MAX,
      hint,
    };
  },
  async open({ bundle, push_type }, context): Promise<Sink> {
    return new ApnsSink({ bundle, pushType: push_type }, context);
  },
});

class ApnsSink implements Sink {
  readonly #form: ApnsForm;
  readonly #context: SinkContext;
  readonly #settings: ApnsSettings;
  readonly #token: ProviderToken;
  readonly #production: Http2Session;
  readonly #sandbox: Http2Session;
  readonly #payload: (notification: DeviceNotification) => Promise<unknown>;

  constructor(form: ApnsForm, context: SinkContext) {
    this.#form = form;
    this.#context = context;
    this.#settings = apnsSettings(context.settings);
    this.#payload = context.service('payload');
    this.#token = sharedProviderToken(this.#settings, context.clock);
    this.#production = this.#session(this.#settings.productionEndpoint);
    this.#sandbox = this.#session(this.#settings.sandboxEndpoint);
  }

  #session(authority: string): Http2Session {
    const { ca, streamsMax, requestTimeoutMs, connectTimeoutMs, pingEveryMs } = this.#settings;
    return new Http2Session({
      authority,
      ca,
      streamsMax,
      waitingMax: WAITING_MAX,
      requestTimeoutMs,
      connectTimeoutMs,
      pingEveryMs,
    });
  }

  /**
   * A push to a token that no device has: APNs looks at our token and topic first, so "bad device
   * token" is the answer to one who is welcome.
   */
  async probe(): Promise<void> {
    const where = { at: 'connectors.apns' };
    const answer = await this.#post(this.#production, NOBODY, {
      headers: {
        'apns-topic': this.#form.bundle,
        'apns-push-type': 'background',
        'apns-priority': '5',
        'apns-expiration': '0',
      },
      body: Buffer.from('{"aps":{"content-available":1}}', 'utf8'),
      hint: false,
    });
    if (answer.kind === 'lost') {
      const why = answer.detail === '' ? answer.why : `${answer.why}, ${answer.detail}`;
      const what = `APNs at ${this.#settings.productionEndpoint} does not answer (${why}).`;
      throw new CarillonError('CAR666', what, { where, retryable: true });
    }
    const { status, reason } = apnsReply(answer, this.#context.clock.now());
    if (status === 429 || status >= 500) {
      const what = `APNs is overloaded (HTTP ${status} ${reason}).`;
      throw new CarillonError('CAR666', what, { where, retryable: true });
    }
    if (status === 200 || status === 410) return;
    if (status === 400 && !TOPIC_REASONS.has(reason)) return;
    const what = `APNs refused the provider token or the bundle (HTTP ${status} ${reason}).`;
    throw new CarillonError('CAR667', what, { where });
  }

  deliver(batch: readonly Delivery[]): Promise<readonly Outcome[]> {
    return Promise.all(batch.map((delivery) => this.#send(delivery)));
  }

  async close(): Promise<void> {
    await Promise.all([this.#production.close(), this.#sandbox.close()]);
  }

  async #send(delivery: Delivery): Promise<Outcome> {
    const { notification, device, attempt } = delivery;
    const transport = device?.transports.find((one) => one.kind === 'apns');
    const token = transport?.token;
    if (transport === undefined || token === undefined || token === null || token === '') {
      return { kind: 'rejected', reason: 'no_token' };
    }
    const nowMs = this.#context.clock.now();
    const read = await payloadOrOutcome(notification, nowMs, this.#payload);
    if ('kind' in read) return read;
    const { payload } = read;
    const show = this.#context.show?.(notification.useCase) ?? null;
    const shown = apnsShown(show, payload, device?.locale ?? '');
    const message = apnsMessage(
      notification,
      payload,
      this.#form,
      nowMs,
      shown,
      this.#context.priorities,
      this.#context.texts,
    );
    if (message === undefined) {
      return { kind: 'rejected', reason: 'payload_too_large', deadLetter: true };
    }
    let answer: WireAnswer;
    try {
      answer = await this.#toEnvironment(transport.environment, token, message);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      return { kind: 'retry', why: `no_provider_token: ${error.code}`, scope: 'lane' };
    }
    return apnsOutcome(answer, {
      token,
      notificationId: notification.id,
      attempt,
      nowMs: this.#context.clock.now(),
      retryFloorMs: this.#settings.retryFloorMs,
    });
  }

  /** A device that has not said its environment is looked for in both, production first. */
  async #toEnvironment(
    environment: string | null,
    token: string,
    message: ApnsMessage,
  ): Promise<WireAnswer> {
    if (environment === 'sandbox') return this.#post(this.#sandbox, token, message);
    const answer = await this.#post(this.#production, token, message);
    if (environment !== null || this.#reason(answer) !== 'BadDeviceToken') return answer;
    return this.#post(this.#sandbox, token, message);
  }

  /** Rejects with a CarillonError when there is no provider token to be had. */
  async #post(session: Http2Session, token: string, message: ApnsMessage): Promise<WireAnswer> {
    let provider = await this.#token.current();
    let answer = await this.#request(session, token, message, provider);
    if (this.#reason(answer) === 'ExpiredProviderToken' && this.#token.renew(provider)) {
      provider = await this.#token.current();
      answer = await this.#request(session, token, message, provider);
    }
    const reason = this.#reason(answer);
    if (reason === 'TooManyProviderTokenUpdates') {
      // Apple takes nothing more on this connection, whatever the token.
      this.#token.fallBack(provider);
      session.retire();
    } else if (reason === 'Shutdown') {
      session.retire();
    }
    return answer;
  }

  #reason(answer: WireAnswer): string {
    if (answer.kind === 'lost' || answer.status === 200) return '';
    return apnsReply(answer, this.#context.clock.now()).reason;
  }

  #request(
    session: Http2Session,
    token: string,
    { headers, body }: ApnsMessage,
    provider: string,
  ): Promise<WireAnswer> {
    return session.request(
      {
        ':method': 'POST',
        ':path': `/3/device/${encodeURIComponent(token)}`,
        authorization: `bearer ${provider}`,
        'content-length': body.length,
        ...headers,
      },
      body,
    );
  }
}
