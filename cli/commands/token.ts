/** `carillon token`: a JWT of the deployment, on standard output and nowhere else. */
import { systemClock } from '../../core/clock.ts';
import { parseDuration } from '../../core/duration.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import { mintToken } from '../../gateway/auth.ts';
import { EVENTS_MAX, SCOPES, type Scope } from '../../gateway/identity.ts';
import { readDeployment } from '../deployment.ts';
import { secretsOf } from '../secrets.ts';
import { EXIT_OK } from '../show-error.ts';

export interface TokenOptions {
  readonly deployment?: string;
  readonly device?: string;
  readonly member?: string;
  readonly scope?: string;
  /** Event types, with commas. */
  readonly events?: string;
  readonly ttl: string;
}

const where = { at: 'carillon token' };

export async function token(options: TokenOptions): Promise<number> {
  const ttlMs = parseDuration(options.ttl);
  if (ttlMs === undefined || ttlMs <= 0) {
    throw new CarillonError('CAR900', `--ttl "${options.ttl}" is not a duration.`, {
      where,
      mend: 'write e.g. --ttl 24h',
    });
  }
  const { subject, scope } = claims(options);
  const events = eventsOf(options);
  const deployment = readDeployment({
    file: options.deployment,
    folder: process.cwd(),
    env: process.env,
  });
  const { secret } = secretsOf(deployment);
  const minted = await mintToken({
    secret,
    subject,
    clock: systemClock,
    ttlMs,
    ...(scope === undefined ? {} : { scope }),
    ...(options.member === undefined ? {} : { member: options.member }),
    ...(events === undefined ? {} : { events }),
  });
  process.stdout.write(`${minted}\n`);
  return EXIT_OK;
}

/** Throws CAR900: without the scope they would say nothing. */
function eventsOf({ events, scope }: TokenOptions): readonly string[] | undefined {
  if (events === undefined) return undefined;
  const types = events.split(',').map((type) => type.trim());
  const isGood = !types.includes('') && types.length <= EVENTS_MAX;
  if (isGood && (scope === 'producer' || scope === 'admin')) return types;
  throw new CarillonError('CAR900', `--events "${events}" says nothing to this token.`, {
    where,
    mend: `write e.g. --scope producer --events plan-change,acme.orders; at most ${EVENTS_MAX}`,
  });
}

function claims({ device, scope }: TokenOptions): { subject: string; scope: Scope | undefined } {
  if (scope !== undefined && !SCOPES.includes(scope as Scope)) {
    const near = nearest(scope, SCOPES);
    throw new CarillonError('CAR900', `there is no scope "${scope}".`, {
      where,
      mend: near === undefined ? `scopes: ${SCOPES.join(', ')}` : `did you mean "${near}"?`,
    });
  }
  if (device === undefined && (scope === undefined || scope === 'device')) {
    throw new CarillonError('CAR900', 'it does not say for whom.', {
      where,
      mend: 'add --device <id>, or --scope producer, registrar, operator or admin',
    });
  }
  return { subject: device ?? `carillon-${scope}`, scope: scope as Scope | undefined };
}
