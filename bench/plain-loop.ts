/**
 * The floor of the engine's benchmark: the work of reno.yaml as one would write it by hand, knowing
 * all types, with no envelope, no counting, no declared steps, no verdicts. It uses the same Avro
 * library, the same record batches and the same ids, writes the same lanes and the same rows of
 * state.
 */
import avro from 'avsc';
import { BatchBuilder } from '../core/batch-builder.ts';
import { ByteWriter } from '../core/bytes.ts';
import type { MemberDevices } from '../core/device.ts';
import type { EncodedBatch } from '../core/log.ts';
import type { Record } from '../core/record.ts';
import { readBatch, wholeBatch } from '../core/record-batch.ts';
import { DueHeap } from '../runtime/sinks/due-heap.ts';
import { notificationId } from '../runtime/streams/notification-id.ts';
import type { AvroSchemas } from '../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import type { LoadBatch } from './reno-load.ts';

/** What the loop knows of a use case. */
interface UseCase {
  readonly id: string;
  readonly schema: string;
  readonly time: string;
  readonly fields: readonly string[];
  readonly maxAgeMs: number;
  readonly withinMs: number;
  readonly coalesce: { by: string; quietMs: number; atMostMs: number } | null;
  readonly classes: ReadonlySet<string>;
  readonly except: boolean;
  priority(value: Fields): string;
}

interface Fields {
  readonly eventId: string;
  readonly memberId: string;
  readonly profileId: string;
  readonly deviceId: string | null;
  readonly [field: string]: unknown;
}

const ALL: ReadonlySet<string> = new Set(['tv', 'mobile', 'tablet', 'web', 'stick', 'set-top']);
const VIEWING: ReadonlySet<string> = new Set(['tv', 'mobile', 'tablet', 'web', 'stick']);

const USE_CASES: { readonly [topic: string]: UseCase } = {
  'events.viewing-activity': {
    id: 'va',
    schema: 'ViewingActivity',
    time: 'occurredAt',
    fields: ['eventId', 'memberId', 'profileId', 'titleId', 'deviceId', 'occurredAt'],
    maxAgeMs: 120_000,
    withinMs: 600_000,
    coalesce: { by: 'titleId', quietMs: 2_000, atMostMs: 10_000 },
    classes: VIEWING,
    except: true,
    priority: () => 'normal',
  },
  'events.my-list-update': {
    id: 'ml',
    schema: 'MyListUpdate',
    time: 'changedAt',
    fields: ['eventId', 'memberId', 'profileId', 'titleId', 'deviceId', 'changedAt'],
    maxAgeMs: 600_000,
    withinMs: 600_000,
    coalesce: { by: 'titleId', quietMs: 1_000, atMostMs: 5_000 },
    classes: ALL,
    except: true,
    priority: () => 'normal',
  },
  'events.recommendation-refresh': {
    id: 'rr',
    schema: 'RecommendationRefresh',
    time: 'computedAt',
    fields: ['eventId', 'memberId', 'profileId', 'listId', 'computedAt'],
    maxAgeMs: 3_600_000,
    withinMs: 3_600_000,
    coalesce: { by: 'listId', quietMs: 30_000, atMostMs: 120_000 },
    classes: ALL,
    except: false,
    priority: () => 'low',
  },
  'events.plan-change': {
    id: 'pl',
    schema: 'PlanChange',
    time: 'changedAt',
    fields: ['eventId', 'memberId', 'changedAt'],
    maxAgeMs: 86_400_000,
    withinMs: 86_400_000,
    coalesce: null,
    classes: ALL,
    except: false,
    priority: () => 'critical',
  },
  'events.profile-change': {
    id: 'pf',
    schema: 'ProfileChange',
    time: 'changedAt',
    fields: ['eventId', 'memberId', 'kind', 'changedAt'],
    maxAgeMs: Number.POSITIVE_INFINITY,
    withinMs: 86_400_000,
    coalesce: null,
    classes: ALL,
    except: false,
    priority: (value) => (value.kind === 'MATURITY_LEVEL_CHANGED' ? 'critical' : 'high'),
  },
  'events.diagnostic-signal': {
    id: 'ds',
    schema: 'DiagnosticSignal',
    time: 'issuedAt',
    fields: ['eventId', 'memberId', 'urgent', 'issuedAt'],
    maxAgeMs: 900_000,
    withinMs: 3_600_000,
    coalesce: null,
    classes: ALL,
    except: false,
    priority: (value) => (value.urgent === true ? 'critical' : 'low'),
  },
};

