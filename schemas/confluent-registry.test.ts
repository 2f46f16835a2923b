/** The registry client against answers as registries give them; the real one is in test/cluster. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createSecured } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { CarillonError } from '../core/error.ts';
import { CERTIFICATE } from '../test/kit/certificate.ts';
import { ConfluentRegistry } from './confluent-registry.ts';

const SCHEMA = '{"type":"record","name":"A","fields":[]}';

const refer = (name: string, subject: string) => ({ name, subject, version: 1 });
const typed = (type: object, ...references: object[]) => ({
  schema: JSON.stringify(type),
  ...(references.length === 0 ? {} : { references }),
});
const MONEY = {
  type: 'record',
  name: 'Money',
  namespace: 'acme',
  fields: [{ name: 'in', type: 'Currency' }],
};
const CURRENCY = { type: 'enum', name: 'Currency', namespace: 'acme', symbols: ['EUR'] };
const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'price', type: 'acme.Money' },
    { name: 'tax', type: ['null', 'acme.Money'], default: null },
    { name: 'paid', type: 'acme.Currency' },
  ],
};

const ANSWERS: { readonly [path: string]: readonly [status: number, body: unknown] } = {
  'GET /schemas/ids/7': [200, { schema: SCHEMA }],
  'GET /schemas/ids/8': [404, { error_code: 40403, message: 'Schema 8 not found' }],
  'GET /schemas/ids/9': [503, { error_code: 50301, message: 'leader unknown' }],
  'GET /schemas/ids/10': [401, { error_code: 40101, message: 'Unauthorized' }],
  'GET /schemas/ids/11': [404, 'nothing here'],
  'GET /schemas/ids/12': [429, { message: 'slow down' }],
  'GET /schemas/ids/20': [200, { schemaType: 'PROTOBUF', schema: 'syntax = "proto3";' }],
  // It is Avro by its looks.
  'GET /schemas/ids/21': [200, { schemaType: 'JSON', schema: '{"type":"string"}' }],
  'GET /schemas/ids/22': [200, typed(ORDER, refer('acme.Money', 'money'))],
  'GET /schemas/ids/23': [200, typed(ORDER, refer('acme.Money', 'gone'))],
  'GET /schemas/ids/24': [200, { schemaType: 'AVRO', schema: SCHEMA }],
  'GET /schemas/ids/25': [200, typed(ORDER, refer('acme.Money', 'away'))],
  'GET /subjects/money/versions/1': [
    200,
    { id: 1, version: 1, ...typed(MONEY, refer('acme.Currency', 'currency')) },
  ],
  'GET /subjects/currency/versions/1': [
    200,
    // A circle, as no registry makes it.
    { id: 2, version: 1, ...typed(CURRENCY, refer('acme.Money', 'money')) },
  ],
  'GET /subjects/gone/versions/1': [404, { error_code: 40401, message: 'Subject missing' }],
  'GET /subjects/away/versions/1': [503, { error_code: 50301, message: 'leader unknown' }],
  'GET /subjects/proto-value/versions/latest': [
    200,
    { id: 20, version: 1, schemaType: 'PROTOBUF', schema: 'syntax = "proto3";' },
  ],
  'GET /subjects': [200, ['a-value', 'b-value']],
  'POST /subjects/a-value/versions': [200, { id: 7 }],
  'POST /subjects/b-value/versions': [409, { error_code: 409, message: 'incompatible' }],
  'POST /subjects/c-value/versions': [422, { error_code: 42201, message: 'not a schema' }],
  'GET /subjects/a-value/versions/latest': [200, { id: 7, version: 3, schema: SCHEMA }],
  'GET /subjects/a-value/versions/1': [200, { id: 5, version: 1, schema: SCHEMA }],
  'GET /subjects/a-value/versions/2': [404, { error_code: 40402, message: 'Version 2 not found' }],
  'GET /subjects/z-value/versions/latest': [404, { error_code: 40401, message: 'Subject missing' }],
};

describe('the client of a Confluent-compatible registry', () => {
  let server: Server;
  let registry: ConfluentRegistry;
  before(async () => {
    server = createServer((request, response) => {
      const [status, body] = ANSWERS[`${request.method} ${request.url}`] ?? [404, 'nothing here'];
      request.resume().on('end', () => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    registry = new ConfluentRegistry({ url: `http://127.0.0.1:${port}/` });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test('what is there, and what is not', async () => {
    assert.equal(await registry.fetch(7), SCHEMA);
    assert.equal(await registry.fetch(8), null);
    assert.deepEqual(await registry.subjects(), ['a-value', 'b-value']);
    assert.equal(await registry.register('a-value', SCHEMA), 7);
    assert.deepEqual(await registry.version('a-value', 'latest'), {
      id: 7,
      version: 3,
      schema: SCHEMA,
    });
    assert.equal(await registry.version('z-value', 'latest'), null);
    assert.deepEqual(await registry.versions('a-value'), [1, 3]);
    assert.deepEqual(await registry.versions('z-value'), []);
  });

  test('types of other subjects are written out, each where it is met first', async () => {
    const whole = JSON.parse((await registry.fetch(22))!);
    const [price, tax, paid] = whole.fields;
    assert.deepEqual(price.type, { ...MONEY, fields: [{ name: 'in', type: CURRENCY }] });
    assert.deepEqual([tax.type, paid.type], [['null', 'acme.Money'], 'acme.Currency']);
    // One that is not there leaves a name without a type: who parses it tells.
    assert.deepEqual(JSON.parse((await registry.fetch(23))!), ORDER);
    assert.equal(await registry.fetch(24), SCHEMA);
  });

  const failures: readonly [string, () => Promise<unknown>, string, boolean][] = [
    ['a leader that is not known', () => registry.fetch(9), 'CAR650', true],
    ['too many requests', () => registry.fetch(12), 'CAR650', true],
    ['wrong credentials', () => registry.fetch(10), 'CAR652', false],
    ['a wrong path of the URL', () => registry.fetch(11), 'CAR652', false],
    ['an incompatible schema', () => registry.register('b-value', SCHEMA), 'CAR651', false],
    ['a Protobuf schema', () => registry.fetch(20), 'CAR407', false],
    ['a JSON Schema', () => registry.fetch(21), 'CAR407', false],
    ['the same by its subject', () => registry.version('proto-value', 'latest'), 'CAR407', false],
    ['a reference that is not told now', () => registry.fetch(25), 'CAR650', true],
    ['what is no schema', () => registry.register('c-value', '{'), 'CAR651', false],
    [
      'nothing that listens',
      () => new ConfluentRegistry({ url: 'http://me:secret@127.0.0.1:1' }).fetch(1),
      'CAR650',
      true,
    ],
  ];
  for (const [name, call, code, retryable] of failures) {
    test(`${name} is ${code}`, async () => {
      await assert.rejects(call, (error: Error & { code: string; retryable: boolean }) => {
        assert.equal(error.code, code);
        assert.equal(error.retryable, retryable);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });
  }

  test('over TLS, to who may come: the certificate is trusted, or the one in front is not', async () => {
    const asked: (string | undefined)[] = [];
    const { cert, key } = CERTIFICATE;
    const secured = createSecured({ cert, key }, ({ headers }, response) => {
      asked.push(headers.authorization);
      const isKnown = headers.authorization === `Basic ${btoa('u:hunter2')}`;
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isKnown ? { schema: SCHEMA } : { message: 'Unauthorized' }));
    });
    await new Promise<void>((resolve) => secured.listen(0, '127.0.0.1', resolve));
    const { port } = secured.address() as AddressInfo;
    const url = `https://127.0.0.1:${port}`;
    const auth = { username: 'u', password: 'hunter2' };
    const ssl = { ca: cert, rejectUnauthorized: true };
    assert.equal(await new ConfluentRegistry({ url, auth, ssl }).fetch(7), SCHEMA);
    const wrong = new ConfluentRegistry({ url, auth: { ...auth, password: 'hunter3' }, ssl });
    await assert.rejects(wrong.fetch(7), (error: CarillonError) => {
      assert.equal(error.code, 'CAR652');
      assert.doesNotMatch(error.message, /hunter/);
      return true;
    });
    await assert.rejects(new ConfluentRegistry({ url, auth }).fetch(7), {
      code: 'CAR650',
      message: /self-signed certificate/,
    });
    assert.equal(asked.length, 2);
    const ssl2 = { rejectUnauthorized: false };
    assert.equal(await new ConfluentRegistry({ url, auth, ssl: ssl2 }).fetch(7), SCHEMA);
    secured.closeAllConnections();
    secured.close();
  });

  test('a registry that hangs is given up', async () => {
    const hanging = createServer(() => {});
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    const { port } = hanging.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    await assert.rejects(new ConfluentRegistry({ url, timeoutMs: 50 }).fetch(1), {
      code: 'CAR650',
    });
    hanging.closeAllConnections();
    hanging.close();
  });
});
