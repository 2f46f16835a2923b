/** `connectors.webhook` of the deployment, and the options of the sink that say who it is. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { CarillonError } from '../../core/error.ts';
import { WEBHOOK_SETTINGS } from '../setting-tables.ts';
import { SinkSettings } from '../sink-settings.ts';
import { AddressGuard, isRange } from './address-guard.ts';
import type { EndpointOptions } from './endpoint.ts';
import { keyOf } from './signature.ts';

/** Of HMAC-SHA256 a shorter key is easier to guess than the signature. */
const SECRET_BYTES_MIN = 24;

export interface WebhookOptions {
  readonly url: string;
  readonly secret: string | null;
  readonly secret_file: string | null;
  readonly former_secret: string | null;
}

export interface WebhookSettings extends EndpointOptions {
  readonly keys: readonly Buffer[];
}

/** Throws CAR681, CAR682. */
export function webhookSettings(
  options: WebhookOptions,
  given: Readonly<Record<string, unknown>>,
): WebhookSettings {
  const settings = new SinkSettings('connectors.webhook', 'CAR682', given, WEBHOOK_SETTINGS);
  const guard = new AddressGuard(rangesOf(settings));
  return {
    url: urlOf(options.url, guard),
    guard,
    ca: settings.pem('ca'),
    connectionsMax: settings.count('connections'),
    timeoutMs: settings.duration('request_timeout'),
    keys: keysOf(options),
  };
}

function rangesOf(settings: SinkSettings): readonly string[] {
  if (!settings.has('allow')) return [];
  const given = settings.get('allow');
  const ranges = typeof given === 'string' ? given.split(',').map((one) => one.trim()) : given;
  const isRight = (one: unknown) => typeof one === 'string' && isRange(one);
  if (Array.isArray(ranges) && ranges.every(isRight)) return ranges;
  throw settings.wrong('allow', 'is not a list of addresses or ranges, such as 10.0.0.0/8');
}

const wrong = (what: string) => {
  return new CarillonError('CAR682', what, { where: { at: 'to: { type: webhook }' } });
};

function urlOf(text: string, guard: AddressGuard): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw wrong('url is not an address of the form https://host/path.');
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong('url holds a name or a password, which would be told in messages.');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !guard.mayReach(host)) {
    const what = `${url.host} is a private address, and connectors.webhook.allow does not name it.`;
    throw new CarillonError('CAR681', what, { where: { at: 'to: { type: webhook }' } });
  }
  if (url.protocol === 'http:' && (isIP(host) === 0 || !guard.isAllowed(host))) {
    throw wrong('url is not https, and no address that connectors.webhook.allow names.');
  }
  return url;
}

function keysOf({ secret, secret_file, former_secret }: WebhookOptions): readonly Buffer[] {
  const isSet = (text: string | null): text is string => text !== null && text !== '';
  if (isSet(secret) === isSet(secret_file)) {
    throw wrong('it takes secret or secret_file, one of both, to sign what it sends.');
  }
  const now = isSet(secret) ? secret : fileText(secret_file!);
  const keys = [now, former_secret].filter(isSet).map(keyOf);
  if (keys.every((key) => key.length >= SECRET_BYTES_MIN)) return keys;
  throw wrong(`a secret has fewer than ${SECRET_BYTES_MIN} bytes.`);
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw wrong(`secret_file cannot be read (${why}).`);
  }
}
