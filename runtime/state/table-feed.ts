/** The tables of a task: applies their records in order, and waits for schemas that are missing. */
import type { TablePlan } from '../../compiler/plan.ts';
import type { DeviceClasses } from '../../core/device-classes.ts';
import type { LogBatch } from '../../core/log.ts';
import { BatchCursor } from '../../core/record-batch.ts';
import { type Schemas, schemaIdOf } from '../../core/schema.ts';
import { Slice } from '../../core/slice.ts';
import type { DevicesView, TableView } from '../../core/store.ts';
import type { SchemaLoader } from '../schema-loader.ts';
import { MemberDevicesTable } from './member-devices.ts';
import type { OnPoison, TableRows } from './table-rows.ts';
import { TableStore } from './table-store.ts';

/** A batch that waits, behind another or for a schema. */
interface Waiting {
  readonly table: TableRows;
  readonly batch: LogBatch;
}

export class TableFeed {
  readonly #stores = new Map<string, TableStore>();
  readonly #devices = new Map<string, MemberDevicesTable>();
  readonly #byTopic = new Map<string, TableRows>();
  readonly #loader: SchemaLoader;
  readonly #waiting: Waiting[] = [];
  /**
   * Where the first that waits has got to: a slice of its batch, and which record of it is next.
   */
  readonly #slice = new Slice();
  readonly #cursor = new BatchCursor();
  #at = 0;
  #begun = false;

  /** `onPoison` hears of records that cannot be rows; the row before such a one stays in force. */
  constructor(
    plans: readonly TablePlan[],
    schemas: Schemas,
    loader: SchemaLoader,
    { deviceClasses: classes }: { readonly deviceClasses: DeviceClasses },
    onPoison: OnPoison,
  ) {
    this.#loader = loader;
    for (const { name, topic, schema } of plans) {
      if (schema === 'MemberDevices') {
        const devices = new MemberDevicesTable(name, schemas, onPoison, classes);
        this.#devices.set(name, devices);
        this.#byTopic.set(topic, devices);
      } else {
        const store = new TableStore(name, schema, schemas, onPoison);
        this.#stores.set(name, store);
        this.#byTopic.set(topic, store);
      }
    }
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Memory that its tables take, bytes. */
  get bytes(): number {
    let sum = 0;
    for (const table of this.#byTopic.values()) sum += table.bytes;
    return sum;
  }

  /** Of these, what is free to be used again. */
  get spare(): number {
    let sum = 0;
    for (const table of this.#byTopic.values()) sum += table.spare;
    return sum;
  }

  /** Records that could not be rows. */
  get undecodable(): number {
    let sum = 0;
    for (const table of this.#byTopic.values()) sum += table.undecodable;
    return sum;
  }

  view(name: string): TableView {
    return found(this.#stores.get(name) ?? this.#devices.get(name), name);
  }

  devices(name: string): DevicesView {
    return found(this.#devices.get(name), name);
  }

  /** A batch of a table's topic; those of topics that are no tables are passed over. */
  add(topic: string, batch: LogBatch): void {
    const table = this.#byTopic.get(topic);
    if (table === undefined) return;
    this.#waiting.push({ table, batch });
    this.drain();
  }

  /** Applies what can be; true when nothing waits. */
  drain(): boolean {
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined) return true;
      if (!this.#apply(first)) return false;
      this.#waiting.shift();
      this.#begun = false;
    }
  }

  /** Goes on with a batch; false: it waits for a schema. */
  #apply({ table, batch }: Waiting): boolean {
    const slice = this.#slice;
    if (!this.#begun) {
      this.#begun = true;
      this.#cursor.open(batch);
      this.#at = 0;
      slice.reset(batch.topic, batch.partition, batch.bytes);
    }
    for (;;) {
      this.#at = table.apply(slice, this.#at);
      if (this.#at < slice.n) {
        const { valueStart, valueEnd } = slice;
        const id = schemaIdOf(slice.bytes, valueStart[this.#at]!, valueEnd[this.#at]!);
        this.#loader.need([id]);
        return false;
      }
      if (this.#cursor.done) return true;
      this.#cursor.read(slice);
      this.#at = 0;
    }
  }
}

function found<T>(table: T | undefined, name: string): T {
  if (table === undefined) throw new Error(`table ${name} is not a table of this sub-topology`);
  return table;
}
