/**
 * Devices register and leave: records of `events.device-registration`, keyed by device (rule D4).
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { type DeviceTransport, TRANSPORTS } from '../core/device.ts';
import { deleted, type Registration, registered } from '../core/registration.ts';
import { RENO_WORDS, type Words } from '../core/words.ts';
import type { FieldProblem } from '../schemas/json-events.ts';
import { REGISTER, UNREGISTER } from './api/device-operations.ts';
import { choiceOf, objectOf, textOf } from './body-fields.ts';
import { type GuardDeps, guard, identityOf } from './guard.ts';
import type { Identity } from './identity.ts';
import type { LogWriter } from './log-writer.ts';
import type { Owners } from './owners.ts';
import { HttpProblem } from './problem.ts';

/** Two transports with the longest tokens, and some. */
const BODY_BYTES_MAX = 16 * 1024;
const ID_CHARS_MAX = 128;
const TEXT_CHARS_MAX = 128;
/** FCM's and APNs' tokens are opaque and grow; today's have 64 to 200 characters. */
const TOKEN_CHARS_MAX = 4_096;
const TRANSPORTS_MAX = 8;
const ENVIRONMENTS = ['production', 'sandbox'] as const;
const FIELDS = ['class', 'platform', 'app', 'locale', 'transports'];
const TRANSPORT_FIELDS = ['kind', 'token', 'environment'];
/** Printable ASCII: ids stand in keys, addresses and metric-free logs. */
const ID = /^[\x21-\x7e]+$/;

export interface RegistrationDeps extends GuardDeps {
  readonly owners: Owners;
  readonly writer: LogWriter;
  readonly clock: Clock;
  readonly topic: string;
  readonly words: Words;
}

export function registrationRoutes(app: FastifyInstance, deps: RegistrationDeps): void {
  const onRequest = guard(deps, ['registrar']);
  app.put(
    REGISTER.path,
    { onRequest, bodyLimit: BODY_BYTES_MAX, config: { operation: REGISTER } },
    async (request, reply) => {
      const { deviceId } = request.params as { deviceId: string };
      const said = readRegistration(deviceId, request.body, deps.clock.now(), deps.words);
      checkBounds(deps.owners, identityOf(request), deviceId);
      checkMember(identityOf(request), said.memberId, deps.words);
      return await write(deps, deviceId, said).then((offset) => {
        reply.code(202);
        return { deviceId, accepted: 'REGISTERED', ...offset };
      });
    },
  );
  app.delete(
    UNREGISTER.path,
    { onRequest, config: { operation: UNREGISTER } },
    async (request, reply) => {
      const { deviceId } = request.params as { deviceId: string };
      checkId(deviceId);
      checkBounds(deps.owners, identityOf(request), deviceId);
      const said = deleted(deviceId, deps.clock.now());
      return await write(deps, deviceId, said).then((offset) => {
        deps.owners.deleting(deviceId, said.occurredAt);
        reply.code(202);
        return { deviceId, accepted: 'DELETED', ...offset };
      });
    },
  );
}

/**
 * A device may say whose it is only as far as its token does: without the claim it could have
 * another member's notifications sent to itself. A registrar or admin that names a member is bound
 * to that one; one that does not registers any device. Throws CAR704.
 */
function checkMember({ scopes, member }: Identity, memberId: string, { fields }: Words): void {
  if (member === memberId) return;
  if (member !== undefined) {
    throw new HttpProblem('CAR704', `the token's member is not the ${fields.member} of the body.`, {
      mend: 'Send the member that the token names in its claim `member`.',
    });
  }
  if (scopes.includes('registrar') || scopes.includes('admin')) return;
  throw new HttpProblem('CAR704', 'the token of this device does not name its member.', {
    mend: 'Sign the claim `member` into it, or register it with a token of scope `registrar`.',
  });
}

/**
 * What of a device that is there already a token may touch: a backend that is bound to a member
 * only that member's; a device's own token nothing when the device was deleted, or was given to
 * another member, since it was issued. Throws CAR704, CAR727.
 */
