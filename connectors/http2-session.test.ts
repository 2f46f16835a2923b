import assert from 'node:assert/strict';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { Http2Session, type SessionOptions } from './http2-session.ts';
import { localCertificate } from './local-certificate.ts';
import { type Act, Script, StandInServer } from './stand-in.ts';

const TLS = localCertificate(['localhost', '127.0.0.1'], systemClock.now());
const BODY = Buffer.from('x');

/** What a test opened, closed after it in any case: a failure must not keep the run open. */
const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** A server that does what the path says; `paths` are the good requests, in order. */
async function start(script: Readonly<Record<string, readonly Act[]>> = {}, streamsMax = 100) {
  const acts = new Script();
  for (const [path, of] of Object.entries(script)) acts.set(path, of);
  const paths: string[] = [];
  const server = new StandInServer<string>(
    TLS,
    {
      check: ({ path }) => ({ checked: path }),
      script: (path) => {
        paths.push(path);
        return acts.next(path);
      },
      accept: (path) => ({ act: 'answer', status: 200, body: path }),
    },
    0,
    streamsMax,
  );
  await server.listen();
  opened.push(server);
  return { server, paths };
}

function open(authority: string, over: Partial<SessionOptions> = {}): Http2Session {
  const session = new Http2Session({
    authority,
    ca: TLS.cert,
    streamsMax: 100,
    waitingMax: 100,
    requestTimeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    pingEveryMs: 60_000,
    ...over,
  });
  opened.push(session);
  return session;
}

const ask = (session: Http2Session, path: string) =>
  session.request({ ':method': 'POST', ':path': path }, BODY);

test('GOAWAY: what is above the last stream is sent again, what is at it is answered', async () => {
  const { server, paths } = await start({ '/2': [{ act: 'goaway', processed: false }] });
  const session = open(server.url);
  const answers = await Promise.all(['/1', '/2', '/3'].map((path) => ask(session, path)));
  assert.deepEqual(
    answers.map((answer) => (answer.kind === 'answer' ? answer.body : answer)),
    ['"/1"', '"/2"', '"/3"'],
  );
  assert.equal(server.connections, 2);
  assert.equal(paths.filter((path) => path === '/1').length, 1);
  await session.close();
  await server.close();
});

test('GOAWAY that names the stream as processed: it is answered on the old connection', async () => {
  const { server, paths } = await start({ '/1': [{ act: 'goaway', processed: true }] });
  const session = open(server.url);
  assert.equal((await ask(session, '/1')).kind, 'answer');
  assert.equal((await ask(session, '/2')).kind, 'answer');
  assert.equal(server.connections, 2);
  assert.deepEqual(paths, ['/1', '/2']);
  await session.close();
  await server.close();
});

test('a cut connection: streams under way are ambiguous, the next request opens another', async () => {
  const { server } = await start({ '/cut': [{ act: 'cut' }], '/silent': [{ act: 'silent' }] });
  const session = open(server.url);
  const lost = await Promise.all([ask(session, '/silent'), ask(session, '/cut')]);
  for (const answer of lost) assert.ok(answer.kind === 'lost' && answer.ambiguous);
  assert.equal((await ask(session, '/1')).kind, 'answer');
  assert.equal(session.connects, 2);
  await session.close();
  await server.close();
});

test('a time-out is ambiguous once it is sent; its stream is free for others', async () => {
  const { server } = await start({ '/silent': [{ act: 'silent' }] }, 1);
  const session = open(server.url, { requestTimeoutMs: 200 });
  const answer = await ask(session, '/silent');
  assert.ok(answer.kind === 'lost' && answer.why === 'timeout' && answer.ambiguous);
  assert.equal((await ask(session, '/1')).kind, 'answer');
  assert.equal(session.connects, 1);
  await session.close();
  await server.close();
});

test("streams are bounded by the server's limit, and waiting requests by ours", async () => {
  const slow: Act = { act: 'slow', ms: 30 };
  const { server } = await start({ '/1': [slow, slow, slow, slow, slow, slow] }, 2);
  const session = open(server.url, { waitingMax: 4 });
  // None has a stream before the connection is open, so the fifth finds four waiting.
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(session, '/1')));
  assert.deepEqual(
    answers.map((answer) => (answer.kind === 'lost' ? answer.why : answer.status)),
    [200, 200, 200, 200, 'crowded'],
  );
  assert.equal(server.openMost, 2);
  await session.close();
  await server.close();
});

test('nobody there: not ambiguous, and not hammered', async () => {
  const { server } = await start();
  await server.close();
  const session = open(server.url);
  const first = await ask(session, '/1');
  assert.deepEqual(first, {
    kind: 'lost',
    why: 'unreachable',
    ambiguous: false,
    detail: 'ECONNREFUSED',
  });
  for (let n = 0; n < 20; n++) assert.equal((await ask(session, '/1')).kind, 'lost');
  assert.equal(session.connects, 1);
  await session.close();
});

test('a certificate that is not trusted is told by its code', async () => {
  const { server } = await start();
  const session = open(server.url, { ca: localCertificate(['x'], systemClock.now()).cert });
  const answer = await ask(session, '/1');
  assert.ok(answer.kind === 'lost' && answer.why === 'unreachable');
  assert.equal(answer.detail, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  await session.close();
  await server.close();
});

for (const [what, over, why] of [
  ['a connect time-out', { connectTimeoutMs: 100 }, 'unreachable'],
  ['a time-out that is not ambiguous', { requestTimeoutMs: 100 }, 'timeout'],
] as const) {
  test(`a server that takes the connection and says nothing: ${what}`, async () => {
    const mute = createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const session = open(`https://localhost:${port}`, over);
    const answer = await ask(session, '/1');
    assert.ok(answer.kind === 'lost' && answer.why === why && !answer.ambiguous);
    await session.close();
    // Only when the socket was really given back does this end.
    await new Promise((resolve) => mute.close(resolve));
  });
}

test('a ping that stays unanswered breaks the line', async () => {
  const { server } = await start({ '/silent': [{ act: 'silent' }] });
  const relay = await startRelay(server.url);
  const session = open(relay.url, { pingEveryMs: 50, requestTimeoutMs: 5_000 });
  assert.equal((await ask(session, '/1')).kind, 'answer');
  relay.freeze();
  const answer = await ask(session, '/2');
  assert.deepEqual(answer, {
    kind: 'lost',
    why: 'cut',
    ambiguous: true,
    detail: 'ping unanswered',
  });
  await session.close();
  await relay.close();
  await server.close();
});

/** A connection through here can be frozen: open, and nothing passes, as behind a dead router. */
async function startRelay(to: string) {
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connectTo(Number(new URL(to).port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(relay.address() as { port: number }).port}`,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}

test('a closed session takes nothing more', async () => {
  const { server } = await start();
  const session = open(server.url);
  const under = ask(session, '/1');
  await session.close();
  assert.equal((await under).kind, 'lost');
  assert.deepEqual(await ask(session, '/2'), {
    kind: 'lost',
    why: 'closed',
    ambiguous: false,
    detail: '',
  });
  await server.close();
});
