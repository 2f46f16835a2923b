import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { VirtualTime } from '../../../test/kit/virtual-time.ts';
import type { Api } from './api.ts';
import { ConnectionPool, type PoolOptions } from './connection-pool.ts';
import { type BrokerError, ConnectionLost } from './errors.ts';
import { RequestWriter } from './request-writer.ts';
import { ResponseReader } from './response-reader.ts';

const ECHO_KEY = 999;
const API_VERSIONS_KEY = 18;
const SASL_HANDSHAKE_KEY = 17;
const SASL_AUTHENTICATE_KEY = 36;
const CLIENT = 'test';

/** What is sent comes back, with the version and what the broker asks to wait. */
const ECHO: Api<string, { text: string; version: number; throttleMs: number }> = {
  key: ECHO_KEY,
  name: 'Echo',
  min: 2,
  max: 5,
  write: (writer, text) => void writer.text(text).tags(),
  read(reader, version) {
    const throttleMs = reader.int32();
    const text = reader.text();
    reader.tags();
    return { text, version, throttleMs };
  },
};

const OLD: Api<string, unknown> = { ...ECHO, name: 'Old', min: 9, max: 12 };

interface Asked {
  readonly socket: Socket;
  readonly correlation: number;
  readonly text: string;
}

/** A broker on a local socket that knows ApiVersions and Echo, and answers as the test wishes. */
class Broker {
  readonly server: Server;
  readonly sockets = new Set<Socket>();
  versions: readonly [number, number] = [0, 4];
  connections = 0;
  onEcho: (asked: Asked) => void = (asked) => this.answer(asked);
  onVersions: (asked: Asked) => void = (asked) => this.#tellVersions(asked);

  constructor() {
    this.server = createServer({ noDelay: true }, (socket) => {
      this.connections++;
      this.sockets.add(socket);
      let bytes: Buffer = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk]);
        while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
          const size = bytes.readInt32BE(0);
          this.#take(socket, bytes.subarray(4, 4 + size));
          bytes = bytes.subarray(4 + size);
        }
      });
    });
  }

  #take(socket: Socket, bytes: Buffer): void {
    const reader = new ResponseReader(bytes);
    const key = reader.int16();
    const version = reader.int16();
    const correlation = reader.int32();
    assert.equal(reader.shortText(), CLIENT);
    if (key !== ECHO_KEY && version < 3) {
      this.#takeSasl(socket, key, correlation, reader);
      return;
    }
    reader.tags();
    const asked = { socket, correlation, text: reader.text() };
    if (key === API_VERSIONS_KEY) this.onVersions(asked);
    else this.onEcho(asked);
  }

  /** The library's part, in the encoding from before tagged fields. */
  #takeSasl(socket: Socket, key: number, correlation: number, reader: ResponseReader): void {
    const body = new RequestWriter().int32(correlation).int16(0);
    if (key === API_VERSIONS_KEY) {
      body.int32(1).int16(SASL_AUTHENTICATE_KEY).int16(0).int16(1).int32(0);
    } else if (key === SASL_HANDSHAKE_KEY) {
      body.int32(1).shortText(reader.shortText());
    } else {
      const said = reader.raw(reader.int32()).toString();
      const isRight = said === '\0user\0right';
      const answer = new RequestWriter().int32(correlation).int16(isRight ? 0 : 58);
      send(socket, answer.int16(-1).int32(0).int64(0));
      return;
    }
    send(socket, body);
  }

  answer({ socket, correlation, text }: Asked, throttleMs = 0): void {
    const body = new RequestWriter().int32(correlation).tags();
    send(socket, body.int32(throttleMs).text(text).tags());
  }

  #tellVersions({ socket, correlation }: Asked): void {
    const body = new RequestWriter().int32(correlation).int16(0);
    const [min, max] = this.versions;
    body.list([ECHO_KEY], (key) => body.int16(key).int16(min).int16(max).tags());
    send(socket, body.int32(0).tags());
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function send(socket: Socket, body: RequestWriter): void {
  const bytes = Buffer.concat(body.done());
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  // In two pieces, as networks do.
  socket.write(Buffer.concat([size, bytes.subarray(0, 3)]));
  socket.write(bytes.subarray(3));
}

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function setUp(over: Partial<PoolOptions> = {}, count = 1) {
  const brokers = Array.from({ length: count }, () => new Broker());
  const addresses = await Promise.all(brokers.map((broker) => broker.listen()));
  const options = { brokers: addresses, clientId: CLIENT, connectTimeoutMs: 30_000, ...over };
  const pool = new ConnectionPool(options);
  closing.push(...brokers.map((broker) => () => broker.close()), () => pool.close());
  return { pool, brokers, broker: brokers[0]!, addresses };
}

