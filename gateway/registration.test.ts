import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { DeviceClasses } from '../core/device-classes.ts';
import { RENO_WORDS, type Words } from '../core/words.ts';
import { Bench, NOW } from '../test/kit/gateway-bench.ts';
import type { Scope } from './identity.ts';

let bench: Bench;
let device = '';
let token = '';
let number = 0;

before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  token = await bench.tokenOfMember(device, 'm-1');
});

const lines = (problems: readonly { path: string; what: string }[]) =>
  problems.map(({ path, what }) => `${path}: ${what}`);

const REGISTRATION = {
  memberId: 'm-1',
  class: 'mobile',
  platform: 'android 16',
  transports: [{ kind: 'fcm', token: 'secret-token' }, { kind: 'websocket' }],
};

test('a device registers and is deleted: 202 when it is in the log', async () => {
  const put = await bench.call('PUT', `/v1/devices/${device}`, { token, body: REGISTRATION });
  assert.deepEqual([put.status, put.body.accepted, put.body.deviceId], [202, 'REGISTERED', device]);
  const registrar = await bench.token('backend', 'registrar');
  const gone = await bench.call('DELETE', `/v1/devices/${device}`, { token: registrar });
  assert.deepEqual([gone.status, gone.body.accepted], [202, 'DELETED']);
  const [first, second] = bench
    .values('events.device-registration')
    .filter(({ deviceId }) => deviceId === device);
  const transport = { environment: null, registeredAt: NOW };
  assert.deepEqual(JSON.parse(JSON.stringify(first)), {
    deviceId: device,
    action: 'REGISTERED',
    memberId: 'm-1',
    class: 'mobile',
    platform: 'android 16',
    app: '',
    locale: '',
    transports: [
      { kind: 'fcm', token: 'secret-token', ...transport },
      { kind: 'websocket', token: null, ...transport },
    ],
    deadToken: null,
    deadBefore: null,
    occurredAt: NOW,
  });
  assert.deepEqual([second.action, second.memberId], ['DELETED', '']);
});

type Claims = { scope?: Scope; member?: string };
const claims: readonly [string, Claims, number][] = [
  ['a device without a member', {}, 403],
  ['a device of scope device without a member', { scope: 'device' }, 403],
  ['a device of another member', { member: 'm-2' }, 403],
  ['a device of this member', { member: 'm-1' }, 202],
  ['a registrar', { scope: 'registrar' }, 202],
  ['a registrar of another member', { scope: 'registrar', member: 'm-2' }, 403],
  ['an admin', { scope: 'admin' }, 202],
];
for (const [who, { scope, member }, status] of claims) {
  test(`${who} registers a device of m-1: ${status}`, async () => {
    const bearer = await bench.tokenOfMember(device, member, scope);
    const path = `/v1/devices/${device}`;
    const got = await bench.call('PUT', path, { token: bearer, body: REGISTRATION });
    assert.equal(got.status, status);
    const written = bench
      .values('events.device-registration')
      .filter(({ deviceId }) => deviceId === device);
    assert.equal(written.length, status === 202 ? 1 : 0);
    if (status === 202) return;
    assert.equal(got.body.code, 'CAR704');
    assert.match(got.body.mend, /`member`/);
  });
}

