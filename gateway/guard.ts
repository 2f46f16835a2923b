/** Auth as Fastify hooks: before a body is read. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Auth, allow, bearerOf, type Identity, type Scope } from './auth.ts';
import { HttpProblem } from './problem.ts';

export type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

const IDENTITIES = new WeakMap<FastifyRequest, Identity>();

/** Lets in who has one of the scopes, or, where the path names a device, that device. */
export function guard(auth: Auth, scopes: readonly Scope[]): Guard {
  return async (request) => {
    const identity = await auth.identify(bearerOf(request.headers.authorization));
    const { deviceId } = (request.params ?? {}) as { deviceId?: string };
    allow(identity, scopes, deviceId);
    IDENTITIES.set(request, identity);
  };
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
