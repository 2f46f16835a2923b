/** The console's routes: who gets what, under which policy, and that nothing goes on for nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../core/error.ts';
import { Bench, SECRET } from '../test/kit/gateway-bench.ts';
import { mintToken } from './auth.ts';
import type { ConsoleSource, LiveQuestion, RedriveQuestion, StateQuestion } from './console.ts';

const HOUR_MS = 3_600_000;
const WAIT_MS = 5_000;

/** A source that says what it was asked, and how many live queries are open. */
class FakeSource implements ConsoleSource {
  open = 0;
  readonly questions: LiveQuestion[] = [];

  file(name: string) {
    if (name === 'index.html') return { type: 'text/html; charset=utf-8', text: '<!doctype html>' };
    return name === 'page.ts' ? { type: 'text/javascript', text: 'export {};' } : undefined;
  }

  topology() {
    return { topology: 'reno' };
  }

  async flow() {
    return { at: 1 };
  }

  async device(id: string, sinceMs: number) {
    return { id, sinceMs };
  }

  async deadLetters(sinceMs: number) {
    return { sinceMs };
  }

  readonly redriven: RedriveQuestion[] = [];
  /** Resolves when the redrive may end. */
  held: Promise<void> = Promise.resolve();

  async redrive(question: RedriveQuestion) {
    this.redriven.push(question);
    await this.held;
    if (question.code === 'CAR999') throw new CarillonError('CAR730', 'no time.', {});
    return { toSend: 1 };
  }

  async state(question: StateQuestion) {
    if (question.store === 'nil') throw new CarillonError('CAR925', 'no step keeps anything.');
    return question;
  }

  async live(question: LiveQuestion, signal: AbortSignal) {
    this.questions.push(question);
    if (question.where === 'value.') throw new CarillonError('CAR301', 'the text breaks off.');
    return this.#lines(signal);
  }

  async *#lines(signal: AbortSignal) {
    this.open++;
    try {
      yield { read: 0 };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      this.open--;
    }
  }
}

async function opened() {
  const console = new FakeSource();
  const bench = await Bench.open({ internal: { host: '127.0.0.1', port: 0 }, console });
  const get = async (path: string, token?: string, signal?: AbortSignal) =>
    fetch(`${bench.gateway.internalUrl}${path}`, {
      redirect: 'manual',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(signal === undefined ? {} : { signal }),
    });
  return { bench, console, get, operator: await bench.token('me', 'operator') };
}

const API = ['topology', 'flow', 'devices/tv-1', 'dead-letters', 'state?store=a/b', 'live'];

test('the page is for whoever reaches the internal port; what it shows is not', async () => {
  const { bench, get } = await opened();
  try {
    const none: (string | undefined)[] = [undefined, 'nonsense'];
    const device = await bench.token('tv-1');
    const backends = await Promise.all(
      (['producer', 'registrar'] as const).map((scope) => bench.token('b', scope)),
    );
    for (const path of API) {
      for (const token of none) assert.equal((await get(`/console/v1/${path}`, token)).status, 401);
      for (const token of [device, ...backends]) {
        assert.equal((await get(`/console/v1/${path}`, token)).status, 403, path);
      }
      assert.equal((await fetch(`${bench.gateway.url}/console/v1/${path}`)).status, 404);
    }
    assert.equal((await get('/console/')).status, 200);
    assert.equal((await fetch(`${bench.gateway.url}/console/`)).status, 404);
    const moved = await get('/console');
    assert.deepEqual([moved.status, moved.headers.get('location')], [302, '/console/']);
  } finally {
    await bench.close();
  }
});

