/**
 * Where a topic is there otherwise than a topology needs it, each with the command that mends it.
 * What is kept for longer, or on more brokers, than is needed is no difference.
 */
import { formatDuration } from '../core/duration.ts';
import { CarillonError } from '../core/error.ts';
import { COMPACTION_LAG_MS, type FoundTopic } from '../core/found-topic.ts';
import type { TopicSpec } from '../core/log.ts';

export interface Wanted {
  readonly spec: TopicSpec;
  /** Undefined: as the brokers have it by default. */
  readonly replicas: number | undefined;
  /** For the commands that mend it. */
  readonly brokers: readonly string[];
}

/** In the order in which they are mended. */
export function topicDifferences(wanted: Wanted, found: FoundTopic): CarillonError[] {
  const { spec, replicas } = wanted;
  const at = { where: { at: spec.name } };
  const differences: CarillonError[] = [];
  if (found.partitions !== spec.partitions) {
    const what =
      `topic "${spec.name}" has ${found.partitions} partitions, the topology needs ` +
      `${spec.partitions}.`;
    differences.push(new CarillonError('CAR641', what, at));
  }
  if (replicas !== undefined && (found.replicas ?? replicas) < replicas) {
    const what = `topic "${spec.name}" has ${found.replicas} replicas, the deployment asks for ${replicas}.`;
    differences.push(new CarillonError('CAR656', what, at));
  }
  return [...differences, ...settingDifferences(wanted, found)];
}

function settingDifferences(wanted: Wanted, found: FoundTopic): CarillonError[] {
  const { spec } = wanted;
  const differences: CarillonError[] = [];
  const differs = (has: string, needs: string, setting: string) => {
    const what = `topic "${spec.name}" ${has}, the topology needs ${needs}.`;
    const mend = alterCommand(wanted, setting);
    differences.push(new CarillonError('CAR655', what, { where: { at: spec.name }, mend }));
  };
  if (policyOf(found.cleanup) !== policyOf(spec.cleanup)) {
    // Kafka's command takes a value with a comma in brackets.
    const value = spec.cleanup.includes(',') ? `[${spec.cleanup}]` : spec.cleanup;
    differs(`has the cleanup policy ${found.cleanup}`, spec.cleanup, `cleanup.policy=${value}`);
  }
  const { retentionMs } = spec;
  if (retentionMs !== undefined && (found.retentionMs ?? retentionMs) < retentionMs) {
    const needs = formatDuration(retentionMs);
    differs(`keeps ${formatDuration(found.retentionMs!)}`, needs, `retention.ms=${retentionMs}`);
  }
  const lagMs = found.compactionLagMs ?? COMPACTION_LAG_MS;
  if (spec.cleanup !== 'delete' && lagMs < COMPACTION_LAG_MS) {
    const has = `may forget after ${formatDuration(lagMs)} what was superseded`;
    const setting = `min.compaction.lag.ms=${COMPACTION_LAG_MS}`;
    differs(has, formatDuration(COMPACTION_LAG_MS), setting);
  }
  return differences;
}

/** In one order, whatever order it was written in. */
const policyOf = (text: string) => text.split(',').sort().join(',');

function alterCommand({ spec, brokers }: Wanted, setting: string): string {
  return (
    `kafka-configs.sh --bootstrap-server ${brokers.join(',')} --alter --entity-type topics ` +
    `--entity-name ${spec.name} --add-config '${setting}'`
  );
}
