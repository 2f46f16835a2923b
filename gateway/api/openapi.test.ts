/** What the document says is what the gateway does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { ERROR_TABLE, type ErrorCode } from '../../core/error-table.ts';
import { Bench, INTERNAL, NOW } from '../../test/kit/gateway-bench.ts';
import type { ConsoleSource } from '../console.ts';
import { statusOf } from '../problem.ts';
import { errorsOf, type OpenApi, openApiOf } from './openapi.ts';
import type { JsonSchema, Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { DELIVER, READY } from './operator-operations.ts';

const SOURCE = {
  file: () => ({ type: 'text/html', text: 'page' }),
  topology: () => ({}),
  flow: async () => ({}),
  device: async () => ({}),
  deadLetters: async () => ({}),
  redrive: async () => ({}),
} as unknown as ConsoleSource;
const INSIDE = { host: '127.0.0.1', port: 0 };

let bench: Bench;
const tokens: { [name: string]: string | undefined } = { none: undefined, internal: INTERNAL };
before(async () => {
  const metrics = () => 'carillon_connections 0\n';
  const flow = async () => ({});
  bench = await Bench.open({ internal: INSIDE, metrics, flow, console: SOURCE, version: '1' });
  await bench.own('tv-1');
  for (const scope of ['producer', 'registrar', 'operator'] as const) {
    tokens[scope] = await bench.token('backend', scope);
  }
  tokens.device = await bench.token('tv-1');
});
after(() => bench.close());

const document = openApiOf(OPERATIONS, '1');
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
ajv.addFormat('binary', true).addVocabulary(['components']);
ajv.addSchema({ $id: 'doc', components: document.components }, 'doc', undefined, false);

function validator(schema: JsonSchema): ValidateFunction {
  const text = JSON.stringify(schema).replaceAll('"#/components', '"doc#/components');
  return ajv.compile(JSON.parse(text));
}

test('both ports together serve the document; each its own part of it', async () => {
  const of = async (url: string) => (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const outside = await of(bench.gateway.url);
  const inside = await of(bench.gateway.internalUrl);
  assert.deepEqual({ ...outside.paths, ...inside.paths }, document.paths);
  assert.deepEqual([outside.info, outside.openapi], [document.info, '3.1.0']);
  assert.deepEqual(outside.components, document.components);
  assert.equal(DELIVER.path in outside.paths, false);
  assert.equal('/v1/stream' in inside.paths, false);
  assert.equal(READY.path in outside.paths && READY.path in inside.paths, true);
});

test('ids and ways are told once, each form is used, and no name leads nowhere', () => {
  const ids = OPERATIONS.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const ways = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  assert.equal(new Set(ways).size, ways.length);
  const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)];
  const used = new Set(names.map(([, name]) => name!));
  const { schemas } = document.components as { schemas: object };
  assert.deepEqual([...used].sort(), Object.keys(schemas).sort());
  for (const name of used) validator({ $ref: `#/components/schemas/${name}` });
});

const EVENT = { eventId: 'e-1', memberId: 'm-1', planTo: 'premium', changedAt: NOW };
const TV = '/v1/devices/tv-1';
/** One a line: whose token, what is asked, the status. */
const CALLS: readonly (readonly [
  token: string,
  method: string,
  path: string,
  body: unknown,
  status: number,
  headers?: { [name: string]: string },
])[] = [
  ['producer', 'POST', '/v1/events/plan-change', EVENT, 200],
  ['producer', 'POST', '/v1/events/plan-change', [EVENT, EVENT], 200],
  ['producer', 'POST', '/v1/events/plan-change', { records: [EVENT] }, 200],
  ['producer', 'POST', '/v1/events/plan-change?partial=true', [EVENT, {}], 207],
  ['producer', 'POST', '/v1/events/plan-change', EVENT, 200, { 'idempotency-key': 'k' }],
  ['producer', 'POST', '/v1/events/plan-change', EVENT, 200, { 'idempotency-key': 'k' }],
  ['producer', 'POST', '/v1/events/plan-change', [EVENT], 409, { 'idempotency-key': 'k' }],
  ['producer', 'POST', '/v1/events/plan-change', {}, 400],
  ['producer', 'POST', '/v1/events/plan-change', EVENT, 415, { 'content-type': 'text/plain' }],
  ['producer', 'POST', '/v1/events/plan-change', EVENT, 415, { 'content-encoding': 'x' }],
  ['producer', 'POST', '/v1/events/plan-change', EVENT, 400, { 'content-encoding': 'gzip' }],
  ['producer', 'POST', '/v1/events/nothing', EVENT, 404],
  ['producer', 'POST', '/v1/events/plan-change?x=1', EVENT, 400],
  ['device', 'POST', '/v1/events/plan-change', EVENT, 403],
  ['none', 'POST', '/v1/events/plan-change', EVENT, 401],
  ['registrar', 'PUT', '/v1/devices/tv-2', { memberId: 'm-1', class: 'tv' }, 202],
  ['registrar', 'PUT', '/v1/devices/tv-2', { memberId: 'm-1' }, 400],
  ['device', 'GET', `${TV}/notifications`, undefined, 200],
  ['device', 'GET', `${TV}/notifications?after=x`, undefined, 400],
  ['registrar', 'GET', `${TV}/notifications`, undefined, 403],
  ['device', 'POST', `${TV}/acknowledgements`, { cursor: 'x' }, 400],
  ['device', 'POST', `${TV}/reports`, { eventId: 'r', kind: 'DIAGNOSTIC' }, 202],
  ['device', 'POST', `${TV}/reports`, { eventId: 'r' }, 400],
  ['registrar', 'POST', `${TV}/reports`, { eventId: 'r', kind: 'DIAGNOSTIC' }, 403],
  ['device', 'GET', '/v1/stream', undefined, 426],
  ['none', 'GET', '/health/live', undefined, 200],
  ['none', 'GET', '/health/ready', undefined, 200],
  ['none', 'GET', '/metrics', undefined, 200],
  ['none', 'GET', '/flow', undefined, 200],
  ['none', 'GET', '/openapi.json', undefined, 200],
  ['none', 'GET', '/console/', undefined, 200],
  ['none', 'GET', '/console/page.js', undefined, 200],
  ['operator', 'GET', '/console/v1/topology', undefined, 200],
  ['operator', 'GET', '/console/v1/flow', undefined, 200],
  ['operator', 'GET', '/console/v1/devices/tv-1?ago=5', undefined, 200],
  ['operator', 'GET', '/console/v1/dead-letters?ago=x', undefined, 400],
  ['operator', 'GET', '/console/v1/dead-letters', undefined, 200],
  ['device', 'GET', '/console/v1/flow', undefined, 403],
  ['operator', 'POST', '/console/v1/redrive', { from: 1 }, 200],
  ['operator', 'POST', '/console/v1/redrive', {}, 400],
  ['producer', 'POST', '/console/v1/redrive', { from: 1 }, 403],
  ['none', 'GET', '/subjects', undefined, 200],
  ['none', 'GET', '/subjects/events.plan-change-value/versions', undefined, 200],
  ['none', 'GET', '/subjects/events.plan-change-value/versions/latest', undefined, 200],
  ['none', 'GET', '/subjects/nothing/versions', undefined, 404],
  ['none', 'GET', '/schemas/ids/1', undefined, 200],
  ['none', 'GET', '/schemas/ids/99', undefined, 404],
  ['internal', 'POST', DELIVER.path, {}, 415],
  ['none', 'POST', DELIVER.path, {}, 401],
];

