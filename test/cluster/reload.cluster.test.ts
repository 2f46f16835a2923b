/**
 * SIGHUP to processes on Kafka, one after the other: an edit that nobody's position depends on is
 * taken, a mistake and one that moves what another process has are not; then everything runs on as
 * it was, and health says why.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GatewayClient } from '../../cli/gateway-client.ts';
import { startKafka } from '../kit/servers.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { Pipeline, type PipelineProcess, until } from './pipeline.ts';

const SOCKETS = readFileSync(join(import.meta.dirname, '../e2e/topologies/sockets.yaml'), 'utf8');
const FILTER = '      - filter: { where: \'value.planTo != "free"\' }\n';
const withStep = (step: string) => SOCKETS.replace('      - target:', `${step}      - target:`);
const HIGH = SOCKETS.replace('as: critical', 'as: high').replace('[critical]', '[high]');
const keyspace = `reload_${process.pid}`;

describe('SIGHUP on Kafka', { skip: await clusterSkip() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-reload-'));
  const topology = join(folder, 'sockets.yaml');
  let kafka: Awaited<ReturnType<typeof startKafka>>;
  let servers: SharedServers;
  let pipeline: Pipeline;
  let rest: PipelineProcess;
  let streams: PipelineProcess[];
  let producer: GatewayClient;
  let device: GatewayClient;

  before(async () => {
    // A broker of its own: the topics of this topology are others' too.
    [kafka, servers] = await Promise.all([startKafka(), sharedServers(['registry', 'cassandra'])]);
    writeFileSync(topology, SOCKETS);
    const own = { ...servers, kafka: kafka.brokers };
    pipeline = new Pipeline({ servers: own, topology, keyspace, partitions: 2 });
    await pipeline.applyTopics();
    rest = await pipeline.run('gateway', 'ingest', 'devices', 'sink');
    streams = [await pipeline.run('streams'), await pipeline.run('streams')];
    const registration = { memberId: 'm-1', class: 'tv', transports: [{ kind: 'inbox' }] };
    await (await pipeline.client(rest, 'registrar')).register('tv', registration);
    producer = await pipeline.client(rest, 'producer');
    device = await deviceOf('tv');
    await until('the device is known', async () => (await told()).length === 0);
  });
  after(async () => {
    await pipeline?.stop();
    await Promise.all([kafka?.stop(), servers?.stop()]);
    rmSync(folder, { recursive: true });
  });

  /** A device's token has no scope but what it is. */
  const deviceOf = async (id: string) => {
    const token = await pipeline.token('device', id);
    return new GatewayClient(rest.url, async () => token);
  };
  const told = async () => {
    const { notifications } = await device.pull('tv', undefined, 100);
    return notifications.map(({ value }) => (value as { eventId: string }).eventId).sort();
  };
  const post = (eventId: string, planTo: string) =>
    producer.postEvents('plan-change', [
      { eventId, memberId: 'm-1', planTo, changedAt: Date.now() },
    ]);
  const has = (...ids: string[]) =>
    until(`${ids.join(', ')} are told`, async () => (await told()).join() === ids.join());
  const said = ({ log }: PipelineProcess, sentence: string) => log.split(sentence).length - 1;

  async function hangUp(process: PipelineProcess, sentence: string): Promise<void> {
    const before = said(process, sentence);
    process.signal('SIGHUP');
    await until(`"${sentence}"`, async () => said(process, sentence) > before);
  }

  test('a filter is taken by each in turn; what is told before and after is told once', async () => {
    await post('e1', 'free');
    await has('e1');
    const { url } = rest;
    writeFileSync(topology, withStep(FILTER));
    for (const process of [...streams, rest]) await hangUp(process, 'The pipeline runs.');
    assert.equal(rest.url, url, 'devices find it where it was');
    await post('e2', 'free');
    await post('e3', 'basic');
    await has('e1', 'e3');
    for (const process of [...streams, rest]) {
      await until('it is ready', async () => (await process.health()).status === 200);
      assert.equal((await process.health()).parts.topology, 'ready');
    }
  });

  test('a mistake is not: health says which, and everything runs on', async () => {
    writeFileSync(topology, withStep('      - filtr: {}\n'));
    const before = said(streams[0]!, 'The pipeline runs.');
    for (const process of streams) {
      await hangUp(process, 'the edit is not taken');
      assert.match((await process.health()).parts.topology!, /^ready, an edit is not .*CAR204: /);
    }
    assert.equal(said(streams[0]!, 'The pipeline runs.'), before, 'it was not closed');
    await post('e4', 'basic');
    await has('e1', 'e3', 'e4');
  });

  test('one that moves what another process has is not, until that has gone', async () => {
    writeFileSync(topology, HIGH);
    await hangUp(streams[0]!, 'the edit is not taken');
    assert.match((await streams[0]!.health()).parts.topology!, /^ready, an edit is not .*CAR653: /);
    await post('e5', 'free');
    await post('e6', 'basic');
    await has('e1', 'e3', 'e4', 'e6');
    assert.deepEqual(
      [rest, ...streams].map(({ running }) => running),
      [true, true, true],
    );
  });
});
