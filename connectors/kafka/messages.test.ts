import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { type OutMessage, piecesOf } from './messages.ts';

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
});
