import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from '../test/kit/gateway-bench.ts';

const APP = 'https://app.example';
const EVIL = 'https://evil.example';
let open: Bench;
let strict: Bench;

before(async () => {
  open = await Bench.open();
  strict = await Bench.open({ origins: [APP] });
});
after(async () => {
  await open.close();
  await strict.close();
});

const PULL = '/v1/devices/tv-1/notifications';
const PREFLIGHT = { 'access-control-request-method': 'PUT' };

/** Which bench, method, path, headers: status, allowed origin, allowed methods. */
const rows: readonly [
  'open' | 'strict',
  string,
  string,
  { readonly [name: string]: string },
  number,
  string | null,
  boolean,
][] = [
  ['open', 'OPTIONS', PULL, { origin: EVIL, ...PREFLIGHT }, 204, '*', true],
  ['open', 'OPTIONS', '/v1/devices/tv-1', { origin: APP, ...PREFLIGHT }, 204, '*', true],
  ['open', 'OPTIONS', '/v1/events/plan-change', { origin: APP, ...PREFLIGHT }, 204, '*', true],
  ['open', 'OPTIONS', PULL, {}, 204, null, false],
  ['open', 'OPTIONS', '/nowhere', { origin: APP, ...PREFLIGHT }, 404, null, false],
  // What is wrong must be readable for the page too.
  ['open', 'GET', PULL, { origin: EVIL }, 401, '*', false],
  ['open', 'GET', '/v1/nothing', { origin: EVIL }, 404, '*', false],
  ['open', 'GET', PULL, { origin: 'null' }, 401, '*', false],
  ['open', 'GET', PULL, {}, 401, null, false],
  ['open', 'GET', '/health/live', { origin: EVIL }, 200, null, false],
  ['strict', 'OPTIONS', PULL, { origin: APP, ...PREFLIGHT }, 204, APP, true],
  ['strict', 'GET', PULL, { origin: APP }, 401, APP, false],
  ['strict', 'GET', PULL, {}, 401, null, false],
  ['strict', 'OPTIONS', PULL, { origin: EVIL, ...PREFLIGHT }, 403, null, false],
  ['strict', 'GET', PULL, { origin: EVIL }, 403, null, false],
  ['strict', 'GET', PULL, { origin: 'null' }, 403, null, false],
  ['strict', 'GET', PULL, { origin: `${APP}.evil.example` }, 403, null, false],
  ['strict', 'GET', PULL, { origin: 'http://app.example' }, 403, null, false],
];
for (const [which, method, path, headers, status, allowed, methods] of rows) {
  test(`${which}: ${method} ${path} of ${headers.origin ?? 'no page'}: ${status}`, async () => {
    const { url } = (which === 'open' ? open : strict).gateway;
    const got = await fetch(`${url}${path}`, { method, headers });
    assert.equal(got.status, status);
    assert.equal(got.headers.get('access-control-allow-origin'), allowed);
    const listed = got.headers.get('access-control-allow-methods');
    assert.equal(listed === 'GET, PUT, POST, DELETE, OPTIONS', methods);
    assert.equal(got.headers.get('vary'), which === 'strict' && headers.origin ? 'origin' : null);
    if (status === 403) assert.equal(((await got.json()) as { code: string }).code, 'CAR729');
    if (allowed === null || !path.startsWith('/v1/')) return;
    assert.match(got.headers.get('access-control-expose-headers') ?? '', /retry-after/);
    if (!methods) return;
    assert.equal(got.headers.get('access-control-allow-headers'), 'authorization, content-type');
  });
}
