/** What a contender has told, read back from its lanes by Kafka's own consumer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import avsc from 'avsc';
import type { DeviceNotification } from '../../core/notification.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { javaArguments } from './build.ts';
import type { RenoTopology } from './reno-topology.ts';

const HEADER_BYTES = 5;

/**
 * One record of a lane. Times are counted from the beginning of their load, so that two runs can be
 * compared, a deadline of -1 is none; `phase` says which load that was.
 */
export interface Told extends Omit<DeviceNotification, 'payload'> {
  readonly phase: 'warm-up' | 'measured';
  readonly lane: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly timestamp: number;
  /** Of the writer's schema, in the value's header. */
  readonly schemaId: number;
  /** The event as JSON. */
  readonly payload: string;
}

/** When the two loads began, as their events' times have it. */
export interface LoadTimes {
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Turns a line of ReadTopics.java into what was told. */
export class LaneDecoder {
  readonly #notification: avsc.Type;
  readonly #payloads = new Map<string, { type: avsc.Type; timeField: string }>();
  readonly #times: LoadTimes;
  readonly #texts = new Map<string, string>();

  constructor(schemas: SchemaFolder, topology: RenoTopology, times: LoadTimes) {
    const typeOf = (name: string) => avsc.Type.forSchema(schemas.get(name) as never);
    this.#notification = typeOf('DeviceNotification');
    for (const { id, schema, timeField } of topology.useCases.values()) {
      this.#payloads.set(id, { type: typeOf(schema), timeField });
    }
    this.#times = times;
  }

  /** Throws when a value has bytes too few or too many. */
  decode(line: string): Told {
    const [lane, partition, offset, timestamp, key, base64] = line.split('\t') as Columns;
    const value = Buffer.from(base64, 'base64');
    const of = this.#notification.fromBuffer(value.subarray(HEADER_BYTES)) as DeviceNotification;
    const isMeasured = of.born >= this.#times.measuredMs;
    const startMs = isMeasured ? this.#times.measuredMs : this.#times.warmUpMs;
    return {
      phase: isMeasured ? 'measured' : 'warm-up',
      lane: this.#once(lane),
      partition: Number(partition),
      offset: Number(offset),
      key: key === of.deviceId ? of.deviceId : key,
      timestamp: Number(timestamp) - startMs,
      schemaId: value.readInt32BE(1),
      id: of.id,
      deviceId: of.deviceId,
      epoch: of.epoch,
      sequence: of.sequence,
      previous: of.previous,
      useCase: of.useCase,
      priority: of.priority,
      deadline: of.deadline === 0 ? -1 : of.deadline - startMs,
      collapseKey: of.collapseKey,
      count: of.count,
      born: of.born - startMs,
      payloadSchemaId: of.payloadSchemaId,
      payload: this.#once(this.#payload(of, startMs)),
    };
  }

  /** Millions are kept: one text of each, and none that holds on to the line it was cut from. */
  #once(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = Buffer.from(text).toString();
    this.#texts.set(own, own);
    return own;
  }

  #payload({ useCase, payload }: DeviceNotification, startMs: number): string {
    const known = this.#payloads.get(useCase);
    if (known === undefined) return payload.toString('base64');
    const event = known.type.fromBuffer(payload) as Record<string, unknown>;
    const atMs = Number(event[known.timeField]);
    return JSON.stringify({ ...event, [known.timeField]: atMs - startMs });
  }
}

type Columns = [string, string, string, string, string, string];

/** All committed records of the lanes. */
export async function readLanes(
  brokers: readonly string[],
  lanes: readonly string[],
  decoder: LaneDecoder,
): Promise<Told[]> {
  const args = javaArguments('ReadTopics', brokers.join(','), ...lanes);
  const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  try {
    const told: Told[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      told.push(decoder.decode(line));
    }
    const [code] = await ended;
    if (code !== 0) throw new Error(`the lanes could not be read: exit ${code}`);
    return told;
  } finally {
    child.kill('SIGKILL');
  }
}
