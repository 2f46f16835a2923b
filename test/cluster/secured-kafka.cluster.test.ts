/**
 * A broker that lets nobody in without a password: `topics plan` and `apply` as a deployment names
 * its user, what differs with a mend that mends it, and who may not is told so.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import kafkajs, { type Admin } from 'kafkajs';
import { type KafkaServer, startKafka } from '../kit/servers.ts';
import { clusterSkip } from '../kit/shared-servers.ts';

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs;
const ROOT = join(import.meta.dirname, '../..');
const USERS = { admin: 'admin-for-tests', guest: 'guest-for-tests' };
const TABLE = 'tables.devices';
const LANE = 'notifications.critical.websocket';

describe('Kafka over SASL/PLAIN', { skip: await clusterSkip() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-secured-'));
  let kafka: KafkaServer;
  let admin: Admin;

  before(async () => {
    kafka = await startKafka({ users: USERS });
    admin = new Kafka({
      brokers: [...kafka.brokers],
      sasl: { mechanism: 'plain', username: 'admin', password: USERS.admin },
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
  });
  after(async () => {
    await admin?.disconnect();
    await kafka?.stop();
    rmSync(folder, { recursive: true });
  });

  function carillon(user: string, password: string, ...words: string[]) {
    const file = join(folder, `${user}.yaml`);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    const sasl = { mechanism: 'plain', username: user, password: '${KAFKA_PASSWORD}' };
    const deployment = {
      topology: join(ROOT, 'test/e2e/topologies/sockets.yaml'),
      partitions: 2,
      log: { kind: 'kafka', brokers: kafka.brokers, replication: 1, sasl },
      registry: { url: 'http://127.0.0.1:1' },
      inbox: { kind: 'cassandra', contact_points: ['a'], local_data_center: 'dc1' },
    };
    writeFileSync(file, JSON.stringify(deployment));
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'cli/carillon.ts'), ...words, '--deployment', file],
      { encoding: 'utf8', env: { ...process.env, KAFKA_PASSWORD: password } },
    );
    assert.ok(!`${stdout}${stderr}`.includes(password), 'the password is shown');
    return { status, out: stdout, err: stderr };
  }
  const asAdmin = (...words: string[]) => carillon('admin', USERS.admin, ...words);

  test('a wrong password: refused, with its code, and not shown', () => {
    const { status, err } = carillon('admin', 'not-the-password', 'topics', 'plan');
    assert.equal(status, 1);
    assert.match(err, /error CAR645 /);
  });

  test('planned, made, and then as they are needed', async () => {
    const before = asAdmin('topics', 'plan');
    assert.equal(before.status, 0, before.err);
    assert.match(before.out, /tables\.devices +2 +× 1 +compact +missing\n/);
    assert.match(before.out, /(\d+) of \1 topics would be made\.\n$/);
    const made = asAdmin('topics', 'apply');
    assert.equal(made.status, 0, made.err);
    const after = asAdmin('topics', 'plan', '--format', 'json');
    assert.deepEqual([after.status, after.err], [0, '']);
    const states = (JSON.parse(after.out) as { state: string }[]).map(({ state }) => state);
    assert.deepEqual(new Set(states), new Set(['there']));
    const { topics } = await admin.fetchTopicMetadata();
    assert.equal(topics.find(({ name }) => name === TABLE)?.partitions.length, 2);
  });

  test('what differs is told with a mend, that mends it; apply does not change it', async () => {
    // All settings that are not named go back to the broker's own.
    const set = (name: string, settings: Readonly<Record<string, string>>) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name,
            configEntries: Object.entries(settings).map(([of, value]) => ({ name: of, value })),
          },
        ],
      });
    const lag = { 'min.compaction.lag.ms': '86400000' };
    await set(TABLE, { ...lag, 'cleanup.policy': 'delete' });
    await admin.createPartitions({ topicPartitions: [{ topic: LANE, count: 3 }] });
    const told = asAdmin('topics', 'plan');
    assert.equal(told.status, 1);
    assert.match(told.out, /tables\.devices .* differs: CAR655\n/);
    assert.match(told.out, /critical\.websocket .* differs: CAR641\n/);
    const mend = /--entity-name tables\.devices --add-config '([\w.]+)=(\w+)'/.exec(told.err);
    assert.deepEqual(mend?.slice(1), ['cleanup.policy', 'compact'], told.err);
    const applied = asAdmin('topics', 'apply');
    assert.equal(applied.status, 1);
    assert.match(
      applied.err,
      /error CAR655 [\s\S]*error CAR641 |error CAR641 [\s\S]*error CAR655 /,
    );
    await set(TABLE, { ...lag, [mend![1]!]: mend![2]! });
    const mended = asAdmin('topics', 'plan');
    assert.doesNotMatch(mended.out, /CAR655/);
    assert.match(mended.out, /CAR641/);
  });

  test('who has no right to anything makes nothing, and is told so', () => {
    const { status, err } = carillon('guest', USERS.guest, 'topics', 'apply');
    assert.equal(status, 1);
    assert.match(err, /error CAR645 /);
  });
});
