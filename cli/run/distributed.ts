/** The distributed way to run: this process has some roles of a pipeline on Kafka and Cassandra. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Plan } from '../../compiler/plan.ts';
import { openCassandraInbox } from '../../connectors/cassandra/inbox.ts';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import { steadyClock, systemClock } from '../../core/clock.ts';
import type { InboxStore } from '../../core/inbox.ts';
import { topicSpecs } from '../../runtime/engine.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { ConfluentRegistry } from '../../schemas/confluent-registry.ts';
import type { Deployment, KafkaLogSettings } from '../deployment.ts';
import { kafkaLoggerOf, kafkaOptionsOf } from '../kafka-options.ts';
import { loadTopology } from '../load-topology.ts';
import { registryOptionsOf } from '../registry-options.ts';
import { secretsOf } from '../secrets.ts';
import { apply, judge } from './apply.ts';
import { refuseOneReplica } from './one-replica.ts';
import { Part } from './part.ts';
import { KAFKA_SINKS, KAFKA_STREAMS } from './policies.ts';
import { preflight } from './preflight.ts';
import { chooseRoles, type Roles } from './roles.ts';
import type { Running, RunOptions } from './running.ts';
import { openSchemas } from './topology.ts';

export async function runDistributed(
  deployment: Deployment,
  wanted: readonly string[],
  options: RunOptions,
): Promise<Running> {
  const { folder, say, losing = 'refuse', connectors } = options;
  const topology = await loadTopology(deployment, { folder, env: process.env });
  const { plan } = topology;
  const roles = chooseRoles(plan, wanted);
  preflight({ ...{ deployment, roles, connectors }, folder, plan });
  const secrets = secretsOf(deployment);
  const closing: (() => Promise<void>)[] = [];
  const close = () => closeAll(closing.reverse());
  try {
    const log = await openLog(deployment, say);
    closing.push(() => log.close());
    // The deployment's reader refuses a log on Kafka without a registry or with an inbox in SQLite.
    if (deployment.registry === null) throw new Error('a deployment on Kafka has a registry');
    const registry = new ConfluentRegistry(registryOptionsOf(deployment.registry));
    const schemas = new AvroSchemas(topology.schemas, registry, systemClock);
    await judge({ topology, log, losing }, schemas);
    await log.applyTopics(topicSpecs(plan, deployment.partitions));
    refuseOneReplica(log.troubles(), options.force ?? false);
    const inbox = needsInbox(roles, plan.sinks) ? await openInbox(deployment, plan) : null;
    if (inbox !== null) closing.push(() => inbox.close());
    const commits = { streamsCommit: KAFKA_STREAMS, sinksCommit: KAFKA_SINKS };
    const before = await apply({
      ...{ deployment, topology, log, registry, inbox, secrets, ...commits, losing, say },
      ...(connectors === undefined ? {} : { connectors }),
    });
    await openSchemas(schemas, plan, say);
    const part = await Part.start({
      deployment,
      topology,
      roles,
      log,
      schemas,
      registry,
      inbox,
      clock: systemClock,
      taskClock: steadyClock(),
      secrets,
      gatewayId: `gateway-${hostname()}-${randomUUID().slice(0, 8)}`,
      ...commits,
      before,
      say,
      random: Math.random,
      ...(options.connectors === undefined ? {} : { connectors: options.connectors }),
      ...(options.edits === undefined ? {} : { edits: options.edits }),
    });
    closing.push(() => part.close());
    return {
      url: part.url,
      healthUrl: part.healthUrl,
      secrets,
      plan,
      text: topology.text,
      ended: new Promise<never>(() => {}),
      connections: () => part.connections,
      snapshot: () => part.snapshot(),
      close,
    };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

async function closeAll(closing: readonly (() => Promise<void>)[]): Promise<void> {
  for (const one of closing) await one();
}

function needsInbox(
  roles: Roles,
  sinks: readonly { name: string; spec: { type: string } }[],
): boolean {
  const inboxes = sinks.filter(({ spec }) => spec.type === 'inbox').map(({ name }) => name);
  return (
    roles.has('gateway') ||
    roles.has('ingest') ||
    // The page shows what waits there for a device.
    roles.has('console') ||
    roles.all.some((role) => inboxes.some((name) => role.startsWith(`sink/${name}/`)))
  );
}

async function openInbox({ inbox }: Deployment, { priorities }: Plan): Promise<InboxStore> {
  if (inbox.kind === 'cassandra') {
    return openCassandraInbox(inbox.settings, systemClock, priorities);
  }
  throw new Error('a deployment on Kafka has its inbox in Cassandra');
}

function openLog({ log, state }: Deployment, say: RunOptions['say']) {
  const logger = kafkaLoggerOf(say);
  return openKafkaLog(kafkaOptionsOf(log as KafkaLogSettings, logger, systemClock.now(), state));
}
