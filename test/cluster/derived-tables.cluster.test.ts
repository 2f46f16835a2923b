/** Tables that are made of two others, on a real broker. */
import { after, before, describe } from 'node:test';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import { derivedTableCases } from '../contract/derived-tables.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';

const run = `w${process.pid.toString(36)}${Date.now().toString(36)}`;

describe('derived tables on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let runs = 0;
  before(async () => {
    servers = await sharedServers(['kafka']);
  });
  after(async () => servers?.stop());

  for (const dataPlane of ['batches', 'kafkajs'] as const) {
    derivedTableCases(
      `Kafka, ${dataPlane}`,
      () => () =>
        openKafkaLog({ brokers: servers.kafka, clientId: run, replicationFactor: 1, dataPlane }),
      { prefix: () => `${run}-${++runs}` },
    );
  }
});
