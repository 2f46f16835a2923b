/** Server-sent events: what a browser's EventSource sees of the same stream. */
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { deviceMark, emptyCursor, formatCursor } from '../core/cursor.ts';
import { Bench, eventually } from '../test/kit/gateway-bench.ts';
import type { GatewayOptions } from './gateway-options.ts';

let bench: Bench;
let device = '';
let number = 0;

before(async () => {
  bench = await Bench.open({ limits: { fillAgainMs: 20, heartbeatMs: 320, closeMs: 200 } });
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});

/** Of one event: its fields; of a comment: `''`. */
type Event = { readonly [field: string]: string };

class Source {
  response!: IncomingMessage;
  text = '';
  ended = false;

  static async open(url: string, headers: { readonly [name: string]: string }): Promise<Source> {
    const source = new Source();
    source.response = await new Promise((resolve, reject) => {
      const accept = { accept: 'text/event-stream' };
      get(url, { headers: { ...accept, ...headers } }, resolve).on('error', reject);
    });
    source.response.on('data', (chunk) => {
      source.text += String(chunk);
    });
    source.response.on('close', () => {
      source.ended = true;
    });
    source.response.on('error', () => undefined);
    return source;
  }

  get events(): Event[] {
    const blocks = this.text.split('\n\n').slice(0, -1);
    return blocks.map((block) =>
      Object.fromEntries(
        block.split('\n').map((line) => {
          const at = line.indexOf(':');
          return [line.slice(0, at), line.slice(at + 2)];
        }),
      ),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  get frames(): any[] {
    return this.events
      .filter(({ data, event }) => data !== undefined && event === undefined)
      .map(({ data }) => JSON.parse(data!));
  }
}

const open = async (
  query = '',
  headers: { readonly [name: string]: string } = {},
  of = bench,
): Promise<Source> => {
  const token = await of.token(device);
  return Source.open(`${of.gateway.url}/v1/stream?access_token=${token}${query}`, headers);
};

test('the same frames, the cursor as id, and what came between is filled', async () => {
  bench.inbox.put(bench.notification(device, 1));
  const source = await open();
  const { response } = source;
  assert.deepEqual(
    [response.statusCode, response.headers['content-type'], response.headers['cache-control']],
    [200, 'text/event-stream', 'no-store'],
  );
  await eventually(() => source.frames.length === 2, 'welcome and notification');
  const [welcome, first] = source.frames;
  assert.deepEqual([welcome.type, welcome.deviceId, first.sequence], ['welcome', device, 1]);
  assert.equal(source.events[0]!.retry, '2000');
  const { connectionId } = welcome;
  const live = { connectionId, notification: bench.notification(device, 2) };
  assert.deepEqual(await bench.deliver([live]), ['delivered']);
  await eventually(() => source.frames.length === 3, 'the live one');
  const last = source.events.findLast(({ data }) => data !== undefined)!;
  assert.equal(last.id, source.frames[2].cursor);
  // EventSource comes back with the last id by itself; it is newer than the address.
  bench.inbox.put(bench.notification(device, 2), bench.notification(device, 3));
  const stale = `&after=${formatCursor(emptyCursor(1, deviceMark(device)))}`;
  const again = await open(stale, { 'last-event-id': last.id! });
  await eventually(() => again.frames.length === 2, 'what is new');
  assert.equal(again.frames[1].sequence, 3);
  again.response.destroy();
  // The older one was closed, with its code.
  await eventually(() => source.ended, 'the end');
  const closed = source.events.at(-1)!;
  assert.deepEqual(
    [closed.event, JSON.parse(closed.data!)],
    ['close', { code: 3501, reason: 'replaced' }],
  );
});

test('pings keep it open and through proxies; a device that goes is unregistered', async () => {
  const source = await open();
  await eventually(() => source.text.split(': ping').length > 3, 'three pings');
  assert.equal(source.ended, false);
  source.response.destroy();
  const last = () => bench.values('events.connections').findLast((row) => row.deviceId === device);
  await eventually(() => last()?.action === 'CLOSED', 'its close');
  assert.equal(last().closeCode, 1006);
});

test('a gateway that goes away says when to come back, and closes', async () => {
  const one = await Bench.open();
  await one.own(device);
  const source = await open('', {}, one);
  await eventually(() => source.frames.length === 1, 'the welcome');
  await one.close();
  await eventually(() => source.ended, 'the end');
  assert.deepEqual(source.frames.at(-1), { type: 'going-away', afterMs: 0 });
  const closed = source.events.at(-1)!;
  assert.deepEqual(JSON.parse(closed.data!), { code: 3001, reason: 'going-away' });
});

const refusals: readonly [string, string, { [name: string]: string }, number | string][] = [
  ['a bad token of a page', '?access_token=x', {}, '3505 bad-token'],
  ['no token', '', {}, '3504 no-token'],
  ['a bad cursor', '?access_token=TOKEN&after=x', {}, '3507 bad-cursor'],
  [
    'a bad cursor as the last id',
    '?access_token=TOKEN',
    { 'last-event-id': 'x' },
    '3507 bad-cursor',
  ],
  ['a bad token of who reads the status', '', { authorization: 'Bearer x' }, 401],
];
for (const [name, query, headers, expected] of refusals) {
  test(`refused: ${name}: ${expected}`, async () => {
    const address = query.replace('TOKEN', await bench.token(device));
    const source = await Source.open(`${bench.gateway.url}/v1/stream${address}`, headers);
    if (typeof expected === 'number') return assert.equal(source.response.statusCode, expected);
    await eventually(() => source.ended, 'the end');
    const { code, reason } = JSON.parse(source.events.at(-1)!.data!);
    assert.equal(`${code} ${reason}`, expected);
  });
}

test('pages of other origins may read it, those that are not let in may not', async () => {
  const app = 'https://app.example';
  const options: Partial<GatewayOptions> = { origins: [app] };
  const strict = await Bench.open(options);
  try {
    await strict.own(device);
    const good = await open('', { origin: app }, strict);
    assert.equal(good.response.headers['access-control-allow-origin'], app);
    good.response.destroy();
    const bad = await open('', { origin: 'https://evil.example' }, strict);
    assert.equal(bad.response.statusCode, 403);
  } finally {
    await strict.close();
  }
});

test('a device that does not read its events is closed as slow', async () => {
  const small = await Bench.open({ limits: { queueBytesMax: 4096, closeMs: 50 } });
  try {
    await small.own(device);
    const source = await open('', {}, small);
    await eventually(() => source.frames.length === 1, 'the welcome');
    const { connectionId } = source.frames[0];
    source.response.pause();
    const encoder = small.schemas.encoder('PlanChange');
    const planTo = 'x'.repeat(30_000);
    const event = {
      eventId: 'e',
      memberId: 'm',
      planFrom: null,
      planTo,
      streamsMax: 1,
      changedAt: 1,
    };
    const payload = encoder.toBuffer(event).subarray(5);
    const outcomes: string[] = [];
    for (let sequence = 1; sequence <= 2_000 && !outcomes.includes('slow'); sequence++) {
      const notification = small.notification(device, sequence, { payload });
      outcomes.push(...(await small.deliver([{ connectionId, notification }])));
    }
    assert.equal(outcomes.at(-1), 'slow');
    source.response.destroy();
  } finally {
    await small.close();
  }
});
