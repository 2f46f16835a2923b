/** Devices that come at their own pace: their inbox page by page, and their acknowledgements. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import {
  add,
  type Cursor,
  copyCursor,
  covers,
  deviceMark,
  formatCursor,
  merge,
  ofSet,
  parseCursor,
  uncover,
} from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type {
  NotificationForm,
  PullPage,
  Skipped,
  UnacknowledgedFrame,
} from '../schemas/frames.ts';
import { Acknowledgements, acknowledgedOutcome } from './acknowledgements.ts';
import { ACKNOWLEDGE, PULL } from './api/device-operations.ts';
import type { Guarantee } from './guarantee.ts';
import { type GuardDeps, guard, identityOf } from './guard.ts';
import { type PageBounds, readUncovered } from './inbox-reader.ts';
import type { GatewayCounts, GatewayLimits } from './limits.ts';
import type { Owners } from './owners.ts';
import { type PayloadReader, skippedForm, whySkipped } from './payload.ts';
import type { Polls } from './polls.ts';
import { HttpProblem } from './problem.ts';
import { checkRevoked } from './registration.ts';
import type { Reporter } from './reporter.ts';
import { notGiven, startOf } from './start.ts';
import { Turns } from './turns.ts';

const LIMIT_DEFAULT = 100;
/** A pull acknowledges by cursor: of so many rows the outcomes are told one by one. */
const OUTCOMES: PageBounds = { rows: 1_000, bytes: 16 * 1024 * 1024 };

export interface PullDeps extends GuardDeps {
  readonly inbox: InboxStore;
  readonly owners: Owners;
  readonly payload: PayloadReader;
  readonly outcomes: Reporter;
  readonly guarantee: Guarantee;
  readonly clock: Clock;
  readonly counts: GatewayCounts;
  /** Tells the device's connection here, if there is one, what it has acknowledged by a pull. */
  acknowledged(deviceId: string, cursor: Cursor): void;
  readonly limits: GatewayLimits;
  readonly polls: Polls;
}

export function pullRoutes(app: FastifyInstance, deps: PullDeps): void {
  const onRequest = guard(deps, []);
  const turns = new Turns();
  app.get(PULL.path, { onRequest, config: { operation: PULL } }, async (request, reply) => {
    const { deviceId } = request.params as { deviceId: string };
    const query = request.query as globalThis.Record<string, unknown>;
    const epoch = epochOf(deps.owners, deviceId);
    const identity = identityOf(request);
    checkRevoked(deps.owners, identity, deviceId);
    const limit = limitOf(query.limit, deps.limits.pullMax);
    const wish = { limit, waitMs: waitOf(query.wait, deps.limits.pollWaitMsMax) };
    const asked = cursorOf(query.after);
    if (wish.waitMs > 0) {
      const next = await deps.polls.goOn(identity, deviceId, query.after, wish, reply);
      if (next !== undefined) return next;
    }
    const after = await inboxDoes(async () => {
      const acked = await Acknowledgements.stored(deps.inbox, deviceId, epoch);
      return await startOf(deps.inbox, deviceId, asked, acked);
    });
    const page = await pageOf(deps, deviceId, after, limit);
    const isEmpty = page.notifications.length + page.skipped.length === 0;
    if (wish.waitMs === 0 || !isEmpty) return page;
    return await deps.polls.begin(identity, deviceId, page, wish, reply);
  });
  app.post(
    ACKNOWLEDGE.path,
    { onRequest, config: { operation: ACKNOWLEDGE } },
    async (request, reply) => {
      const { deviceId } = request.params as { deviceId: string };
      const epoch = epochOf(deps.owners, deviceId);
      checkRevoked(deps.owners, identityOf(request), deviceId);
      const body = request.body as { cursor?: unknown; ids?: unknown } | null;
      checkNoIds(body?.ids, body?.cursor);
      const cursor = cursorOf(body?.cursor);
      if (cursor === undefined) {
        const problems = [
          { path: '/cursor', what: 'missing, expected the cursor of a page or frame' },
        ];
        throw new HttpProblem('CAR710', 'the body has no cursor.', { problems });
      }
      const reason =
        cursor.device !== deviceMark(deviceId)
          ? 'other_device'
          : cursor.epoch !== epoch
            ? 'other_epoch'
            : await inboxDoes(() =>
                turns.take(deviceId, () => acknowledge(deps, deviceId, cursor)),
              );
      if (reason === 'all') return reply.code(204).send();
      return { type: 'unacknowledged', reason, asked: body?.cursor } as UnacknowledgedFrame;
    },
  );
}

