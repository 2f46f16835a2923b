/**
 * The console in a process of its own: the page for all who reach it, its answers for operators.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { INTERNAL, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { mintToken } from './auth.ts';
import type { ConsoleSource } from './console.ts';
import { startConsoleServer } from './console-server.ts';
import type { Scope } from './identity.ts';

const source = {
  file: () => ({ type: 'text/html', text: 'page' }),
  topology: () => ({ topology: 'reno' }),
  flow: async () => ({ at: 1 }),
  deadLetters: async () => ({ total: 0 }),
  redrive: async () => ({ toSend: 2 }),
} as unknown as ConsoleSource;

const rows: readonly (readonly [string, Scope | null, number, unknown?])[] = [
  ['GET /console/', null, 200, 'page'],
  ['GET /health/live', null, 200],
  ['GET /health/ready', null, 503],
  ['GET /metrics', null, 200, 'carillon_tasks 0\n'],
  ['GET /flow', null, 200, { process: 'p' }],
  ['GET /openapi.json', null, 200],
  ['GET /console/v1/flow', null, 401],
  ['GET /console/v1/flow', 'device', 403],
  ['GET /console/v1/flow', 'operator', 200, { at: 1 }],
  ['GET /console/v1/flow?x=1', 'operator', 400],
  ['GET /console/v1/topology', 'admin', 200, { topology: 'reno' }],
  ['POST /console/v1/redrive', 'producer', 403],
  ['POST /console/v1/redrive', 'operator', 200, { toSend: 2 }],
  ['POST /v1/events/plan-change', 'admin', 404],
  ['GET /v1/devices/tv-1/notifications', 'admin', 404],
];

test('who gets what of it', async () => {
  const clock = new HandClock(NOW);
  const server = await startConsoleServer({
    host: '127.0.0.1',
    port: 0,
    auth: { secret: SECRET, internalToken: INTERNAL },
    clock,
    source,
    checks: new Map([['log', () => Promise.reject(new Error('away'))]]),
    metrics: () => 'carillon_tasks 0\n',
    flow: async () => ({ process: 'p' }),
    version: '1',
    say: () => undefined,
  });
  try {
    for (const [asked, scope, status, body] of rows) {
      const [method = '', path = ''] = asked.split(' ');
      const token =
        scope && (await mintToken({ secret: SECRET, subject: 's', scope, clock, ttlMs: 60_000 }));
      const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        },
        ...(method === 'POST' ? { body: '{"from":1}' } : {}),
      });
      assert.equal(answer.status, status, asked);
      const text = await answer.text();
      if (body === undefined) continue;
      assert.deepEqual(typeof body === 'string' ? text : JSON.parse(text), body, asked);
    }
  } finally {
    await server.close();
  }
});

test('a weak secret is refused before the port is open', async () => {
  const auth = { secret: 'short', internalToken: INTERNAL };
  const start = startConsoleServer({
    ...{ host: '127.0.0.1', port: 0, auth, clock: new HandClock(NOW), source, version: '1' },
    checks: new Map(),
    say: () => undefined,
  });
  await assert.rejects(start, { code: 'CAR719' });
});
