/** The sink for other people's systems: batches of notifications as signed HTTP requests. */
import { createHash } from 'node:crypto';
import { CarillonError } from '../../core/error.ts';
import { optionalText } from '../../core/more-options.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import { defineSink, option, type Sink, type SinkContext, text } from '../../core/spec.ts';
import { payloadOrOutcome } from '../payload-outcome.ts';
import type { WireAnswer } from '../wire-answer.ts';
import { REFUSED } from './address-guard.ts';
import { readAnswer } from './answers.ts';
import { Endpoint } from './endpoint.ts';
import { type WebhookSettings, webhookSettings } from './settings.ts';
import { signatureOf } from './signature.ts';

/** What servers commonly take (nginx: 1 MB). */
const BODY_BYTES_MAX = 1_000_000;
const HEAD = '{"deliveries":[';
const TAIL = ']}';

const optionalSecret = (doc: string) =>
  option<string | null>('secret', doc, null, { required: false });

export const webhook = defineSink({
  type: 'webhook',
  summary: 'Posts notifications in batches to an HTTP endpoint, signed.',
  description: [
    'The body is `{ "deliveries": [ … ] }`, each with id, deviceId, useCase, priority, epoch, sequence,',
    'previous, count, deadline, born (epoch milliseconds) and payload, the event. Signed as Standard',
    'Webhooks has it: `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`, an',
    'HMAC-SHA256 over `<id>.<timestamp>.<body>`; with `former_secret` there are two signatures. A status',
    '2xx takes all; a body `{ "outcomes": [ … ] }` beside it says for each: `"delivered"`, `{ "outcome":',
    '"rejected", "reason": "unknown_device" }` or `{ "outcome": "retry", "retryAfter": 30 }`. 408, 425,',
    '429 and 5xx are tried again, after `Retry-After` where it is given. A redirect, 401, 403, 404 or 410',
    'is a setting that is wrong, and rests the lane for a minute. Any other 4xx is for the record: of a',
    'batch each is then sent alone, and the ones that are refused are dead letters. A probe is a batch',
    "of none. The breaker is the lane's, so that an endpoint that is away holds up no other. Only",
    'https, and no private address: not as a name either, whatever it points to, unless',
    '`connectors.webhook.allow` of the deployment names its range.',
  ].join(' '),
  config: {
    url: text('The endpoint, `https://host/path`.'),
    secret: optionalSecret('What it is signed with, from the environment: 24 bytes or more.'),
    secret_file: optionalText('A file that holds the secret, in place of `secret`.'),
    former_secret: optionalSecret('Signed with as well, until every receiver has the new one.'),
  },
  promises: [
    'At least once; a repeat carries the same ids, and for the same batch the same `webhook-id`.',
    'No order among batches: the receiver orders by sequence, and sees gaps by previous.',
    'A time-out or a cut connection is told as ambiguous.',
  ],
  batchMax: 100,
  needsOwner: false,
  retries: true,
  warns({ url, secret, secret_file }) {
    if (!/^https?:\/\/[^/]/.test(url)) {
      const why = 'is not of the form https://host/path: the sink will not open';
      return [{ option: 'url', kind: 'always_lost', why }];
    }
    const given = [secret, secret_file].filter((one) => one !== null).length;
    if (given === 1) return [];
    const why =
      given === 0
        ? 'is not given, nor secret_file: the sink will not open'
        : 'is given, and secret_file too: the sink will not open';
    return [{ option: 'secret', kind: 'always_lost', why }];
  },
  example:
    'to: { type: webhook, url: "https://hooks.example.com/told", secret_file: /run/secrets/hook }',
  async open(options, context): Promise<Sink> {
    return new WebhookSink(webhookSettings(options, context.settings), context);
  },
});

/** A delivery as it is sent, and its place in the batch. */
interface Entry {
  readonly at: number;
  readonly id: string;
  readonly json: string;
}

class WebhookSink implements Sink {
  readonly #settings: WebhookSettings;
  readonly #context: SinkContext;
  readonly #endpoint: Endpoint;
  readonly #payload: (notification: DeviceNotification) => Promise<unknown>;

