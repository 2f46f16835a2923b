/**
 * An expression is read on behind what another language would have written there, so that what is
 * wrong further on is told with it.
 */
import type { Environment, ParseResult } from '@marcbachmann/cel-js';
import { type ExpressionFault, faultOf, fieldMeant } from './cel-faults.ts';
import { type Habit, habitAt } from './cel-habits.ts';
import type { Shape } from './shape.ts';

export interface Parsed {
  /** Undefined: what stands there is not known. */
  readonly program: ParseResult | undefined;
  readonly faults: readonly ExpressionFault[];
  /** From a place of what was read to that of what is written. */
  back(at: number): number;
}

/** More in one expression are told when these are mended. */
const HABITS_MAX = 8;

export function parseExpression(env: Environment, source: string, shape: Shape): Parsed {
  const faults: ExpressionFault[] = [];
  const edits: { readonly end: number; readonly by: number }[] = [];
  // The last edit is the first to be taken back.
  const back = (at: number) =>
    edits.reduceRight((place, { end, by }) => (place >= end ? place - by : place), at);
  let text = source;
  for (;;) {
    try {
      return { program: env.parse(text), faults, back };
    } catch (error) {
      const fault = faultOf('CAR310', error, shape);
      const at = fault.at?.start;
      const habit = at === undefined ? undefined : habitAt(text, at);
      // Behind one that was read over, what else is no CEL may only follow from that.
      if (habit === undefined && faults.length > 0) break;
      if (habit === undefined) {
        faults.push({ ...fault, mend: fault.mend ?? fieldMeant(source, at) });
        break;
      }
      const { what, mend } = habit;
      const place = { start: back(habit.at.start), end: back(habit.at.end) };
      if (faults.some(({ at: told }) => told !== undefined && meets(told, place))) break;
      faults.push({ code: 'CAR310', what, mend, at: place });
      if (habit.meant === undefined || faults.length >= HABITS_MAX) break;
      text = replaced(text, habit, habit.meant);
      const width = habit.at.end - habit.at.start;
      const by = Math.max(habit.meant.length - width, 0);
      if (by > 0) edits.push({ end: habit.at.end, by });
    }
  }
  return { program: undefined, faults, back };
}

type Place = NonNullable<ExpressionFault['at']>;

const meets = (a: Place, b: Place) => a.start < b.end && b.start < a.end;

/** Not shorter than it was. */
function replaced(text: string, { at }: Habit, meant: string): string {
  const written = meant.padEnd(at.end - at.start);
  return text.slice(0, at.start) + written + text.slice(at.end);
}
