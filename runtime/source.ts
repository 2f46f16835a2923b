/**
 * The first node of a stream: schema, key, time and priority of each record are read and checked,
 * in one pass, before any step. What cannot be used is dead-lettered with its code; the offset
 * moves on.
 */
import type { StreamPlan } from '../compiler/plan.ts';
import type { Clock } from '../core/clock.ts';
import { roundedDuration } from '../core/duration.ts';
import { partitionOfView } from '../core/partition.ts';
import type { Record } from '../core/record.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../core/schema.ts';
import { newStepCounts, type StepCounts } from '../core/verdict.ts';
import { DecoderCache } from './decoder-cache.ts';
import { type Refusal, readValue } from './read-value.ts';

export const SOURCE_STEP = 'source';

export interface SourceHost {
  readonly clock: Clock;
  readonly schemas: Schemas;
  /** Partitions of the topic; 0: the key's place is not checked. */
  readonly partitions: number;
  deadLetter(record: Record, code: string, why: string, step: string): void;
}

export class Source {
  readonly plan: StreamPlan;
  readonly counts: StepCounts = newStepCounts();
  readonly #host: SourceHost;
  readonly #decoders: DecoderCache;
  /** The sub-topology's priority; -1: the topology has none. */
  readonly #priority: number;

  constructor(plan: StreamPlan, priority: number, host: SourceHost) {
    this.plan = plan;
    this.#priority = priority;
    this.#host = host;
    this.#decoders = new DecoderCache(host.schemas, plan.source.projection);
  }

  /** The schema id that must be loaded before this record can be taken, or -1. */
  missingSchema(record: Record): number {
    if (record.valueStart < 0) return -1;
    const id = schemaIdOf(record.valueBytes, record.valueStart, record.valueEnd);
    return id >= 0 && this.#decoders.get(id) === undefined ? id : -1;
  }

  /** True: the record goes to the steps, with all slots of the source set. */
  admit(record: Record): boolean {
    this.counts.in++;
    const refusal = this.#check(record);
    if (refusal !== null) return this.#refuse(record, refusal);
    let priority: number;
    try {
      priority = this.#priorityOf(record);
    } catch (error) {
      // A rule that fails on a record (division by zero) is the record's fault, not the task's.
      const why = `the priority rule: ${error instanceof Error ? error.message : String(error)}`;
      return this.#refuse(record, { code: 'CAR506', why });
    }
    if (priority !== this.#priority) {
      const dropped = this.counts.dropped;
      dropped.set('other_priority', (dropped.get('other_priority') ?? 0) + 1);
      return false;
    }
    record.priority = priority;
    this.counts.passed++;
    this.counts.out++;
    return true;
  }

  /** Makes a record readable that was read back from a row. */
  revive(record: Record): void {
    if (record.valueStart < 0) return;
    const id = schemaIdOf(record.valueBytes, record.valueStart, record.valueEnd);
    const decoder = this.#decoders.get(id);
    if (decoder !== undefined && !isUndecodable(decoder)) record.decoder = decoder;
  }

  #check(record: Record): Refusal | null {
    const refusal = readValue(record, this.#decoders);
    if (refusal !== null) return refusal;
    return this.#checkKey(record) ?? this.#setTime(record);
  }

  #checkKey(record: Record): Refusal | null {
    const { member, id } = this.plan.source;
    if (record.keyStart < 0) return { code: 'CAR505', why: 'the key is null' };
    if (member !== null && member.read(record) !== record.key) {
      return { code: 'CAR505', why: `the key is not ${member.path}` };
    }
    const { partitions } = this.#host;
    if (partitions > 0) {
      const at = partitionOfView(record.keyBytes, record.keyStart, record.keyEnd, partitions);
      if (at !== record.partition) {
        return { code: 'CAR504', why: `the key belongs to partition ${at} of ${partitions}` };
      }
    }
    const eventId = id === null ? null : id.read(record);
    record.eventId =
      eventId === null || eventId === undefined
        ? `${record.topic}/${record.partition}/${record.offset}`
        : String(eventId);
    return null;
  }

  /** A time that is refused is not set: the dead letter keeps what the log said. */
  #setTime(record: Record): Refusal | null {
    const { time, maxFutureMs } = this.plan.source;
    const at: unknown = time === null ? record.timestamp : time.read(record);
    if (typeof at !== 'number') return { code: 'CAR508', why: `${time?.path} is not a time` };
    if (at < 0) return { code: 'CAR508', why: 'the time is negative' };
    const aheadMs = at - this.#host.clock.now();
    if (aheadMs > maxFutureMs) {
      return { code: 'CAR508', why: `the time is ${roundedDuration(aheadMs)} in the future` };
    }
    record.timestamp = at;
    return null;
  }

  #priorityOf(record: Record): number {
    const rule = this.plan.priority;
    if (rule === null) return -1;
    for (const { when, as } of rule.unless) if (when.evaluate(record)) return as;
    return rule.as;
  }

  #refuse(record: Record, { code, why }: Refusal): false {
    const { dropped, deadLettered } = this.counts;
    // Poison is seen by every priority of a stream; only the rule's own one writes the dead letter.
    const rule = this.plan.priority;
    if (rule !== null && rule.as !== this.#priority) {
      dropped.set('other_priority', (dropped.get('other_priority') ?? 0) + 1);
      return false;
    }
    deadLettered.set(code, (deadLettered.get(code) ?? 0) + 1);
    this.#host.deadLetter(record, code, why, SOURCE_STEP);
    return false;
  }
}
