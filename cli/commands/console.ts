/**
 * `carillon console`: the address of the page for operators. The token is behind the #, which a
 * browser sends to nobody; the page takes it out of its address.
 */
import { systemClock } from '../../core/clock.ts';
import { parseDuration } from '../../core/duration.ts';
import { CarillonError } from '../../core/error.ts';
import { mintToken } from '../../gateway/auth.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { internalUrlOf, urlOf } from '../deployment-http.ts';
import { secretsOf } from '../secrets.ts';
import { EXIT_OK } from '../show-error.ts';

export interface ConsoleOptions {
  readonly deployment?: string;
  readonly ttl: string;
}

const where = { at: 'carillon console' };

export async function consoleAddress({ deployment: file, ttl }: ConsoleOptions): Promise<number> {
  const ttlMs = parseDuration(ttl);
  if (ttlMs === undefined || ttlMs <= 0) {
    throw new CarillonError('CAR900', `--ttl "${ttl}" is not a duration.`, {
      where,
      mend: 'write e.g. --ttl 8h',
    });
  }
  const deployment = readDeployment({ file, folder: process.cwd(), env: process.env });
  const { secret } = secretsOf(deployment);
  const token = await mintToken({
    secret,
    subject: 'carillon-console',
    scope: 'operator',
    clock: systemClock,
    ttlMs,
  });
  process.stdout.write(`${addressOf(deployment)}/console/#token=${token}\n`);
  return EXIT_OK;
}

function addressOf({ http }: Pick<Deployment, 'http'>): string {
  const { internalHost, internalPort, internalTls } = http;
  const named = internalUrlOf(http);
  if (named !== null) return named;
  if (internalPort === 0) {
    const what = 'the internal port is any free one, so its address is not known beforehand.';
    throw new CarillonError('CAR900', what, {
      where,
      mend: 'set http.internal_port, or take the address that `carillon run` says as "health"',
    });
  }
  return urlOf(internalTls === null ? 'http' : 'https', internalHost, internalPort);
}
