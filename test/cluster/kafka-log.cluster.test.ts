/** The log contract against a real broker. */
import { after, before, describe } from 'node:test';
import type { KafkaOptions } from '../../connectors/kafka/log.ts';
import type { Log } from '../../core/log.ts';
import { type LogUnderTest, logContract } from '../contract/log.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { openWired, type Wire } from './kafka-wire.ts';

const run = `c${process.pid.toString(36)}${Date.now().toString(36)}`;

describe('the log on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  before(async () => {
    servers = await sharedServers(['kafka']);
  });
  after(() => servers?.stop());

  const taskByTask = {
    'a unit of several tasks is all or nothing: outputs, changelogs, offsets':
      'with kafkajs each part is a transaction of its own (docs/decisions/kafkajs.md)',
    'a commit that is refused fences all tasks, and nothing of it is there':
      'with kafkajs only the tasks whose parts were refused',
  };
  for (const dataPlane of ['batches', 'kafkajs'] as const) {
    const skip = dataPlane === 'kafkajs' ? taskByTask : {};
    const options = { prefix: `${run}-${dataPlane}`, withinMs: 30_000, skip };
    logContract(`kafka on ${dataPlane}`, async () => under(servers.kafka, { dataPlane }), options);
  }
});

async function under(
  brokers: readonly string[],
  over: Partial<KafkaOptions>,
): Promise<LogUnderTest> {
  let current: { log: Log; wire: Wire } = await openWired(brokers, over);
  const dead: Log[] = [];
  return {
    log: current.log,
    async reopen() {
      await current.log.close();
      current = await openWired(brokers, over);
      return current.log;
    },
    async crash() {
      current.wire.cut();
      dead.push(current.log);
      current = await openWired(brokers, over);
      return current.log;
    },
    async close() {
      await Promise.all([current.log, ...dead].map((log) => log.close()));
    },
  };
}
