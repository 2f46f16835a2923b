/**
 * A pipeline with everything locked (`secured-world.ts`): an event goes all the way to a device,
 * each role with a user and the rights of its own; a wrong password is one error with its code; and
 * what was planted as a secret stands in nothing that was printed.
 */
import assert from 'node:assert/strict';
import { get as getPlain } from 'node:http';
import { get } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { CERTIFICATE } from '../kit/certificate.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { type PipelineProcess, until } from './pipeline.ts';
import { SecuredWorld } from './secured-world.ts';

const PASSWORD = 'a-wrong-one-for-this-test';

/** What a port answers, over TLS. */
function asked(url: string, token?: string): Promise<string> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const by = url.startsWith('https:') ? get : getPlain;
    by(url, { ca: CERTIFICATE.cert, headers }, async (response) => {
      resolve(await new Response(response as never).text());
    }).on('error', reject);
  });
}

describe('everything locked', { skip: await clusterSkip() }, () => {
  let world: SecuredWorld;
  const roles = new Map<string, PipelineProcess>();
  let answered: string[] = [];

  before(async () => {
    world = await SecuredWorld.start();
  });
  after(async () => world?.stop());

  test('who deploys makes topics, tables and schemas', async () => {
    const made = await world.carillon('deploy', ['topics', 'apply']);
    assert.equal(made.status, 0, made.err);
    const first = world.launch('deploy', ['gateway']);
    await first.ready();
    first.signal('SIGTERM');
    await first.ended(30_000);
    assert.equal(first.exitCode, 0, first.log);
    const registered = await world.carillon('deploy', ['schemas', 'register']);
    assert.match(registered.out, /^\d+ topics have their schemas/, registered.err);
    const checked = await world.carillon('analyst', ['schemas', 'check']);
    assert.match(checked.out, /^What is registered for \d+ topics can be read/, checked.err);
    const planned = await world.carillon('analyst', ['topics', 'plan']);
    assert.match(planned.out, /\n0 of \d+ topics would be made\.\n$/, planned.err);
  });

  test('an event over Kafka and one over HTTP reach a device, by each role alone', async () => {
    // One after the other: beside each other they would take longer than one may.
    for (const role of world.roles) {
      const child = world.launch(role);
      roles.set(role, child);
      await child.ready();
    }
    const at = (role: string) => ['--url', roles.get(role)!.url];
    const word = ['device', '--id', 'tv', '--format', 'json', ...at('gateway')];
    const device = world.hold('analyst', [...word, '--member', 'm-1', '--no-ack']);
    await until('the device is connected', async () => device.said().includes('"welcome"'));
    const type = ['produce', '--type', 'plan-change', '--count', '1', '--members', '1'];
    const overKafka = await world.carillon('producer', [...type, '--seed', '1']);
    assert.match(overKafka.out, /^1 event to 127/, overKafka.err);
    const overHttp = await world.carillon('analyst', [...type, '--seed', '2', ...at('ingest')]);
    assert.match(overHttp.out, /^1 event to https:/, overHttp.err);
    const count = (text: string) => text.split('"sample-').length - 1;
    await until('the device has both by its socket', async () => count(device.said()) === 2);
    await device.end();
    const inbox = await world.carillon('analyst', [...word, '--pull']);
    assert.equal(count(inbox.out), 2, inbox.err);
    const tail = [
      'tail',
      'outcomes',
      '--where',
      'value.outcome == "delivered"',
      '--format',
      'count',
    ];
    const outcomes = await world.carillon('analyst', tail);
    assert.match(outcomes.out, /^2\toutcomes$/m, outcomes.err);
  });

  const plain = { KAFKA_PASSWORD: PASSWORD, KAFKA_MECHANISM: 'plain' };
  const scram = { ...plain, KAFKA_MECHANISM: 'scram-sha-512' };
  const nowhere = 'https://127.0.0.1:1';
  const wrong: readonly [what: string, told: string, env: Record<string, string>][] = [
    ['a wrong password for Kafka by PLAIN', 'log.sasl  error CAR645', plain],
    ['a wrong password for Kafka by SCRAM', 'log.sasl  error CAR645', scram],
    [
      'a mechanism that the brokers have not',
      'log.sasl  error CAR645',
      { KAFKA_MECHANISM: 'scram-sha-256' },
    ],
    ['a broker that is not there', 'log.brokers  error CAR640', { BROKERS: '127.0.0.1:1' }],
    ['a broker without a name', 'log.brokers  error CAR640', { BROKERS: 'no-such-host.invalid:1' }],
    [
      'a wrong password for the registry',
      'registry.username  error CAR652',
      { REGISTRY_PASSWORD: PASSWORD },
    ],
    ['a registry that is not there', 'registry.url  error CAR650', { REGISTRY_URL: nowhere }],
    [
      'a wrong password for Cassandra',
      'inbox.username  error CAR626',
      { CASSANDRA_PASSWORD: PASSWORD },
    ],
    [
      'a user of Cassandra who may not make tables',
      'cassandra  error CAR624',
      { CASSANDRA_CREATE: 'true' },
    ],
    [
      'a Cassandra that is not there',
      'inbox.contact_points  error CAR620',
      { CASSANDRA_PORT: '1' },
    ],
  ];
  for (const [what, told, env] of wrong) {
    test(`${what}: ${told}, once, with a mend`, async () => {
      const child = world.launch('gateway', ['gateway'], env);
      await child.ended(60_000);
      assert.equal(child.exitCode, 1, child.log);
      const lines = child.log.split('\n');
      const errors = lines.filter((line) => /\berror CAR\d+/.test(line));
      assert.equal(errors.length, 1, child.log);
      assert.ok(errors[0]!.startsWith(told), child.log);
      assert.ok(lines.some((line) => line.startsWith('  Mend: ')));
      // Nothing was read, and no try of a library is told beside it.
      assert.ok(!child.log.includes('"msg"'), child.log);
      assert.ok(!child.log.includes(PASSWORD), child.log);
    });
  }

  test('nothing that was planted is told by any process, command or port', async () => {
    for (const child of roles.values()) {
      for (const path of ['/metrics', '/health/ready', '/health', '/flow', '/nothing']) {
        answered.push(await asked(`${child.internalUrl}${path}`, world.secrets.get('internal')));
        answered.push(await asked(`${child.internalUrl}${path}`));
      }
      child.signal('SIGTERM');
    }
    for (const child of roles.values()) await child.ended(30_000);
    answered = [...answered, ...world.said];
    assert.ok(answered.join('').length > 10_000);
    for (const [what, secret] of world.secrets) {
      const shown = answered.find((text) => text.includes(secret));
      assert.equal(shown, undefined, `${what} is shown`);
      const packed = Buffer.from(secret).toString('base64').slice(0, -4);
      assert.ok(!answered.some((text) => text.includes(packed)), `${what} is shown in base64`);
    }
  });
});