/** Ids are for open streams, which know what they have sent. Throws CAR710. */
function checkNoIds(ids: unknown, cursor: unknown): void {
  // Nothing is lost with an empty list beside a cursor.
  const isEmpty = Array.isArray(ids) && ids.length === 0 && cursor !== undefined;
  if (ids === undefined || isEmpty) return;
  const what = 'no such field here: only an open stream takes ids; send /cursor';
  const problems = [{ path: '/ids', what }];
  throw new HttpProblem('CAR710', 'notifications are acknowledged by cursor.', { problems });
}

async function pageOf(
  deps: PullDeps,
  deviceId: string,
  after: Cursor,
  limit: number,
): Promise<PullPage> {
  const bounds = { rows: limit, bytes: deps.limits.pullBytesMax };
  const page = await inboxDoes(() => readUncovered(deps.inbox, deviceId, after, bounds));
  const cursor = copyCursor(after);
  const notifications: NotificationForm[] = [];
  const skipped: Skipped[] = [];
  const now = deps.clock.now();
  for (const row of page.rows) {
    add(cursor, deps.inbox.priorities.numberOf(row.priority), row.sequence);
    const form = await formOf(deps.payload, row, now);
    if (typeof form === 'string') skipped.push(skippedForm(row, form));
    else notifications.push(form);
  }
  const text = formatCursor(cursor);
  // With more gaps than a cursor remembers it may not have moved: asking again at once would not
  // end.
  const more = page.more && text !== formatCursor(after);
  return { epoch: after.epoch, notifications, skipped, cursor: text, more };
}

async function formOf(
  payload: PayloadReader,
  row: DeviceNotification,
  nowMs: number,
): Promise<NotificationForm | Skipped['reason']> {
  const why = whySkipped(row, nowMs);
  if (why !== undefined) return why;
  if (!payload.ready(row.payloadSchemaId)) await payload.load(row.payloadSchemaId);
  return payload.form(row) ?? 'unreadable';
}

/** In the device's turn: of two at once each sees what the other has done. */
async function acknowledge(
  deps: PullDeps,
  deviceId: string,
  given: Cursor,
): Promise<'all' | 'not_given'> {
  const { inbox, outcomes, counts, clock } = deps;
  const asked = ofSet(given, inbox.priorities);
  if (asked === undefined) return 'not_given';
  const stored = await Acknowledgements.stored(inbox, deviceId, asked.epoch);
  const { rows } = await readUncovered(inbox, deviceId, stored, OUTCOMES);
  const ahead = await notGiven(inbox, deviceId, asked, stored);
  const cursor = copyCursor(asked, 0);
  for (const priority of ahead) uncover(cursor, priority, 1);
  await inbox.acknowledge(deviceId, cursor.epoch, formatCursor(cursor));
  merge(stored, cursor);
  deps.guarantee.acknowledged(deviceId, stored);
  deps.acknowledged(deviceId, cursor);
  const now = clock.now();
  for (const row of rows) {
    if (!covers(cursor, inbox.priorities.numberOf(row.priority), row.sequence)) continue;
    counts.acknowledged++;
    outcomes.report(deviceId, acknowledgedOutcome(row, deviceId, 'inbox', now));
  }
  return ahead.length === 0 ? 'all' : 'not_given';
}

function epochOf(owners: Owners, deviceId: string): number {
  const owner = owners.get(deviceId);
  if (owner?.active) return owner.epoch;
  throw new HttpProblem('CAR713', 'the device is not registered.');
}

function cursorOf(text: unknown): Cursor | undefined {
  if (text === undefined || text === null || text === '') return undefined;
  const cursor = typeof text === 'string' ? parseCursor(text) : undefined;
  if (cursor === undefined) throw new HttpProblem('CAR714', 'it is not a cursor that was given.');
  return cursor;
}

function limitOf(text: unknown, max: number): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return limit;
  throw new HttpProblem('CAR721', `"limit" is a whole number from 1 to ${max}.`);
}

/** Milliseconds. */
function waitOf(text: unknown, maxMs: number): number {
  if (text === undefined) return 0;
  const seconds = Number(text);
  if (text !== '' && Number.isInteger(seconds) && seconds >= 0 && seconds * 1_000 <= maxMs) {
    return seconds * 1_000;
  }
  throw new HttpProblem('CAR721', `"wait" is a whole number of seconds, ${maxMs / 1_000} at most.`);
}

async function inboxDoes<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new HttpProblem('CAR715', 'the inbox does not answer.', { cause });
  }
}
