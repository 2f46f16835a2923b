/**
 * The catalog of sink connectors: the only list of them. A topology names a sink by its `type`; the
 * cli hands this map to the compiler. Each spec loads the client of its service when a sink is
 * opened.
 */
import type { SinkSpec } from '../core/spec.ts';
import { apns } from './apns/apns.ts';
import { fcm } from './fcm/fcm.ts';
import { inbox } from './inbox/inbox.ts';
import { webhook } from './webhook/webhook.ts';
import { websocket } from './websocket/websocket.ts';

// biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
const all: readonly SinkSpec<any>[] = [websocket, fcm, apns, webhook, inbox];

// biome-ignore lint/suspicious/noExplicitAny: as above.
export const sinks: ReadonlyMap<string, SinkSpec<any>> = new Map(
  all.map((spec) => [spec.type, spec]),
);
