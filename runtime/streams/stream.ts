/** One stream of a task: source, steps and writer, joined by RxJS; one `next` a slice. */
import { Subject } from 'rxjs';
import type { StreamPlan } from '../../compiler/plan.ts';
import { Slice } from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import type { Node } from '../node.ts';
import type { InputReader } from './input-reader.ts';
import { OffsetGate } from './offset-gate.ts';
import { OtherInput } from './other-input.ts';
import { Reading } from './reading.ts';
import { Source } from './source.ts';
import { readersOf, Steps } from './steps.ts';
import type { TaskParts } from './task-parts.ts';
import { writerOf } from './writers.ts';

export class Stream extends OffsetGate implements InputReader {
  readonly plan: StreamPlan;
  readonly stream = this;
  readonly reading: Reading;
  readonly slice: Slice;
  readonly steps: Steps;
  /** The other inputs of its steps. */
  readonly others: readonly OtherInput[];
  readonly #source: Source;
  readonly #writer: { readonly node: Node; write(slice: Slice): void };
  readonly #slices = new Subject<Slice>();
  readonly #tick: Slice;

  constructor(plan: StreamPlan, priority: number, parts: TaskParts) {
    super();
    this.plan = plan;
    const fields = fieldsOf(plan);
    const { schemas, partitions } = parts;
    this.reading = new Reading(
      schemas,
      plan.source.projection,
      fields.map(({ path }) => path),
      plan.source.readsEvent,
    );
    this.slice = new Slice(fields.length);
    this.#tick = new Slice(fields.length, 1);
    this.#tick.topic = plan.source.topic;
    this.#tick.partition = parts.partition;
    this.#tick.priority = priority;
    this.#source = new Source(plan, priority, this.reading, partitions, parts);
    const of = { stream: plan.name, useCase: plan.useCase, steps: plan.steps };
    const written = plan.to.kind === 'lane' ? plan.to.collapse.map(({ column }) => column) : [];
    const known = written.filter((column) => column >= 0);
    this.steps = new Steps(of, parts, this.reading, fields.length, known);
    this.others = plan.steps.flatMap((step, i) => {
      const { other } = step;
      if (other === undefined) return [];
      const give = (slice: Slice) => this.#giveOther(this.steps.others.get(i)!, slice, parts);
      return [new OtherInput(this, plan, { ...step, other }, priority, parts, give)];
    });
    this.#writer = writerOf(plan, parts);
    this.#slices.pipe(this.steps.operator).subscribe({
      next: (slice) => {
        try {
          this.#writer.write(slice);
        } catch (error) {
          parts.fail(error);
        }
      },
      error: (error) => parts.fail(error),
    });
  }

  /** What its positions are noted under. */
  get id(): string {
    return this.plan.useCase;
  }

  /** Its nodes, in reading order; the sources of other inputs behind them. */
  get nodes(): readonly Node[] {
    const own = [this.#source.node, ...this.steps.steps.map(({ node }) => node)];
    return [...own, this.#writer.node, ...this.others.map(({ node }) => node)];
  }

  /** As a step that throws out of the engine's hands: its task ends. */
  #giveOther(give: (slice: Slice) => void, slice: Slice, parts: TaskParts): void {
    try {
      give(slice);
    } catch (error) {
      parts.fail(error);
    }
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
    this.passOver(slice);
    this.#source.admit(slice);
    this.#slices.next(slice);
  }

  /** Lets go what is due; true when something was. An empty slice is a tick. */
  tick(clockMs: number): boolean {
    if (this.steps.nextDueMs() > clockMs) return false;
    const tick = this.#tick;
    tick.clear();
    tick.clockMs = clockMs;
    this.#slices.next(tick);
    return true;
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
    for (const node of [this.#source, this.#writer, ...this.others].map((one) => one.node)) {
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
