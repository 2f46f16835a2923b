import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EachBatchPayload } from 'kafkajs';
import { readBatch } from '../../core/record-batch.ts';
import { fetchedOf } from './fetched.ts';

type KafkaBatch = EachBatchPayload['batch'];

describe('what kafkajs has fetched, as a batch', () => {
  const of = (messages: readonly object[]) =>
    ({
      topic: 't',
      partition: 1,
      messages,
      messagesWithinOffset: messages,
      lastOffset: () => '60',
    }) as unknown as KafkaBatch;

  test('null is told apart from empty; offsets, times and headers stay', () => {
    const headers = { h: ['1', Buffer.from('2')], g: Buffer.from('3') };
    const messages = [
      { offset: '42', timestamp: '1500', key: null, value: null, headers: {} },
      { offset: '43', timestamp: '1400', key: Buffer.alloc(0), value: Buffer.alloc(0) },
      { offset: '60', timestamp: '1501', key: Buffer.from('k'), value: Buffer.from('v'), headers },
    ];
    const batch = fetchedOf(of(messages), 40);
    assert.deepEqual(
      readBatch(batch).map((r) => [
        r.offset,
        r.timestamp,
        r.key,
        r.valueBytes?.toString() ?? null,
        (r.headers ?? []).map(({ key, value }) => `${key}=${value}`),
      ]),
      [
        [42, 1500, null, null, []],
        [43, 1400, '', '', []],
        [60, 1501, 'k', 'v', ['h=1', 'h=2', 'g=3']],
      ],
    );
    assert.deepEqual([batch.topic, batch.partition, batch.nextOffset], ['t', 1, 61]);
  });

  test('a client that tells no more than the messages is believed', () => {
    const messages = [{ offset: '42', timestamp: '1', key: null, value: Buffer.from('v') }];
    const { messagesWithinOffset: _, ...plain } = of(messages) as unknown as {
      messagesWithinOffset: unknown;
    };
    const batch = fetchedOf(plain as unknown as KafkaBatch, 40);
    assert.deepEqual(
      readBatch(batch).map((r) => [r.offset, String(r.valueBytes)]),
      [[42, 'v']],
    );
    assert.equal(batch.nextOffset, 61);
  });

  test('large ones too', () => {
    const value = Buffer.alloc(3_000, 7);
    const messages = Array.from({ length: 900 }, (_, i) => ({
      offset: String(i * 3),
      timestamp: '1',
      key: Buffer.from(`k${i}`),
      value,
    }));
    const records = readBatch(fetchedOf(of(messages), 0));
    assert.deepEqual([records.length, records.at(-1)!.offset], [900, 2_697]);
    assert.deepEqual(records.at(-1)!.valueBytes, value);
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
      const batch = fetchedOf(fetchedBatch(log, kafkajs), 10);
      assert.equal(
        readBatch(batch)
          .map((r) => r.valueBytes?.toString())
          .join(' '),
        expected,
      );
      assert.equal(batch.nextOffset, next);
    });
  }

  test('what was handed out before is not again, and offsets stay as they are', () => {
    const batch = fetchedOf(fetchedBatch('x1 x2 a1 -a x3 x4'), 11);
    assert.deepEqual(
      readBatch(batch).map((r) => r.offset),
      [11, 14, 15],
    );
    assert.deepEqual([batch.from, batch.baseOffset, batch.nextOffset], [11, 11, 16]);
  });

  test('without any record that counts only the position moves', () => {
    const batch = fetchedOf(fetchedBatch('a1 a2 -a'), 10);
    assert.deepEqual(readBatch(batch), []);
    assert.deepEqual([batch.bytes.length, batch.from, batch.nextOffset], [0, 10, 13]);
  });
});
