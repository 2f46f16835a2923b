/** Auth as Fastify hooks: before a body is read. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Auth, bearerOf, type Credential } from './auth.ts';
import type { Budgets } from './budgets.ts';
import type { ClientAddresses } from './client-address.ts';
import { allow, type Identity, onlyDevice, type Scope } from './identity.ts';
import { HttpProblem } from './problem.ts';

export type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

const IDENTITIES = new WeakMap<FastifyRequest, Identity>();

export interface GuardDeps {
  readonly auth: Auth;
  readonly budgets: Budgets;
  readonly addresses: ClientAddresses;
}

/**
 * Lets in who has one of the scopes, or, where the path names a device, that device; each as often
 * as its budget allows.
 */
export function guard(deps: GuardDeps, scopes: readonly Scope[]): Guard {
  return async (request) => {
    const { headers } = request;
    const credential = deps.auth.credentialOf(headers, bearerOf(headers.authorization));
    const identity = await identify(deps, credential, deps.addresses.of(request.raw));
    deps.budgets.asks(identity, request);
    const { deviceId } = (request.params ?? {}) as { deviceId?: string };
    allow(identity, scopes, deviceId);
    IDENTITIES.set(request, identity);
  };
}

/**
 * Throws CAR701 to CAR703, CAR725, CAR731, CAR773; CAR726 when too many bad tokens came from the
 * address.
 */
export async function identify(
  { auth, budgets }: Omit<GuardDeps, 'addresses'>,
  { token, isCookie }: Credential,
  address: string,
): Promise<Identity> {
  const seen = (identity: Identity) => (isCookie ? onlyDevice(identity) : identity);
  const known = auth.known(token);
  if (known !== undefined) return seen(known);
  budgets.mayTry(address);
  try {
    return seen(await auth.identify(token));
  } catch (error) {
    budgets.hasFailed(address);
    throw error;
  }
}

/** Lets in the sinks. */
export function internalGuard(auth: Auth): Guard {
  return async (request) => {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) throw new HttpProblem('CAR701', 'no token came with the request.');
    if (!auth.isInternal(token)) throw new HttpProblem('CAR702', 'not the internal token.');
  };
}

/** Whom the guard has let in. */
export function identityOf(request: FastifyRequest): Identity {
  return IDENTITIES.get(request)!;
}
