/** The steps of a stream or sink, opened for one task and joined into one RxJS operator. */

import type { Slice } from '../../core/slice.ts';
import type { FieldReader, StepSpec } from '../../core/spec.ts';
import { isOwn } from '../../core/step-facts.ts';
import { NEVER } from '../../core/store.ts';
import { guarded } from './guarded-step.ts';
import type { Reading } from './reading.ts';
import { sliceOperator } from './slice-operator.ts';
import { Step, type StepHost, type StepsOf } from './step.ts';
import {
  eachOperator,
  expandOperator,
  inPlaceOperator,
  overSlices,
  type SliceOperator,
} from './step-operators.ts';
import { TimedOperator } from './timed-operator.ts';
import { type Turn, turnOf } from './turn.ts';

export class Steps {
  readonly steps: readonly Step[];
  /** All of them as one operator over slices. */
  readonly operator: SliceOperator;
  /** By the number of the step: who takes the records of its other stream. */
  readonly others: ReadonlyMap<number, (slice: Slice) => void>;

  /** `fields`: field columns of the slices; `written`: those that what follows the steps reads. */
  constructor(
    of: StepsOf,
    host: StepHost,
    reading: Pick<Reading, 'relocate'>,
    fields: number,
    written: readonly number[] = [],
  ) {
    this.steps = of.steps.map((plan) => new Step(of, plan, host));
    const others = new Map<number, (slice: Slice) => void>();
    const operators = this.steps.map((step, i) => {
      const turn = turnOf(step, host.stepMsMax);
      const spec = guarded(step, turn);
      if (spec.kind === 'timed') {
        const timed = new TimedOperator(of, step, spec, host, turn, reading, fields);
        if (spec.other !== undefined) others.set(i, (slice) => timed.other(slice));
        return timed.operator;
      }
      const later = of.steps.slice(i + 1).flatMap(({ config }) => columnsOf(config));
      return operatorOf(of, step, spec, host, turn, fields, [...new Set([...later, ...written])]);
    });
    this.others = others;
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

/** The field readers among the options of a step. */
export function readersOf(config: { readonly [option: string]: unknown }): FieldReader[] {
  const isReader = (option: unknown): option is FieldReader =>
    typeof option === 'object' && option !== null && 'path' in option && 'read' in option;
  return Object.values(config).flatMap((option) =>
    (Array.isArray(option) ? option : [option]).filter(isReader),
  );
}

function columnsOf(config: { readonly [option: string]: unknown }): number[] {
  return readersOf(config).flatMap(({ column }) => (column < 0 ? [] : [column]));
}

/** So that a stream without steps is an operator too. */
const sliceByStepThrow: SliceOperator = overSlices((slice: Slice, send) => send(slice));

function operatorOf(
  of: StepsOf,
  step: Step,
  spec: Exclude<StepSpec, { readonly kind: 'timed' }>,
  host: StepHost,
  turn: Turn,
  fields: number,
  readAfter: readonly number[],
): SliceOperator {
  switch (spec.kind) {
    case 'each':
      return eachOperator(of, step, spec, host, turn);
    case 'expand':
      if (spec.oneForOne === true && !isOwn(spec)) {
        return inPlaceOperator(of, step, spec, host, turn);
      }
      return expandOperator(of, step, spec, host, turn, fields, readAfter);
    case 'operator':
      return sliceOperator(of, step, spec, host, turn);
  }
}
