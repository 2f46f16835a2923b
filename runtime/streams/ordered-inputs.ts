/**
 * Inputs that are joined take turns by the times of their records, as Kafka Streams has its task
 * choose (`PartitionGroup`): the earliest goes first, of equal ones that of the first input. An
 * input that has nothing is waited for as long as more of it lies in the log (`max.task.idle.ms:
 * 0`, KIP-695), so what is joined does not depend on which fetch comes first.
 */
import type { Done, Input } from './input.ts';

export class OrderedInputs {
  readonly #inputs: readonly Input[];

  /** In the order in which records of equal times take their turns. */
  constructor(inputs: readonly Input[]) {
    this.#inputs = inputs;
  }

  /** Runs what stands before all others; undefined: nothing, or it has to wait. */
  run(clockMs: number): Done | undefined {
    let first: Input | undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    let untilMs = Number.POSITIVE_INFINITY;
    for (const input of this.#inputs) {
      const headMs = input.headMs(clockMs);
      if (headMs === undefined) {
        if (input.isAtEnd) continue;
        return undefined;
      }
      if (first === undefined) {
        first = input;
        firstMs = headMs;
      } else if (headMs < firstMs) {
        // Of equal ones the other goes first: times are whole milliseconds.
        untilMs = Math.min(untilMs, firstMs - 1);
        first = input;
        firstMs = headMs;
      } else untilMs = Math.min(untilMs, headMs);
    }
    return first?.run(clockMs, untilMs);
  }
}

/** What takes turns: each input alone, and those that are joined as one. */
export function turnsOf(
  inputs: readonly Input[],
  joined: ReadonlySet<string>,
): readonly (OrderedInputs | Input)[] {
  const alone = inputs.filter(({ topic }) => !joined.has(topic));
  const together = inputs.filter(({ topic }) => joined.has(topic));
  return together.length === 0 ? alone : [new OrderedInputs(together), ...alone];
}
