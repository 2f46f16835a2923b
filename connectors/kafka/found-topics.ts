/** Topics as the brokers have them, with the settings that a topology asks for. */
import kafkajs, { type Admin } from 'kafkajs';
import type { FoundTopic } from '../../core/found-topic.ts';

const { ConfigResourceTypes } = kafkajs;

const CLEANUP = 'cleanup.policy';
const RETENTION = 'retention.ms';
const COMPACTION_LAG = 'min.compaction.lag.ms';

type Asked = Pick<Admin, 'listTopics' | 'fetchTopicMetadata' | 'describeConfigs'>;

/** By name; those that are not there are left out. */
export async function foundTopics(
  admin: Asked,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, FoundTopic>> {
  const there = new Set(await admin.listTopics());
  const names = wanted.filter((name) => there.has(name));
  const found = new Map<string, FoundTopic>();
  if (names.length === 0) return found;
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const settings = await settingsOf(admin, names);
  for (const { name, partitions } of topics) {
    const set = settings.get(name);
    const retentionMs = Number(set?.get(RETENTION) ?? Number.NaN);
    const compactionLagMs = Number(set?.get(COMPACTION_LAG) ?? Number.NaN);
    found.set(name, {
      partitions: partitions.length,
      cleanup: set?.get(CLEANUP) ?? '',
      replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      ...(Number.isNaN(retentionMs)
        ? {}
        : { retentionMs: retentionMs < 0 ? Number.POSITIVE_INFINITY : retentionMs }),
      ...(Number.isNaN(compactionLagMs) ? {} : { compactionLagMs }),
    });
  }
  return found;
}

async function settingsOf(
  admin: Asked,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({
      type: ConfigResourceTypes.TOPIC,
      name,
      configNames: [CLEANUP, RETENTION, COMPACTION_LAG],
    })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}
