/**
 * A broker that allows nobody anything but what `topics acls` prints: each role runs as a user of
 * its own, an event goes all the way, and nobody may do another's part.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import kafkajs, { type AclEntry } from 'kafkajs';
import { accessOf, type Grant, type RoleAccess, userOf } from '../../cli/access.ts';
import { type Deployment, readDeployment } from '../../cli/deployment.ts';
import { GatewayClient } from '../../cli/gateway-client.ts';
import { kafkaOptionsOf } from '../../cli/kafka-options.ts';
import { type LoadedTopology, loadTopology } from '../../cli/load-topology.ts';
import { apply } from '../../cli/run/apply.ts';
import { Part } from '../../cli/run/part.ts';
import { KAFKA_SINKS, KAFKA_STREAMS } from '../../cli/run/policies.ts';
import { chooseRoles } from '../../cli/run/roles.ts';
import { schemaTopicsOf } from '../../cli/run/topology.ts';
import { type InspectableLog, openKafkaLog } from '../../connectors/kafka/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import { partitionOfText } from '../../core/partition.ts';
import { mintToken } from '../../gateway/auth.ts';
import type { Scope } from '../../gateway/identity.ts';
import { topicSpecs } from '../../runtime/engine.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { FakeInbox } from '../kit/gateway-fakes.ts';
import { type KafkaServer, startKafka } from '../kit/servers.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { until } from './pipeline.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel } = kafkajs;
const { ResourcePatternTypes } = kafkajs;
const TOPOLOGY = join(import.meta.dirname, '../e2e/topologies/sockets.yaml');
const PARTITIONS = 2;
const ADMIN = 'admin-for-tests';
const PASSWORD = 'of-all-others-for-tests';
const SECRETS = { secret: 's'.repeat(40), internalToken: 'i'.repeat(40) };
const CLIENT = 'acls';
const EVENTS = 'events.plan-change';
const REGISTRATIONS = 'events.device-registration';
const LANE = 'notifications.critical.inbox';

const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
};
const OPERATIONS = {
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
};

/** As `kafka-acls.sh` would make of the commands. */
function entriesOf(user: string, { resource, name, prefixed, operations }: Grant): AclEntry[] {
  return operations.map((operation) => ({
    principal: `User:${user}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: RESOURCES[resource],
    resourceName: name,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    operation: OPERATIONS[operation],
  }));
}

describe('Kafka with the rights of each role', { skip: await clusterSkip() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-acls-'));
  const registry = new MemoryRegistry();
  const inbox = new FakeInbox();
  const closing: (() => Promise<void>)[] = [];
  const said: string[] = [];
  let kafka: KafkaServer;
  let topology: LoadedTopology;
  let access: readonly RoleAccess[];

  before(async () => {
    topology = await loadTopology(deploymentOf('none', ['127.0.0.1:1']), { folder, env: {} });
    access = accessOf(topology.plan, { clientId: CLIENT, events: [EVENTS] });
    const users = access.map(({ role }) => [user(role), PASSWORD] as const);
    kafka = await startKafka({ users: { admin: ADMIN, ...Object.fromEntries(users) } });
    const sasl = { mechanism: 'plain', username: 'admin', password: ADMIN } as const;
    const broker = { brokers: [...kafka.brokers], sasl, logLevel: logLevel.NOTHING };
    const admin = new Kafka(broker).admin();
    await admin.connect();
    const acl = access.flatMap(({ role, grants }) =>
      grants.flatMap((grant) => entriesOf(user(role), grant)),
    );
    await admin.createAcls({ acl });
    await admin.disconnect();
  });
  after(async () => {
    for (const close of closing.reverse()) await close().catch(() => undefined);
    await kafka?.stop();
    rmSync(folder, { recursive: true });
  });

  const user = (role: string) => userOf('sockets', role);

  function deploymentOf(role: string, brokers: readonly string[]): Deployment {
    const file = join(folder, `${user(role)}.yaml`);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    const sasl = { mechanism: 'plain', username: user(role), password: '${P}' };
    const log = { kind: 'kafka', brokers, replication: 1, client_id: CLIENT, sasl };
    const deployment = {
      topology: TOPOLOGY,
      partitions: PARTITIONS,
      log,
      http: { port: 0 },
      registry: { url: 'http://127.0.0.1:1' },
      inbox: { kind: 'cassandra', contact_points: ['a'], local_data_center: 'dc1' },
    };
    writeFileSync(file, JSON.stringify(deployment));
    return readDeployment({ file, folder, env: { P: PASSWORD } });
  }

  async function logOf(role: string): Promise<{ deployment: Deployment; log: InspectableLog }> {
    const deployment = deploymentOf(role, kafka.brokers);
    assert.equal(deployment.log.kind, 'kafka');
    const log = await openKafkaLog(kafkaOptionsOf(deployment.log as never));
    closing.push(() => log.close());
    return { deployment, log };
  }

  async function schemasOf(): Promise<AvroSchemas> {
    const schemas = new AvroSchemas(topology.schemas, registry, systemClock);
    await schemas.open(schemaTopicsOf(topology.plan));
    return schemas;
  }

  const say = (sentence: string, facts: object) => {
    said.push(`${sentence} ${JSON.stringify(facts)}`);
  };

  async function applied(role: string) {
    const { deployment, log } = await logOf(role);
    await log.applyTopics(topicSpecs(topology.plan, deployment.partitions));
    const commits = { streamsCommit: KAFKA_STREAMS, sinksCommit: KAFKA_SINKS };
    const secrets = SECRETS;
    const parts = { deployment, topology, log, registry, inbox, secrets, ...commits, say };
    await apply({ ...parts, losing: 'refuse' });
    return { ...parts };
  }

  /** A process of one role, as `carillon run` starts it. */
  async function run(role: string): Promise<Part> {
    const part = await Part.start({
      ...(await applied(role)),
      roles: chooseRoles(topology.plan, [role]),
      schemas: await schemasOf(),
      clock: systemClock,
      gatewayId: `gateway-${role}`,
      random: Math.random,
    });
    closing.push(() => part.close());
    return part;
  }

  async function client(part: Part, scope: Scope): Promise<GatewayClient> {
    const claims = { secret: SECRETS.secret, subject: scope, scope, clock: systemClock };
    const token = await mintToken({ ...claims, ttlMs: 600_000 });
    return new GatewayClient(part.url!, async () => token);
  }

  const event = (eventId: string) => ({
    eventId,
    memberId: 'm-1',
    planTo: 'top',
    changedAt: Date.now(),
  });

  const removed = () => ({
    deviceId: 'tv',
    memberId: 'm-1',
    action: 'DELETED',
    class: 'tv',
    occurredAt: Date.now(),
  });

  async function send(role: string, topic: string, value: object): Promise<void> {
    const { log } = await logOf(role);
    const builder = new BatchBuilder(topic, partitionOfText('m-1', PARTITIONS));
    const { schema } = topology.plan.topics.find(({ name }) => name === topic)!;
    const bytes = (await schemasOf()).encoder(schema!).toBuffer(value);
    builder.append(Date.now(), 'm-1', bytes);
    const producer = await log.producer();
    await producer.send([builder.finish()]);
  }

  async function make(role: string): Promise<void> {
    const { log } = await logOf(role);
    await log.applyTopics([{ name: 'events.new', partitions: 1, cleanup: 'delete' }]);
  }

  async function count(role: string, topic: string): Promise<number> {
    const { log } = await logOf(role);
    let records = 0;
    for await (const batch of log.read(topic, { from: 'start', follow: false })) {
      records += batch.length;
    }
    return records;
  }

  test('who deploys makes the topics; each role runs; an event goes all the way', async () => {
    await applied('deploy');
    const roles = access
      .map(({ role }) => role)
      .filter((role) => !['deploy', 'producer', 'analyst'].includes(role));
    const parts = new Map<string, Part>();
    for (const role of roles) parts.set(role, await run(role));
    const ingest = parts.get('ingest')!;
    const registration = { memberId: 'm-1', class: 'tv', transports: [{ kind: 'inbox' }] };
    await (await client(ingest, 'registrar')).register('tv', registration);
    await until(
      'the member has the device',
      async () => (await count('analyst', 'tables.devices')) > 0,
    );
    await (await client(ingest, 'producer')).postEvents('plan-change', [event('over-http')]);
    await send('producer', EVENTS, event('over-kafka'));
    await until('the device has both', async () => {
      return (await inbox.read('tv', 1, [0, 0, 0, 0], 10)).length === 2;
    });
    assert.equal(await count('analyst', LANE), 2);
    // How many files this machine lets a process open is nothing that Kafka allows.
    assert.deepEqual(
      said.filter((line) => !line.includes('CAR732')),
      [],
    );
  });

  const forbidden: readonly [
    role: string,
    what: string,
    code: string,
    act: (role: string) => Promise<unknown>,
  ][] = [
    // To who may not see it, it is not there.
    ['producer', 'see a lane', 'CAR642', (role) => count(role, LANE)],
    ['producer', 'register a device', 'CAR645', (role) => send(role, REGISTRATIONS, removed())],
    ['analyst', 'send an event', 'CAR645', (role) => send(role, EVENTS, event('forged'))],
    ['streams/critical', 'send an event', 'CAR645', (role) => send(role, EVENTS, event('forged'))],
    ['sink/inbox/critical', 'send an event', 'CAR645', (role) => send(role, EVENTS, event('f'))],
    ['analyst', 'make a topic', 'CAR645', make],
    ['gateway', 'make a topic', 'CAR645', make],
  ];
  for (const [role, what, code, act] of forbidden) {
    test(`${role} may not ${what}: ${code}`, async () => {
      await assert.rejects(act(role), { code });
    });
  }
});
