/** The other input of a step: its records are checked as a stream's, and go to the step. */
import type { SourcePlan, StepPlan, StreamPlan } from '../../compiler/plan.ts';
import { Slice } from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import type { Node } from '../node.ts';
import type { InputReader } from './input-reader.ts';
import { OffsetGate } from './offset-gate.ts';
import { Reading } from './reading.ts';
import { Source } from './source.ts';
import { otherId } from './stream-positions.ts';
import type { TaskParts } from './task-parts.ts';

export class OtherInput extends OffsetGate implements InputReader {
  readonly topic: string;
  /** What its position is noted under, beside those of streams. */
  readonly id: string;
  readonly slice: Slice;
  readonly stream: object;
  readonly #reading: Reading;
  readonly #source: Source;
  readonly #give: (slice: Slice) => void;

  /** `of`: the stream that joins it. `give`: hands the step what has been admitted. */
  constructor(
    of: object,
    stream: StreamPlan,
    step: StepPlan & { readonly other: SourcePlan },
    priority: number,
    parts: TaskParts,
    give: (slice: Slice) => void,
  ) {
    super();
    this.stream = of;
    const { other } = step;
    this.topic = other.topic;
    this.id = otherId(stream.useCase, step.name);
    const fields = columnsOf(other);
    const { schemas, partitions } = parts;
    const paths = fields.map(({ path }) => path);
    this.#reading = new Reading(schemas, other.projection, paths);
    this.slice = new Slice(fields.length);
    const rule = stream.priority;
    const plan = {
      name: stream.name,
      source: other,
      priority: null,
      isToldElsewhere: rule !== null && rule.as !== priority,
    };
    this.#source = new Source(
      plan,
      priority,
      this.#reading,
      partitions,
      parts,
      `${step.name} source`,
    );
    this.#give = give;
  }

  get node(): Node {
    return this.#source.node;
  }

  missingSchema(i: number): number {
    return this.#reading.missingSchema(this.slice, i);
  }

  timeOf(i: number, clockMs: number): number {
    return this.#source.timeOf(this.slice, i, clockMs);
  }

  run(clockMs: number): void {
    const { slice } = this;
    slice.clockMs = clockMs;
    this.passOver(slice);
    this.#source.admit(slice);
    this.#give(slice);
  }
}

/** Says in each reader which column is its field's. */
function columnsOf({ time, id, member }: SourcePlan): FieldReader[] {
  const fields: FieldReader[] = [];
  for (const reader of [time, id, member]) {
    if (reader === null || !reader.path.startsWith('value.')) continue;
    const known = fields.findIndex(({ path }) => path === reader.path);
    reader.column = known < 0 ? fields.push(reader) - 1 : known;
  }
  return fields;
}
