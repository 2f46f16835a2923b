/** What is known of the options of a step or a sink once they are read. */
import type { ResolvedExpression } from './cel.ts';
import type { Known } from './cel-facts.ts';
import type { ResolvedPath } from './field-path.ts';
import type { JoinedStream } from './joined-streams.ts';
import type { TablePlan } from './plan.ts';
import type { Span } from './report.ts';
import type { RecordShape } from './shape.ts';

export interface ResolvedOptions {
  /** Nothing was told of them; else what is known is here, and the rest left out. */
  readonly isWhole: boolean;
  readonly config: Readonly<Record<string, unknown>>;
  /** Top-level fields that paths and expressions read; `*`: all. */
  readonly fields: Set<string>;
  readonly tables: readonly TablePlan[];
  /** Where written options stand. */
  readonly places: ReadonlyMap<string, Span>;
  /** Where their values do. */
  readonly values: ReadonlyMap<string, Span>;
  /** Of a new value, the expression of each field. */
  readonly sources: ReadonlyMap<string, string>;
  /** And which of these fields are never null, though their shapes say that they may be. */
  readonly notNull: ReadonlySet<string>;
  /** And where each of them is named. */
  readonly names: ReadonlyMap<string, Span>;
  /** Predicates that are the same for every record. */
  readonly constants: ReadonlyMap<string, boolean>;
  /** What is known of a record for which a predicate holds. */
  readonly holds: ReadonlyMap<string, Known>;
  /** What each option of kind `expression` gives. */
  readonly expressions: ReadonlyMap<string, ResolvedExpression>;
  /** What an option of kind `stream` names. */
  readonly joined: JoinedStream | undefined;
  /** The shape of the new value, when the step gives one (an option of kind `expressions`). */
  readonly gives: RecordShape | undefined;
  /** The paths of each option, with the place where they stand. */
  readonly paths: ReadonlyMap<
    string,
    {
      readonly paths: readonly ResolvedPath[];
      /** Of the option's name. */
      readonly span: Span;
      /** From the first path to the last. */
      readonly at: Span;
    }
  >;
}
