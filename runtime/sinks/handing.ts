/** Hands notifications on to the next transport of a device that this one cannot reach. */
import type { Device, Transport } from '../../core/device.ts';
import type { TableView } from '../../core/store.ts';
import type { Item } from './item.ts';
import { nextTransport } from './reach.ts';
import type { SinkLane } from './sink-lane.ts';
import type { SinkOutputs } from './sink-outputs.ts';

/** What `gate_online` and the gateway say of a device that another transport may reach. */
export const OFFLINE = 'offline';

export class Handing {
  readonly #lane: SinkLane;
  readonly #owners: TableView<Device> | null;
  readonly #outputs: SinkOutputs;

  constructor(lane: SinkLane, owners: TableView<Device> | null, outputs: SinkOutputs) {
    this.#lane = lane;
    this.#owners = owners;
    this.#outputs = outputs;
  }

  /** The transport that has it now; undefined: there is none, or the use case does not want it. */
  handOn({ record, notification, marks }: Item): Transport | undefined {
    const { transport } = this.#lane.sinkPlan;
    if (transport === 'all') return undefined;
    const tried = [...marks.handedBy, transport];
    const device = this.#owners?.get(notification.deviceId);
    const to = nextTransport(this.#lane.reaches, notification, device, tried);
    if (to !== undefined) this.#outputs.handOn(record, to, tried);
    return to;
  }

  /** As `handOn`, for what the online gate dropped before it was begun. */
  offline(item: Item): void {
    const to = this.handOn(item);
    if (to === undefined) return;
    this.#lane.count('handed_on');
    const told = { outcome: 'handed_on', reason: `${to}: ${OFFLINE}`, attempt: 0 } as const;
    const nowMs = this.#lane.options.clock.now();
    this.#outputs.outcome(item.notification, { ...told, ambiguous: false }, nowMs);
  }
}