interface Held {
  readonly useCase: UseCase;
  readonly value: Fields;
  readonly record: Record;
  readonly priority: string;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  dueMs: number;
}

interface PlainRow {
  readonly store: string;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

export interface PlainCommit {
  readonly batches: readonly EncodedBatch[];
  readonly rows: readonly PlainRow[];
}

interface Numbers {
  last: number;
  readonly inLane: { [transport: string]: number };
}

export class PlainLoop {
  readonly #schemas: AvroSchemas;
  readonly #devices = new Map<string, MemberDevices>();
  readonly #types = new Map<string, { type: avro.Type; resolver: unknown; id: number }>();
  readonly #seen = new Map<string, number>();
  readonly #held = new Map<string, Held>();
  readonly #dues = new DueHeap();
  readonly #numbers = new Map<string, Map<string, Numbers>>();
  readonly #lanes = new Map<string, BatchBuilder>();
  readonly #changedSeen: string[] = [];
  readonly #changedHeld = new Set<string>();
  readonly #changedNumbers = new Set<string>();
  #nowMs = 0;

  constructor(schemas: AvroSchemas, devices: readonly Record[]) {
    this.#schemas = schemas;
    for (const { key, valueBytes } of devices) {
      const row = schemas.decodeByWriter(valueBytes!, 0, valueBytes!.length);
      this.#devices.set(key!, row as MemberDevices);
    }
    const folder = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
    for (const [topic, { schema, fields }] of Object.entries(USE_CASES)) {
      const { schemaId } = schemas.encoder(schema);
      const full = folder.get(schema)!;
      const writer = avro.Type.forSchema(full as never);
      const kept = full.fields.filter(({ name }) => fields.includes(name));
      const type = avro.Type.forSchema({ ...full, fields: kept } as never);
      this.#types.set(topic, { type, resolver: type.createResolver(writer), id: schemaId });
    }
  }

