/** The inbox on a real Cassandra: the contract, and what only a real server shows. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'cassandra-driver';
import { openCassandraInbox } from '../../connectors/cassandra/inbox.ts';
import type { CassandraSettings } from '../../connectors/cassandra/settings.ts';
import { HandClock } from '../../core/clock.ts';
import { add, emptyCursor, formatCursor } from '../../core/cursor.ts';
import { CarillonError } from '../../core/error.ts';
import type { InboxStore } from '../../core/inbox.ts';
import { INBOX_START_MS, inboxContract, inboxNotification, inboxRow } from '../contract/inbox.ts';
import { type CassandraServer, startCassandra } from '../kit/servers.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';

const run = promisify(execFile);
const skip = await clusterSkip();

/** A keyspace of this run's own: the ring's Cassandra is shared. */
const KEYSPACE = `inbox_${process.pid}_${Date.now().toString(36)}`;
const ALL = [0, 0, 0, 0];

let shared: SharedServers;
let settings: CassandraSettings;

before(async () => {
  if (skip !== false) return;
  shared = await sharedServers(['cassandra']);
  settings = { ...shared.cassandra, keyspace: KEYSPACE };
});

after(async () => {
  await shared?.stop();
});

inboxContract(
  'Cassandra',
  async () => {
    const clock = new HandClock(INBOX_START_MS);
    const open = () => openCassandraInbox(settings, clock);
    return { store: await open(), reopen: open };
  },
  { skip },
);

/** Asks until the answer is `expected`, for at most ten seconds. */
async function until<T>(ask: () => Promise<T>, expected: T): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    if (JSON.stringify(await ask()) === JSON.stringify(expected)) return;
    await wait(100);
  }
  assert.deepEqual(await ask(), expected);
}

async function codeOf(promise: Promise<unknown>): Promise<CarillonError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof CarillonError, String(error));
    return error;
  }
  return assert.fail('it did not fail');
}

describe('the inbox on a real Cassandra', { skip }, () => {
  let store: InboxStore;
  const clock = new HandClock(INBOX_START_MS);

  before(async () => {
    store = await openCassandraInbox(settings, clock);
  });
  after(async () => {
    await store?.close();
  });

  const sequences = async (deviceId: string) =>
    (await store.read(deviceId, 1, ALL, 100)).map((one) => one.sequence);

  test('a row is gone after its time to live, its neighbour stays', async () => {
    const nowMs = clock.now();
    await store.write([
      { notification: inboxNotification('ttl', 1, 'high', 1), expiresAt: nowMs + 2_000 },
      { notification: inboxNotification('ttl', 1, 'high', 2), expiresAt: nowMs + 600_000 },
    ]);
    assert.deepEqual(await sequences('ttl'), [1, 2]);
    await until(() => sequences('ttl'), [2]);
  });

  test('a far end and one that has passed are both written', async () => {
    const outcomes = await store.write([
      { notification: inboxNotification('ends', 1, 'high', 1), expiresAt: 8.64e15 },
      { notification: inboxNotification('ends', 1, 'high', 2), expiresAt: 0 },
    ]);
    assert.deepEqual(
      outcomes.map((one) => one.kind),
      ['delivered', 'delivered'],
    );
    await until(() => sequences('ends'), [1]);
  });

  test('one bad row of a batch is refused alone, as dead letter', async () => {
    const bad = inboxNotification('bad-row', 1, 'high', 2, { count: 'two' as unknown as number });
    const good = [1, 3].map((n) => inboxNotification('bad-row', 1, 'high', n));
    const outcomes = await store.write([good[0]!, bad, good[1]!].map(inboxRow));
    assert.deepEqual(
      outcomes.map((one) => one.kind),
      ['delivered', 'rejected', 'delivered'],
    );
    assert.equal((outcomes[1] as { deadLetter?: boolean }).deadLetter, true);
    assert.deepEqual(await sequences('bad-row'), [1, 3]);
  });

  test('a payload over the size of a request is refused, and the next row works', async () => {
    const payload = Buffer.alloc(17 * 1024 * 1024);
    const huge = inboxNotification('huge', 1, 'high', 1, { payload });
    const [outcome] = await store.write([inboxRow(huge)]);
    assert.notEqual(outcome!.kind, 'delivered');
    await store.write([inboxRow(inboxNotification('huge', 1, 'high', 2))]);
    assert.deepEqual(await sequences('huge'), [2]);
  });

  test('10,000 rows of 500 devices in one call', async () => {
    const rows = Array.from({ length: 10_000 }, (_, n) =>
      inboxRow(inboxNotification(`bulk-${n % 500}`, 1, 'normal', 1 + Math.floor(n / 500))),
    );
    const outcomes = await store.write(rows);
    assert.equal(outcomes.filter((one) => one.kind === 'delivered').length, 10_000);
    assert.equal((await sequences('bulk-499')).length, 20);
  });

  test('acknowledgements of several processes are merged, and many rows are folded', async () => {
    const others = await Promise.all(
      Array.from({ length: 5 }, () => openCassandraInbox(settings, clock)),
    );
    const client = new Client({
      contactPoints: [...settings.contactPoints],
      protocolOptions: { port: settings.port ?? 9042 },
      localDataCenter: settings.localDataCenter,
      keyspace: settings.keyspace,
    });
    try {
      const cursorOf = (...sequences: readonly number[]) => {
        const cursor = emptyCursor(1);
        for (const sequence of sequences) add(cursor, 2, sequence);
        return formatCursor(cursor);
      };
      await Promise.all(others.map((one, i) => one.acknowledge('many', 1, cursorOf(i + 1))));
      const rows = async () => {
        const query = "SELECT writer FROM acknowledged_by WHERE device_id = 'many' AND epoch = 1";
        return (await client.execute(query)).rowLength;
      };
      assert.equal(await rows(), 5);
      assert.equal(await store.acknowledged('many', 1), cursorOf(1, 2, 3, 4, 5));
      await until(rows, 1);
      // A process whose row was folded away goes on in it, and loses nothing.
      await others[0]!.acknowledge('many', 1, cursorOf(9));
      assert.equal(await store.acknowledged('many', 1), cursorOf(1, 2, 3, 4, 5, 9));
    } finally {
      await client.shutdown();
      for (const one of others) await one.close();
    }
  });

  test('CAR622: tables that are missing and may not be made', async () => {
    const error = await codeOf(
      openCassandraInbox({ ...settings, keyspace: 'not_there', create: false }, clock),
    );
    assert.equal(error.code, 'CAR622');
  });

  test('create: false works where the tables are', async () => {
    const again = await openCassandraInbox({ ...settings, create: false }, clock);
    await again.probe();
    await again.close();
  });

  test('a keyspace that was dropped: reads are CAR624, rows are refused', async () => {
    const keyspace = `${KEYSPACE}_gone`;
    const doomed = await openCassandraInbox({ ...settings, keyspace }, clock);
    const { contactPoints, port, localDataCenter } = shared.cassandra;
    const client = new Client({
      contactPoints: [...contactPoints],
      localDataCenter,
      protocolOptions: { port },
    });
    await client.execute(`DROP KEYSPACE ${keyspace}`, [], { readTimeout: 20_000 });
    await client.shutdown();
    const error = await codeOf(doomed.read('d', 1, ALL, 1));
    const [outcome] = await doomed.write([inboxRow(inboxNotification('d', 1, 'high', 1))]);
    await doomed.close();
    assert.equal(error.code, 'CAR624');
    assert.equal(error.retryable, false);
    assert.equal(outcome!.kind, 'rejected');
  });

  test('CAR621: a wrong data centre is one clear error, and the process ends', async () => {
    const script = `
      const { openCassandraInbox } = await import(${JSON.stringify(moduleUrl('inbox.ts'))});
      const settings = ${JSON.stringify({ ...settings, localDataCenter: 'dc-x' })};
      await openCassandraInbox(settings, { now: () => 0 }).catch((error) => {
        console.log(error.code + ' ' + error.what);
      });`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
    });
    assert.equal(
      stdout.trim(),
      'CAR621 cassandra: the ring has no data centre "dc-x", only datacenter1',
    );
  });

  test('CAR620: nobody answers; the error is retryable, without a stack, and the process ends', async () => {
    const script = `
      const { openCassandraInbox } = await import(${JSON.stringify(moduleUrl('inbox.ts'))});
      const settings = ${JSON.stringify({ ...settings, port: 1 })};
      await openCassandraInbox(settings, { now: () => 0 }).catch((error) => {
        console.log(error.code + ' ' + error.retryable + ' ' + error.what);
      });`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
    });
    assert.match(stdout, /^CAR620 true cassandra at 127\.0\.0\.1:1 does not answer: [^\n]*\n$/);
    assert.doesNotMatch(stdout, /at .*\.js/);
  });
});

