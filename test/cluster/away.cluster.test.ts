/**
 * Kafka, the registry, Cassandra or the gateway is away for a while: the lag grows and memory does
 * not, /health/ready says what is away, everything goes on by itself, and nothing is lost.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import avsc from 'avsc';
import kafkajs from 'kafkajs';
import { leasePorts } from '../kit/servers/ports.ts';
import { progress } from '../kit/servers/progress.ts';
import { type Servers, startAll } from '../kit/servers.ts';
import { type PipelineProcess, until } from './pipeline.ts';
import { type ProducedRun, producedEvent, producedMember } from './produced-events.ts';
import { kafkaOf } from './stored.ts';
import { EVENT_SCHEMA, EVENTS, World, worldSkip } from './world.ts';

const MEMBERS = 200;
const NAMED_MEMBERS = 211;
const PRIORITIES = ['critical', 'normal'];
const AWAY_MS = 4_000;
const MEMORY_GROWS_BYTES_MAX = 150 * 1024 * 1024;
const skip = await worldSkip();

describe('a part is away for a while', { skip }, () => {
  let servers: Servers;
  let world: World;
  let gateway: PipelineProcess;
  let streams: PipelineProcess;
  let sinks: PipelineProcess;
  let port: Awaited<ReturnType<typeof leasePorts>>[number];
  let seed = 0;
  const newer = JSON.parse(readFileSync(EVENT_SCHEMA, 'utf8'));
  let newerId: number;

  before(async () => {
    servers = await startAll();
    const { registry, cassandra } = servers;
    [port] = (await leasePorts(1)) as [typeof port];
    world = await World.start({
      topology: 'plain.yaml',
      name: 'e2e',
      members: MEMBERS,
      httpPort: port.port,
      servers: { kafka: servers.kafka.brokers, registry: registry.url, cassandra },
    });
    gateway = await world.pipeline.run('gateway', 'ingest');
    streams = await world.pipeline.run('devices', 'streams');
    sinks = await world.pipeline.run('sink/inbox', 'sink/websocket');
    await world.register(gateway, streams);
    await world.connect(gateway, 'd-0-0');
    await world.connect(gateway, 'd-1-0');
    // Early: the registry of the tests writes to its disk a little later than it answers.
    newer.fields.push({ name: 'network', type: 'string', default: '' });
    newerId = await registerSchema(newer);
    await send(2_000);
    await allTold();
  });
  after(async () => {
    await world?.stop();
    await servers?.stop();
    port?.release();
  });

  test('the registry: tasks wait for the schema, nothing is dead-lettered', async () => {
    await servers.registry.kill();
    const run = runOf(300);
    await sendBy(run, newer, newerId);
    await until('health says it', async () => {
      const { status, parts } = await streams.health();
      return status === 503 && /CAR944.*CAR650/.test(parts.engine!);
    });
    assert.ok((await world.behind(PRIORITIES)) >= run.count);
    await servers.registry.restart();
    await allTold();
    assert.equal(await world.deadLetters(), 0);
  });

  test('Cassandra: the lag of the inbox grows, its memory does not', async () => {
    await servers.cassandra.kill();
    const memory = sinks.residentBytes();
    await send(20_000);
    await until('health says it', async () => {
      const all = await Promise.all([sinks.health(), gateway.health()]);
      return all.every(({ status, parts }) => status === 503 && /CAR62/.test(parts.inbox!));
    });
    await wait(AWAY_MS);
    await until('the streams go on', async () => (await world.behind(PRIORITIES)) === 0);
    const lag = (await sinks.metrics()).lag('e2e.sink.inbox');
    assert.ok(lag > 1_000, `lag ${lag}`);
    const grown = sinks.residentBytes() - memory;
    assert.ok(grown < MEMORY_GROWS_BYTES_MAX, `${grown} bytes`);
    assert.equal(await pullStatus('d-2-0'), 503);
    const backAt = performance.now();
    await servers.cassandra.restart();
    progress('Cassandra answers again', backAt);
    await allTold();
    progress('all is told after Cassandra came back', backAt);
    assert.equal(await pullStatus('d-2-0'), 200);
  });

  test('Kafka: everything waits, producers over HTTP are told, all goes on', async () => {
    // At rest: a lone broker that is killed in the middle of a transaction can leave half of it
    // behind (docs/decisions/kafkajs.md), which no client can mend; with three brokers another one
    // takes over.
    await send(4_000);
    await allTold();
    await servers.kafka.kill();
    await until('health says it', async () => {
      const all = await Promise.all([streams, sinks, gateway].map((child) => child.health()));
      return all.every(({ status, parts }) => status === 503 && parts.log !== 'ready');
    });
    assert.equal(await postStatus(), 503);
    await wait(AWAY_MS);
    const backAt = performance.now();
    await servers.kafka.restart();
    await send(4_000);
    await allTold();
    progress('all is told after Kafka came back', backAt);
    for (const child of [gateway, streams, sinks]) assert.ok(child.running, child.roles.join(' '));
  });

  test('the gateway: its lane waits, the inbox does not, devices fill up', async () => {
    await gateway.kill();
    await send(3_000);
    await world.caughtUp(PRIORITIES, []);
    await until('the inbox does not wait', async () => {
      return (await sinks.metrics()).lag('e2e.sink.inbox') === 0;
    });
    await world.checkInbox();
    gateway = await world.pipeline.run('gateway', 'ingest');
    await send(500);
    await allTold();
  });

  test('all parts are well at the end', async () => {
    for (const child of [gateway, streams, sinks]) {
      await until(`health of ${child.roles}`, async () => (await child.health()).status === 200);
    }
    assert.equal(await world.deadLetters(), 0);
  });

  const runOf = (count: number): ProducedRun => {
    return { members: NAMED_MEMBERS, count, seed: ++seed, baseTimeMs: Date.now() };
  };

  const send = (count: number) => world.produce({ run: runOf(count), fate: 'told' }, {});

  /** With a producer of our own, as the other one asks the registry at its start. */
  const sendBy = async (run: ProducedRun, schema: object, id: number) => {
    world.expected.add({ run, fate: 'told' });
    const type = avsc.Type.forSchema(schema as never);
    const messages = Array.from({ length: run.count }, (_, n) => {
      const body = type.toBuffer({ ...producedEvent(schema, run, n), network: 'wifi' });
      const header = Buffer.alloc(5);
      header.writeInt32BE(id, 1);
      return { key: `m-${producedMember(run, n)}`, value: Buffer.concat([header, body]) };
    });
    const producer = kafkaOf(world.brokers).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    await producer.send({ topic: EVENTS, messages });
    await producer.disconnect();
  };

  const registerSchema = async (schema: object): Promise<number> => {
    const answer = await fetch(`${servers.registry.url}/subjects/${EVENTS}-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
    });
    return ((await answer.json()) as { id: number }).id;
  };

  const allTold = async () => {
    await world.caughtUp(PRIORITIES, [sinks]);
    await world.checkInbox();
    await world.checkSockets();
  };

  const pullStatus = async (device: string): Promise<number> => {
    const token = await world.pipeline.token('device', device);
    const url = `${gateway.url}/v1/devices/${device}/notifications?limit=1`;
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  };

  const postStatus = async (): Promise<number> => {
    const token = await world.pipeline.token('producer');
    const schema = JSON.parse(readFileSync(EVENT_SCHEMA, 'utf8'));
    // Of nobody: it may still come through when the broker is back.
    const event = { ...producedEvent(schema, runOf(1), 0), memberId: 'm-nobody' };
    const answer = await fetch(`${gateway.url}/v1/events/viewing-activity`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    return answer.status;
  };
});
