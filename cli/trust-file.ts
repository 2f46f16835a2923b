/** Files of certificates to trust: what a client library makes of a wrong one is not understood. */
import { X509Certificate } from 'node:crypto';
import { CarillonError } from '../core/error.ts';
import { readText } from './read-text.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The text of the file. Throws CAR902 when it is not there, CAR735 when none in it is good. */
export function trustIn(at: string, file: string, nowMs: number): string {
  const text = readText(file);
  const certificates = text.match(CERTIFICATE) ?? [];
  const read = certificates.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
  if (read.length === 0) throw nothing(at, `the file ${file} holds no certificate in PEM form`);
  const ends = read.map(({ validToDate }) => validToDate.getTime());
  const last = Math.max(...ends);
  if (nowMs <= last) return text;
  const on = new Date(last).toISOString().slice(0, 10);
  throw nothing(at, `what the file ${file} holds has expired on ${on}`);
}

function nothing(at: string, why: string): CarillonError {
  return new CarillonError('CAR735', `${at}: ${why}.`, { where: { at } });
}
