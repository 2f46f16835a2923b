/** Waits for a former topology to come to its end, as long as it moves. */
import { CarillonError } from '../../core/error.ts';
import type { Engine } from '../engine.ts';

const LOOK_MS = 20;
/** Without any progress: beyond the slowest commit, its retries and a rebalance. */
const STANDSTILL_MS = 60_000;

/** Rejects with CAR816 when it is not done, and nothing has moved for a minute. */
export async function moving(
  engine: Pick<Engine, 'tasks' | 'flow' | 'laneFlow' | 'troubles'>,
  isDone: () => Promise<boolean>,
  standstillMs = STANDSTILL_MS,
): Promise<void> {
  let last = '';
  let movedAt = performance.now();
  while (!(await isDone())) {
    const now = stateOf(engine);
    if (now !== last) movedAt = performance.now();
    last = now;
    if (performance.now() - movedAt > standstillMs) {
      const why = engine.troubles().join('; ') || 'its tasks do not move';
      throw new CarillonError('CAR816', `The former topology does not end: ${why}.`, {
        retryable: true,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function stateOf(engine: Pick<Engine, 'tasks' | 'flow' | 'laneFlow'>): string {
  const steps = engine.flow().map(({ counts }) => [counts.in, counts.held, counts.out]);
  const lanes = engine.laneFlow().map(({ outcomes }) => [...outcomes.values()]);
  return `${engine.tasks.size} ${steps.join(' ')} ${lanes.join(' ')}`;
}
