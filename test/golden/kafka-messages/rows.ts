/**
 * Messages of Kafka's protocol, in Kafka's own JSON form and as our codecs know them. What Kafka's
 * classes make of the first stands in bytes.json.
 */
import type { Api } from '../../../connectors/kafka/wire/api.ts';
import { FIND_COORDINATOR } from '../../../connectors/kafka/wire/coordinator.ts';
import { FETCH } from '../../../connectors/kafka/wire/fetch-request.ts';
import {
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  SYNC_GROUP,
} from '../../../connectors/kafka/wire/group-requests.ts';
import { INIT_PRODUCER_ID } from '../../../connectors/kafka/wire/init-producer-id.ts';
import { LIST_OFFSETS } from '../../../connectors/kafka/wire/list-offsets.ts';
import { METADATA } from '../../../connectors/kafka/wire/metadata-request.ts';
import { PRODUCE } from '../../../connectors/kafka/wire/produce-request.ts';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  TXN_OFFSET_COMMIT,
} from '../../../connectors/kafka/wire/transaction-requests.ts';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [k: string]: Json };

export interface MessageRow {
  readonly api: Api<never, unknown>;
  readonly kind: 'request' | 'response';
  /** All versions by default. */
  readonly versions?: readonly number[];
  /** What is asked; of a response what it answers. */
  readonly args?: unknown;
  readonly message: (version: number) => Json;
  /** What a response is read as. */
  readonly answer?: (version: number) => unknown;
}

const request = <A>(
  api: Api<A, unknown>,
  args: A,
  message: (version: number) => Json,
): MessageRow => ({ api, kind: 'request', args, message });

const response = <A, B>(
  api: Api<A, B>,
  message: (version: number) => Json,
  answer: (version: number) => B,
  args?: A,
): MessageRow => ({ api, kind: 'response', args, message, answer });

/** Kafka's JSON writes ids in Base64, our codecs hexadecimal digits. */
const ID = '00112233445566778899aabbccddeeff';
const ID64 = Buffer.from(ID, 'hex').toString('base64url');
const NO_ID64 = Buffer.alloc(16).toString('base64url');
const OTHER_ID = 'ff'.repeat(16);

const OWNER = { transactionalId: 'tx-ü', producerId: 2 ** 40 + 7, epoch: 300 };
const MEMBER = { group: 'g', memberId: 'm-1', generation: 70_000 };
const LARGE = Buffer.alloc(3_000, 0xa5);
const SMALL = Buffer.from('records');
const FAR = 2 ** 52 + 1;

const offset = (partitionIndex: number, committedOffset: number, committedMetadata: string) => ({
  partitionIndex,
  committedOffset,
  committedLeaderEpoch: -1,
  committedMetadata,
});
const OFFSETS = [
  { topic: 'a', partition: 0, offset: FAR, metadata: 'carillon.state;ab;' },
  { topic: 'b', partition: 300, offset: 0, metadata: '' },
  { topic: 'a', partition: 1, offset: 5, metadata: 'x'.repeat(200) },
];
const OFFSETS_JSON = [
  {
    name: 'a',
    partitions: [offset(0, FAR, 'carillon.state;ab;'), offset(1, 5, 'x'.repeat(200))],
  },
  { name: 'b', partitions: [offset(300, 0, '')] },
];
const PARTITIONS = [
  { topic: 'a', partition: 1 },
  { topic: 'a', partition: 0 },
  { topic: 'b', partition: 2 },
];

/** A list of partitions with a code each, as several answers have it. */
const codes = (list: string, of: string, index: string, code: string, ...all: number[]) => ({
  throttleTimeMs: 11,
  [list]: [
    { name: 'a', [of]: all.map((errorCode, p) => ({ [index]: p, [code]: errorCode })) },
    { name: 'b', [of]: [] },
  ],
});

const WANTED = [
  { topic: 'a', partition: 3, offset: FAR, topicId: ID, maxBytes: 77 },
  { topic: 'a', partition: 4, offset: 0, topicId: ID },
  { topic: 'b', partition: 0, offset: 9, topicId: OTHER_ID },
];
const BY_ID = 13;
const named = (version: number, topic: string, id: string, key: string): { [k: string]: Json } =>
  version >= BY_ID ? { topicId: Buffer.from(id, 'hex').toString('base64url') } : { [key]: topic };
