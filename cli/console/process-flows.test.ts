/** Flows of several processes, asked over HTTP and added up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { EMPTY_FLOW } from '../../runtime/flow.ts';
import { type ProcessFlow, ProcessFlows } from './process-flows.ts';

const stops: (() => void)[] = [];
after(() => stops.forEach((stop) => void stop()));

/** Answers with a text, and remembers whom it was asked as. */
async function serve(text: string, status = 200) {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(`${request.headers.host}${request.url}`);
    response.writeHead(status).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, hosts };
}

const lane = (delivered: number) => ({
  sink: 'fcm',
  priority: 'low',
  outcomes: { delivered },
  inFlight: 1,
  waiting: 0,
  ageBuckets: [delivered, 0],
  ageSumMs: 5,
  ageCount: delivered,
});
const flowOf = (process: string, more: Partial<ProcessFlow> = {}): ProcessFlow => ({
  ...EMPTY_FLOW,
  connections: 1,
  process,
  tasks: 2,
  ...more,
});
const step = (of: number, dropped: { [reason: string]: number }) => ({
  stream: 'plan-change',
  priority: 'low',
  step: 'dedup',
  in: of,
  restored: 0,
  passed: of,
  held: 0,
  out: of,
  dropped,
  deadLettered: {},
  counted: {},
});
const resolve = async (host: string) => (host === 'nowhere' ? [] : ['127.0.0.1']);

test('counts of the same step and lane are added, each process once', async () => {
  const a = await serve(JSON.stringify(flowOf('a', { steps: [step(3, { duplicate: 1 })] })));
  const b = flowOf('b', { steps: [step(4, { duplicate: 2, late: 1 })], lanes: [lane(7)] });
  const both = await serve(JSON.stringify({ ...b, troubles: ['t'] }));
  const self = await serve(JSON.stringify(flowOf('own', { tasks: 99 })));
  const processes = [a.port, both.port, both.port, self.port].map((port) => `http://x:${port}`);
  const flows = new ProcessFlows({ processes, resolve });
  const { flow, connections } = await flows.with(flowOf('own', { lanes: [lane(1)] }));
  assert.deepEqual(flow.steps, [step(7, { duplicate: 3, late: 1 })]);
  assert.deepEqual(flow.lanes, [{ ...lane(8), inFlight: 2, ageSumMs: 10 }]);
  assert.deepEqual([flow.tasks, connections, flow.troubles], [6, 3, ['t']]);
  assert.deepEqual(a.hosts, [`x:${a.port}/flow`], 'it is asked by its name');
});

test('a name of several hosts is asked at each', async () => {
  const asked: string[] = [];
  const one = await serve(JSON.stringify(flowOf('a')));
  const flows = new ProcessFlows({
    processes: [`http://streams:${one.port}`],
    resolve: async (host) => {
      asked.push(host);
      return ['127.0.0.1', '127.0.0.1'];
    },
  });
  await flows.with(flowOf('own'));
  assert.deepEqual([asked, one.hosts.length], [['streams'], 2]);
});

test('a host that listens on one of its two families is there', async () => {
  const one = await serve(JSON.stringify(flowOf('a')));
  const processes = [`http://localhost:${one.port}`];
  const flows = new ProcessFlows({ processes, resolve: async () => ['::1', '127.0.0.1'] });
  const { flow, connections } = await flows.with(flowOf('own'));
  assert.deepEqual([flow.troubles, connections], [[], 2]);
  const gone = new ProcessFlows({
    processes: ['http://localhost:1'],
    resolve: async () => ['::1', '127.0.0.1'],
  });
  assert.equal((await gone.with(flowOf('own'))).flow.troubles.length, 2);
});

test('what does not answer is a trouble, and the rest is told', async () => {
  const gone = await serve('no', 503);
  const other = await serve('<html>');
  const wrong = await serve('{"steps":[]}');
  const rows: [string, string][] = [
    [`http://x:${gone.port}`, 'it answers 503'],
    [`http://x:${other.port}`, 'its answer is another one'],
    [`http://x:${wrong.port}`, 'its answer is another one'],
    ['http://x:1', 'ECONNREFUSED'],
  ];
  const flows = new ProcessFlows({ processes: rows.map(([url]) => url), resolve });
  const { flow, connections } = await flows.with(flowOf('own'));
  assert.deepEqual(
    flow.troubles,
    rows.map(([url, why]) => `${url} does not tell what flows there (${why})`),
  );
  assert.deepEqual([flow.tasks, connections], [2, 1]);
});

test('pages that ask at once have one answer; later it is asked anew', async () => {
  const one = await serve(JSON.stringify(flowOf('a')));
  const flows = new ProcessFlows({ processes: [`http://x:${one.port}`], resolve });
  await Promise.all([flows.with(flowOf('own')), flows.with(flowOf('own'))]);
  assert.equal(one.hosts.length, 1);
  await flows.with(flowOf('own'));
  assert.equal(one.hosts.length, 2);
});
