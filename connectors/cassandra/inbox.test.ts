/**
 * What the inbox asks of the driver, and what it makes of the answers, on a stand-in of the client;
 * whether Cassandra takes the statements is asked of it by the inbox contract (test/cluster).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, errors, types } from 'cassandra-driver';
import { HandClock } from '../../core/clock.ts';
import type { InboxRow } from '../../core/inbox.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { inboxNotification, inboxRow } from '../../test/contract/inbox.ts';
import { CassandraInbox } from './inbox.ts';
import { checkSettings } from './settings.ts';
import { statements } from './tables.ts';

const START_MS = Date.UTC(2026, 0, 1);
const DAY_S = 86_400;
const CQL = statements('inboxes');
const ACKNOWLEDGEMENT_PAGE = 1_000;

interface Asked {
  readonly query: string;
  readonly params: readonly unknown[];
  readonly fetchSize?: number | undefined;
}

/** `answer` gives the rows of a query, or throws. */
class StandIn {
  readonly asked: Asked[] = [];
  readonly batches: (readonly Asked[])[] = [];
  readonly options: unknown[] = [];
  closed = 0;
  readonly #answer: (asked: readonly Asked[]) => readonly object[] | undefined;

  constructor(answer: (asked: readonly Asked[]) => readonly object[] | undefined) {
    this.#answer = answer;
  }

  async execute(query: string, params: unknown[], options?: { readonly fetchSize: number }) {
    const one = { query, params, fetchSize: options?.fetchSize };
    this.asked.push(one);
    const rows = this.#answer([one]);
    return { rows: rows?.map((row) => ({ get: (name: string) => Reflect.get(row, name) })) };
  }

  async batch(asked: readonly Asked[], options: unknown) {
    this.batches.push(asked);
    this.options.push(options);
    this.#answer(asked);
  }

  async shutdown() {
    this.closed++;
  }
}

function opened(answer: (asked: readonly Asked[]) => readonly object[] | undefined = () => []) {
  const client = new StandIn(answer);
  const settings = checkSettings({
    contactPoints: ['a'],
    localDataCenter: 'dc1',
    keyspace: 'inboxes',
  });
  const clock = new HandClock(START_MS);
  return {
    client,
    inbox: new CassandraInbox(client as unknown as Client, settings, clock, RENO_PRIORITIES),
  };
}

const paramsOf = (priority: number, sequence: number, ttl: number, changes: object = {}) => {
  const told = inboxNotification('d-1', 3, RENO_PRIORITIES.nameOf(priority), sequence, changes);
  return [
    ...['d-1', 3, priority, sequence, told.id, sequence - 1, 'va', told.deadline],
    ...[told.collapseKey ?? types.unset, 2, told.born, 7, told.payload, ttl],
  ];
};
const rowOf = (sequence: number, changes: object = {}) =>
  inboxRow(inboxNotification('d-1', 3, 'high', sequence, changes));

const lives: readonly (readonly [what: string, expiresAt: number, seconds: number])[] = [
  ['a day', START_MS + DAY_S * 1_000, DAY_S],
  ['a part of a second is a whole one', START_MS + 1_001, 2],
  ['a second', START_MS + 1_000, 1],
  ['what is late is gone at once, not kept for ever', START_MS, 1],
  ['what is long past', START_MS - 5_000, 1],
  ['no longer than ten years', START_MS + 20 * 365 * DAY_S * 1_000, 10 * 365 * DAY_S],
];
for (const [what, expiresAt, seconds] of lives) {
  test(`one row is one insert, and lives: ${what}`, async () => {
    const { client, inbox } = opened();
    const outcomes = await inbox.write([{ ...rowOf(4), expiresAt }]);
    assert.deepEqual(outcomes, [{ kind: 'delivered' }]);
    assert.deepEqual(client.asked, [
      { query: CQL.insert, params: paramsOf(1, 4, seconds), fetchSize: undefined },
    ]);
  });
}

test('a row without a collapse key leaves no tombstone', async () => {
  const { client, inbox } = opened();
  await inbox.write([rowOf(4, { collapseKey: null })]);
  assert.deepEqual(client.asked[0]!.params, paramsOf(1, 4, DAY_S, { collapseKey: null }));
});

const bytes = (size: number) => ({ payload: Buffer.alloc(size) });
const many = (n: number, changes: object = {}) =>
  Array.from({ length: n }, (_, i) => rowOf(i + 1, changes));
const other = (deviceId: string, epoch: number) =>
  inboxRow(inboxNotification(deviceId, epoch, 'high', 1));
const batched: readonly (readonly [
  what: string,
  rows: readonly InboxRow[],
  alone: number,
  batches: readonly number[],
])[] = [
  ['none', [], 0, []],
  ['rows of one device go together', many(2), 0, [2]],
  ['fifty', many(50), 0, [50]],
  ['one more than fifty', many(51), 1, [50]],
  ['a quarter of a mebibyte', many(2, bytes(128 * 1024)), 0, [2]],
  ['more than that', many(3, bytes(128 * 1024)), 1, [2]],
  ['one that is larger, alone', many(2, bytes(300 * 1024)), 2, []],
  ['devices and epochs apart', [other('d-1', 3), other('d-2', 3), other('d-1', 4)], 3, []],
  ['in turns', [rowOf(1), other('d-2', 3), rowOf(2)], 1, [2]],
];
for (const [what, rows, alone, batches] of batched) {
  test(`what is written at once: ${what}`, async () => {
    const { client, inbox } = opened();
    const outcomes = await inbox.write(rows);
    assert.deepEqual(
      [client.asked.length, client.batches.map((one) => one.length)],
      [alone, batches],
    );
    assert.deepEqual(
      outcomes,
      rows.map(() => ({ kind: 'delivered' })),
    );
    for (const options of client.options) {
      assert.deepEqual(options, { prepare: true, logged: false });
    }
  });
}

