/** The log contract against a real broker. */
import { after, before, describe } from 'node:test';
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

  const skip = {
    'a unit of several tasks is all or nothing: outputs, changelogs, offsets':
      'with kafkajs each part is a transaction of its own (docs/decisions/kafkajs.md)',
    'a commit that is refused fences all tasks, and nothing of it is there':
      'with kafkajs only the tasks whose parts were refused',
  };
  logContract('kafka', async () => under(servers.kafka), { prefix: run, withinMs: 30_000, skip });
});

async function under(brokers: readonly string[]): Promise<LogUnderTest> {
  let current: { log: Log; wire: Wire } = await openWired(brokers);
  const dead: Log[] = [];
  return {
    log: current.log,
    async reopen() {
      await current.log.close();
      current = await openWired(brokers);
      return current.log;
    },
    async crash() {
      current.wire.cut();
      dead.push(current.log);
      current = await openWired(brokers);
      return current.log;
    },
    async close() {
      await Promise.all([current.log, ...dead].map((log) => log.close()));
    },
  };
}
