import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INIT_PRODUCER_ID, type InitProducerIdRequest } from './init-producer-id.ts';
import { RequestWriter } from './request-writer.ts';

const NONE = 'ffffffffffffffffffff';
const rows: readonly [what: string, request: InitProducerIdRequest, hex: string][] = [
  [
    'a new identity, without transactions',
    { transactionalId: null, transactionTimeoutMs: 1, after: null },
    `00 00000001 ${NONE} 00`,
  ],
  [
    'a new one for a transactional id',
    { transactionalId: 'ab', transactionTimeoutMs: 60_000, after: null },
    `03 6162 0000ea60 ${NONE} 00`,
  ],
  [
    'the one that follows another',
    { transactionalId: 'ab', transactionTimeoutMs: 1, after: { producerId: 258, epoch: 3 } },
    '03 6162 00000001 0000000000000102 0003 00',
  ],
];

for (const [what, request, hex] of rows) {
  test(`InitProducerId asks for ${what}`, () => {
    const writer = new RequestWriter();
    INIT_PRODUCER_ID.write(writer, request, INIT_PRODUCER_ID.max);
    const bytes = Buffer.concat(writer.done()).toString('hex');
    assert.equal(bytes, hex.replaceAll(' ', ''));
  });
}
