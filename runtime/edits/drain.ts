/**
 * Brings a former topology to its end: its streams read up to where their topics ended when the
 * drain began, then let go of what shall not stay held. They are the very tasks that ran before, so
 * what follows a step is what followed it.
 */
import type { Plan } from '../../compiler/plan.ts';
import type { Clock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import type { Engine } from '../engine.ts';
import type { EngineOptions } from '../engine-options.ts';
import { inputsOf } from '../group-specs.ts';
import type { StepFlow } from '../streams/streams-task.ts';
import type { OpenFormerSink } from './drain-lanes.ts';
import { moving } from './moving.ts';
import type { Release } from './stakes.ts';

/** The former topology, and an engine that runs it. */
export interface Former {
  readonly plan: Plan;
  open(readTo: NonNullable<EngineOptions['readTo']>): Engine;
  readonly openSink: OpenFormerSink;
}

export interface DrainParts {
  readonly log: EditableLog;
  readonly former: Former;
  readonly partitions: number;
  readonly clock: Clock;
  /** The groups that are to read on, and those of `releases`. */
  readonly groups: readonly string[];
  readonly releases: readonly Release[];
  /** Whether their inputs are read to their ends, or stay where they are. */
  readonly reads: boolean;
}

/** Gives what was counted on the way. Rejects with CAR816 when nothing moves any more. */
export async function drain(parts: DrainParts): Promise<readonly StepFlow[]> {
  const { log, former } = parts;
  const groups = new Set([...parts.groups, ...parts.releases.map(({ group }) => group)]);
  const subs = former.plan.subTopologies.filter(({ group }) => groups.has(group));
  const ends = new Map<string, readonly number[]>();
  for (const topic of new Set(subs.flatMap(inputsOf))) {
    const bounds = (await log.positions.bounds(topic)) ?? [];
    ends.set(topic, parts.reads ? bounds.map(({ end }) => end) : []);
  }
  const engine = former.open((topic, partition) => ends.get(topic)?.[partition] ?? 0);
  try {
    for (const sub of subs) await engine.startStreams(sub);
    const tasks = subs.length * parts.partitions;
    await moving(engine, async () => {
      const started = [...engine.tasks].filter((task) => task.started);
      return started.length === tasks && (await behind(parts, ends)) === 0;
    });
    const stores = new Set(
      parts.releases.map(({ changelog }) => changelog.replace(/-changelog$/, '')),
    );
    await moving(engine, async () => {
      let held = 0;
      for (const task of engine.tasks) {
        held += task.release(stores) + task.uncommitted;
        // What is due in a step before them comes to them yet.
        if (task.nextDueMs() <= parts.clock.now()) held++;
      }
      return held === 0;
    });
  } finally {
    await engine.close();
  }
  return engine.flow();
}

/** Offsets that groups of the drain have still to come past. */
async function behind(
  { log, former, groups, reads }: DrainParts,
  ends: ReadonlyMap<string, readonly number[]>,
): Promise<number> {
  let left = 0;
  if (!reads) return left;
  for (const sub of former.plan.subTopologies) {
    const { group } = sub;
    if (!groups.includes(group)) continue;
    for (const topic of inputsOf(sub)) {
      const bounds = (await log.positions.bounds(topic)) ?? [];
      const committed = await log.positions.committed(group, [topic]);
      for (const [p, end] of (ends.get(topic) ?? []).entries()) {
        const at = committed.find(({ partition }) => partition === p)?.offset ?? -1;
        left += Math.max(0, end - Math.max(at, bounds[p]?.start ?? 0));
      }
    }
  }
  return left;
}
