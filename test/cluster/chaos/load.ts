/**
 * The load of a chaos run: events of many members, in order, some of them again and again; and the
 * devices they are told to.
 */

import { BatchBuilder } from '../../../core/batch-builder.ts';
import { systemClock } from '../../../core/clock.ts';
import type { EncodedBatch, Log, Producer } from '../../../core/log.ts';
import { partitionOfText } from '../../../core/partition.ts';
import { AvroSchemas } from '../../../schemas/avro-schemas.ts';
import { ConfluentRegistry } from '../../../schemas/confluent-registry.ts';
import { readSchemaFolder } from '../../../schemas/folder.ts';
import { Chance } from '../../sim/chance.ts';
import { devicesOf } from '../expected.ts';
import { type ProducedRun, producedEvent, producedMember } from '../produced-events.ts';

export const MEMBERS = 60;
export const PARTITIONS = 4;
export const EVENTS = 'events.viewing-activity';
const DEVICES = 'tables.devices';
const SCHEMAS = new URL('../../../schemas', import.meta.url).pathname;
const DUPLICATES = 0.3;
/** A repeat is of one of so many events before it. */
const REPEATED_OF = 500;
const EVERY_MS = 25;
const AT_ONCE = 8;
const RETRY_MS = 200;
/** About as events come, so that none is stale in a long run. */
const STEP_MS = 4;

export class Load {
  readonly run: ProducedRun;
  readonly #log: Log;
  readonly #schemas: AvroSchemas;
  readonly #chance: Chance;
  readonly #schema: unknown;
  #producer: Producer | null = null;
  #going: Promise<void> | null = null;
  #stopped = false;
  #unique = 0;
  /** By partition: records that were acknowledged. */
  readonly sent: number[] = Array.from({ length: PARTITIONS }, () => 0);

  private constructor(log: Log, schemas: AvroSchemas, schema: unknown, seed: number) {
    this.#log = log;
    this.#schemas = schemas;
    this.#schema = schema;
    this.#chance = new Chance(seed);
    this.run = { count: 0, seed, members: MEMBERS, baseTimeMs: Date.now(), stepMs: STEP_MS };
  }

  static async open(log: Log, registry: string, seed: number): Promise<Load> {
    const folder = readSchemaFolder(SCHEMAS);
    const schemas = new AvroSchemas(folder, new ConfluentRegistry({ url: registry }), systemClock);
    await schemas.open([
      { topic: EVENTS, schema: 'ViewingActivity' },
      { topic: DEVICES, schema: 'MemberDevices' },
    ]);
    return new Load(log, schemas, folder.get('ViewingActivity'), seed);
  }

  /** What was sent, each event once. */
  get told(): ProducedRun {
    return { ...this.run, count: this.#unique };
  }

  /** All members' devices; before any event. */
  async register(): Promise<void> {
    const encoder = this.#schemas.encoder('MemberDevices');
    const rows = Array.from({ length: MEMBERS }, (_, member) => {
      const devices = devicesOf(member).map(({ deviceId, class: kind, transport }) => {
        return { deviceId, epoch: 1, class: kind, transports: [transport], updatedAt: 1 };
      });
      return [`m-${member}`, encoder.toBuffer({ memberId: `m-${member}`, devices })] as const;
    });
    this.#producer = await this.#log.producer();
    await this.#producer.send(batchesOf(DEVICES, rows));
  }

  start(): void {
    this.#going = this.#feed();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
    await this.#producer?.close();
  }

  async #feed(): Promise<void> {
    while (!this.#stopped) {
      const encoder = this.#schemas.encoder('ViewingActivity');
      const rows = Array.from({ length: AT_ONCE }, () => {
        const n = this.#next();
        const event = producedEvent(this.#schema, this.run, n);
        return [`m-${producedMember(this.run, n)}`, encoder.toBuffer(event)] as const;
      });
      await this.#send(rows);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  #next(): number {
    if (this.#unique === 0 || !this.#chance.is(DUPLICATES)) return this.#unique++;
    return this.#unique - 1 - this.#chance.below(Math.min(this.#unique, REPEATED_OF));
  }

  /** Until it is acknowledged: then an event may be there twice, which is a duplicate more. */
  async #send(rows: readonly (readonly [string, Buffer])[]): Promise<void> {
    for (;;) {
      try {
        const batches = batchesOf(EVENTS, rows);
        await this.#producer!.send(batches);
        for (const { partition, count } of batches) this.sent[partition]! += count;
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

function batchesOf(topic: string, rows: readonly (readonly [string, Buffer])[]): EncodedBatch[] {
  const builders = new Map<number, BatchBuilder>();
  for (const [key, value] of rows) {
    const partition = partitionOfText(key, PARTITIONS);
    let builder = builders.get(partition);
    if (builder === undefined) {
      builder = new BatchBuilder(topic, partition);
      builders.set(partition, builder);
    }
    builder.append(Date.now(), key, value);
  }
  return [...builders.values()].map((builder) => builder.finish());
}