describe('the inbox while Cassandra stalls and dies', { skip }, () => {
  let server: CassandraServer;
  let store: InboxStore;
  let closedWhileAway: InboxStore;
  const clock = new HandClock(INBOX_START_MS);

  before(async () => {
    server = await startCassandra();
    const { contactPoints, port, localDataCenter } = server;
    const away = {
      contactPoints,
      port,
      localDataCenter,
      keyspace: 'away',
      requestTimeoutMs: 1_000,
    };
    store = await openCassandraInbox(away, clock);
    closedWhileAway = await openCassandraInbox(away, clock);
  });
  // Both closes have to let this process end: one after a reconnect, the other while nobody
  // answers.
  after(async () => {
    await server?.resume();
    await store?.close();
    await server?.stop();
    await closedWhileAway?.close();
  });

  const writeOne = async (sequence: number) =>
    (await store.write([inboxRow(inboxNotification('away', 1, 'high', sequence))]))[0]!;
  const kindOf = async (sequence: number) => (await writeOne(sequence)).kind;

  test('no reply: ambiguous retry for a row, CAR623 for a read; then it works again', async () => {
    await until(() => kindOf(1), 'delivered');
    await server.pause();
    const outcome = await writeOne(2);
    const error = await codeOf(store.read('away', 1, ALL, 10));
    await server.resume();
    assert.equal(outcome.kind, 'retry');
    assert.equal((outcome as { ambiguous?: boolean }).ambiguous, true);
    assert.equal((outcome as { scope?: string }).scope, 'lane');
    assert.equal(error.code, 'CAR623');
    assert.equal(error.retryable, true);
    await until(() => kindOf(2), 'delivered');
  });

  test('kill -9: retry while it is away, nothing acknowledged is lost, then it works again', async () => {
    await until(() => kindOf(3), 'delivered');
    await server.kill();
    const away = await writeOne(4);
    assert.equal(away.kind, 'retry');
    const probe = await codeOf(store.probe());
    assert.equal(probe.code, 'CAR623');
    await server.restart();
    await until(() => kindOf(4), 'delivered');
    const found = await store.read('away', 1, ALL, 10);
    assert.deepEqual(
      found.map((one) => one.sequence),
      [1, 2, 3, 4],
    );
  });
});

function moduleUrl(name: string): string {
  return new URL(`../../connectors/cassandra/${name}`, import.meta.url).href;
}