const REFUSED = new errors.ResponseError(0x2200, 'too large');
const LOST = new errors.OperationTimedOutError('no reply', 'a:1');
const REJECTED = {
  kind: 'rejected',
  reason: 'cassandra: invalid request: too large',
  deadLetter: true,
};
const AGAIN = { kind: 'retry', why: 'cassandra: no reply in time', ambiguous: true, scope: 'lane' };

test('a row that is refused takes no neighbour along', async () => {
  const { client, inbox } = opened((asked) => {
    if (asked.some(({ params }) => params[3] === 2)) throw REFUSED;
    return [];
  });
  assert.deepEqual(await inbox.write(many(3)), [
    { kind: 'delivered' },
    REJECTED,
    { kind: 'delivered' },
  ]);
  assert.deepEqual([client.batches.length, client.asked.length], [1, 3]);
});

test('what may have been written is tried again as a whole, not row by row', async () => {
  const { client, inbox } = opened(() => {
    throw LOST;
  });
  assert.deepEqual(await inbox.write(many(2)), [AGAIN, AGAIN]);
  assert.deepEqual([client.batches.length, client.asked.length], [1, 0]);
});

const stored = (priority: number, sequence: number) => {
  const told = inboxNotification('d-1', 3, RENO_PRIORITIES.nameOf(priority), sequence);
  return {
    ...{ id: told.id, sequence, previous: told.previous, use_case: 'va', priority },
    ...{ deadline: types.Long.fromNumber(told.deadline), collapse_key: told.collapseKey },
    ...{ count: told.count, born: types.Long.fromNumber(told.born) },
    ...{ payload_schema_id: told.payloadSchemaId, payload: told.payload },
  };
};
const SEQUENCE_MAX = 2 ** 31 - 1;
const all = (limit: number): Asked => ({
  ...{ query: CQL.readAll, params: ['d-1', 3, limit], fetchSize: limit },
});
const above = (priority: number, mark: number, limit: number): Asked => ({
  ...{ query: CQL.readAbove, params: ['d-1', 3, priority, mark, limit], fetchSize: limit },
});
const reads: readonly (readonly [
  what: string,
  marks: readonly number[],
  limit: number,
  asked: readonly Asked[],
])[] = [
  ['nothing', [], 0, []],
  ['the whole of a device that has nothing yet', [], 10, [all(10)]],
  ['the same with marks', [0, 0, 0, 0], 10, [all(10)]],
  ['no more than a page', [], 9_000, [all(5_000)]],
  ['what is above a mark', [0, 7, 0, 0], 2, [0, 7, 0, 0].map((mark, p) => above(p, mark, 2))],
  ['marks that are not said', [0, 7], 2, [0, 7, 0, 0].map((mark, p) => above(p, mark, 2))],
  [
    'nothing can be above the last number',
    [SEQUENCE_MAX, SEQUENCE_MAX - 1, SEQUENCE_MAX, 0],
    2,
    [above(1, SEQUENCE_MAX - 1, 2), above(3, 0, 2)],
  ],
];
for (const [what, marks, limit, asked] of reads) {
  test(`read: ${what}`, async () => {
    const { client, inbox } = opened(([one]) => {
      const [, , priority] = one!.params as readonly number[];
      return one!.query === CQL.readAll ? [stored(0, 1), stored(2, 5)] : [stored(priority!, 9)];
    });
    const rows = await inbox.read('d-1', 3, marks, limit);
    assert.deepEqual(client.asked, asked);
    const told = (priority: number, sequence: number) =>
      inboxNotification('d-1', 3, RENO_PRIORITIES.nameOf(priority), sequence);
    const expected = asked.flatMap(({ query, params }) =>
      query === CQL.readAll ? [told(0, 1), told(2, 5)] : [told(params[2] as number, 9)],
    );
    assert.deepEqual(rows, expected.slice(0, limit));
  });
}

test('an answer without rows is none', async () => {
  const { inbox } = opened(() => undefined);
  assert.deepEqual(await inbox.read('d-1', 3, [], 10), []);
});

test('it is asked whether the ring answers', async () => {
  const { client, inbox } = opened();
  await inbox.probe();
  assert.deepEqual(client.asked, [{ query: CQL.probe, params: [], fetchSize: 1 }]);
});

test('acknowledgements are rows beside it, in pages', async () => {
  const { client, inbox } = opened();
  assert.equal(await inbox.acknowledged('d-1', 3), null);
  assert.deepEqual(client.asked, [
    { query: CQL.acknowledged, params: ['d-1', 3], fetchSize: ACKNOWLEDGEMENT_PAGE },
  ]);
});

test('it is closed with its client', async () => {
  const { client, inbox } = opened();
  await inbox.close();
  assert.equal(client.closed, 1);
});

const failing: readonly (readonly [what: string, error: Error, code: string, again: boolean])[] = [
  ['no reply', LOST, 'CAR623', true],
  ['a request that is refused', REFUSED, 'CAR624', false],
  ['a login', new errors.AuthenticationError('bad'), 'CAR626', false],
];
for (const [what, error, code, retryable] of failing) {
  test(`a read that fails: ${what}`, async () => {
    const { inbox } = opened(() => {
      throw error;
    });
    const where = { at: 'cassandra.inboxes' };
    const expected = code === 'CAR623' ? { code, retryable, where } : { code, retryable };
    await assert.rejects(inbox.read('d-1', 3, [], 10), expected);
  });
}