const isLost = (error: unknown) => error instanceof ConnectionLost && error.retriable;

test('many requests on one connection, in the newest version that both speak', async () => {
  const { pool, broker } = await setUp();
  const texts = Array.from({ length: 50 }, (_, i) => `text ${i} ${'x'.repeat(i * 100)}`);
  const answers = await Promise.all(texts.map((text) => pool.request(null, 'ask', ECHO, text)));
  assert.deepEqual(
    answers.map(({ text, version }) => [text, version]),
    texts.map((text) => [text, 4]),
  );
  assert.equal(broker.connections, 1);
});

test('each purpose has a connection of its own: one that waits holds up no other', async () => {
  const { pool, broker } = await setUp();
  let held: Asked | null = null;
  broker.onEcho = (asked) => {
    if (asked.text === 'slow') held = asked;
    else broker.answer(asked);
  };
  const slow = pool.request(null, 'fetch', ECHO, 'slow');
  assert.equal((await pool.request(null, 'ask', ECHO, 'quick')).text, 'quick');
  broker.answer(held!);
  assert.equal((await slow).text, 'slow');
  assert.equal(broker.connections, 2);
});

test('an api that the broker does not speak, or only in versions that we do not', async () => {
  const { pool, broker } = await setUp();
  await assert.rejects(
    pool.request(null, 'ask', OLD, 'x'),
    (error: BrokerError) => error.type === 'UNSUPPORTED_VERSION' && !error.retriable,
  );
  assert.equal((await pool.request(null, 'ask', ECHO, 'still there')).text, 'still there');
  assert.equal(broker.connections, 1);
});

test('no answer in time: lost, with all that was under way; the next request connects anew', async (t) => {
  const time = new VirtualTime(t);
  const { pool, broker } = await setUp();
  let asked = 0;
  const both = new Promise<void>((resolve) => {
    broker.onEcho = () => {
      if (++asked === 2) resolve();
    };
  });
  let ended = 0;
  const requests = [
    pool.request(null, 'ask', ECHO, 'a', 20),
    pool.request(null, 'ask', ECHO, 'b', 5_000),
  ].map((request) => request.finally(() => ended++));
  const results = Promise.allSettled(requests);
  await both;
  await time.advance(19);
  assert.equal(ended, 0);
  await time.advance(1);
  for (const one of await results) assert.ok(one.status === 'rejected' && isLost(one.reason));
  broker.onEcho = (asked) => broker.answer(asked);
  assert.equal((await pool.request(null, 'ask', ECHO, 'c')).text, 'c');
  assert.equal(broker.connections, 2);
});

test('a connection that is cut: what was under way is lost, the next request connects anew', async () => {
  const { pool, broker } = await setUp();
  broker.onEcho = () => broker.cut();
  await assert.rejects(pool.request(null, 'ask', ECHO, 'a'), isLost);
  broker.onEcho = (asked) => broker.answer(asked);
  assert.equal((await pool.request(null, 'ask', ECHO, 'b')).text, 'b');
});

test('an answer that is no answer is a lost connection, not a crash', async () => {
  const { pool, broker } = await setUp();
  broker.onEcho = ({ socket, correlation }) => {
    send(socket, new RequestWriter().int32(correlation).tags().int32(0).uvarint(9_999));
  };
  await assert.rejects(pool.request(null, 'ask', ECHO, 'a'), isLost);
});

test('a broker that accepts and says nothing is given up after the connect time-out', async (t) => {
  const time = new VirtualTime(t);
  const { pool, broker } = await setUp({ connectTimeoutMs: 30 });
  const asked = new Promise<void>((resolve) => {
    broker.onVersions = () => resolve();
  });
  let isOver = false;
  const request = pool.request(null, 'ask', ECHO, 'a');
  const lost = assert.rejects(request, isLost).finally(() => {
    isOver = true;
  });
  await asked;
  await time.advance(29);
  assert.ok(!isOver);
  await time.advance(1);
  await lost;
});