const fetchPartition = (partition: number, fetchOffset: number, partitionMaxBytes: number) => ({
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
  partitionMaxBytes,
});
const fetchMessage =
  (isolationLevel: number) =>
  (version: number): Json => ({
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 5_000_000,
    isolationLevel,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        ...named(version, 'a', ID, 'topic'),
        partitions: [fetchPartition(3, FAR, 77), fetchPartition(4, 0, 1024 * 1024)],
      },
      {
        ...named(version, 'b', OTHER_ID, 'topic'),
        partitions: [fetchPartition(0, 9, 1024 * 1024)],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  });
const ask = { wanted: WANTED, maxWaitMs: 500, minBytes: 1, maxBytes: 5_000_000 };

const joinMessage = (errorCode: number) => () => ({
  throttleTimeMs: 2,
  errorCode,
  generationId: 8,
  protocolType: 'consumer',
  protocolName: errorCode === 0 ? 'carillon' : null,
  leader: 'm-1',
  memberId: 'm-2',
  members: [
    { memberId: 'm-1', groupInstanceId: null, metadata: SMALL.toString('base64') },
    { memberId: 'm-2', groupInstanceId: 'i', metadata: '' },
  ],
});
const joined = (code: number, isOnlyId: boolean, protocol: string) => () => ({
  throttleMs: 2,
  code,
  generation: 8,
  protocol,
  leader: 'm-1',
  memberId: 'm-2',
  isOnlyId,
  members: [
    { memberId: 'm-1', subscription: SMALL },
    { memberId: 'm-2', subscription: Buffer.alloc(0) },
  ],
});

const fetchedOffset = (
  partitionIndex: number,
  committed: number,
  metadata: Json,
  errorCode: number,
) => ({
  partitionIndex,
  committedOffset: committed,
  committedLeaderEpoch: 4,
  metadata,
  errorCode,
});
const offsetFetchAnswer = (errorCode: number, failed: number) => () => ({
  throttleTimeMs: 3,
  topics: [
    {
      name: 'a',
      partitions: [fetchedOffset(0, FAR, 'm', 0), fetchedOffset(1, -1, '', failed)],
    },
  ],
  errorCode,
});
const offsetsFetched = (code: number) => () => ({
  throttleMs: 3,
  code,
  offsets: [
    { topic: 'a', partition: 0, offset: FAR, metadata: 'm' },
    { topic: 'a', partition: 1, offset: -1, metadata: '' },
  ],
});

const metadataPartition = (errorCode: number, partitionIndex: number, leaderId: number) => ({
  errorCode,
  partitionIndex,
  leaderId,
  leaderEpoch: 3,
  replicaNodes: [1, 2],
  isrNodes: [1],
  offlineReplicas: [],
});

