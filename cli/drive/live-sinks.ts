/**
 * `drive --sinks live`: the real sinks of the deployment behind a driver, to try a delivery by
 * hand.
 */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import { HandClock, systemClock } from '../../core/clock.ts';
import type { Sink } from '../../core/spec.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import type { Deployment } from '../deployment.ts';
import { connectorSettings } from '../run/connector-settings.ts';
import { openSink, payloadService } from '../run/services.ts';
import { DriveWorld } from './world.ts';

export interface LiveSinks {
  /** Null for a sink that cannot be live here: it records. */
  openSink(plan: SinkPlan): Promise<Sink | null>;
  /** For a feed that ended in an error; the end of the driver closes them by itself. */
  close(): Promise<void>;
}

/** Sinks of providers are opened; those that need a running pipeline (websocket, inbox) record. */
const LIVE: readonly string[] = ['fcm', 'apns'];

export async function liveSinks(
  deployment: Deployment,
  { plan, schemas }: { plan: Plan; schemas: SchemaFolder },
): Promise<LiveSinks> {
  const world = await DriveWorld.open(plan, schemas, new HandClock(0));
  const services = { clock: systemClock, payload: payloadService(world.schemas, systemClock) };
  const opened: Sink[] = [];
  return {
    async openSink(sink) {
      if (!LIVE.includes(sink.spec.type)) return null;
      const settings = connectorSettings(sink, deployment.connectors);
      const live = await openSink(sink, services, settings);
      opened.push(live);
      return live;
    },
    async close() {
      for (const sink of opened) await sink.close();
    },
  };
}
