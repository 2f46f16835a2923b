/**
 * One event with a value of every form, by every door of a pipeline that runs: what was posted
 * comes out as the same JSON, wherever somebody looks at it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { DeviceClient } from '../../client/client.ts';
import { startApnsFake } from '../../connectors/apns/fake.ts';
import { startFcmFake } from '../../connectors/fcm/fake.ts';
import { startWebhookFake } from '../../connectors/webhook/fake.ts';
import type { NotificationFrame } from '../../schemas/frames.ts';
import { carillon, House, until } from './embedded-run.ts';

const DOORS = join(import.meta.dirname, 'doors');
const folder = mkdtempSync(join(tmpdir(), 'carillon-doors-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** As a producer writes it; a field for each of the schema, in its order. */
const POSTED: { readonly [field: string]: string } = {
  eventId: '"e-1"',
  memberId: '"m-1"',
  constructor: '"c"',
  in: '9223372036854775807',
  ['__proto__']: '7',
  toString: '{"__proto__":-9223372036854775808,"b.c":1}',
  has: '"ARA="',
  hash: '"AAEC/w=="',
  money: '"AAAAAAAAAAE="',
  kind: '"constructor"',
  far: '"NaN"',
  near: '"-Infinity"',
  tree: '{"label":"é\\u0000😀","children":[{"label":"x","children":[],"parent":{"label":"y","children":[],"parent":null}}],"parent":null}',
  way: '{"acme.other.Card":{"number":"1"}}',
  many: '{"long":"9007199254740993"}',
  when: '1700000000000001',
  day: '-1',
  uid: '"123e4567-e89b-12d3-a456-426614174000"',
  list: '[null,{"a":null,"b":1.5}]',
  at: String(Date.now()),
};
const FIELDS = Object.keys(POSTED);
/** As it comes out: whole numbers that JSON's readers would round are texts. */
const OUT: { readonly [field: string]: string } = {
  in: '"9223372036854775807"',
  toString: '{"__proto__":"-9223372036854775808","b.c":1}',
};
const own = (of: { readonly [field: string]: string }, field: string) =>
  Object.hasOwn(of, field) ? of[field] : undefined;
const textOf = (fields: readonly (readonly [string, string])[]) =>
  `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join()}}`;
const posted = textOf(FIELDS.map((name) => [name, POSTED[name]!]));
const told = FIELDS.map((name) => [name, own(OUT, name) ?? POSTED[name]!] as const);
const WHOLE = JSON.stringify(JSON.parse(textOf(told)));
/** No step gives a field of this name: it has its default. */
const MAPPED = WHOLE.replace('"__proto__":7', '"__proto__":null');

/** What tools print: a line of JSON a record. */
const linesOf = (output: string) =>
  output
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** The value by each door, as JSON. */
class Doors {
  readonly texts = new Map<string, string>();
  readonly #house: House;
  readonly #env: NodeJS.ProcessEnv;

  constructor(house: House, env: NodeJS.ProcessEnv) {
    this.#house = house;
    this.#env = env;
  }

  put(door: string, value: unknown): void {
    this.texts.set(door, JSON.stringify(value));
  }