  constructor(settings: WebhookSettings, context: SinkContext) {
    this.#settings = settings;
    this.#context = context;
    this.#endpoint = new Endpoint(settings);
    this.#payload = context.service('payload');
  }

  async probe(): Promise<void> {
    const answer = await this.#post([]);
    const where = { at: `${this.#context.name}, ${this.#settings.url.host}` };
    if (answer.kind === 'lost') {
      if (answer.detail === REFUSED) {
        throw new CarillonError('CAR681', 'its name points to a private address.', { where });
      }
      const why = answer.detail === '' ? answer.why : `${answer.why}, ${answer.detail}`;
      throw new CarillonError('CAR683', `it does not answer (${why}).`, { where, retryable: true });
    }
    const { status } = answer;
    if (status >= 200 && status < 300) return;
    if (status === 429 || status >= 500) {
      throw new CarillonError('CAR683', `it is in trouble (HTTP ${status}).`, {
        where,
        retryable: true,
      });
    }
    throw new CarillonError('CAR680', `it refuses what is sent (HTTP ${status}).`, { where });
  }

  async deliver(batch: readonly Delivery[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const made = await Promise.all(batch.map((delivery, at) => this.#entry(delivery, at)));
    const entries: Entry[] = [];
    for (const [at, one] of made.entries()) {
      if ('kind' in one) outcomes[at] = one;
      else entries.push(one);
    }
    await Promise.all(requestsOf(entries).map((request) => this.#send(request, outcomes)));
    return outcomes;
  }

  async close(): Promise<void> {
    this.#endpoint.close();
  }

  async #entry({ notification }: Delivery, at: number): Promise<Entry | Outcome> {
    const { payload: _, payloadSchemaId: _id, collapseKey: _key, ...told } = notification;
    const read = await payloadOrOutcome(notification, this.#context.clock.now(), this.#payload);
    if ('kind' in read) return read;
    const json = JSON.stringify({ ...told, payload: read.payload });
    if (Buffer.byteLength(json) <= BODY_BYTES_MAX - HEAD.length - TAIL.length) {
      return { at, id: notification.id, json };
    }
    return { kind: 'rejected', reason: 'payload_too_large', deadLetter: true };
  }

  async #send(entries: readonly Entry[], outcomes: Outcome[]): Promise<void> {
    const answer = await this.#post(entries);
    const read = readAnswer(answer, entries.length, this.#context.clock.now());
    if (read === 'split') {
      await Promise.all(entries.map((entry) => this.#send([entry], outcomes)));
      return;
    }
    for (const [n, { at }] of entries.entries()) outcomes[at] = read[n]!;
  }

  #post(entries: readonly Entry[]): Promise<WireAnswer> {
    const body = Buffer.from(`${HEAD}${entries.map(({ json }) => json).join()}${TAIL}`, 'utf8');
    const id = idOf(entries.map((entry) => entry.id));
    const atSeconds = Math.floor(this.#context.clock.now() / 1_000);
    return this.#endpoint.post(
      {
        'content-type': 'application/json',
        'user-agent': 'carillon',
        'webhook-id': id,
        'webhook-timestamp': String(atSeconds),
        'webhook-signature': signatureOf(id, atSeconds, body, this.#settings.keys),
      },
      body,
    );
  }
}

/** The same for the same notifications. */
function idOf(ids: readonly string[]): string {
  if (ids.length === 1) return ids[0]!;
  if (ids.length === 0) return 'probe';
  return createHash('sha256').update(ids.join()).digest('hex').slice(0, 32);
}

/** None is larger than an endpoint takes. */
function requestsOf(entries: readonly Entry[]): Entry[][] {
  const requests: Entry[][] = [];
  let size = BODY_BYTES_MAX;
  for (const entry of entries) {
    const more = Buffer.byteLength(entry.json) + 1;
    if (size + more > BODY_BYTES_MAX) {
      requests.push([]);
      size = HEAD.length + TAIL.length;
    }
    requests.at(-1)!.push(entry);
    size += more;
  }
  return requests;
}
