/**
 * What devices say of themselves: answers to notifications, results of diagnostics and of remote
 * recovery, as records of `events.device-reports`, keyed by member, so that streams can read them.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { FieldProblem } from '../schemas/json-events.ts';
import { REPORT } from './api/device-operations.ts';
import { choiceOf, objectOf, textOf } from './body-fields.ts';
import { type GuardDeps, guard, identityOf } from './guard.ts';
import type { LogWriter } from './log-writer.ts';
import type { Owners } from './owners.ts';
import { HttpProblem } from './problem.ts';
import { checkRevoked } from './registration.ts';

export const REPORT_BYTES_MAX = 16 * 1024;
const ID_CHARS_MAX = 128;
const DETAILS_MAX = 32;
const DETAIL_NAME_CHARS_MAX = 64;
const DETAIL_CHARS_MAX = 1_024;
const KINDS = ['ACKNOWLEDGEMENT', 'DIAGNOSTIC', 'RECOVERY'] as const;
const FIELDS = ['eventId', 'kind', 'notificationId', 'succeeded', 'details'];

export interface ReportDeps extends Pick<GuardDeps, 'budgets'> {
  readonly owners: Owners;
  readonly writer: LogWriter;
  readonly clock: Clock;
  readonly topic: string;
}

/** By HTTP and by frame alike. */
export class Reports {
  readonly #deps: ReportDeps;

  constructor(deps: ReportDeps) {
    this.#deps = deps;
  }

  /**
   * Writes what a device says; resolves when the log has it. Throws CAR710, CAR711, CAR712, CAR713,
   * CAR726.
   */
  async take(deviceId: string, body: unknown): Promise<Reported> {
    const { owners, budgets, writer, clock, topic } = this.#deps;
    const owner = owners.get(deviceId);
    if (!owner?.active) throw new HttpProblem('CAR713', 'the device is not registered.');
    const said = readReport(body);
    budgets.reports(deviceId);
    const { memberId } = owner;
    const value = { ...said, deviceId, memberId, reportedAt: clock.now() };
    const [written] = await writer.write(topic, 'DeviceReport', [{ key: memberId, value }]);
    return { eventId: said.eventId, ...written! };
  }
}

export interface Reported {
  readonly eventId: string;
  readonly partition: number;
  readonly offset: number;
}

export function reportRoutes(
  app: FastifyInstance,
  deps: GuardDeps & Pick<ReportDeps, 'owners'>,
  reports: Reports,
): void {
  const options = {
    onRequest: guard(deps, []),
    bodyLimit: REPORT_BYTES_MAX,
    config: { operation: REPORT },
  };
  app.post(REPORT.path, options, async (request, reply) => {
    const { deviceId } = request.params as { deviceId: string };
    const identity = identityOf(request);
    // Nobody speaks for a device, not even who may do all else.
    if (identity.subject !== deviceId) {
      throw new HttpProblem('CAR704', 'only the device itself reports.');
    }
    if (deps.owners.get(deviceId)?.active) checkRevoked(deps.owners, identity, deviceId);
    const reported = await reports.take(deviceId, request.body);
    reply.code(202);
    return reported;
  });
}

interface Said {
  readonly eventId: string;
  readonly kind: (typeof KINDS)[number];
  readonly notificationId: string | null;
  readonly succeeded: boolean;
  readonly details: { readonly [name: string]: string };
}

/** Throws CAR710 with all that is wrong. */
export function readReport(body: unknown): Said {
  const problems: FieldProblem[] = [];
  const fields = objectOf(body, '', FIELDS, problems);
  const { succeeded = true } = fields;
  if (typeof succeeded !== 'boolean') {
    problems.push({ path: '/succeeded', what: 'expected true or false' });
  }
  const notificationId = textOf(
    fields.notificationId,
    '/notificationId',
    ID_CHARS_MAX,
    false,
    problems,
  );
  const said = {
    eventId: textOf(fields.eventId, '/eventId', ID_CHARS_MAX, true, problems),
    kind: choiceOf(fields.kind, '/kind', KINDS, problems),
    notificationId: notificationId === '' ? null : notificationId,
    succeeded: succeeded === true,
    details: detailsOf(fields.details, problems),
  };
  if (problems.length === 0) return said;
  throw new HttpProblem('CAR710', 'the report is not as it must be.', { problems });
}

function detailsOf(json: unknown, problems: FieldProblem[]): { [name: string]: string } {
  if (json === undefined || json === null) return {};
  const isObject = typeof json === 'object' && !Array.isArray(json);
  const entries = isObject ? Object.entries(json) : [];
  if (!isObject || entries.length > DETAILS_MAX) {
    problems.push({ path: '/details', what: `expected an object of at most ${DETAILS_MAX} texts` });
    return {};
  }
  const details: [string, string][] = entries.map(([name, value]) => {
    const path = `/details/${name.slice(0, DETAIL_NAME_CHARS_MAX)}`;
    if (name.length > DETAIL_NAME_CHARS_MAX || !name.isWellFormed()) {
      problems.push({ path, what: `a name has at most ${DETAIL_NAME_CHARS_MAX} characters` });
    }
    const isEmpty = value === '';
    return [name, isEmpty ? '' : textOf(value, path, DETAIL_CHARS_MAX, true, problems)];
  });
  return Object.fromEntries(details);
}
