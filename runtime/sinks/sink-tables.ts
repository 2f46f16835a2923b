/** The tables of a sink's task, and what is looked up in them right before a delivery. */
import type { AppsPlan } from '../../compiler/plan.ts';
import type { Acknowledgement } from '../../core/acknowledgement.ts';
import type { Device } from '../../core/device.ts';
import type { LogBatch } from '../../core/log.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Priorities } from '../../core/priority.ts';
import type { TableView } from '../../core/store.ts';
import type { SchemaLoader } from '../schema-loader.ts';
import { MemoryBudget, MemoryPart } from '../state/memory-budget.ts';
import { TableFeed } from '../state/table-feed.ts';
import type { StepHost } from '../streams/step.ts';
import type { Item } from './item.ts';
import { type LastHop, lastHop } from './last-hop.ts';
import type { SinkLane } from './sink-lane.ts';

export class SinkTables {
  readonly feed: TableFeed;
  /** Null: the topology has no table of owners. */
  readonly owners: TableView<Device> | null;
  readonly #memory: MemoryPart;
  readonly #acknowledgements: TableView<Acknowledgement> | null;
  readonly #priorities: Priorities;
  readonly #needsOwner: boolean;
  readonly #apps: AppsPlan | undefined;

  constructor(lane: SinkLane, loader: SchemaLoader, host: StepHost) {
    const { plan, sinkPlan, options } = lane;
    this.#priorities = plan.priorities;
    const tables = lane.tables();
    const stream = sinkPlan.name;
    this.feed = new TableFeed(tables, options.schemas, loader, plan.words, (record, why) =>
      host.deadLetter(record, { code: 'CAR503', why, stream, step: 'table' }),
    );
    this.#memory = new MemoryPart(options.memory ?? new MemoryBudget());
    this.#memory.add(this.feed);
    const view = <Row>(schema: string) => {
      const name = tables.find((table) => table.schema === schema)?.name;
      return name === undefined ? null : (this.feed.view(name) as TableView<Row>);
    };
    this.owners = view<Device>('Device');
    this.#acknowledgements = view<Acknowledgement>('Acknowledgement');
    this.#needsOwner = sinkPlan.spec.needsOwner;
    this.#apps = sinkPlan.apps;
  }

  /** Throws CAR697 when they do not fit the memory of this process. */
  add(topic: string, batch: LogBatch): void {
    this.feed.add(topic, batch);
    this.#memory.restored(topic);
  }

  close(): void {
    this.#memory.close();
  }

  /** `elsewhere`: another sink of this transport tells it, as it has the device's app. */
  lastHop({ notification, beganMs }: Item, nowMs: number): LastHop | 'elsewhere' {
    const hop = () => this.#judged(notification, nowMs, nowMs - beganMs);
    const apps = this.#apps;
    if (apps === undefined) return hop();
    const device = this.owners?.get(notification.deviceId);
    if (device !== undefined && device.epoch >= notification.epoch) {
      return has(apps, device.app) ? hop() : 'elsewhere';
    }
    const judged = hop();
    // Of a device that nobody knows only one of them tells.
    return judged.go === false && apps.own !== null ? 'elsewhere' : judged;
  }

  #judged(notification: DeviceNotification, nowMs: number, waitedMs: number): LastHop {
    return lastHop(notification, {
      owners: this.owners,
      acknowledgements: this.#acknowledgements,
      priorities: this.#priorities,
      needsOwner: this.#needsOwner,
      nowMs,
      waitedMs,
    });
  }
}

function has({ own, others }: AppsPlan, app: string): boolean {
  return own === null ? !others.includes(app) : app === own;
}
