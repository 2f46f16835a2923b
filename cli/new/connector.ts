/** A sink that refuses all, and a test with a service on this machine that wants to be told. */
import { snake } from './names.ts';
import type { NewFile } from './new-file.ts';

export function newConnector(name: string): readonly NewFile[] {
  const type = snake(name);
  return [
    { path: `connectors/${name}.ts`, text: sink(name, type) },
    { path: `connectors/${name}.test.ts`, text: test(name, type) },
  ];
}

const sink = (
  name: string,
  type: string,
) => `import { type Delivery, type Outcome, sink, text } from 'carillon';

/** Here it goes to the service, and the answer says what became of it. */
async function post(_url: string, _body: string): Promise<Outcome> {
  return { kind: 'rejected', reason: 'not_posted' };
}

export default sink({
  type: '${type}',
  summary: 'Tells a service of notifications.',
  config: {
    url: text('Where the service listens.'),
  },
  promises: ['At least once; a repeat carries the same id.'],
  batchMax: 1,
  needsOwner: false,
  example: 'to: { type: ${type}, url: "https://${name}.example.com/" }',
  async open({ url }, context) {
    const payload = context.service<(of: Delivery['notification']) => Promise<unknown>>('payload');

    async function tell({ notification }: Delivery): Promise<Outcome> {
      const told = { id: notification.id, payload: await payload(notification) };
      return post(url, JSON.stringify(told));
    }

    return {
      // Rejects when the service cannot be reached, or turns us away.
      probe: async () => {},
      deliver: (batch) => Promise.all(batch.map(tell)),
      close: async () => {},
    };
  },
});
`;

const test = (name: string, type: string) => `import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Delivery, SinkContext } from 'carillon';
import connector from './${name}.ts';

const delivery = { notification: { id: 'n-1', deviceId: 'd-1' }, attempt: 1 } as Delivery;

async function withService(status: number, work: (url: string, told: unknown[]) => Promise<void>) {
  const told: unknown[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    told.push(JSON.parse(body));
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(\`http://127.0.0.1:\${(server.address() as AddressInfo).port}/\`, told);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const context = {
  name: '${type}',
  clock: { now: () => 0 },
  settings: {},
  service: () => async () => ({ title: 'An event' }),
} as unknown as SinkContext;

test('${type}: what the service takes is delivered', () =>
  withService(200, async (url, told) => {
    const opened = await connector.open({ url }, context);
    assert.deepEqual(await opened.deliver([delivery]), [{ kind: 'delivered' }]);
    assert.deepEqual(told, [{ id: 'n-1', payload: { title: 'An event' } }]);
    await opened.close();
  }));

test('${type}: what a service in trouble does not take is tried again', () =>
  withService(503, async (url) => {
    const opened = await connector.open({ url }, context);
    const [outcome] = await opened.deliver([delivery]);
    assert.equal(outcome?.kind, 'retry');
    await opened.close();
  }));
`;
