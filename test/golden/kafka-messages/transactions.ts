/** Producers and transactions. */
import { INIT_PRODUCER_ID } from '../../../connectors/kafka/wire/init-producer-id.ts';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  END_TXN_AND_BUMP,
  TXN_OFFSET_COMMIT,
  TXN_OFFSET_COMMIT_AND_ADD,
} from '../../../connectors/kafka/wire/transaction-requests.ts';
import {
  codes,
  FAR,
  type Json,
  MEMBER,
  type MessageRow,
  OFFSETS,
  OFFSETS_JSON,
  PARTITIONS,
  request,
  response,
} from './message.ts';

const OWNER = { transactionalId: 'tx-ü', producerId: 2 ** 40 + 7, epoch: 300 };

export const TRANSACTION_MESSAGES: readonly MessageRow[] = [
  request(
    INIT_PRODUCER_ID,
    { transactionalId: 'tx', transactionTimeoutMs: 60_000, after: null },
    () => ({
      transactionalId: 'tx',
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    }),
  ),
  request(
    INIT_PRODUCER_ID,
    { transactionalId: null, transactionTimeoutMs: 1, after: { producerId: FAR, epoch: 9 } },
    () => ({
      transactionalId: null,
      transactionTimeoutMs: 1,
      producerId: FAR,
      producerEpoch: 9,
    }),
  ),
  response(
    INIT_PRODUCER_ID,
    () => ({ throttleTimeMs: 4, errorCode: 51, producerId: FAR, producerEpoch: 32_000 }),
    () => ({ throttleMs: 4, code: 51, producerId: FAR, epoch: 32_000 }),
  ),
  request(ADD_PARTITIONS_TO_TXN, { owner: OWNER, partitions: PARTITIONS }, () => ({
    v3AndBelowTransactionalId: OWNER.transactionalId,
    v3AndBelowProducerId: OWNER.producerId,
    v3AndBelowProducerEpoch: OWNER.epoch,
    v3AndBelowTopics: [
      { name: 'a', partitions: [1, 0] },
      { name: 'b', partitions: [2] },
    ],
  })),
  ...(
    [
      [[0, 0], 0],
      [[0, 48], 48],
      // The others were not even tried because of one.
      [[55, 48, 55], 48],
    ] as const
  ).map(([all, code]) =>
    response(
      ADD_PARTITIONS_TO_TXN,
      () => {
        const of = codes(
          'resultsByTopicV3AndBelow',
          'resultsByPartition',
          'partitionIndex',
          'partitionErrorCode',
          ...all,
        );
        return of as Json;
      },
      () => ({ throttleMs: 11, code }),
    ),
  ),
  request(ADD_OFFSETS_TO_TXN, { owner: OWNER, group: 'g' }, () => ({
    transactionalId: OWNER.transactionalId,
    producerId: OWNER.producerId,
    producerEpoch: OWNER.epoch,
    groupId: 'g',
  })),
  response(
    ADD_OFFSETS_TO_TXN,
    () => ({ throttleTimeMs: 1, errorCode: 16 }),
    () => ({ throttleMs: 1, code: 16 }),
  ),
  ...[TXN_OFFSET_COMMIT, TXN_OFFSET_COMMIT_AND_ADD].flatMap((api) => [
    request(api, { owner: OWNER, of: { ...MEMBER, offsets: OFFSETS } }, () => ({
      transactionalId: OWNER.transactionalId,
      groupId: 'g',
      producerId: OWNER.producerId,
      producerEpoch: OWNER.epoch,
      generationId: 70_000,
      memberId: 'm-1',
      groupInstanceId: null,
      topics: OFFSETS_JSON,
    })),
    response(
      api,
      () => codes('topics', 'partitions', 'partitionIndex', 'errorCode', 0, 22) as Json,
      () => ({ throttleMs: 11, code: 22 }),
    ),
  ]),
  ...[true, false].flatMap((commit) =>
    [END_TXN, END_TXN_AND_BUMP].map((api) =>
      request(api, { owner: OWNER, commit }, () => ({
        transactionalId: OWNER.transactionalId,
        producerId: OWNER.producerId,
        producerEpoch: OWNER.epoch,
        committed: commit,
      })),
    ),
  ),
  response(
    END_TXN,
    () => ({ throttleTimeMs: 1, errorCode: 90 }),
    () => ({ throttleMs: 1, code: 90 }),
  ),
  response(
    END_TXN_AND_BUMP,
    () => ({ throttleTimeMs: 1, errorCode: 0, producerId: FAR, producerEpoch: 32_001 }),
    () => ({ throttleMs: 1, code: 0, next: { producerId: FAR, epoch: 32_001 } }),
  ),
];