test('an operator and an admin may look; who is bound to a member or to events may not', async () => {
  const { bench, get, operator } = await opened();
  const bound = (claims: object, scope: 'operator' | 'admin') =>
    mintToken({
      secret: SECRET,
      subject: 'b',
      scope,
      clock: bench.clock,
      ttlMs: HOUR_MS,
      ...claims,
    });
  const rows: [string, string, number][] = [
    ['operator', operator, 200],
    ['admin', await bench.token('me', 'admin'), 200],
    ['operator of a member', await bound({ member: 'm-1' }, 'operator'), 403],
    ['admin of some events', await bound({ events: ['plan-change'] }, 'admin'), 403],
  ];
  try {
    for (const [who, token, status] of rows) {
      const answers = await Promise.all(
        ['topology', 'flow', 'devices/tv-1', 'dead-letters', 'state?store=a/b'].map((path) =>
          get(`/console/v1/${path}`, token),
        ),
      );
      assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([status]), who);
    }
    const own = await bench.token('tv-1');
    assert.equal((await get('/console/v1/devices/tv-1', own)).status, 403, 'not even its own');
    assert.equal((await get('/v1/devices/tv-1/notifications', operator)).status, 404);
    const events = await fetch(`${bench.gateway.url}/v1/events/plan-change`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      body: '{"records":[]}',
    });
    assert.equal(events.status, 403, 'to look is not to send');
  } finally {
    await bench.close();
  }
});

test('what the page may do is bounded by its policy; files are those of the page', async () => {
  const { bench, get } = await opened();
  try {
    for (const path of ['/console/', '/console/page.ts']) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /script-src 'self';/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
    }
    for (const path of ['other.html', '..%2fpackage.json', '.env']) {
      assert.equal((await get(`/console/${path}`)).status, 404, path);
    }
  } finally {
    await bench.close();
  }
});

test('what is asked for is bounded', async () => {
  const { bench, get, operator, console } = await opened();
  const now = bench.clock.now();
  const day = 86_400_000;
  const rows: [string, number, object?][] = [
    ['devices/tv%2F1', 200, { id: 'tv/1', sinceMs: now - day }],
    ['devices/tv-1?ago=60000', 200, { id: 'tv-1', sinceMs: now - 60_000 }],
    [`devices/${'x'.repeat(257)}`, 400],
    ['dead-letters', 200, { sinceMs: now - day }],
    ['dead-letters?ago=0', 400],
    ['dead-letters?ago=-1', 400],
    ['dead-letters?ago=1.5', 400],
    ['dead-letters?ago=tomorrow', 400],
    [`dead-letters?ago=${32 * day}`, 400],
    ['state?store=a/dedup', 200, { store: 'a/dedup', key: [] }],
    [
      'state?store=a/dedup&key=m-1&key=t-2&range=a..b',
      200,
      { store: 'a/dedup', key: ['m-1', 't-2'], range: 'a..b' },
    ],
    ['state', 400],
    ['state?store=', 400],
    ['state?store=a&store=b', 400],
    ['state?store=a/b&range=a..b&range=c..d', 400],
    ['state?store=nil', 400],
    [`live?where=${'x'.repeat(2_001)}`, 400],
    ['live?where=a&where=b', 400],
    [`live?${'topic=a&'.repeat(65)}`, 400],
    ['live?where=value.', 400],
  ];
  try {
    for (const [path, status, body] of rows) {
      const answer = await get(`/console/v1/${path}`, operator);
      assert.equal(answer.status, status, path);
      if (body !== undefined) assert.deepEqual(await answer.json(), body);
    }
    const refused = await get('/console/v1/live?where=value.', operator);
    const { code, what } = (await refused.json()) as { code: string; what: string };
    assert.deepEqual([code, what], ['CAR721', 'CAR301: the text breaks off.']);
    assert.equal(console.open, 0);
  } finally {
    await bench.close();
  }
});

