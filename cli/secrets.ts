/**
 * The secrets of a deployment: given by the config, or, for an embedded one, made once and kept in
 * the data folder, readable by its owner alone. Never printed.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../connectors/make-folder.ts';
import { CarillonError } from '../core/error.ts';
import { checkSecrets } from '../gateway/auth.ts';
import { type Deployment, mustHaveSecret } from './deployment.ts';

export interface Secrets {
  /** Signs the tokens of devices and producers (HS256). */
  readonly secret: string;
  /** What sinks show to gateways. */
  readonly internalToken: string;
}

export const SECRETS_FILE = 'secrets.json';
const SECRET_BYTES = 32;

/**
 * Throws CAR906 when a secret is missing and cannot be made here, or what was kept is of no use,
 * CAR601 when the data folder cannot be written, CAR719 when one is too short or is used for both.
 */
export function secretsOf(deployment: Deployment): Secrets {
  const { secret, internalToken } = deployment.auth;
  if (secret !== null && internalToken !== null) return checked({ secret, internalToken });
  if (deployment.log.kind !== 'embedded') {
    throw mustHaveSecret(secret === null ? 'auth.secret' : 'auth.internal_token');
  }
  const kept = keptSecrets(deployment.dataFolder);
  return checked({
    secret: secret ?? kept.secret,
    internalToken: internalToken ?? kept.internalToken,
  });
}

/** Also in a process without a gateway: its sinks would show a token that anybody can guess. */
function checked(secrets: Secrets): Secrets {
  checkSecrets(secrets);
  return secrets;
}

function keptSecrets(folder: string): Secrets {
  const file = join(folder, SECRETS_FILE);
  const kept = readSecrets(file);
  if (kept !== undefined) return kept;
  const made: Secrets = {
    secret: randomBytes(SECRET_BYTES).toString('base64url'),
    internalToken: randomBytes(SECRET_BYTES).toString('base64url'),
  };
  try {
    makeFolder(folder, 0o700);
    // Whole or not at all: half a file, of a full disk or a killed process, would bar each later
    // start.
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(made), { mode: 0o600 });
    chmodSync(draft, 0o600);
    // Of two commands that start at once the second takes what the first has made.
    return settle(draft, file) ? made : readSecrets(file)!;
  } catch (cause) {
    throw cause instanceof CarillonError ? cause : unwritable(folder, cause);
  }
}

/** CAR601: the data folder of an embedded deployment. */
export function unwritable(folder: string, cause: unknown): CarillonError {
  const why = (cause as NodeJS.ErrnoException).code ?? 'no reason given';
  return new CarillonError('CAR601', `The data folder ${folder} cannot be written: ${why}.`, {
    where: { at: folder },
    cause,
  });
}

/** False: the file was there already. */
function settle(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // A file system without hard links.
    copyFileSync(draft, file, constants.COPYFILE_EXCL);
  } finally {
    rmSync(draft);
  }
  return true;
}

/** Undefined: none were kept. Never tells what stands in the file. */
function readSecrets(file: string): Secrets | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // No folder, or a file in its place: who makes the secrets tells of it.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE') {
      return undefined;
    }
    throw unusable(file, `it cannot be read (${code})`);
  }
  let kept: Partial<globalThis.Record<string, unknown>> | null = null;
  try {
    kept = JSON.parse(text);
  } catch {
    // Node's own message would quote the secret.
  }
  const { secret, internalToken } = kept ?? {};
  if (typeof secret === 'string' && typeof internalToken === 'string') {
    return { secret, internalToken };
  }
  throw unusable(file, 'the two secrets do not stand in it');
}

function unusable(file: string, why: string): CarillonError {
  return new CarillonError('CAR906', `the kept secrets cannot be used: ${why}.`, {
    where: { file },
    mend: 'Remove the file: new ones are made at the next start, and older tokens are void.',
  });
}
