import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EachBatchPayload } from 'kafkajs';
import { BatchBuilder } from '../../core/record-batch.ts';
import { fetchedOf, type OutMessage, piecesOf, piecesOfRows, recordOf } from './messages.ts';

type KafkaBatch = EachBatchPayload['batch'];

describe('a batch as messages', () => {
  test('views on its bytes, nothing copied', () => {
    const builder = new BatchBuilder('t', 3);
    const headers = [
      { key: 'h', value: Buffer.from('1') },
      { key: 'h', value: Buffer.from('2') },
    ];
    builder.append(1_000, 'key', Buffer.from('value'), headers);
    builder.append(1_007, null, null);
    builder.append(1_001, '', Buffer.alloc(0));
    const batch = builder.finish();
    const pieces = piecesOf(batch, 5);
    assert.equal(pieces.length, 1);
    assert.equal(pieces[0]!.batch, 5);
    const [first, second, third] = pieces[0]!.messages as OutMessage[];
    assert.equal((first!.key as Buffer).buffer, batch.bytes.buffer);
    assert.equal((first!.value as Buffer).buffer, batch.bytes.buffer);
    assert.deepEqual(
      [first, second, third].map((m) => [
        m!.key?.toString() ?? null,
        m!.value?.toString() ?? null,
        m!.timestamp,
        m!.partition,
      ]),
      [
        ['key', 'value', '1000', 3],
        [null, null, '1007', 3],
        ['', '', '1001', 3],
      ],
    );
    assert.deepEqual(first!.headers, { h: [Buffer.from('1'), Buffer.from('2')] });
  });

  test('large ones are cut by count and by size; the first piece tells the offset', () => {
    const many = new BatchBuilder('t', 0);
    for (let i = 0; i < 2_500; i++) many.append(1, null, Buffer.from('x'));
    const pieces = piecesOf(many.finish(), 0);
    assert.deepEqual(
      pieces.map((piece) => [piece.messages.length, piece.first]),
      [
        [1_000, true],
        [1_000, false],
        [500, false],
      ],
    );
    const wide = new BatchBuilder('t', 0);
    for (let i = 0; i < 5; i++) wide.append(1, null, Buffer.alloc(400_000));
    assert.deepEqual(
      piecesOf(wide.finish(), 0).map((piece) => piece.messages.length),
      [2, 2, 1],
    );
  });

  test('an empty batch is nothing to send', () => {
    assert.deepEqual(piecesOf(new BatchBuilder('t', 0).finish(), 0), []);
  });

  test('rows are records of the changelog, tombstones too', () => {
    const rows = [
      { store: 's', key: Buffer.from('a'), value: Buffer.from('1') },
      { store: 's', key: Buffer.from('b'), value: null },
    ];
    const [piece] = piecesOfRows('changelog', 2, rows, 99);
    assert.deepEqual(
      piece!.messages.map((m) => [m.key, m.value, m.timestamp, m.partition]),
      [
        [rows[0]!.key, rows[0]!.value, '99', 2],
        [rows[1]!.key, null, '99', 2],
      ],
    );
  });
});

describe('a message as a record', () => {
  test('null is told apart from empty', () => {
    const base = { timestamp: '1500', offset: '42', attributes: 0, headers: {} };
    const cases = [
      [null, null, null, true],
      [Buffer.alloc(0), Buffer.alloc(0), '', false],
      [Buffer.from('k'), Buffer.from('v'), 'k', false],
    ] as const;
    for (const [key, value, text, tombstone] of cases) {
      const record = recordOf('t', 1, 42, { ...base, key, value });
      assert.equal(record.key, text);
      assert.equal(record.isTombstone, tombstone);
      assert.deepEqual([record.offset, record.timestamp, record.headers], [42, 1500, null]);
    }
  });

  test('a header that comes twice is two headers', () => {
    const message = { timestamp: '1', offset: '0', attributes: 0, key: null, value: null };
    const record = recordOf('t', 0, 0, { ...message, headers: { h: ['1', Buffer.from('2')] } });
    assert.deepEqual(record.headers, [
      { key: 'h', value: Buffer.from('1') },
      { key: 'h', value: Buffer.from('2') },
    ]);
  });
});

/**
 * A fetched batch as text, one word a record: `b1` is data of the transaction of producer b, `-b`
 * its abort, `+b` its commit, `x1` data outside transactions. `kafkajs` are those that it would
 * hand out.
 */
function fetchedBatch(text: string, kafkajs?: string): KafkaBatch {
  const messages = text.split(' ').map((word, i) => {
    const control = word[0] === '-' || word[0] === '+';
    const producer = control ? word[1]! : word[0]!;
    const marker = Buffer.from([0, 0, 0, word[0] === '+' ? 1 : 0]);
    return {
      offset: String(i + 10),
      timestamp: '1',
      key: control ? marker : null,
      value: Buffer.from(word),
      headers: {},
      attributes: 0,
      isControlRecord: control,
      batchContext: { inTransaction: producer !== 'x', producerId: producer },
    };
  });
  const given = kafkajs?.split(' ') ?? [];
  const batch = {
    topic: 't',
    partition: 0,
    messages: messages.filter((m) =>
      kafkajs === undefined ? !m.isControlRecord : given.includes(m.value.toString()),
    ),
    messagesWithinOffset: messages,
    lastOffset: () => messages.at(-1)!.offset,
  };
  return batch as unknown as KafkaBatch;
}

describe('what of a fetched batch counts', () => {
  const table: readonly [
    what: string,
    log: string,
    records: string,
    next: number,
    kafkajs?: string,
  ][] = [
    ['without transactions all', 'x1 x2 x3', 'x1 x2 x3', 13],
    ['a committed transaction, past its marker', 'a1 a2 +a', 'a1 a2', 13],
    ['an aborted one is passed over', 'x1 a1 -a x2', 'x1 x2', 14],
    // Seen on Kafka 4.3.1 with kafkajs 2.2.4: it hands b1 and b2 out.
    ['aborts of two producers that cross', 'b1 b2 a1 b3 -a b4 -b c1 +c', 'c1', 19],
    ['a producer that aborts, then commits', 'a1 -a a2 +a', 'a2', 14],
    ['a producer that commits, then aborts', 'a1 +a a2 -a', 'a1', 14],
    ['a transaction whose end is not fetched yet waits', 'x1 a1 +a b1 x2', 'x1 a1', 13],
    ['one that crosses the cut keeps its fate', 'x1 a1 b1 -a', 'x1', 12],
    ['a fetch without any end is left to kafkajs', 'a1 a2 a3', 'a1 a2', 13, 'a1 a2'],
  ];
  for (const [what, log, expected, next, kafkajs] of table) {
    test(what, () => {
      const { records, nextOffset } = fetchedOf(fetchedBatch(log, kafkajs), 10);
      assert.equal(records.map((r) => r.valueBytes.toString()).join(' '), expected);
      assert.equal(nextOffset, next);
    });
  }

  test('what was handed out before is not again', () => {
    const { records, nextOffset } = fetchedOf(fetchedBatch('x1 x2 a1 +a'), 11);
    assert.deepEqual(
      records.map((r) => r.offset),
      [11, 12],
    );
    assert.equal(nextOffset, 14);
  });
});