for (const [token, method, path, body, status, headers = {}] of CALLS) {
  const told = body === undefined ? '' : ` ${JSON.stringify(body).slice(0, 30)}`;
  test(`as it is documented: ${token} ${method} ${path}${told} ${status}`, async () => {
    const operation = operationOf(method, path.split('?')[0]!);
    const got = await ask(operation, { token, method, path, body, headers });
    assert.equal(got.status, status, got.text);
    const documented = responsesOf(operation)[status];
    assert.ok(documented, `${operation.id} does not say that it answers ${status}`);
    const [type] = Object.keys(documented.content ?? {});
    if (type === undefined) return;
    assert.equal(got.type.split(';')[0], type.split(';')[0]);
    if (!type.includes('json')) return;
    const validate = validator(documented.content![type]!.schema);
    assert.ok(validate(JSON.parse(got.text)), JSON.stringify(validate.errors));
  });
}

/** What the document takes of a body the gateway takes, and nothing else. */
const BODIES: readonly (readonly [
  path: string,
  method: string,
  token: string,
  bodies: unknown[],
])[] = [
  [
    '/v1/devices/tv-3',
    'PUT',
    'registrar',
    [
      { memberId: 'm-1', class: 'tv' },
      { memberId: 'm-1', class: 'tv', platform: 'x', app: null, locale: 'de', transports: null },
      { memberId: '', class: 'tv' },
      { memberId: 'm'.repeat(128), class: 'tv' },
      { memberId: 'm'.repeat(129), class: 'tv' },
      { memberId: 'm-1', class: 'fridge' },
      { memberId: 'm-1', class: 'tv', more: 1 },
      { memberId: 'm-1', class: 'tv', platform: 7 },
      { memberId: 'm-1', class: 'tv', app: 'a'.repeat(129) },
      { memberId: 'm-1', class: 'tv', transports: [{ kind: 'inbox' }] },
      { memberId: 'm-1', class: 'tv', transports: [{ kind: 'pigeon' }] },
      { memberId: 'm-1', class: 'tv', transports: [{ token: 'x' }] },
      { memberId: 'm-1', class: 'tv', transports: [{ kind: 'inbox', x: 1 }] },
      { memberId: 'm-1', class: 'tv', transports: Array(8).fill({ kind: 'inbox' }) },
      { memberId: 'm-1', class: 'tv', transports: Array(9).fill({ kind: 'inbox' }) },
      { memberId: 'm-1', class: 'tv', transports: [{ kind: 'fcm', token: 't'.repeat(4_097) }] },
      [],
      'text',
    ],
  ],
  [
    `${TV}/reports`,
    'POST',
    'device',
    [
      { eventId: 'r', kind: 'RECOVERY', succeeded: false, details: { a: 'b' } },
      { eventId: '', kind: 'RECOVERY' },
      { eventId: 'r', kind: 'OTHER' },
      { eventId: 'r', kind: 'RECOVERY', succeeded: 'yes' },
      { eventId: 'r', kind: 'RECOVERY', notificationId: null },
      { eventId: 'r', kind: 'RECOVERY', notificationId: 7 },
      { eventId: 'r', kind: 'RECOVERY', details: null },
      { eventId: 'r', kind: 'RECOVERY', details: [] },
      { eventId: 'r', kind: 'RECOVERY', details: { a: 7 } },
      { eventId: 'r', kind: 'RECOVERY', details: { ['a'.repeat(65)]: 'b' } },
      { eventId: 'r', kind: 'RECOVERY', details: { a: 'b'.repeat(1_025) } },
      { eventId: 'r', kind: 'RECOVERY', x: 1 },
      {
        eventId: 'r',
        kind: 'RECOVERY',
        details: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`d${n}`, 'x'])),
      },
    ],
  ],
  [
    '/console/v1/redrive',
    'POST',
    'operator',
    [
      { from: 0 },
      { from: 5, code: 'CAR508', origin: 'events.a', upTo: '0:1,1:20' },
      { from: 5, upTo: '' },
      {},
      { from: -1 },
      { from: 1.5 },
      { from: '5' },
      { from: 5, code: '' },
      { from: 5, code: 'c'.repeat(65) },
      { from: 5, origin: 'o'.repeat(250) },
      { from: 5, upTo: '0' },
      { from: 5, upTo: '0:1,' },
      { from: 5, upTo: 7 },
      { from: 5, send: true },
      [],
      'text',
    ],
  ],
  [
    '/v1/events/plan-change',
    'POST',
    'producer',
    [EVENT, [EVENT], { records: [EVENT, EVENT] }, [], 'text', 7, null],
  ],
];
for (const [path, method, token, bodies] of BODIES) {
  test(`bodies of ${method} ${path}: the document and the gateway take the same`, async () => {
    const operation = operationOf(method, path);
    const validate = validator(operation.body!.schema);
    for (const body of bodies) {
      const { status, text } = await ask(operation, { token, method, path, body, headers: {} });
      const shown = JSON.stringify(body).slice(0, 120);
      assert.equal(validate(body), status < 300, `${shown}: ${status} ${text}`);
    }
  });
}

