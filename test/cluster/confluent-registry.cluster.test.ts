/** The registry client against a real registry with Confluent's API, and against none. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ConfluentRegistry } from '../../schemas/confluent-registry.ts';
import { startRegistry } from '../kit/servers.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';

const skip = await clusterSkip();
const run = `r${process.pid.toString(36)}${Date.now().toString(36)}`;

function schema(...fields: readonly string[]): string {
  return JSON.stringify({
    type: 'record',
    name: 'Seen',
    namespace: 'test',
    fields: fields.map((name) => ({ name, type: ['null', 'string'], default: null })),
  });
}

describe('a real registry', { skip }, () => {
  let servers: SharedServers;
  before(async () => {
    servers = await sharedServers(['registry']);
  });
  after(() => servers?.stop());

  test('schemas are registered once, and found by id, subject and version', async () => {
    const registry = new ConfluentRegistry({ url: servers.registry });
    const subject = `${run}-events.viewing-activity-value`;
    assert.deepEqual(await registry.versions(subject), []);
    const first = await registry.register(subject, schema('a'));
    assert.equal(await registry.register(subject, schema('a')), first);
    const second = await registry.register(subject, schema('a', 'b'));
    assert.notEqual(second, first);
    assert.deepEqual(JSON.parse((await registry.fetch(first))!), JSON.parse(schema('a')));
    assert.deepEqual(await registry.versions(subject), [1, 2]);
    const latest = await registry.version(subject, 'latest');
    assert.deepEqual([latest!.id, latest!.version], [second, 2]);
    assert.deepEqual(JSON.parse(latest!.schema), JSON.parse(schema('a', 'b')));
    assert.equal((await registry.version(subject, 1))!.id, first);
    assert.ok((await registry.subjects()).includes(subject));
    assert.equal(await registry.fetch(2_000_000_000), null);
    assert.equal(await registry.version(`${run}-none`, 'latest'), null);
  });

  test('what is no schema is refused', async () => {
    const registry = new ConfluentRegistry({ url: servers.registry });
    await assert.rejects(registry.register(`${run}-bad`, '{"type":"nonsense"}'), {
      code: 'CAR651',
      retryable: false,
    });
  });
});

test('a registry that is away comes back', { skip, timeout: 120_000 }, async () => {
  const server = await startRegistry();
  try {
    const registry = new ConfluentRegistry({ url: server.url });
    await registry.register('s-value', schema('a'));
    await server.kill();
    await assert.rejects(registry.subjects(), { code: 'CAR650', retryable: true });
    await server.restart();
    await registry.subjects();
  } finally {
    await server.stop();
  }
});