const registrations: readonly [string, unknown, readonly string[]][] = [
  [
    'no object',
    [],
    [
      '/: expected an object of memberId, class, platform, app, locale, transports',
      '/memberId: missing, expected text of 1 to 128 characters',
      '/class: missing, expected one of mobile, tablet, tv, stick, set-top, web',
    ],
  ],
  [
    'another class',
    { ...REGISTRATION, class: 'fridge' },
    ['/class: expected one of mobile, tablet, tv, stick, set-top, web'],
  ],
  ['a number', { ...REGISTRATION, app: 3 }, ['/app: expected text of 1 to 128 characters']],
  [
    'a field of nobody',
    { ...REGISTRATION, owner: 'x' },
    ['/owner: no such field; known: memberId, class, platform, app, locale, transports'],
  ],
  [
    'no list',
    { ...REGISTRATION, transports: {} },
    ['/transports: expected an array of at most 8 transports, best first'],
  ],
  [
    'no token',
    { ...REGISTRATION, transports: [{ kind: 'apns' }] },
    ['/transports/0/token: missing, expected text of 1 to 4096 characters'],
  ],
  [
    'a token too many',
    { ...REGISTRATION, transports: [{ kind: 'inbox', token: 't' }] },
    ['/transports/0/token: inbox has no token'],
  ],
  [
    'another kind',
    { ...REGISTRATION, transports: [{ kind: 'sms' }] },
    ['/transports/0/kind: expected one of websocket, fcm, apns, inbox'],
  ],
  [
    'an environment',
    {
      ...REGISTRATION,
      transports: [
        { kind: 'apns', token: 't', environment: 'test' },
        { kind: 'fcm', token: 't', environment: 'sandbox' },
      ],
    },
    [
      '/transports/0/environment: expected one of production, sandbox',
      '/transports/1/environment: fcm has no environment',
    ],
  ],
];
for (const [name, body, expected] of registrations) {
  test(`a registration with ${name} is told by path`, async () => {
    const got = await bench.call('PUT', `/v1/devices/${device}`, { token, body });
    assert.deepEqual([got.status, got.body.code], [400, 'CAR710']);
    assert.deepEqual(lines(got.body.problems), expected);
  });
}

test('a device id is short and printable', async () => {
  const registrar = await bench.token('backend', 'registrar');
  for (const id of ['x'.repeat(129), 'a%20b', 'ger%C3%A4t']) {
    const path = `/v1/devices/${id}`;
    const got = await bench.call('PUT', path, { token: registrar, body: REGISTRATION });
    assert.deepEqual([got.status, got.body.code], [400, 'CAR721']);
  }
  const path = `/v1/devices/${'x'.repeat(128)}`;
  const got = await bench.call('PUT', path, { token: registrar, body: REGISTRATION });
  assert.equal(got.status, 202);
});

test("a topology's own words: its classes, and its field of members", async () => {
  const words: Words = {
    ...RENO_WORDS,
    deviceClasses: new DeviceClasses(['phone', 'kiosk']),
    fields: { member: 'customerId', device: 'terminalId' },
  };
  const own = await Bench.open({ words });
  try {
    const put = async (body: object) => {
      const registrar = await own.token('backend', 'registrar');
      return own.call('PUT', '/v1/devices/k-1', { token: registrar, body });
    };
    const good = await put({ customerId: 'c-1', class: 'kiosk' });
    assert.equal(good.status, 202);
    const [written] = own.values('events.device-registration');
    assert.deepEqual([written.memberId, written.class], ['c-1', 'kiosk'], 'the row has its names');
    const bad = await put({ memberId: 'c-1', class: 'tv' });
    assert.deepEqual(
      [bad.status, bad.body.code, lines(bad.body.problems)],
      [
        400,
        'CAR710',
        [
          '/memberId: no such field; known: customerId, class, platform, app, locale, transports',
          '/customerId: missing, expected text of 1 to 128 characters',
          '/class: expected one of phone, kiosk',
        ],
      ],
    );
    const token = await own.tokenOfMember('k-1', 'c-2');
    const others = await own.call('PUT', '/v1/devices/k-1', {
      token,
      body: { customerId: 'c-1', class: 'kiosk' },
    });
    assert.deepEqual([others.status, others.body.code], [403, 'CAR704']);
    assert.match(JSON.stringify(others.body), /not the customerId of the body/);
    const { body: api } = await own.call('GET', '/openapi.json');
    const { properties, required } = api.components.schemas.Registration;
    assert.deepEqual(properties.class, { enum: ['phone', 'kiosk'] });
    assert.deepEqual(required, ['customerId', 'class']);
  } finally {
    await own.close();
  }
});
