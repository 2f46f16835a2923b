/**
 * Signs what is sent, as Standard Webhooks 1.0 has it: HMAC-SHA256 over `<id>.<seconds>.<body>`, so
 * that a receiver knows who sent it, when, and that nobody changed it. There are libraries that
 * check it in most languages.
 */
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/** `whsec_` and base64, as those libraries have it; any other text is taken as its bytes. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
}

/** One signature for each key, so that a receiver may know the old one or the new one. */
export function signatureOf(
  id: string,
  atSeconds: number,
  body: Buffer,
  keys: readonly Buffer[],
): string {
  return keys
    .map((key) => {
      const hmac = createHmac('sha256', key).update(`${id}.${atSeconds}.`).update(body);
      return `v1,${hmac.digest('base64')}`;
    })
    .join(' ');
}
