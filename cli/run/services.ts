/** What the wiring gives to sinks by name: how payloads are read, where gateways are, the inbox. */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { InboxStore } from '../../core/inbox.ts';
import type { Log } from '../../core/log.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Sink, SinkContext } from '../../core/spec.ts';
import type { TextWords } from '../../core/words.ts';
import { PayloadReader } from '../../gateway/payload.ts';
import type { LogLine } from '../../gateway/problem.ts';
import { followTable } from '../../gateway/table-follower.ts';

/** A row of `tables.gateways`, as the websocket sink needs it. */
export interface GatewayRow {
  readonly gatewayId: string;
  readonly url: string;
  readonly leaseUntil: number;
}

/** Follows `tables.gateways`: who holds connections, and where it is reached. */
export class Gateways {
  readonly #rows = new Map<string, GatewayRow>();
  #close: () => Promise<void> = async () => {};

  static async follow(log: Log, schemas: Schemas, say: LogLine): Promise<Gateways> {
    const gateways = new Gateways();
    const options = { topic: 'tables.gateways', schema: 'Gateway', log: say };
    const follower = await followTable<GatewayRow>(log, schemas, options, (key, row) => {
      if (row === null) gateways.#rows.delete(key);
      else gateways.#rows.set(key, row);
    });
    gateways.#close = () => follower.close();
    return gateways;
  }

  get(gatewayId: string): GatewayRow | undefined {
    return this.#rows.get(gatewayId);
  }

  /** All that hold a row, lapsed or not. */
  all(): Iterable<GatewayRow> {
    return this.#rows.values();
  }

  close(): Promise<void> {
    return this.#close();
  }
}

export interface SinkServices {
  readonly clock: Clock;
  readonly payload?: (notification: DeviceNotification) => Promise<unknown>;
  readonly gateways?: Gateways;
  readonly inbox?: InboxStore;
  readonly show?: SinkContext['show'];
  readonly texts?: TextWords;
}

/** What people see, by use case. */
export function showService(plan: Plan): NonNullable<SinkContext['show']> {
  const shows = new Map(
    plan.subTopologies.flatMap(({ streams }) =>
      streams.map(({ useCase, show }) => [useCase, show] as const),
    ),
  );
  return (useCase) => shows.get(useCase) ?? null;
}

/** The event of a notification, as JSON. Throws retryable while the registry is away. */
export function payloadService(
  schemas: Schemas,
  clock: Clock,
): (notification: DeviceNotification) => Promise<unknown> {
  const reader = new PayloadReader(schemas, clock);
  return async (notification) => {
    if (!reader.ready(notification.payloadSchemaId)) {
      await reader.load(notification.payloadSchemaId);
    }
    return reader.form(notification)?.value ?? null;
  };
}

export function openSink(
  plan: SinkPlan,
  services: SinkServices,
  settings: Readonly<globalThis.Record<string, unknown>>,
): Promise<Sink> {
  const context: SinkContext = {
    name: plan.name,
    clock: services.clock,
    priorities: plan.lane.order,
    settings,
    ...(services.show === undefined ? {} : { show: services.show }),
    ...(services.texts === undefined ? {} : { texts: services.texts }),
    service<T>(name: string): T {
      const service = (services as unknown as { [name: string]: unknown })[name];
      if (service !== undefined) return service as T;
      throw new CarillonError('CAR941', `sink "${plan.name}" needs the service "${name}".`, {
        where: { at: plan.name },
      });
    },
  };
  return plan.spec.open(plan.config as never, context);
}
