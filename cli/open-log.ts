import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Deployment } from './deployment.ts';
import { kafkaOptionsOf } from './kafka-options.ts';

/**
 * The log of a deployment, to write to it. An embedded one must not be in use: throws the log's own
 * error while a pipeline runs on it.
 */
export async function openLog({ log, dataFolder }: Deployment): Promise<Log> {
  if (log.kind === 'kafka') {
    const { openKafkaLog } = await import('../connectors/kafka/log.ts');
    return openKafkaLog(kafkaOptionsOf(log));
  }
  const { openEmbeddedLog } = await import('../connectors/embedded/log.ts');
  return openEmbeddedLog({ dir: dataFolder, clock: systemClock });
}
