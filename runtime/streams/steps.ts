/** The steps of a stream or sink, opened for one task and joined into one RxJS operator. */

import type { Slice } from '../../core/slice.ts';
import { NEVER } from '../../core/store.ts';
import type { Reading } from './reading.ts';
import { Step, type StepHost, type StepsOf } from './step.ts';
import {
  customOperator,
  eachOperator,
  expandOperator,
  overSlices,
  type SliceOperator,
  timedOperator,
} from './step-operators.ts';

export class Steps {
  readonly steps: readonly Step[];
  /** All of them as one operator over slices. */
  readonly operator: SliceOperator;

  /** `fields`: field columns of the slices. */
  constructor(of: StepsOf, host: StepHost, reading: Pick<Reading, 'relocate'>, fields: number) {
    this.steps = of.steps.map((plan) => new Step(of, plan, host));
    const operators = this.steps.map((step) => operatorOf(of, step, host, reading, fields));
    this.operator = (source) =>
      operators.reduce((piped, operator) => operator(piped), sliceByStepThrow(source));
  }

  /** Rows are back: sets timers, and how many records are held. */
  restored(): void {
    for (const step of this.steps) step.restored();
  }

  /** When the next row of a timed step is due. */
  nextDueMs(): number {
    let next = NEVER;
    for (const { rows } of this.steps) if (rows !== null) next = Math.min(next, rows.nextDueMs());
    return next;
  }

  /** The writer schemas of all that is held: they must be loaded before a task goes on. */
  heldSchemaIds(): number[] {
    return this.steps.flatMap(({ rows }) => (rows === null ? [] : [...rows.heldSchemaIds()]));
  }
}

/** So that a stream without steps is an operator too. */
const sliceByStepThrow: SliceOperator = overSlices((slice: Slice, send) => send(slice));

function operatorOf(
  of: StepsOf,
  step: Step,
  host: StepHost,
  reading: Pick<Reading, 'relocate'>,
  fields: number,
): SliceOperator {
  const { spec } = step.plan;
  switch (spec.kind) {
    case 'each':
      return eachOperator(of, step, spec, host);
    case 'expand':
      return expandOperator(of, step, spec, host, fields);
    case 'timed':
      return timedOperator(of, step, spec, host, reading, fields);
    case 'operator':
      return customOperator(of, step, spec, host);
  }
}
