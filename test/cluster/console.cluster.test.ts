/**
 * `carillon run --role console` beside streams and a gateway, each a process of its own: the flow
 * of all that it is told of, and dead letters that go back through it. The broker is its own, as
 * the dead letters of other tests would be among them.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DeadLettersAnswer, FlowAnswer, RedriveAnswer } from '../../console/answers.ts';
import { leasePorts, type PortLease } from '../kit/servers/ports.ts';
import { type KafkaServer, startKafka } from '../kit/servers.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { Pipeline, type PipelineProcess, until } from './pipeline.ts';

const TOPOLOGY = join(import.meta.dirname, '../e2e/topologies/sockets.yaml');
const MONTH_MS = 30 * 86_400_000;

describe('the console in a process of its own', { skip: await clusterSkip() }, () => {
  let kafka: KafkaServer | undefined;
  let shared: SharedServers | undefined;
  let leases: readonly PortLease[] = [];
  let pipeline: Pipeline;
  let gateway: PipelineProcess;
  let console: PipelineProcess;
  let operator: string;

  before(async () => {
    kafka = await startKafka();
    shared = await sharedServers(['registry', 'cassandra']);
    const servers = {
      kafka: kafka.brokers,
      registry: shared.registry,
      cassandra: shared.cassandra,
    };
    leases = await leasePorts(2);
    const [healthPort, away] = leases.map(({ port }) => port);
    const keyspace = `console_${process.pid}`;
    const processes = [`http://127.0.0.1:${healthPort}`, `http://127.0.0.1:${away}`];
    pipeline = new Pipeline({
      ...{ servers, topology: TOPOLOGY, keyspace, processes },
      healthPort: healthPort!,
    });
    await pipeline.applyTopics();
    await pipeline.run('streams', 'devices');
    gateway = await pipeline.run('gateway', 'ingest');
    console = await pipeline.run('console');
    operator = await pipeline.token('operator');
  });
  after(async () => {
    await pipeline?.stop();
    for (const lease of leases) lease.release();
    await shared?.stop();
    await kafka?.stop();
  });

  async function ask<T>(path: string, body?: object): Promise<T> {
    const answer = await fetch(`${console.internalUrl}/console/v1/${path}`, {
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
    return (await answer.json()) as T;
  }

  test('it serves the page, and answers to a token alone', async () => {
    const page = await fetch(`${console.internalUrl}/console/`);
    assert.match(await page.text(), /<title>/);
    assert.equal((await fetch(`${console.internalUrl}/console/v1/flow`)).status, 401);
    assert.equal((await console.health()).status, 200);
  });

  test('what flows elsewhere is shown, and who does not answer', async () => {
    const producer = await pipeline.client(gateway, 'producer');
    const now = Date.now();
    const event = { eventId: 'e-1', memberId: 'm-1', planTo: 'top', changedAt: now };
    const ahead = { ...event, eventId: 'e-2', changedAt: now + MONTH_MS };
    await producer.postEvents('plan-change', [event, ahead]);
    const source = async () => {
      const { steps } = await ask<FlowAnswer>('flow');
      return steps.find(({ stream, step }) => stream === 'plan-change' && step === 'source');
    };
    await until('the dead letter', async () => (await source())?.deadLettered.CAR508 === 1);
    const { troubles, tasks } = await ask<FlowAnswer>('flow');
    assert.match(troubles.join(), /^http:\/\/127\.0\.0\.1:\d+ does not tell .*\(ECONNREFUSED\)$/);
    assert.ok(tasks > 0);
  });

  test('dead letters go back through it, once each', async () => {
    // It is counted before the transaction that writes it ends.
    const letters = () => ask<DeadLettersAnswer>('dead-letters');
    await until('the dead letter in its topic', async () => (await letters()).total > 0);
    const { groups, since } = await letters();
    assert.deepEqual(
      groups.map(({ code, origin, n, canGoBack }) => [code, origin, n, canGoBack]),
      [['CAR508', 'events.plan-change', 1, true]],
    );
    const look = await ask<RedriveAnswer>('redrive', { from: since });
    assert.deepEqual([look.toSend, look.sent], [1, null]);
    const { upTo } = look;
    const first = await ask<RedriveAnswer>('redrive', { from: since, upTo });
    const second = await ask<RedriveAnswer>('redrive', { from: since, upTo });
    assert.deepEqual([first.sent, second.sent, second.alreadySent], [1, 0, 1]);
  });
});