export const MESSAGES: readonly MessageRow[] = [
  request(FIND_COORDINATOR, { key: 'g-ü', kind: 1 }, () => ({ key: 'g-ü', keyType: 1 })),
  response(
    FIND_COORDINATOR,
    () => ({
      throttleTimeMs: 5,
      errorCode: 15,
      errorMessage: 'not yet',
      nodeId: 3,
      host: 'h',
      port: 9092,
    }),
    () => ({ throttleMs: 5, code: 15, node: 3 }),
  ),
  request(METADATA, ['a', 'ü'], (version) => ({
    topics: ['a', 'ü'].map((name) => ({ topicId: NO_ID64, name })),
    allowAutoTopicCreation: false,
    ...(version <= 10 ? { includeClusterAuthorizedOperations: false } : {}),
    includeTopicAuthorizedOperations: false,
  })),
  response(
    METADATA,
    (version) => ({
      throttleTimeMs: 0,
      brokers: [
        { nodeId: 1, host: 'one', port: 9092, rack: null },
        { nodeId: 2, host: 'two', port: 9093, rack: 'r' },
      ],
      clusterId: 'c',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 'a',
          topicId: ID64,
          isInternal: false,
          partitions: [metadataPartition(0, 2, 2), metadataPartition(5, 0, -1)],
          topicAuthorizedOperations: -2147483648,
        },
        {
          errorCode: 3,
          name: 'gone',
          topicId: NO_ID64,
          isInternal: false,
          partitions: [],
          topicAuthorizedOperations: -2147483648,
        },
      ],
      ...(version <= 10 ? { clusterAuthorizedOperations: -2147483648 } : {}),
    }),
    () => ({
      brokers: new Map([
        [1, { host: 'one', port: 9092 }],
        [2, { host: 'two', port: 9093 }],
      ]),
      topics: [{ name: 'a', id: ID, leaders: [-1, -1, 2] }],
      failed: new Map([['gone', 'UNKNOWN_TOPIC_OR_PARTITION']]),
    }),
  ),
  request(
    LIST_OFFSETS,
    {
      reads: 'committed',
      questions: [
        { topic: 'a', partition: 0, at: 'start' },
        { topic: 'b', partition: 1, at: 'end' },
        { topic: 'a', partition: 2, at: 1_800_000_000_000 },
      ],
    },
    () => ({
      replicaId: -1,
      isolationLevel: 1,
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2 },
            { partitionIndex: 2, currentLeaderEpoch: -1, timestamp: 1_800_000_000_000 },
          ],
        },
        { name: 'b', partitions: [{ partitionIndex: 1, currentLeaderEpoch: -1, timestamp: -1 }] },
      ],
    }),
  ),
  request(LIST_OFFSETS, { reads: 'written', questions: [] }, () => ({
    replicaId: -1,
    isolationLevel: 0,
    topics: [],
  })),
  response(
    LIST_OFFSETS,
    () => ({
      throttleTimeMs: 1,
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, errorCode: 0, timestamp: -1, offset: FAR, leaderEpoch: 2 },
            { partitionIndex: 1, errorCode: 6, timestamp: -1, offset: -1, leaderEpoch: -1 },
          ],
        },
      ],
    }),
    () => ({
      throttleMs: 1,
      offsets: new Map([
        ['a/0', { code: 0, offset: FAR }],
        ['a/1', { code: 6, offset: -1 }],
      ]),
    }),
  ),
  request(FETCH, { ...ask, readCommitted: true }, fetchMessage(1)),
  request(FETCH, { ...ask, readCommitted: false }, fetchMessage(0)),
  response(
    FETCH,
    (version) => ({
      throttleTimeMs: 9,
      errorCode: 0,
      sessionId: 0,
      responses: [
        {
          ...named(version, 'b', OTHER_ID, 'topic'),
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 6,
              highWatermark: -1,
              lastStableOffset: -1,
              logStartOffset: -1,
              abortedTransactions: null,
              preferredReadReplica: -1,
              records: null,
            },
          ],
        },
        {
          ...named(version, 'a', ID, 'topic'),
          partitions: [4, 3, 8].map((partitionIndex) => ({
            partitionIndex,
            errorCode: 0,
            highWatermark: FAR,
            lastStableOffset: FAR - 1,
            logStartOffset: 2,
            abortedTransactions: [{ producerId: 2 ** 40, firstOffset: 4 }],
            preferredReadReplica: -1,
            records: null,
          })),
        },
      ],
    }),
    () => ({
      throttleMs: 9,
      code: 0,
      partitions: [
        {
          wanted: WANTED[2]!,
          code: 6,
          highWatermark: -1,
          lastStableOffset: -1,
          logStartOffset: -1,
          aborted: [],
          bytes: Buffer.alloc(0),
        },
        // Partition 8 was not asked for.
        ...[WANTED[1]!, WANTED[0]!].map((wanted) => ({
          wanted,
          code: 0,
          highWatermark: FAR,
          lastStableOffset: FAR - 1,
          logStartOffset: 2,
          aborted: [{ producerId: 2 ** 40, firstOffset: 4 }],
          bytes: Buffer.alloc(0),
        })),
      ],
    }),
    { ...ask, readCommitted: true },
  ),
  response(
    PRODUCE,
    () => ({
      responses: [
        {
          name: 'a',
          partitionResponses: [
            {
              index: 2,
              errorCode: 0,
              baseOffset: FAR,
              logAppendTimeMs: -1,
              logStartOffset: 0,
              recordErrors: [],
              errorMessage: null,
            },
            {
              index: 3,
              errorCode: 87,
              baseOffset: -1,
              logAppendTimeMs: -1,
              logStartOffset: -1,
              recordErrors: [
                { batchIndex: 0, batchIndexErrorMessage: null },
                { batchIndex: 1, batchIndexErrorMessage: 'no key' },
              ],
              errorMessage: null,
            },
            {
              index: 4,
              errorCode: 87,
              baseOffset: -1,
              logAppendTimeMs: -1,
              logStartOffset: -1,
              recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }],
              errorMessage: 'refused',
            },
          ],
        },
      ],
      throttleTimeMs: 6,
    }),
    () => ({
      throttleMs: 6,
      partitions: [
        { topic: 'a', partition: 2, code: 0, baseOffset: FAR, why: '' },
        { topic: 'a', partition: 3, code: 87, baseOffset: -1, why: 'no key' },
        { topic: 'a', partition: 4, code: 87, baseOffset: -1, why: 'refused' },
      ],
    }),
  ),
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
  request(TXN_OFFSET_COMMIT, { owner: OWNER, of: { ...MEMBER, offsets: OFFSETS } }, () => ({
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
    TXN_OFFSET_COMMIT,
    () => codes('topics', 'partitions', 'partitionIndex', 'errorCode', 0, 22) as Json,
    () => ({ throttleMs: 11, code: 22 }),
  ),
  ...[true, false].map((committed) =>
    request(END_TXN, { owner: OWNER, commit: committed }, () => ({
      transactionalId: OWNER.transactionalId,
      producerId: OWNER.producerId,
      producerEpoch: OWNER.epoch,
      committed,
    })),
  ),
  response(
    END_TXN,
    () => ({ throttleTimeMs: 1, errorCode: 90 }),
    () => ({ throttleMs: 1, code: 90 }),
  ),
  request(
    JOIN_GROUP,
    {
      group: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocol: 'carillon',
      subscription: SMALL,
    },
    () => ({
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'carillon', metadata: SMALL.toString('base64') }],
    }),
  ),
  response(JOIN_GROUP, joinMessage(0), joined(0, false, 'carillon')),
  // An answer, not an error: the id is asked with next.
  response(JOIN_GROUP, joinMessage(79), joined(0, true, '')),
  response(JOIN_GROUP, joinMessage(25), joined(25, false, '')),
  request(
    SYNC_GROUP,
    {
      ...MEMBER,
      protocol: 'carillon',
      assignments: new Map([
        ['m-1', LARGE],
        ['m-2', Buffer.alloc(0)],
      ]),
    },
    () => ({
      groupId: 'g',
      generationId: 70_000,
      memberId: 'm-1',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'carillon',
      assignments: [
        { memberId: 'm-1', assignment: LARGE.toString('base64') },
        { memberId: 'm-2', assignment: '' },
      ],
    }),
  ),
  response(
    SYNC_GROUP,
    () => ({
      throttleTimeMs: 1,
      errorCode: 27,
      protocolType: null,
      protocolName: null,
      assignment: SMALL.toString('base64'),
    }),
    () => ({ throttleMs: 1, code: 27, assignment: SMALL }),
  ),
  request(HEARTBEAT, MEMBER, () => ({
    groupId: 'g',
    generationId: 70_000,
    memberId: 'm-1',
    groupInstanceId: null,
  })),
  response(
    HEARTBEAT,
    () => ({ throttleTimeMs: 1, errorCode: 27 }),
    () => ({ throttleMs: 1, code: 27 }),
  ),
  request(LEAVE_GROUP, { group: 'g', memberId: 'm-1' }, () => ({
    groupId: 'g',
    members: [{ memberId: 'm-1', groupInstanceId: null }],
  })),
  ...(
    [
      [0, 25, 25],
      [16, 25, 16],
      [0, 0, 0],
    ] as const
  ).map(([whole, member, code]) =>
    response(
      LEAVE_GROUP,
      () => ({
        throttleTimeMs: 1,
        errorCode: whole,
        members: [{ memberId: 'm-1', groupInstanceId: null, errorCode: member }],
      }),
      () => ({ throttleMs: 1, code }),
    ),
  ),
  ...[true, false].map((requireStable) =>
    request(OFFSET_FETCH, { group: 'g', partitions: PARTITIONS, requireStable }, () => ({
      groupId: 'g',
      topics: [
        { name: 'a', partitionIndexes: [1, 0] },
        { name: 'b', partitionIndexes: [2] },
      ],
      requireStable,
    })),
  ),
  response(OFFSET_FETCH, offsetFetchAnswer(0, 0), offsetsFetched(0)),
  response(OFFSET_FETCH, offsetFetchAnswer(0, 88), offsetsFetched(88)),
  response(OFFSET_FETCH, offsetFetchAnswer(16, 88), offsetsFetched(16)),
  request(OFFSET_COMMIT, { ...MEMBER, offsets: OFFSETS }, () => ({
    groupId: 'g',
    generationIdOrMemberEpoch: 70_000,
    memberId: 'm-1',
    groupInstanceId: null,
    topics: OFFSETS_JSON,
  })),
  response(
    OFFSET_COMMIT,
    () => codes('topics', 'partitions', 'partitionIndex', 'errorCode', 0, 22, 25) as Json,
    () => ({ throttleMs: 11, code: 22 }),
  ),
];

/** One line a message and version. */
export function* lines(): Generator<{ row: MessageRow; version: number; line: string }> {
  for (const row of MESSAGES) {
    const { api, kind, message } = row;
    for (let version = api.min; version <= api.max; version++) {
      const line = `${kind} ${api.name} ${version} ${JSON.stringify(message(version))}`;
      yield { row, version, line };
    }
  }
}