  async tool(...args: string[]): Promise<string> {
    const place = ['--deployment', this.#house.deployment];
    const { output, errors, code } = await carillon([...args, ...place], { env: this.#env });
    assert.equal(code, 0, errors);
    return output;
  }

  async tail(topic: string) {
    return linesOf(await this.tool('tail', topic, '--format', 'json'));
  }

  /** What steps make of it, and where it lies. */
  async lookIn(): Promise<void> {
    for (const topic of ['waited', 'mapped', 'summed', 'gathered', 'rekeyed', 'paired']) {
      await until(topic, async () => (await this.tail(`out.${topic}`)).length === 1);
      this.put(topic, (await this.tail(`out.${topic}`))[0].value);
    }
    this.put('events', (await this.tail('events.odd'))[0].value);
    this.put('lane', (await this.tail('notifications.critical.websocket'))[0].value.payload);
    const kept = linesOf(await this.tool('query', 'summed/aggregate', '--format', 'json'));
    const sums = kept.find(({ row }) => row.window !== undefined).row.window.states;
    const summed = FIELDS.filter((name) => name !== 'memberId' && name !== '__proto__');
    const values = Object.fromEntries(summed.map((name, n) => [name, sums[n][0]]));
    this.put('rows of an aggregate', { ...JSON.parse(MAPPED), ...values });
  }

  async replay(): Promise<void> {
    const feed = join(folder, 'feed.jsonl');
    const recorded = await this.tool('record', 'events.odd');
    writeFileSync(feed, `${recorded}{"advance":"1m"}\n`);
    this.put('record', linesOf(recorded)[0].value);
    const driven = linesOf(await this.tool('drive', '--in', feed));
    this.put('drive', driven.find(({ topic }) => topic === 'out.waited').value);
  }
}

/** A socket that keeps the very texts of its notifications. */
async function socketOf(t: TestContext, house: House, headers: { authorization: string }) {
  const address = `${house.url.replace('http', 'ws')}/v1/stream?device=tv`;
  const socket = new WebSocket(address, ['carillon.v1'], { headers });
  t.after(() => socket.close());
  const texts: string[] = [];
  const welcomed = Promise.withResolvers<void>();
  socket.on('error', welcomed.reject);
  socket.on('message', (data) => {
    if (String(data).includes('"type":"notification"')) texts.push(String(data));
    else welcomed.resolve();
  });
  await welcomed.promise;
  return texts;
}

/** The same in frames of Avro, by the client. */
function avroSocketOf(t: TestContext, house: House) {
  const frames: NotificationFrame[] = [];
  const device = new DeviceClient({
    url: house.url,
    deviceId: 'stick',
    token: () => house.token('device', 'stick'),
    transports: ['websocket'],
    frames: 'avro',
    random: () => 0.5,
    onNotification: () => {},
    onFrame: (frame) => {
      if (frame.type === 'notification') frames.push(frame);
    },
  });
  void device.start();
  t.after(() => device.stop());
  return frames;
}

async function post(house: House): Promise<void> {
  const authorization = `Bearer ${await house.token('producer', 'producer')}`;
  const answer = await fetch(`${house.url}/v1/events/odd`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: posted,
  });
  assert.equal(answer.status, 200, await answer.text());
}

test('a value is the same at every door', async (t) => {
  const [fcm, apns, hook] = await Promise.all([
    startFcmFake({ project: 'carillon-demo' }),
    startApnsFake({ bundle: 'com.example.carillon' }),
    startWebhookFake(),
  ]);
  t.after(() => Promise.all([fcm.close(), apns.close(), hook.close()]));
  const secret = join(folder, 'hook.secret');
  writeFileSync(secret, hook.secret);
  const env = { HOOK_URL: hook.url, HOOK_SECRET_FILE: secret };
  const house = new House({
    topology: join(DOORS, 'topologies/doors.yaml'),
    schemas: [join(DOORS, 'schemas')],
    connectors: { fcm: fcm.settings, apns: apns.settings, webhook: hook.settings },
    env,
  });
  t.after(() => house.close());
  await house.start();
  await house.register('tv', 'm-1', 'websocket');
  await house.register('phone', 'm-1', 'fcm', 'token-phone');
  await house.register('tablet', 'm-1', 'apns', 'a'.repeat(64));
  await house.register('stick', 'm-1', 'inbox');
  const headers = { authorization: `Bearer ${await house.token('device', 'tv')}` };
  const texts = await socketOf(t, house, headers);
  const avro = avroSocketOf(t, house);
  await post(house);
  await until('all are told', () => {
    const pushed = fcm.receivedCount > 0 && apns.receivedCount > 0 && hook.hooks.length > 0;
    return pushed && avro.length > 0 && texts.length > 0;
  });
  const doors = new Doors(house, env);
  doors.put('frame', JSON.parse(texts[0]!).value);
  doors.put('frame of Avro', avro[0]!.value);
  doors.put('FCM', JSON.parse(fcm.received[0]!.data!.payload!));
  doors.put('APNs', apns.received[0]!.body.carillon.payload);
  doors.put('webhook', JSON.parse(JSON.stringify(hook.hooks[0])).deliveries[0].payload);
  const pulled = await fetch(`${house.url}/v1/devices/tv/notifications`, { headers });
  doors.put('pull', JSON.parse(await pulled.text()).notifications[0].value);
  await doors.lookIn();
  await doors.replay();
  const mapped = new Set(['mapped', 'summed', 'paired', 'rows of an aggregate']);
  const wanted = [...doors.texts.keys()].map((door) => {
    return [door, mapped.has(door) ? MAPPED : WHOLE] as const;
  });
  assert.deepEqual(Object.fromEntries(doors.texts), Object.fromEntries(wanted));
});