test('asked to wait, the next request of the connection waits (KIP-219)', async (t) => {
  const time = new VirtualTime(t);
  const { pool, broker } = await setUp();
  broker.onEcho = (asked) => broker.answer(asked, asked.text === 'a' ? 60 : 0);
  await pool.request(null, 'ask', ECHO, 'a');
  const asked: string[] = [];
  broker.onEcho = (of) => {
    asked.push(of.text);
    broker.answer(of);
  };
  const waiting = pool.request(null, 'ask', ECHO, 'b');
  // Another connection: once it has its answer, this one would have been asked too.
  await pool.request(null, 'group', ECHO, 'c');
  await time.advance(59);
  assert.deepEqual(asked, ['c']);
  await time.advance(1);
  await waiting;
  assert.deepEqual(asked, ['c', 'b']);
});

test('any broker: the next one is asked when one is away, then that one first', async () => {
  const { pool, brokers } = await setUp({}, 3);
  await brokers[0]!.close();
  assert.equal((await pool.request(null, 'ask', ECHO, 'a')).text, 'a');
  assert.equal((await pool.request(null, 'ask', ECHO, 'b')).text, 'b');
  assert.deepEqual(
    brokers.map(({ connections }) => connections),
    [0, 1, 0],
  );
  await Promise.all(brokers.slice(1).map((broker) => broker.close()));
  await assert.rejects(pool.request(null, 'ask', ECHO, 'c'), isLost);
});

test('brokers are asked by their ids once metadata has told where they are', async () => {
  const { pool, addresses } = await setUp({}, 2);
  await assert.rejects(pool.request(7, 'ask', ECHO, 'a'), isLost);
  const port = Number(addresses[1]!.split(':')[1]);
  pool.setBrokers(new Map([[7, { host: '127.0.0.1', port }]]));
  assert.equal((await pool.request(7, 'ask', ECHO, 'b')).text, 'b');
});

test('a broker that metadata no longer tells of: what waits for it is lost at once', async () => {
  const { pool, brokers, addresses } = await setUp({}, 2);
  const [gone, stays] = addresses.map((address) => {
    return { host: '127.0.0.1', port: Number(address.split(':')[1]) };
  });
  pool.setBrokers(
    new Map([
      [1, gone!],
      [2, stays!],
    ]),
  );
  const asked = new Promise<void>((resolve) => {
    brokers[0]!.onEcho = () => resolve();
  });
  const waiting = pool.request(1, 'produce', ECHO, 'a');
  await asked;
  pool.setBrokers(new Map([[2, stays!]]));
  await assert.rejects(waiting, isLost);
  await assert.rejects(pool.request(1, 'produce', ECHO, 'b'), isLost);
  assert.equal((await pool.request(2, 'produce', ECHO, 'c')).text, 'c');
});

test('dropped: what waits on that connection is lost, what waits on another is not', async () => {
  const { pool, broker, addresses } = await setUp();
  const port = Number(addresses[0]!.split(':')[1]);
  pool.setBrokers(new Map([[1, { host: '127.0.0.1', port }]]));
  const held: Asked[] = [];
  const both = new Promise<void>((resolve) => {
    broker.onEcho = (asked) => {
      held.push(asked);
      if (held.length === 2) resolve();
    };
  });
  const [join, fetch] = [
    pool.request(1, 'join g', ECHO, 'join'),
    pool.request(1, 'fetch', ECHO, 'fetch'),
  ];
  await both;
  pool.drop(1, 'join g');
  await assert.rejects(join, isLost);
  for (const asked of held) broker.answer(asked);
  assert.equal((await fetch).text, 'fetch');
});

test('closed: what is under way is lost, nothing can be asked, no timer holds the process', async () => {
  const { pool, broker } = await setUp();
  const asked = new Promise<void>((resolve) => {
    broker.onEcho = () => resolve();
  });
  const waiting = pool.request(null, 'ask', ECHO, 'a');
  await asked;
  pool.close();
  await assert.rejects(waiting, isLost);
  await assert.rejects(pool.request(null, 'ask', ECHO, 'b'), ConnectionLost);
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
  assert.deepEqual(timers, []);
});

test('credentials: the right ones connect, the wrong ones are refused for good', async () => {
  const sasl = { mechanism: 'PLAIN', username: 'user', password: 'right' } as const;
  const right = await setUp({ sasl });
  assert.equal((await right.pool.request(null, 'ask', ECHO, 'a')).text, 'a');
  const wrong = await setUp({ sasl: { ...sasl, password: 'wrong' } });
  await assert.rejects(wrong.pool.request(null, 'ask', ECHO, 'a'), (error: BrokerError) => {
    return error.type === 'SASL_AUTHENTICATION_FAILED' && !error.retriable;
  });
});
