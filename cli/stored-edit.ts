/** What a topology would change of what is stored, seen from beside a pipeline that may run. */
import { systemClock } from '../core/clock.ts';
import { type Applied, appliedOf, isSameApplied } from '../runtime/edits/applied.ts';
import { type Comparison, compare, readApplied } from '../runtime/edits/comparison.ts';
import { refuseOtherWords } from '../runtime/edits/other-words.ts';
import { refuseRenamed } from '../runtime/edits/renamed.ts';
import type { Deployment } from './deployment.ts';
import type { LoadedTopology } from './load-topology.ts';
import { openLogReaderIfMade } from './log-reader.ts';

export const appliedFrom = (loaded: LoadedTopology): Applied => appliedOf(loaded.plan, loaded.text);

/** Throws CAR817 where the topology has another name. */
export async function storedEdit(deployment: Deployment, is: LoadedTopology): Promise<Comparison> {
  return (await storedEditUnless(deployment, is, () => false))!;
}

/**
 * The same, but nothing is compared, and undefined given, where the topology is what is stored:
 * another process has applied it, and this one may not be allowed to look at all of the groups.
 */
export function storedEditIfNew(
  deployment: Deployment,
  is: LoadedTopology,
): Promise<Comparison | undefined> {
  return storedEditUnless(deployment, is, isSameApplied);
}

async function storedEditUnless(
  deployment: Deployment,
  is: LoadedTopology,
  isDone: (was: Applied | null, applied: Applied) => boolean,
): Promise<Comparison | undefined> {
  const reader = await openLogReaderIfMade(deployment);
  const applied = appliedFrom(is);
  if (reader === undefined) {
    const empty = {
      committed: async () => [],
      bounds: async () => undefined,
      offsetsAt: async () => [],
      topics: async () => [],
    };
    const none = {
      read: async function* () {},
      partitionsOf: async () => undefined,
      positions: empty,
    };
    return compare(none, null, is.plan, applied, systemClock.now());
  }
  try {
    const was = await readApplied(reader, is.plan.topology);
    if (isDone(was, applied)) return undefined;
    if (was === null) await refuseRenamed(reader, applied);
    refuseOtherWords(was, applied);
    return await compare(reader, was, is.plan, applied, systemClock.now());
  } finally {
    await reader.close();
  }
}
