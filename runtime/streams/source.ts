/**
 * The first node of a stream: schema, key, time and priority of each record are read and checked,
 * in one pass, before any step. What cannot be used is dead-lettered with its code; the offset
 * moves on.
 */
import type { SourcePlan, StreamPlan } from '../../compiler/plan.ts';
import { roundedDuration } from '../../core/duration.ts';
import { partitionOfView } from '../../core/partition.ts';
import { Record } from '../../core/record.ts';
import { FIELD_NUMBER, FIELD_UNKNOWN, GIVEN, NONE, type Slice } from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import { Node, type NodeHost, type Refusal } from '../node.ts';
import type { Reading } from './reading.ts';

export const SOURCE_STEP = 'source';

const NULL_KEY: Refusal = { code: 'CAR505', why: 'the key is null' };
const NEGATIVE_TIME: Refusal = { code: 'CAR508', why: 'the time is negative' };

/** A stream, or what a step of it has as another input: that has no rule of its own. */
export interface SourceOf extends Pick<StreamPlan, 'name' | 'source' | 'priority'> {
  /** The stream stands in several sub-topologies, and another tells of what is refused. */
  readonly isToldElsewhere?: boolean;
}

export class Source {
  readonly node: Node;
  readonly #plan: SourceOf;
  readonly #from: SourcePlan;
  readonly #reading: Reading;
  /** Partitions of the topic; 0: the key's place is not checked. */
  readonly #partitions: number;
  /** The sub-topology's priority; -1: the topology has none. */
  readonly #priority: number;

  /** `step`: the name of its node, where it is not the stream's first. */
  constructor(
    plan: SourceOf,
    priority: number,
    reading: Reading,
    partitions: number,
    host: NodeHost,
    step = SOURCE_STEP,
  ) {
    this.node = new Node(plan.name, step, host);
    this.#plan = plan;
    this.#from = plan.source;
    this.#priority = priority;
    this.#reading = reading;
    this.#partitions = partitions;
  }

  /** Leaves those records selected that go to the steps, with all slots of the source set. */
  admit(slice: Slice): void {
    const { selection, selected } = slice;
    const { counts } = this.node;
    const record = new Record(slice, 0);
    slice.priority = this.#priority;
    slice.decode = this.#reading.decode;
    let kept = 0;
    for (let j = 0; j < selected; j++) {
      const i = selection[j]!;
      record.i = i;
      if (this.#admit(slice, i, record)) selection[kept++] = i;
    }
    slice.selected = kept;
    counts.in += selected;
    counts.passed += kept;
    counts.out += kept;
  }

  #admit(slice: Slice, i: number, record: Record): boolean {
    const refusal =
      this.#reading.read(slice, i) ??
      this.#checkKey(slice, i, record) ??
      this.#setTime(slice, i, record);
    if (refusal !== null) return this.#refuse(record, refusal);
    this.#setEventId(slice, i, record);
    const rule = this.#plan.priority;
    if (rule === null) return true;
    let priority: number = rule.as;
    try {
      for (const { when, as } of rule.unless) {
        if (!when.evaluate(record)) continue;
        priority = as;
        break;
      }
    } catch (error) {
      // A rule that fails on a record (division by zero) is the record's fault, not the task's.
      const why = `the priority rule: ${error instanceof Error ? error.message : String(error)}`;
      return this.#refuse(record, { code: 'CAR506', why });
    }
    if (priority === this.#priority) return true;
    this.node.passBy();
    return false;
  }

  #checkKey(slice: Slice, i: number, record: Record): Refusal | null {
    const { member } = this.#from;
    const start = slice.keyStart[i]!;
    if (start < 0) return NULL_KEY;
    const end = slice.keyEnd[i]!;
    if (member !== null && !isKey(slice, i, member, record)) {
      return { code: 'CAR505', why: `the key is not ${member.path}` };
    }
    const partitions = this.#partitions;
    if (partitions > 1) {
      const at = partitionOfView(slice.bytes, start, end, partitions);
      if (at !== slice.partition) {
        return { code: 'CAR504', why: `the key belongs to partition ${at} of ${partitions}` };
      }
    }
    return null;
  }

  #setEventId(slice: Slice, i: number, record: Record): void {
    const { id } = this.#from;
    if (id === null) return;
    const start = id.column < 0 ? FIELD_UNKNOWN : slice.fieldStart[id.column]![i]!;
    if (start >= 0) {
      const end = slice.fieldEnd[id.column]![i]!;
      // An empty id is none: all events without one would be one event.
      if (end === start) return;
      slice.eventStart[i] = start;
      slice.eventEnd[i] = end;
      return;
    }
    if (start === NONE) return;
    const eventId = id.read(record);
    if (eventId === null || eventId === undefined || eventId === '') return;
    record.eventId = String(eventId);
  }

  /** As `InputReader.timeOf`. Nothing is counted yet; the record is read again in its turn. */
  timeOf(slice: Slice, i: number, clockMs: number): number {
    const { time, maxFutureMs } = this.#from;
    if (time === null) return slice.timestamp[i]!;
    if (this.#reading.read(slice, i) !== null) return Number.NEGATIVE_INFINITY;
    const at = this.#timeAt(slice, i, new Record(slice, i));
    const isTime = typeof at === 'number' && at >= 0 && at - clockMs <= maxFutureMs;
    return isTime ? at : Number.NEGATIVE_INFINITY;
  }

  #timeAt(slice: Slice, i: number, record: Record): unknown {
    const { time } = this.#from;
    if (time === null) return slice.timestamp[i]!;
    if (time.column >= 0 && slice.fieldStart[time.column]![i] === FIELD_NUMBER) {
      return slice.fieldNumber[time.column]![i]!;
    }
    return time.read(record);
  }

  /** A time that is refused is not set: the dead letter keeps what the log said. */
  #setTime(slice: Slice, i: number, record: Record): Refusal | null {
    const { time, maxFutureMs } = this.#from;
    const at = this.#timeAt(slice, i, record);
    if (typeof at !== 'number') return { code: 'CAR508', why: `${time?.path} is not a time` };
    if (at < 0) return NEGATIVE_TIME;
    const aheadMs = at - slice.clockMs;
    if (aheadMs > maxFutureMs) {
      return { code: 'CAR508', why: `the time is ${roundedDuration(aheadMs)} in the future` };
    }
    slice.timestamp[i] = at;
    return null;
  }

  #refuse(record: Record, refusal: Refusal): false {
    // Poison is seen by every priority of a stream; only the rule's own one writes the dead letter.
    const rule = this.#plan.priority;
    const isElsewhere = rule !== null && rule.as !== this.#priority;
    if (isElsewhere || this.#plan.isToldElsewhere === true) this.node.passBy();
    else this.node.refuse(record, refusal);
    return false;
  }
}

/** Whether a field holds the record's key; compared as bytes where both lie in them. */
function isKey(slice: Slice, i: number, member: FieldReader, record: Record): boolean {
  const { bytes } = slice;
  const start = slice.keyStart[i]!;
  const at = member.column < 0 ? FIELD_UNKNOWN : slice.fieldStart[member.column]![i]!;
  if (at < 0 || start === GIVEN) return member.read(record) === record.key;
  const size = slice.keyEnd[i]! - start;
  if (slice.fieldEnd[member.column]![i]! - at !== size) return false;
  for (let n = 0; n < size; n++) if (bytes[at + n] !== bytes[start + n]) return false;
  return true;
}
