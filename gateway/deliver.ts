/**
 * `POST /internal/v1/deliver`: the websocket sink hands over lane records, and hears how each
 * ended.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { DeviceNotification } from '../core/notification.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../core/schema.ts';
import {
  DELIVER_OUTCOMES_TYPE,
  DELIVERIES_TYPE,
  type DeliverOutcome,
  type DeliveryItem,
  decodeDeliveries,
  encodeOutcomes,
} from '../schemas/deliveries.ts';
import { DELIVER } from './api/operator-operations.ts';
import type { Auth } from './auth.ts';
import { internalGuard } from './guard.ts';
import type { Hub } from './hub.ts';
import { type PayloadReader, whySkipped } from './payload.ts';
import { HttpProblem } from './problem.ts';

/** 256 records of the largest lane (64 KiB) and some. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;
const PROJECTION = { schema: 'DeviceNotification' };

export interface DeliverDeps {
  readonly auth: Auth;
  readonly hub: Hub;
  readonly schemas: Schemas;
  readonly payload: PayloadReader;
  readonly clock: Clock;
}

export function deliverRoute(app: FastifyInstance, deps: DeliverDeps): void {
  app.addContentTypeParser(DELIVERIES_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
    const items = decodeDeliveries(body as Buffer);
    if (items === undefined) done(new HttpProblem('CAR710', 'the body is not whole deliveries.'));
    else done(null, items);
  });
  const options = {
    onRequest: internalGuard(deps.auth),
    bodyLimit: BODY_BYTES_MAX,
    config: { operation: DELIVER },
  };
  app.post(DELIVER.path, options, async (request, reply) => {
    if (!Array.isArray(request.body)) {
      throw new HttpProblem('CAR708', `this takes ${DELIVERIES_TYPE}.`);
    }
    const outcomes: DeliverOutcome[] = [];
    for (const item of request.body as DeliveryItem[]) {
      outcomes.push(deliver(deps, item) ?? (await loadAndDeliver(deps, item)));
    }
    reply.type(DELIVER_OUTCOMES_TYPE);
    return encodeOutcomes(outcomes);
  });
}

/** Undefined: a schema must be loaded first. It is the hot path, so it awaits nothing. */
function deliver(deps: DeliverDeps, item: DeliveryItem): DeliverOutcome | undefined {
  const connection = deps.hub.get(item.connectionId);
  if (connection === undefined) return 'offline';
  const notification = decode(deps.schemas, item.value);
  if (notification === undefined || notification === 'unreadable') return notification;
  if (notification.deviceId !== connection.deviceId) return 'offline';
  if (notification.epoch < connection.epoch) return 'moved';
  if (notification.epoch > connection.epoch) return 'ahead';
  const why = whySkipped(notification, deps.clock.now());
  if (why !== undefined) {
    connection.skip(notification, why);
    return 'expired';
  }
  if (!deps.payload.ready(notification.payloadSchemaId)) return undefined;
  const form = deps.payload.form(notification);
  if (form !== undefined) return connection.offer(notification, form);
  connection.skip(notification, 'unreadable');
  return 'unreadable';
}

/** Throws a retryable CarillonError when the registry is away. */
async function loadAndDeliver(deps: DeliverDeps, item: DeliveryItem): Promise<DeliverOutcome> {
  await deps.schemas.load(schemaIdOf(item.value, 0, item.value.length));
  const notification = decode(deps.schemas, item.value);
  if (typeof notification === 'object') await deps.payload.load(notification.payloadSchemaId);
  return deliver(deps, item) ?? 'unreadable';
}

function decode(schemas: Schemas, value: Buffer): DeviceNotification | 'unreadable' | undefined {
  const id = schemaIdOf(value, 0, value.length);
  if (id < 0) return 'unreadable';
  const decoder = schemas.decoder(id, PROJECTION);
  if (decoder === undefined) return undefined;
  if (isUndecodable(decoder)) return 'unreadable';
  try {
    return decoder.decode(value, 0, value.length) as DeviceNotification;
  } catch {
    return 'unreadable';
  }
}
