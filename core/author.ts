/** The words in which steps and sinks of one's own are written; the package's own use the same. */
import { defineEach, defineExpand, defineOperator, defineSink, defineTimed } from './spec.ts';

/**
 * A step of one's own, by kind. `each`: from a record to its verdict. `expand`: from a record to
 * any number of them. `timed`: holds records, and lets them go when their time has come.
 * `operator`: any RxJS operator over batches that needs no time.
 *
 * A reason, code or count that the spec does not declare does not compile. A step that throws makes
 * the record a dead letter (CAR506), as does one that gives rubbish (CAR675) or does not return
 * within 5 s (CAR676); the others go on.
 */
export const processor = {
  each: defineEach,
  expand: defineExpand,
  timed: defineTimed,
  operator: defineOperator,
} as const;

/** A sink of one's own. */
export const sink = defineSink;