  run({ topic, bytes, baseOffset, clockMs }: LoadBatch): void {
    this.advance(clockMs);
    const useCase = USE_CASES[topic]!;
    const { type, resolver, id } = this.#types.get(topic)!;
    for (const record of readBatch(wholeBatch(topic, 0, bytes, baseOffset))) {
      const valueBytes = record.valueBytes!;
      if (valueBytes[0] !== 0 || valueBytes.readUInt32BE(1) !== id) continue;
      const { value } = type.decode(valueBytes, 5, resolver as never) as {
        value: Fields;
      };
      if (value.memberId !== record.key) continue;
      const at = value[useCase.time] as number;
      if (this.#nowMs - at > useCase.maxAgeMs) continue;
      const identity = `${useCase.id}:${value.eventId}`;
      const before = this.#seen.get(identity);
      if (before !== undefined && at - before <= useCase.withinMs) continue;
      this.#seen.set(identity, at);
      this.#changedSeen.push(identity);
      const priority = useCase.priority(value);
      if (useCase.coalesce === null) this.#tell(useCase, value, record, priority, 1);
      else this.#hold(useCase, value, record, priority);
    }
  }

  /** Lets go the bursts that are due. */
  advance(clockMs: number): void {
    this.#nowMs = clockMs;
    for (;;) {
      const top = this.#dues.top();
      if (top === undefined || top.dueMs > clockMs) return;
      this.#dues.pop();
      const held = this.#held.get(top.key);
      if (held === undefined || held.dueMs !== top.dueMs) continue;
      this.#held.delete(top.key);
      this.#changedHeld.add(top.key);
      this.#tell(held.useCase, held.value, held.record, held.priority, held.count);
    }
  }

  commit(): PlainCommit {
    const rows: PlainRow[] = [];
    const row = (store: string, key: string, value: Buffer | null) =>
      rows.push({ store, key: Buffer.from(key), value });
    for (const key of this.#changedSeen) {
      row('seen', key, new ByteWriter(16).int(this.#seen.get(key)!).done());
    }
    this.#changedSeen.length = 0;
    for (const key of this.#changedHeld) {
      const held = this.#held.get(key);
      row('held', key, held === undefined ? null : encodeHeld(held));
    }
    this.#changedHeld.clear();
    for (const member of this.#changedNumbers) {
      row('numbers', member, encodeNumbers(this.#numbers.get(member)!));
    }
    this.#changedNumbers.clear();
    const batches = [...this.#lanes.values()].filter(({ count }) => count > 0);
    return { batches: batches.map((lane) => lane.finish()), rows };
  }

  #hold(useCase: UseCase, value: Fields, record: Record, priority: string): void {
    const { by, quietMs, atMostMs } = useCase.coalesce!;
    const key = `${useCase.id}:${value.profileId}:${String(value[by])}`;
    const before = this.#held.get(key);
    const firstMs = before?.firstMs ?? this.#nowMs;
    const dueMs = Math.min(this.#nowMs + quietMs, firstMs + atMostMs);
    const count = (before?.count ?? 0) + 1;
    this.#held.set(key, {
      useCase,
      value,
      record,
      priority,
      firstMs,
      lastMs: this.#nowMs,
      count,
      dueMs,
    });
    this.#changedHeld.add(key);
    this.#dues.add(dueMs, key);
  }

  #tell(useCase: UseCase, value: Fields, record: Record, priority: string, count: number): void {
    const row = this.#devices.get(value.memberId);
    if (row === undefined) return;
    const encoder = this.#schemas.encoder('DeviceNotification');
    const at = value[useCase.time] as number;
    const member = `${priority}:${value.memberId}`;
    let numbers = this.#numbers.get(member);
    for (const device of row.devices) {
      if (!useCase.classes.has(device.class)) continue;
      if (useCase.except && device.deviceId === value.deviceId) continue;
      if (numbers === undefined) {
        numbers = new Map();
        this.#numbers.set(member, numbers);
      }
      const transport = device.transports[0]!;
      let of = numbers.get(device.deviceId);
      if (of === undefined) {
        of = { last: 0, inLane: { websocket: 0, fcm: 0, apns: 0, inbox: 0 } };
        numbers.set(device.deviceId, of);
      }
      of.last++;
      const by = useCase.coalesce?.by;
      this.#lane(`notifications.${priority}.${transport}`).appendEncoded(
        at,
        device.deviceId,
        encoder,
        {
          id: notificationId(value.eventId, useCase.id, device.deviceId),
          deviceId: device.deviceId,
          epoch: device.epoch,
          sequence: of.last,
          previous: of.inLane[transport],
          useCase: useCase.id,
          priority,
          deadline: useCase.maxAgeMs === Number.POSITIVE_INFINITY ? 0 : at + useCase.maxAgeMs,
          collapseKey:
            by === undefined ? null : `${useCase.id}:${value.profileId}:${String(value[by])}`,
          count,
          born: at,
          payloadSchemaId: record.valueBytes!.readUInt32BE(1),
          payload: record.valueBytes!.subarray(5),
        },
      );
      of.inLane[transport] = of.last;
    }
    this.#changedNumbers.add(member);
  }

  #lane(topic: string): BatchBuilder {
    let lane = this.#lanes.get(topic);
    if (lane === undefined) {
      lane = new BatchBuilder(topic, 0);
      this.#lanes.set(topic, lane);
    }
    return lane;
  }
}

function encodeHeld({ record, firstMs, lastMs, count, dueMs, priority }: Held): Buffer {
  const valueBytes = record.valueBytes!;
  return new ByteWriter(valueBytes.length + 64)
    .int(firstMs)
    .int(lastMs)
    .int(dueMs)
    .int(count)
    .int(record.offset)
    .int(record.timestamp)
    .text(priority)
    .text(record.key!)
    .blob(valueBytes)
    .done();
}

function encodeNumbers(numbers: Map<string, Numbers> | undefined): Buffer {
  const writer = new ByteWriter(64);
  for (const [deviceId, { last, inLane }] of numbers ?? []) {
    writer.text(deviceId).int(last);
    for (const number of Object.values(inLane)) writer.int(number);
  }
  return writer.done();
}