test('a live query ends when nobody looks; four at once', async () => {
  const { bench, get, operator, console } = await opened();
  const leave = new AbortController();
  const until = async (open: number) => {
    const end = Date.now() + WAIT_MS;
    while (console.open !== open && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(console.open, open);
  };
  try {
    const asked = '/console/v1/live?topic=events.a&topic=outcomes&where=%20key%20==%20%22a%22';
    for (let n = 0; n < 4; n++) {
      const answer = await get(asked, operator, leave.signal);
      assert.equal(answer.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
      const { value } = await answer.body!.getReader().read();
      assert.equal(Buffer.from(value!).toString(), '{"read":0}\n');
    }
    const topics = ['events.a', 'outcomes'];
    assert.deepEqual(console.questions[0], { topics, where: ' key == "a"' });
    const fifth = await get(asked, operator);
    assert.equal(fifth.status, 429);
    await until(4);
    leave.abort();
    await until(0);
    const more = new AbortController();
    const all = '/console/v1/live?topic=events.a&where=%20';
    assert.equal((await get(all, operator, more.signal)).status, 200, 'there is room again');
    assert.deepEqual(console.questions.at(-1), { topics: ['events.a'], where: undefined });
    more.abort();
    await until(0);
  } finally {
    await bench.close();
  }
});

async function redriving() {
  const { bench, console, operator } = await opened();
  const post = (body: unknown, token?: string) =>
    fetch(`${bench.gateway.internalUrl}/console/v1/redrive`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
  return { bench, console, operator, post };
}

const FROM = 7;

test('dead letters are sent back by who may, as they ask', async () => {
  const { bench, console, operator, post } = await redriving();
  const none = { code: undefined, origin: undefined, upTo: null };
  const [from, upTo] = [FROM, '0:12,3:4'];
  const chosen = { code: 'CAR508', origin: 'events.a' };
  const both = new Map([
    [0, 12],
    [3, 4],
  ]);
  const rows: [unknown, number, object?][] = [
    [{ from }, 200, none],
    [{ from, upTo: '' }, 200, { ...none, upTo: new Map() }],
    [{ from, ...chosen, upTo }, 200, { ...chosen, upTo: both }],
    [{ from, code: 'CAR999' }, 503],
    [{}, 400],
    [{ from: '7' }, 400],
    [{ from: -1 }, 400],
    [{ from: 1.5 }, 400],
    [{ from, upTo: '0' }, 400],
    [{ from, upTo: 12 }, 400],
    [{ from, code: '' }, 400],
    [{ from, code: 'x'.repeat(65) }, 400],
    [{ from, send: true }, 400],
    [[], 400],
  ];
  try {
    const device = await bench.token('tv-1');
    const producer = await bench.token('b', 'producer');
    assert.equal((await post({ from })).status, 401);
    assert.equal((await post({ from }, device)).status, 403);
    assert.equal((await post({ from }, producer)).status, 403, 'to send is not to send back');
    assert.equal((await fetch(`${bench.gateway.url}/console/v1/redrive`)).status, 404);
    assert.deepEqual(console.redriven, []);
    for (const [body, status, question] of rows) {
      const answer = await post(body, operator);
      assert.equal(answer.status, status, JSON.stringify(body));
      if (question === undefined) continue;
      assert.deepEqual(console.redriven.at(-1), { ...question, fromMs: from, by: 'me' });
    }
  } finally {
    await bench.close();
  }
});

test('of two who send back at once the second is told so', async () => {
  const { bench, console, operator, post } = await redriving();
  try {
    let release = () => {};
    console.held = new Promise((resolve) => {
      release = resolve;
    });
    const body = { from: FROM, upTo: '0:1' };
    const both = [post(body, operator), post(body, operator)];
    const first = await Promise.race(both);
    assert.equal(first.status, 409);
    assert.equal(((await first.json()) as { code: string }).code, 'CAR734');
    release();
    assert.deepEqual((await Promise.all(both)).map(({ status }) => status).sort(), [200, 409]);
    assert.equal(console.redriven.length, 1);
    assert.equal((await post(body, operator)).status, 200, 'and another one after it');
  } finally {
    await bench.close();
  }
});