test('every code that a producer can meet is in the guide for producers, by status', () => {
  const guide = readFileSync(new URL('../../docs/guides/producers.md', import.meta.url), 'utf8');
  const rows = [...guide.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes]) => codes!.split(', '));
  const send = OPERATIONS.find(({ id }) => id === 'sendEvents')!;
  const statuses = new Set(errorsOf(send).map(statusOf));
  // What is a bug of the gateway is no answer that one plans for.
  statuses.delete(500);
  for (const status of statuses) assert.ok(rows.includes(String(status)), `${status} is not there`);
});

test('what is told of errors are codes that there are, each of a status', () => {
  for (const operation of OPERATIONS) {
    for (const code of errorsOf(operation)) {
      assert.ok(code in ERROR_TABLE);
      assert.ok(code === 'CAR717' || statusOf(code as ErrorCode) !== 500, code);
    }
  }
});

interface Asked {
  readonly token: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: { readonly [name: string]: string };
}

async function ask({ tag, path: of }: Operation, { token, method, path, body, headers }: Asked) {
  const isPublic = tag === 'producers' || tag === 'devices';
  const url = `${isPublic ? bench.gateway.url : bench.gateway.internalUrl}${path}`;
  const bearer = tokens[token];
  const response = await fetch(url, {
    method,
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.ok(of.length > 0);
  return {
    status: response.status,
    text: await response.text(),
    type: response.headers.get('content-type') ?? '',
  };
}

/** The one whose path is written most exactly: `/console/` is no `/console/:file`. */
function operationOf(method: string, path: string): Operation {
  const fits = OPERATIONS.filter((one) => {
    const pattern = new RegExp(`^${one.path.replaceAll(/:\w+/g, '[^/]+')}$`);
    return one.method === method.toLowerCase() && pattern.test(path);
  });
  assert.equal(fits.length, 1, `${method} ${path}`);
  return fits[0]!;
}

type Responses = {
  readonly [status: string]: { content?: { [type: string]: { schema: JsonSchema } } } | undefined;
};

function responsesOf({ path, method }: Operation): Responses {
  const told = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]![method]!;
  return told.responses as Responses;
}
