/** Reads the certificates that a deployment names, once, at the start. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { CarillonError } from '../../core/error.ts';
import type { TlsPaths } from '../deployment-http.ts';

export interface ReadTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/**
 * `at`: the setting, e.g. `http.tls`; `nowMs`: whether the certificate is good then. Throws CAR733,
 * which never tells what stands in a file.
 */
export function readTls(at: string, paths: TlsPaths, nowMs: number): ReadTls {
  const tls = {
    cert: readPem(`${at}.cert`, paths.cert),
    key: readPem(`${at}.key`, paths.key),
    ...(paths.ca === null ? {} : { ca: readPem(`${at}.ca`, paths.ca) }),
  };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'no reason given';
    throw unusable(at, `certificate and key do not fit, or are no PEM (${why})`, cause);
  }
  const { validFromDate, validToDate } = new X509Certificate(tls.cert);
  if (nowMs > validToDate.getTime()) {
    const on = validToDate.toISOString().slice(0, 10);
    throw unusable(at, `the certificate in ${paths.cert} has expired on ${on}`, null);
  }
  if (nowMs < validFromDate.getTime()) {
    const on = validFromDate.toISOString().slice(0, 10);
    throw unusable(at, `the certificate in ${paths.cert} is good from ${on} on only`, null);
  }
  return tls;
}

function readPem(at: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'no reason given';
    throw unusable(at, `the file ${file} cannot be read (${why})`, cause);
  }
}

function unusable(at: string, why: string, cause: unknown): CarillonError {
  return new CarillonError('CAR733', `${at}: ${why}.`, { where: { at }, cause });
}
