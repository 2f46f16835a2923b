/**
 * The secrets of a deployment: given by the config, or, for an embedded one, made once and kept in
 * the data folder, readable by its owner alone. Never printed.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Deployment, mustHaveSecret } from './deployment.ts';

export interface Secrets {
  /** Signs the tokens of devices and producers (HS256). */
  readonly secret: string;
  /** What sinks show to gateways. */
  readonly internalToken: string;
}

const SECRETS_FILE = 'secrets.json';
const SECRET_BYTES = 32;

/** Throws CAR906 when a secret is missing and cannot be made here. */
export function secretsOf(deployment: Deployment): Secrets {
  const { secret, internalToken } = deployment.auth;
  if (secret !== null && internalToken !== null) return { secret, internalToken };
  if (deployment.log.kind !== 'embedded') {
    throw mustHaveSecret(secret === null ? 'auth.secret' : 'auth.internal_token');
  }
  const kept = keptSecrets(deployment.dataFolder);
  return { secret: secret ?? kept.secret, internalToken: internalToken ?? kept.internalToken };
}

function keptSecrets(folder: string): Secrets {
  const file = join(folder, SECRETS_FILE);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made: Secrets = {
    secret: randomBytes(SECRET_BYTES).toString('base64url'),
    internalToken: randomBytes(SECRET_BYTES).toString('base64url'),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(made), { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
  return made;
}
