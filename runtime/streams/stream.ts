/** One stream of a task: source, steps and writer, joined by RxJS; one `next` a slice. */
import { Subject } from 'rxjs';
import type { StreamPlan } from '../../compiler/plan.ts';
import { FIELD_UNKNOWN, GIVEN, SLICE_RECORDS_MAX, Slice } from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import type { Node } from '../node.ts';
import { markEvents } from './event-marks.ts';
import type { InputReader } from './input-reader.ts';
import { Reading } from './reading.ts';
import { Source } from './source.ts';
import { readersOf, Steps } from './steps.ts';
import type { TaskParts } from './task-parts.ts';
import { writerOf } from './writers.ts';

export class Stream implements InputReader {
  readonly plan: StreamPlan;
  readonly reading: Reading;
  readonly slice: Slice;
  readonly steps: Steps;
  readonly #source: Source;
  readonly writer: { readonly node: Node; write(slice: Slice): void };
  readonly #slices = new Subject<Slice>();
  /** Records below it are not its to read: those of before it came to this group. */
  #from = 0;
  readonly #tick: Slice;

  constructor(plan: StreamPlan, priority: number, parts: TaskParts) {
    this.plan = plan;
    const fields = fieldsOf(plan);
    const isDerived = plan.source.topic === null;
    const { schemas, partitions } = parts;
    this.reading = new Reading(
      schemas,
      plan.source.projection,
      fields.map(({ path }) => path),
      plan.source.readsEvent,
    );
    // What others give is located anew: their columns are not this stream's.
    this.slice = new Slice(fields.length, SLICE_RECORDS_MAX, isDerived ? [] : undefined);
    this.#tick = new Slice(fields.length, 1);
    this.#tick.topic = plan.source.topic ?? '';
    this.#tick.partition = parts.partition;
    this.#tick.priority = priority;
    this.#source = new Source(plan, priority, this.reading, partitions, parts);
    const of = { stream: plan.name, useCase: plan.useCase, steps: plan.steps };
    const written = plan.to.kind === 'lane' ? plan.to.collapse.map(({ column }) => column) : [];
    const known = written.filter((column) => column >= 0);
    this.steps = new Steps(of, parts, this.reading, fields.length, known);
    this.writer = writerOf(plan, parts);
    this.#slices.pipe(this.steps.operator).subscribe({
      next: (slice) => {
        try {
          this.writer.write(slice);
        } catch (error) {
          parts.fail(error);
        }
      },
      error: (error) => parts.fail(error),
    });
  }

  /** Its nodes, in reading order. */
  get nodes(): readonly Node[] {
    return [this.#source.node, ...this.steps.steps.map(({ node }) => node), this.writer.node];
  }

  missingSchema(i: number): number {
    return this.reading.missingSchema(this.slice, i);
  }

  timeOf(i: number, clockMs: number): number {
    return this.#source.timeOf(this.slice, i, clockMs);
  }

  /** Runs what was read into its slice. */
  run(clockMs: number): void {
    const { slice } = this;
    slice.clockMs = clockMs;
    if (slice.n > 0 && slice.offset[0]! < this.#from) this.#passOver(slice);
    this.#source.admit(slice);
    this.#slices.next(slice);
  }

  /** Goes on with records of another stream of the task. */
  take(from: Slice, picked: readonly number[], mark: string): void {
    const { slice } = this;
    for (let at = 0; at < picked.length; at += slice.capacity) {
      slice.clear();
      slice.derive(from);
      for (const i of picked.slice(at, at + slice.capacity)) slice.append(from, i);
      this.#forgetWhatOthersRead();
      markEvents(slice, mark);
      this.reading.relocate(slice);
      this.#source.admit(slice);
      this.#slices.next(slice);
    }
  }

  /** Other streams read other fields of the same bytes. */
  #forgetWhatOthersRead(): void {
    const { n, values, valueStart, fieldStart } = this.slice;
    for (const column of fieldStart) column.fill(FIELD_UNKNOWN, 0, n);
    for (let j = 0; j < n; j++) {
      if (values[j] !== undefined && valueStart[j] !== GIVEN) values[j] = undefined;
    }
  }

  /**
   * Lets go what is due; gives how much was done, 0: nothing was due. An empty slice is a tick.
   */
  tick(clockMs: number): number {
    if (this.steps.nextDueMs() > clockMs) return 0;
    const written = this.writer.node.counts.in;
    const tick = this.#tick;
    tick.clear();
    tick.clockMs = clockMs;
    this.#slices.next(tick);
    return 1 + this.writer.node.counts.in - written;
  }

  /** Where it stands, as it may be further than the group (stream-positions.ts). */
  get from(): number {
    return this.#from;
  }

  startAt(offset: number): void {
    this.#from = offset;
  }

  #passOver(slice: Slice): void {
    const { selection, selected, offset } = slice;
    let kept = 0;
    for (let j = 0; j < selected; j++) {
      if (offset[selection[j]!]! >= this.#from) selection[kept++] = selection[j]!;
    }
    slice.selected = kept;
  }

  close(): void {
    this.#slices.complete();
  }

  /** The first node whose counts do not agree, and by how much; null when all do. */
  gap(): { readonly node: string; readonly by: number } | null {
    for (const step of this.steps.steps) {
      const by = step.gap();
      if (by !== 0) return { node: step.node.name, by };
    }
    for (const node of [this.#source.node, this.writer.node]) {
      const by = node.gap();
      if (by !== 0) return { node: node.name, by };
    }
    return null;
  }
}

/**
 * The fields that the stream's nodes read by path, each once; says in each reader which column is
 * its field's. A stream stands in several sub-topologies with the same readers: the columns are the
 * same in each.
 */
function fieldsOf(plan: StreamPlan): FieldReader[] {
  const { time, id, member } = plan.source;
  const readers = [time, id, member, ...(plan.to.kind === 'lane' ? plan.to.collapse : [])];
  for (const { config } of plan.steps) readers.push(...readersOf(config));
  const fields: FieldReader[] = [];
  for (const reader of readers) {
    if (reader === null || !reader.path.startsWith('value.')) continue;
    let column = fields.findIndex(({ path }) => path === reader.path);
    if (column < 0) column = fields.push(reader) - 1;
    reader.column = column;
  }
  return fields;
}
