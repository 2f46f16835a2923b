/** Whom gateways trust, as a deployment config says it. */
import { existsSync, readFileSync } from 'node:fs';
import type { Section } from '../compiler/section.ts';
import { CarillonError } from '../core/error.ts';
import type { AuthOptions } from '../gateway/auth.ts';
import type { HttpSettings } from './deployment-http.ts';
import type { SettingReader } from './deployment-parts.ts';

export interface AuthSettings {
  /** Null: made once and kept in the data folder (embedded only). */
  readonly secret: string | null;
  readonly internalToken: string | null;
  /** The secret before, trusted for as long as its tokens live; null: none. */
  readonly formerSecret: string | null;
  /** An https address, or a file; null: no public keys. */
  readonly jwks: string | null;
  readonly issuer: string | null;
  readonly audience: string | null;
  /** Milliseconds; null: 90 d. */
  readonly tokenTtlMax: number | null;
  /** The name of the cookie that may bring a token; null: none. */
  readonly cookie: string | null;
  /** The file of a module that knows tokens of its own form; null: none. */
  readonly module: string | null;
}

export const AUTH_DEFAULTS: AuthSettings = {
  secret: null,
  internalToken: null,
  formerSecret: null,
  jwks: null,
  issuer: null,
  audience: null,
  tokenTtlMax: null,
  cookie: null,
  module: null,
};

const KEYS = [
  'secret',
  'internal_token',
  'former_secret',
  'jwks',
  'issuer',
  'audience',
  'token_ttl_max',
  'cookie',
  'module',
];
/** RFC 6265: a token of HTTP. */
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;

export function authOf(
  read: SettingReader,
  section: Section | undefined,
  beside: (path: string) => string,
  http: Pick<HttpSettings, 'origins'>,
): AuthSettings {
  if (section === undefined) return AUTH_DEFAULTS;
  section.only(KEYS);
  const module = section.text('module');
  const jwks = section.text('jwks');
  const isAddress = jwks !== undefined && /^\w+:\/\//.test(jwks.value);
  if (isAddress && !/^https:|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(jwks.value)) {
    const what = `${section.subject}: jwks is fetched over plain HTTP: who is between could sign.`;
    read.bad(jwks.span, what, 'Write an https address, or the path of a file.');
  }
  return {
    secret: read.secret(section, 'secret', false) ?? null,
    internalToken: read.secret(section, 'internal_token', false) ?? null,
    formerSecret: read.secret(section, 'former_secret', false) ?? null,
    jwks: jwks === undefined ? null : isAddress ? jwks.value : beside(jwks.value),
    issuer: section.text('issuer')?.value ?? null,
    audience: section.text('audience')?.value ?? null,
    tokenTtlMax: read.duration(section, 'token_ttl_max') ?? null,
    cookie: cookieOf(read, section, http),
    module: module === undefined ? null : beside(module.value),
  };
}

function cookieOf(
  read: SettingReader,
  section: Section,
  { origins }: Pick<HttpSettings, 'origins'>,
): string | null {
  const cookie = section.text('cookie');
  if (cookie === undefined) return null;
  if (!COOKIE_NAME.test(cookie.value)) {
    const what = `${section.subject}: the name of the cookie is none.`;
    read.bad(cookie.span, what, 'Write its name alone: cookie: __Host-device.');
  } else if (origins === null) {
    const what = `${section.subject}: a cookie may bring tokens, and http.origins names no page.`;
    read.report.error('CAR775', cookie.span, what);
  }
  return cookie.value;
}

/** What a gateway needs beside the secrets. Throws CAR903 when the file of keys is none. */
export function trustOf(settings: AuthSettings): Omit<AuthOptions, 'secret' | 'internalToken'> {
  const { formerSecret, jwks, issuer, audience, tokenTtlMax, cookie } = settings;
  return {
    ...(formerSecret === null ? {} : { formerSecrets: [formerSecret] }),
    ...(jwks === null ? {} : { jwks: keysOf(jwks) }),
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience }),
    ...(tokenTtlMax === null ? {} : { ttlMaxMs: tokenTtlMax }),
    ...(cookie === null ? {} : { cookie }),
  };
}

type Keys = NonNullable<AuthOptions['jwks']>;

function keysOf(place: string): Keys {
  if (/^https?:/.test(place)) return new URL(place);
  try {
    const set = JSON.parse(readFileSync(place, 'utf8')) as Exclude<Keys, URL>;
    if (Array.isArray(set.keys) && set.keys.every((key) => typeof key.kty === 'string')) return set;
  } catch {
    // Told below, without what stands in it.
  }
  const why = existsSync(place) ? 'it is no JSON Web Key Set' : 'it is not there';
  throw new CarillonError('CAR903', `auth.jwks: the file ${place} cannot be used: ${why}.`, {
    where: { at: 'auth.jwks' },
    mend: 'It is JSON, {"keys": [...]}, with public keys only (RFC 7517).',
  });
}
