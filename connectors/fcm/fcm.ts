/** The sink for Android devices: one notification, one message of FCM HTTP v1. */
import { CarillonError } from '../../core/error.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import { defineSink, type Sink, type SinkContext, text } from '../../core/spec.ts';
import { Http2Session } from '../http2-session.ts';
import { payloadOrOutcome } from '../payload-outcome.ts';
import type { WireAnswer } from '../wire-answer.ts';
import { AccessTokens } from './credentials.ts';
import { FCM_DATA_BYTES_MAX, fcmBody, fcmShown, validateOnly } from './message.ts';
import { fcmOutcome } from './replies.ts';
import { type FcmSettings, fcmSettings } from './settings.ts';

/** Requests that wait for a stream; the runner's in_flight_max is far below. */
const WAITING_MAX = 10_000;

export const fcm = defineSink({
  type: 'fcm',
  summary: 'Push to Android devices through Firebase Cloud Messaging (HTTP v1).',
  description:
    'Each notification is a data message of strings: id, useCase, priority, sequence, previous, ' +
    'epoch, count, and payload as JSON text. What is over 4096 bytes goes as a hint (`pull` = 1 in ' +
    "place of payload): the device then pulls its inbox. The ttl ends with the notification's " +
    'deadline; urgent priorities are sent with high priority. A notification that may be replaced ' +
    'gets its priority as collapse key, so that an app never has more than the four keys that FCM ' +
    'stores. Order is not kept on the way: the app orders by sequence, and sees gaps by previous.',
  config: {
    project: text('The Firebase project, such as `my-app-4711`.'),
  },
  promises: [
    'At least once; a repeat carries the same id.',
    'No order: FCM keeps none.',
    'A time-out or a cut stream is told as ambiguous.',
  ],
  batchMax: 1,
  needsOwner: true,
  retries: true,
  transport: 'fcm',
  byApp: true,
  example: 'to: { type: fcm, project: my-app-4711, in_flight_max: 256, timeout: 12s }',
  preview(_config, { notification, event, show, priorities, locale, token, nowMs }) {
    const shown = fcmShown(show, event, locale);
    const body = fcmBody(notification, token, event, nowMs, shown, priorities);
    if (body === undefined) return undefined;
    const { counted: bytes, hint } = body;
    return { headers: {}, body: String(body.bytes), bytes, bytesMax: FCM_DATA_BYTES_MAX, hint };
  },
  async open({ project }, context): Promise<Sink> {
    return new FcmSink(project, context);
  },
});

class FcmSink implements Sink {
  readonly #path: string;
  readonly #context: SinkContext;
  readonly #settings: FcmSettings;
  readonly #tokens: AccessTokens;
  readonly #session: Http2Session;
  readonly #payload: (notification: DeviceNotification) => Promise<unknown>;

  constructor(project: string, context: SinkContext) {
    this.#path = `/v1/projects/${encodeURIComponent(project)}/messages:send`;
    this.#context = context;
    this.#settings = fcmSettings(context.settings);
    this.#payload = context.service('payload');
    this.#tokens = new AccessTokens(this.#settings, context.clock);
    this.#session = new Http2Session({
      authority: this.#settings.endpoint,
      ca: this.#settings.ca,
      streamsMax: this.#settings.streamsMax,
      waitingMax: WAITING_MAX,
      requestTimeoutMs: this.#settings.requestTimeoutMs,
      connectTimeoutMs: this.#settings.connectTimeoutMs,
      pingEveryMs: this.#settings.pingEveryMs,
    });
  }

  /**
   * A message to nobody (`validate_only`): FCM checks token, project and permission, sends nothing.
   */
  async probe(): Promise<void> {
    const body = { validate_only: true, message: { topic: 'carillon-probe' } };
    const answer = await this.#post(Buffer.from(JSON.stringify(body), 'utf8'));
    const where = { at: 'connectors.fcm' };
    if (answer.kind === 'lost') {
      const why = answer.detail === '' ? answer.why : `${answer.why}, ${answer.detail}`;
      const what = `FCM at ${this.#settings.endpoint} does not answer (${why}).`;
      throw new CarillonError('CAR661', what, { where, retryable: true });
    }
    if (answer.status === 200) return;
    if (answer.status === 429 || answer.status >= 500) {
      const what = `FCM is overloaded (HTTP ${answer.status}).`;
      throw new CarillonError('CAR661', what, { where, retryable: true });
    }
    const what = `FCM refused the project or its credentials (HTTP ${answer.status}).`;
    throw new CarillonError('CAR662', what, { where });
  }

  deliver(batch: readonly Delivery[]): Promise<readonly Outcome[]> {
    return Promise.all(batch.map((delivery) => this.#send(delivery)));
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #send(delivery: Delivery): Promise<Outcome> {
    const { notification, device, attempt } = delivery;
    const token = device?.transports.find((one) => one.kind === 'fcm')?.token;
    if (token === undefined || token === null || token === '') {
      return { kind: 'rejected', reason: 'no_token' };
    }
    const nowMs = this.#context.clock.now();
    const read = await payloadOrOutcome(notification, nowMs, this.#payload);
    if ('kind' in read) return read;
    const { payload } = read;
    const show = this.#context.show?.(notification.useCase) ?? null;
    const shown = fcmShown(show, payload, device?.locale ?? '');
    const body = fcmBody(notification, token, payload, nowMs, shown, this.#context.priorities);
    if (body === undefined) {
      return { kind: 'rejected', reason: 'payload_too_large', deadLetter: true };
    }
    let answer: WireAnswer;
    try {
      answer = await this.#post(this.#settings.dryRun ? validateOnly(body.bytes) : body.bytes);
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      return { kind: 'retry', why: `no_access_token: ${error.code}`, scope: 'lane' };
    }
    return fcmOutcome(answer, {
      token,
      notificationId: notification.id,
      attempt,
      nowMs: this.#context.clock.now(),
      retryFloorMs: this.#settings.retryFloorMs,
    });
  }

  /** Rejects with a CarillonError when there is no access token to be had. */
  async #post(body: Buffer): Promise<WireAnswer> {
    let token = await this.#tokens.token();
    let answer = await this.#request(token, body);
    // 401 is also FCM's answer when Google's key for another platform is wrong: no new token helps.
    const refused =
      answer.kind === 'answer' &&
      answer.status === 401 &&
      !answer.body.includes('THIRD_PARTY_AUTH_ERROR');
    if (refused && this.#tokens.renew(token)) {
      token = await this.#tokens.token();
      answer = await this.#request(token, body);
    }
    return answer;
  }

  #request(token: string, body: Buffer): Promise<WireAnswer> {
    return this.#session.request(
      {
        ':method': 'POST',
        ':path': this.#path,
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': body.length,
      },
      body,
    );
  }
}