function checkBounds(owners: Owners, identity: Identity, deviceId: string): void {
  const { member, issuedAt, scopes } = identity;
  const owner = owners.get(deviceId);
  const isOthers = owner?.active === true && member !== undefined && owner.memberId !== member;
  if (scopes.includes('registrar') || scopes.includes('admin')) {
    if (!isOthers) return;
    throw new HttpProblem('CAR704', 'the device is not one of the member that the token names.');
  }
  checkRevoked(owners, identity, deviceId);
  if (isOthers && issuedAt <= owner.since) {
    throw new HttpProblem('CAR727', 'the device was given to another member since.');
  }
}

/** Throws CAR727 when the device was deleted after its token was given. */
export function checkRevoked(owners: Owners, identity: Identity, deviceId: string): void {
  const { scopes, issuedAt } = identity;
  const deletedAt = owners.deletedAt(deviceId);
  if (deletedAt === 0 || issuedAt > deletedAt || scopes.some((one) => one !== 'device')) return;
  throw new HttpProblem('CAR727', 'the token was given before the device was deleted.');
}

async function write(deps: RegistrationDeps, deviceId: string, value: object): Promise<object> {
  const record = { key: deviceId, value };
  const [written] = await deps.writer.write(deps.topic, 'DeviceRegistration', [record]);
  return { ...written };
}

function checkId(deviceId: string): void {
  if (deviceId.length <= ID_CHARS_MAX && ID.test(deviceId)) return;
  const what = `a device id has 1 to ${ID_CHARS_MAX} printable ASCII characters, no spaces`;
  throw new HttpProblem('CAR721', `${what}.`);
}

/** The event that a body stands for. Throws CAR710 with all that is wrong. */
export function readRegistration(
  deviceId: string,
  body: unknown,
  nowMs: number,
  words: Words = RENO_WORDS,
): Registration {
  const { member } = words.fields;
  checkId(deviceId);
  const problems: FieldProblem[] = [];
  const fields = objectOf(body, '', [member, ...FIELDS], problems);
  const value = registered(deviceId, {
    memberId: textOf(fields[member], `/${member}`, ID_CHARS_MAX, true, problems),
    class: choiceOf(fields.class, '/class', words.deviceClasses.names, problems),
    platform: textOf(fields.platform, '/platform', TEXT_CHARS_MAX, false, problems),
    app: textOf(fields.app, '/app', TEXT_CHARS_MAX, false, problems),
    locale: textOf(fields.locale, '/locale', TEXT_CHARS_MAX, false, problems),
    transports: transportsOf(fields.transports, nowMs, problems),
    occurredAt: nowMs,
  });
  if (problems.length === 0) return value;
  throw new HttpProblem('CAR710', 'the registration is not complete.', { problems });
}

function transportsOf(json: unknown, nowMs: number, problems: FieldProblem[]): DeviceTransport[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json) || json.length > TRANSPORTS_MAX) {
    const what = `expected an array of at most ${TRANSPORTS_MAX} transports, best first`;
    problems.push({ path: '/transports', what });
    return [];
  }
  return json.map((item, i) => transportOf(item, `/transports/${i}`, nowMs, problems));
}

function transportOf(
  json: unknown,
  path: string,
  nowMs: number,
  problems: FieldProblem[],
): DeviceTransport {
  const fields = objectOf(json, path, TRANSPORT_FIELDS, problems);
  const kind = choiceOf(fields.kind, `${path}/kind`, TRANSPORTS, problems);
  const needsToken = kind === 'fcm' || kind === 'apns';
  const at = `${path}/token`;
  const token = textOf(fields.token, at, TOKEN_CHARS_MAX, needsToken, problems);
  if (!needsToken && token !== '') problems.push({ path: at, what: `${kind} has no token` });
  const where = `${path}/environment`;
  const said = fields.environment ?? null;
  if (said !== null && kind !== 'apns') {
    problems.push({ path: where, what: `${kind} has no environment` });
  }
  const isChosen = said !== null && kind === 'apns';
  const environment = isChosen ? choiceOf(said, where, ENVIRONMENTS, problems) : null;
  return { kind, token: token === '' ? null : token, environment, registeredAt: nowMs };
}
