/** Workers of one machine share the public port; a push goes to the one that holds the device. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import {
  DELIVER_PATH,
  DELIVERIES_TYPE,
  type DeliverOutcome,
  decodeOutcomes,
  encodeDeliveries,
} from '../schemas/deliveries.ts';
import { Bench, Client, INTERNAL } from '../test/kit/gateway-bench.ts';
import { DEVICES, type SharedPort } from '../test/kit/shared-port.ts';

const PROGRAM = join(import.meta.dirname, '../test/kit/shared-port.ts');

async function workers(): Promise<{ all: SharedPort[]; drain(pid: number): void }> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  after(() => child.stdin.end());
  const all: SharedPort[] = [];
  for await (const line of createInterface(child.stdout)) {
    all.push(JSON.parse(line));
    if (all.length === 2) break;
  }
  return { all, drain: (pid) => void child.stdin.write(`${pid}\n`) };
}

async function answerOf(client: Client): Promise<Client> {
  const isRefused = () => client.refused !== undefined || client.closed !== undefined;
  await client.until(() => client.waiting > 0 || isRefused());
  return client;
}

test('two gateways on one port: each push finds its device, and one drains alone', async () => {
  const bench = await Bench.open();
  const { all, drain } = await workers();
  const [one, two] = all as [SharedPort, SharedPort];
  assert.equal(one.url, two.url);
  assert.notEqual(one.internalUrl, two.internalUrl);
  const connect = async (device: string): Promise<Client> => {
    const headers = { authorization: `Bearer ${await bench.token(device)}` };
    const client = new Client(`${one.url.replace('http', 'ws')}/v1/stream`, [], headers);
    after(() => client.socket.terminate());
    const { refused, closed } = await answerOf(client);
    assert.deepEqual([refused?.status, closed], [undefined, undefined], device);
    const welcome = await client.next();
    assert.ok(welcome.type === 'welcome');
    client.connectionId = welcome.connectionId;
    return client;
  };
  const push = async (to: SharedPort, clients: readonly Client[], sequence: number) => {
    const encoder = bench.schemas.encoder('DeviceNotification');
    const items = clients.map(({ connectionId }, n) => ({
      connectionId,
      value: encoder.toBuffer(bench.notification(DEVICES[n]!, sequence)),
    }));
    const answer = await fetch(`${to.internalUrl}${DELIVER_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${INTERNAL}`, 'content-type': DELIVERIES_TYPE },
      body: new Uint8Array(encodeDeliveries(items)),
    });
    return decodeOutcomes(Buffer.from(await answer.arrayBuffer()), items.length)!;
  };
  try {
    const clients = await Promise.all(DEVICES.map(connect));
    const by = await Promise.all(all.map((worker) => push(worker, clients, 1)));
    const held = (outcomes: readonly DeliverOutcome[]) =>
      outcomes.filter((outcome) => outcome === 'delivered').length;
    // By turns, but for one that has not taken the last one yet.
    const [mine, others] = by.map(held) as [number, number];
    assert.equal(mine + others, DEVICES.length);
    assert.ok(mine > 0 && others > 0, `${mine} and ${others}`);
    for (const [n, client] of clients.entries()) {
      const outcomes = by.map((outcome) => outcome[n]!);
      assert.deepEqual(outcomes.sort(), ['delivered', 'offline'], 'one of them holds it');
      assert.equal((await client.next()).type, 'notification');
    }
    drain(one.pid);
    const gone = clients.filter((_, n) => by[0]![n] === 'delivered');
    for (const client of gone) await client.until(() => client.closed !== undefined);
    assert.deepEqual([...new Set(gone.map(({ closed }) => closed!.code))], [3001]);
    const again = await Promise.all(
      DEVICES.filter((_, n) => by[0]![n] === 'delivered').map(connect),
    );
    assert.equal(again.length, mine, 'the other one takes them');
    assert.ok(
      clients.filter((one) => !gone.includes(one)).every(({ closed }) => closed === undefined),
    );
  } finally {
    await bench.close();
  }
});
