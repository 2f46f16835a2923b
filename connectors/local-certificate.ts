/**
 * A self-signed certificate for a server on this machine, made when it starts, so that the
 * stand-ins of the providers speak real TLS with nothing installed and no key in the repository.
 * Node signs but has no X.509 builder, so the DER of RFC 5280 is written here: one P-256 key, one
 * name list.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface LocalCertificate {
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM; also what a client must trust (`ca`). */
  readonly cert: string;
}

const DAY_MS = 86_400_000;
/** A stand-in lives for hours; a year leaves room for clocks that are set wrong. */
const VALID_MS = 365 * DAY_MS;

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const BOOLEAN = 0x01;

/** Object identifiers, already in DER's base-128 form. */
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('551d11', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('551d13', 'hex');

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  if (size < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, size]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, size >> 8, size & 0xff]), content]);
}

function bits(content: Buffer): Buffer {
  return der(BIT_STRING, Buffer.from([0]), content);
}

function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return der(GENERALIZED_TIME, Buffer.from(`${digits}Z`, 'ascii'));
}

/** An IPv4 address is a name of kind 7 in four bytes, any other name a DNS name, kind 2. */
function generalName(name: string): Buffer {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return der(0x87, Buffer.from(name.split('.').map(Number)));
  return der(0x82, Buffer.from(name, 'ascii'));
}

function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(BOOLEAN, Buffer.from([0xff]))] : [];
  return der(SEQUENCE, der(OBJECT_ID, id), ...flag, der(OCTET_STRING, value));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** `names`: host names and IPv4 addresses it stands for; the first is its common name too. */
export function localCertificate(names: readonly string[], nowMs: number): LocalCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, der(OBJECT_ID, ECDSA_WITH_SHA256));
  const commonName = der(UTF8_STRING, Buffer.from(names[0] ?? 'localhost', 'utf8'));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), commonName)));
  const serial = randomBytes(16);
  // Positive and without a leading zero byte, as DER wants an INTEGER.
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const extensions = der(
    SEQUENCE,
    extension(BASIC_CONSTRAINTS, true, der(SEQUENCE, der(BOOLEAN, Buffer.from([0xff])))),
    extension(SUBJECT_ALT_NAME, false, der(SEQUENCE, ...names.map(generalName))),
  );
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serial),
    algorithm,
    name,
    der(SEQUENCE, time(nowMs - DAY_MS), time(nowMs + VALID_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', body, privateKey);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem('CERTIFICATE', der(SEQUENCE, body, algorithm, bits(signature))),
  };
}
